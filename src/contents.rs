//! `contents.json`: every file that an image brings, with its hash.
//!
//! Takes in a [`FileTree`]; gives out the list that goes into the image together with the files, and that `verify` compares them with.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::tree::FileTree;

/// Where the list is in an image; it does not list itself.
pub const CONTENTS_PATH: &str = "bootstrap/spec/contents.json";

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentsEntry {
    /// The path in the image, without a leading slash.
    pub path: String,
    /// The permissions in octal: `0644` or `0755`.
    pub mode: String,
    /// How many bytes there are.
    pub size: u64,
    /// The SHA-256 of the bytes, 64 hexadecimal characters, as `sha256sum` prints it.
    pub sha256: String,
}

impl ContentsEntry {
    /// Describes a file.
    pub fn new(path: &str, mode: u32, size: u64, digest: Digest) -> Self {
        Self { path: path.to_owned(), mode: format!("{mode:04o}"), size, sha256: digest.hex() }
    }
}

/// The list of a tree, in the order of the tree.
pub fn list(tree: &FileTree) -> Vec<ContentsEntry> {
    let entry = |(path, file): (&crate::path::RelativePath, &crate::tree::File)| {
        let size = file.bytes.len() as u64;
        ContentsEntry::new(path.as_str(), file.mode.bits(), size, Digest::of(&file.bytes))
    };
    tree.iter().map(entry).collect()
}

/// The list as the document that goes into the image: a JSON array, one file a line.
///
/// # Panics
///
/// Never: an entry has string keys, and so is always writable as JSON.
pub fn to_json(entries: &[ContentsEntry]) -> String {
    let line = |entry| serde_json::to_string(entry).expect("an entry has string keys");
    let lines: Vec<_> = entries.iter().map(line).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::RelativePath;
    use crate::tree::{File, Mode};

    #[test]
    fn every_file_has_a_line() {
        let mut tree = FileTree::default();
        for (path, mode) in [("bootstrap/b", Mode::Plain), ("bootstrap/a", Mode::Executable)] {
            let path = RelativePath::parse(path).expect("a path of the test");
            tree.insert(path, File { mode, bytes: b"x".as_slice().into() }).expect("a path of its own");
        }
        let of_x = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
        assert_eq!(
            to_json(&list(&tree)),
            format!(
                "[\n{{\"path\":\"bootstrap/a\",\"mode\":\"0755\",\"size\":1,\"sha256\":\"{of_x}\"}},\n\
                 {{\"path\":\"bootstrap/b\",\"mode\":\"0644\",\"size\":1,\"sha256\":\"{of_x}\"}}\n]\n"
            )
        );
    }
}
