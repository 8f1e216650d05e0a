//! Cargo's helpers that tests need: built into `target/tools` where the machine has none.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::{command, project};

/// A subcommand of Cargo, at the version that the project is checked with.
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
}

pub(crate) const NEXTEST: Tool = Tool { name: "nextest", version: "0.9.143" };
pub(crate) const DENY: Tool = Tool { name: "deny", version: "0.20.2" };

impl Tool {
    /// The command, built first where it is missing.
    pub(crate) fn command(&self) -> Result<Command> {
        if !command::succeeds(cargo().args([self.name, "--version"])) {
            self.install()?;
        }
        let mut command = cargo();
        command.arg(self.name);
        Ok(command)
    }

    fn install(&self) -> Result<()> {
        println!("building cargo-{} {}", self.name, self.version);
        let mut install = cargo();
        // It is used for a moment: what counts is how soon it is there.
        install.args(["install", "--quiet", "--locked", "--debug", "--root"]).arg(project::target().join("tools"));
        install.arg(format!("cargo-{}@{}", self.name, self.version));
        command::run(&mut install)
    }
}

/// Cargo in the workspace, with the tools that were built here in its `PATH`.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(project::root()).env("PATH", path());
    command
}

fn path() -> OsString {
    let tools = project::target().join("tools/bin");
    let found = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&found).chain([tools]);
    env::join_paths(folders).expect("folders of PATH have no separator in their names")
}
