//! `contents.json`: every file that bootsmith adds, with its digest.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

use super::Payload;

/// One file of the payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentsEntry {
    /// The absolute path in the image.
    pub path: String,
    /// The permissions, octal, four digits.
    pub mode: String,
    /// The length in bytes.
    pub size: u64,
    /// The digest of the bytes.
    pub sha256: String,
}

/// All payload files so far, sorted by path, as JSON with one entry a line.
pub(super) fn list(payload: &Payload) -> Vec<u8> {
    let trees = [&payload.entrypoint, &payload.scripts, &payload.environments];
    let mut entries: Vec<_> = trees
        .into_iter()
        .flat_map(super::super::tree::FileTree::iter)
        .map(|(path, file)| ContentsEntry {
            path: format!("/{path}"),
            mode: format!("{:04o}", file.mode.bits()),
            size: file.bytes.len() as u64,
            sha256: Digest::of(&file.bytes).hex(),
        })
        .collect();
    entries.sort_by(|left, right| left.path.cmp(&right.path));
    let lines: Vec<_> =
        entries.iter().map(|entry| serde_json::to_string(entry).expect("texts and numbers are JSON")).collect();
    format!("[\n{}\n]\n", lines.join(",\n")).into_bytes()
}
