//! Docker Compose as it is here: the plugin of this machine, that of the base, or the old program.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use crate::skip;

/// The image of the archive that `cargo xtask base` makes.
const BASE_IMAGE: &str = "bootsmith/base:compose";

/// What the entrypoint would fill in: the products have one service, and no mounts.
pub(crate) const FILLED_IN: [(&str, &str); 2] = [("BOOTSMITH_REPLICAS_WEB", "1"), ("BOOTSMITH_DIGEST_WEB", "0")];

/// A Compose that reads a manifest from standard input.
pub(crate) enum Compose {
    /// The plugin of this machine.
    Plugin,
    /// The plugin in the base image.
    InBase,
    /// The old program.
    Old,
}

impl Compose {
    fn command(&self) -> Command {
        let mut command = Command::new(if matches!(self, Self::Old) { "docker-compose" } else { "docker" });
        if matches!(self, Self::InBase) {
            command.args(["run", "--rm", "--interactive", "--network", "none"]);
            command.args(FILLED_IN.iter().flat_map(|(name, _)| ["--env", name]));
            command.args([BASE_IMAGE, "docker"]);
        }
        if !matches!(self, Self::Old) {
            command.arg("compose");
        }
        command.args(["--project-name", "hostile", "--file", "-", "config"]);
        if !matches!(self, Self::Old) {
            command.args(["--format", "json"]);
        }
        command.envs(FILLED_IN);
        command
    }

    /// The resolved manifest. Compose doubles every dollar in it, so that it can be read again.
    pub(crate) fn resolve(&self, manifest: &str) -> String {
        let output = with_input(self.command(), manifest);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").replace("$$", "$")
    }
}

pub(crate) fn with_input(mut command: Command, input: &str) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("Compose starts");
    let mut stdin = child.stdin.take().expect("standard input is piped");
    std::thread::scope(|scope| {
        // Compose may end early and say why; then nobody reads the rest.
        scope.spawn(move || drop(stdin.write_all(input.as_bytes())));
        child.wait_with_output().expect("Compose ends")
    })
}

pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
}

/// Compose v2 of this machine, else of the base.
fn compose() -> Result<Compose, &'static str> {
    if succeeds("docker", &["compose", "version"]) {
        return Ok(Compose::Plugin);
    }
    let base = std::env::var("BOOTSMITH_BASE")
        .map_err(|_| "there is no `docker compose`, and BOOTSMITH_BASE names no base")?;
    if succeeds("docker", &["load", "--input", &base]) {
        Ok(Compose::InBase)
    } else {
        Err("there is no `docker compose`, and no engine takes the base")
    }
}

pub(crate) fn compose_or_skip() -> Option<Compose> {
    match compose() {
        Ok(compose) => Some(compose),
        Err(reason) => {
            skip::missing(reason);
            None
        }
    }
}
