//! How much a deployment of this release would leave in the ledger of a target.
//!
//! Takes in a payload; gives out a fault for every environment whose record a target could not keep.

use std::io;

use crate::diagnostic::Code;
use crate::document::Context;
use crate::epoch::Epoch;
use crate::layer::{self, PackError};
use crate::name::Label;
use crate::plan::{Plan, Platform};
use crate::render::{Payload, ROOT};
use crate::tree::FileTree;

/// The longest record. A Swarm config had 500 KB before 2022, a Secret of Kubernetes has 1 MiB; what the target adds (images, parameters,
/// what it has run) needs room too.
const MAX_RECORD_BYTES: u64 = 450_000;

/// How many of the biggest files are named.
const NAMED: usize = 3;

/// Looks at what every environment would record.
pub(super) fn check(
    plan: &Plan,
    platform: Platform,
    payload: &Payload,
    context: &mut Context,
) -> Result<(), PackError> {
    for environment in &plan.environments {
        let record = record(&environment.name, payload);
        if may_be_too_large(&record) {
            check_packed(&environment.name, platform, &record, context)?;
        }
    }
    Ok(())
}

/// What the entrypoint keeps of an image: the environment, and what may be run in it.
fn record(environment: &Label, payload: &Payload) -> FileTree {
    let folders =
        [format!("{ROOT}/environments/{environment}/"), format!("{ROOT}/scripts/"), format!("{ROOT}/migrations/")];
    let files = payload.environments.iter().chain(payload.scripts.iter());
    let mut record = FileTree::default();
    for (path, file) in files.filter(|(path, _)| folders.iter().any(|folder| path.as_str().starts_with(folder))) {
        record.insert(path.clone(), file.clone()).expect("two trees of a payload share no path");
    }
    record
}

/// A tar of this size cannot have become longer by compression; most releases are far below, and need not be packed.
fn may_be_too_large(record: &FileTree) -> bool {
    const HEADERS: u64 = 4 * 512;
    let size: u64 = record.iter().map(|(_, file)| file.bytes.len() as u64 + HEADERS).sum();
    size > MAX_RECORD_BYTES / 10 * 9
}

fn check_packed(
    environment: &Label,
    platform: Platform,
    record: &FileTree,
    context: &mut Context,
) -> Result<(), PackError> {
    let size = packed_size(record)?;
    if size <= MAX_RECORD_BYTES {
        return Ok(());
    }
    let mut files = Vec::new();
    for (path, file) in record.iter() {
        let mut alone = FileTree::default();
        alone.insert(path.clone(), file.clone()).expect("one path");
        files.push((packed_size(&alone)?, path));
    }
    files.sort_by(|left, right| right.cmp(left));
    let biggest: Vec<_> = files.iter().take(NAMED).map(|(size, path)| format!("`{path}` with {size}")).collect();
    let message = format!(
        "a record of environment `{environment}` on {} would have {size} bytes, compressed; a target keeps {MAX_RECORD_BYTES}",
        platform.title()
    );
    let hint = format!("the biggest are {}; big files belong into an image or into a volume", biggest.join(", "));
    context.error(Code::RECORD_TOO_LARGE, None, message, hint);
    Ok(())
}

/// Compressed as layers are.
fn packed_size(tree: &FileTree) -> Result<u64, PackError> {
    Ok(layer::pack(tree, Epoch::default(), io::sink())?.blob.size)
}
