//! Programs of Debian's unstable distribution, unpacked into `target/tools/bin` and not installed: what the stable one lacks or is too old for.
//!
//! Takes in names of programs, each in a package of its own name; gives out where they are. Tests find them in their `PATH`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::{command, packages, tools};

/// Clients of registries and of OCI layouts, written in Go.
pub(crate) const CLIENTS: &[&str] = &["crane", "oras"];

/// Fetches the programs that are neither in `PATH` nor here.
pub(crate) fn ensure(programs: &[&str]) -> Result<()> {
    let missing: Vec<_> = programs.iter().copied().filter(|program| find(program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("fetching {} from Debian unstable", missing.join(", "));
    fetch(&missing).with_context(|| format!("cannot fetch {}", missing.join(", ")))
}

/// Where a program is: in `PATH`, or where [`ensure()`] has put it.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let ours = || Some(tools::programs().join(program)).filter(|path| path.is_file());
    command::find(program).or_else(ours)
}

/// All at once: what takes long is the list of all packages.
fn fetch(programs: &[&str]) -> Result<()> {
    packages::ensure(&[packages::MMDEBSTRAP, packages::KEYRING])?;
    let work = tempfile::tempdir()?;
    let system = work.path().join("system.tar");
    let mut mmdebstrap = Command::new("mmdebstrap");
    // A mirror that is a snapshot is as old as it is.
    mmdebstrap.args(["--quiet", "--variant=extract", "--aptopt=Acquire::Check-Valid-Until \"false\""]);
    command::output(mmdebstrap.arg(format!("--include={}", programs.join(","))).arg("sid").arg(&system))?;
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(&system).arg("--directory").arg(work.path());
    command::output(tar.args(programs.iter().map(|program| inside(program))))?;
    let placed: Vec<_> = programs.iter().map(|program| place(&work.path().join(inside(program)), program)).collect();
    placed.into_iter().collect()
}

/// Where a program is in its package.
fn inside(program: &str) -> String {
    format!("./usr/bin/{program}")
}

/// A program of tomorrow may want a C library that this machine does not have: one that does not start is as good as none.
fn place(unpacked: &Path, program: &str) -> Result<()> {
    let starts = command::succeeds(Command::new(unpacked).arg("version"));
    ensure!(starts, "the {program} of Debian unstable does not start on this machine");
    let folder = tools::programs();
    fs::create_dir_all(&folder)?;
    // Under another name first: what was not copied whole is not there.
    let fresh = folder.join(format!("{program}.new"));
    fs::copy(unpacked, &fresh)?;
    Ok(fs::rename(fresh, folder.join(program))?)
}
