//! Programs that tasks need and a bare machine lacks.
//!
//! Takes in names of Debian packages; installs those that are missing when it may, else says exactly what to install.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail};

use crate::command;

/// A Debian package and a file that is there when the package is.
#[derive(Clone, Copy)]
pub(crate) struct Package {
    name: &'static str,
    proof: Proof,
}

#[derive(Clone, Copy)]
enum Proof {
    Program(&'static str),
    /// A shell that looks for tools in `PATH` before it takes its own: a test puts others there. `busybox-static` takes its own.
    ShellOfPath(&'static str),
    File(&'static str),
}

pub(crate) const MMDEBSTRAP: Package = program("mmdebstrap", "mmdebstrap");
pub(crate) const KEYRING: Package =
    Package { name: "debian-archive-keyring", proof: Proof::File("/usr/share/keyrings/debian-archive-keyring.gpg") };
pub(crate) const BUSYBOX: Package = Package { name: "busybox", proof: Proof::ShellOfPath("busybox") };
pub(crate) const DASH: Package = program("dash", "dash");
pub(crate) const SHELLCHECK: Package = program("shellcheck", "shellcheck");
pub(crate) const SKOPEO: Package = program("skopeo", "skopeo");
pub(crate) const UMOCI: Package = program("umoci", "umoci");
pub(crate) const PODMAN: Package = program("podman", "podman");
pub(crate) const BUILDAH: Package = program("buildah", "buildah");
pub(crate) const TIME: Package = program("time", "time");
pub(crate) const REGISTRY: Package = program("docker-registry", "docker-registry");

/// `apt-get` ends with an error where another is at it.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Installs the packages that are missing.
pub(crate) fn ensure(packages: &[Package]) -> Result<()> {
    let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let missing: Vec<_> = packages.iter().filter(|package| !package.is_here()).map(|package| package.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !may_install() {
        bail!("missing on this machine: {0}\nhint: as root on Debian, run: apt-get install {0}", missing.join(" "));
    }
    println!("installing {}", missing.join(" "));
    install(&missing)
}

/// Whether all of the packages are here.
pub(crate) fn are_here(packages: &[Package]) -> bool {
    packages.iter().all(Package::is_here)
}

/// Whether this process can install Debian packages.
pub(crate) fn may_install() -> bool {
    command::find("apt-get").is_some() && is_root()
}

const fn program(name: &'static str, program: &'static str) -> Package {
    Package { name, proof: Proof::Program(program) }
}

impl Package {
    fn is_here(&self) -> bool {
        match self.proof {
            Proof::Program(program) => command::find(program).is_some(),
            Proof::ShellOfPath(program) => finds_tools_in_path(program),
            Proof::File(path) => Path::new(path).exists(),
        }
    }
}

fn finds_tools_in_path(shell: &str) -> bool {
    let place = command::output(Command::new(shell).args(["sh", "-c", "command -v date"]));
    place.is_ok_and(|place| place.starts_with(b"/"))
}

/// Services are not started by the installation: a test starts what it needs itself.
fn install(names: &[&str]) -> Result<()> {
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(["--quiet", "--quiet", "--option", "Dpkg::Use-Pty=0"]).args(arguments);
        command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        command
    };
    command::run(&mut apt(&["update"]))?;
    command::run(apt(&["install", "--yes", "--no-install-recommends"]).args(names))
}

fn is_root() -> bool {
    command::output(Command::new("id").arg("-u")).is_ok_and(|uid| uid.trim_ascii() == b"0")
}
