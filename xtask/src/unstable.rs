//! Programs of Debian's unstable distribution, unpacked into a folder and not installed: what the stable one is too old for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{command, packages, project};

/// Where a program is: in `PATH`, or taken out of the package of its name.
pub(crate) fn ensure(program: &str) -> Result<PathBuf> {
    if let Some(found) = command::find(program) {
        return Ok(found);
    }
    let ours = project::target().join("tools/unstable").join(program);
    if !ours.is_file() {
        println!("fetching {program}");
        fetch(program, &ours).with_context(|| format!("cannot fetch {program}"))?;
    }
    Ok(ours)
}

fn fetch(program: &str, to: &Path) -> Result<()> {
    packages::ensure(&[packages::MMDEBSTRAP, packages::KEYRING])?;
    let work = tempfile::tempdir()?;
    let system = work.path().join("system.tar");
    let mut mmdebstrap = Command::new("mmdebstrap");
    // A mirror that is a snapshot is as old as it is.
    mmdebstrap.args(["--quiet", "--variant=extract", "--aptopt=Acquire::Check-Valid-Until \"false\""]);
    command::output(mmdebstrap.arg(format!("--include={program}")).arg("sid").arg(&system))?;
    let inside = format!("./usr/bin/{program}");
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(&system).arg("--directory").arg(work.path());
    command::output(tar.arg(&inside))?;
    fs::create_dir_all(to.parent().expect("a path in a folder"))?;
    // Under another name first: what was not copied whole is not there.
    let fresh = to.with_extension("new");
    fs::copy(work.path().join(inside), &fresh)?;
    Ok(fs::rename(fresh, to)?)
}
