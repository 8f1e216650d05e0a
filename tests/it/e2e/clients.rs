//! crane and oras, clients of registries and of OCI layouts: whether a test has them, and what they take.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::engine::{Surroundings, surroundings};
use crate::skip;

/// The surroundings of a test that needs one of them, or `None` where something is missing and nobody insists.
pub(crate) fn surroundings_with(program: &str) -> Option<Surroundings> {
    let surroundings = surroundings()?;
    if Command::new(program).arg("version").output().is_ok_and(|output| output.status.success()) {
        return Some(surroundings);
    }
    skip::missing(format!("{program} is missing: `cargo xtask e2e` provides it"));
    None
}

/// An OCI layout in a tar, as the folder that crane takes.
pub(crate) fn untar(tarball: &Path, folder: &Path) {
    fs::create_dir(folder).expect("room");
    tar::Archive::new(fs::File::open(tarball).expect("a tarball")).unpack(folder).expect("a tar");
}
