//! Programs of the Python index that hold what is rendered against the rules of others.
//!
//! They go into `target/python`, a virtual environment; tests look for them in its `bin`, and say so when they are not there.

use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};

use crate::{command, project, up_to_date};

/// The packages, at the versions that the tests were written with.
const PACKAGES: &[&str] = &["checkov==3.3.30", "compose-lint==0.36.2", "kubernetes-validate==1.37.0"];

/// Who comes second finds them there.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Installs the packages unless they are there.
pub(crate) fn ensure() -> Result<()> {
    let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = project::target().join("python");
    let program = folder.join("bin/python");
    let inputs = PACKAGES.join("\n");
    if up_to_date::is_fresh(&program, &inputs) {
        return Ok(());
    }
    if command::find("python3").is_none() {
        bail!("missing on this machine: python3\nhint: as root on Debian, run: apt-get install python3-venv");
    }
    println!("installing {} into {}", PACKAGES.join(", "), folder.display());
    command::output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        .context("cannot make a virtual environment")?;
    let mut pip = Command::new(&program);
    command::output(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES))
        .context("cannot install from PyPI")?;
    up_to_date::remember(&program, &inputs)
}
