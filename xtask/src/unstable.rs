//! Programs of Debian's unstable distribution, unpacked into a folder and not installed: what the stable one is too old for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{command, packages, project};

/// Takes programs out of packages of the same name, and gives out the folder that they are in.
pub(crate) fn ensure(programs: &[&str]) -> Result<PathBuf> {
    let folder = project::target().join("tools/unstable");
    let missing: Vec<_> = programs.iter().copied().filter(|program| !folder.join(program).is_file()).collect();
    if !missing.is_empty() {
        println!("fetching {}", missing.join(" "));
        fetch(&missing, &folder).with_context(|| format!("cannot fetch {}", missing.join(" ")))?;
    }
    Ok(folder)
}

fn fetch(programs: &[&str], folder: &Path) -> Result<()> {
    packages::ensure(&[packages::MMDEBSTRAP, packages::KEYRING])?;
    let work = tempfile::tempdir()?;
    let system = work.path().join("system.tar");
    let mut mmdebstrap = Command::new("mmdebstrap");
    // A mirror that is a snapshot is as old as it is.
    mmdebstrap.args(["--quiet", "--variant=extract", "--aptopt=Acquire::Check-Valid-Until \"false\""]);
    mmdebstrap.arg(format!("--include={}", programs.join(","))).arg("sid").arg(&system);
    command::output(&mut mmdebstrap)?;
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(&system).arg("--directory").arg(work.path());
    command::output(tar.args(programs.iter().map(|program| format!("./usr/bin/{program}"))))?;
    fs::create_dir_all(folder)?;
    for program in programs {
        fs::copy(work.path().join("usr/bin").join(program), folder.join(program))?;
    }
    Ok(())
}
