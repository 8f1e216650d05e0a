//! The programs that the entrypoint of a platform calls: a base must have them.

use crate::plan::Platform;
use crate::store::{Place, Tool};

/// What the scripts call on every platform.
const EVERYWHERE: &[&str] = &[
    "sh",
    "awk",
    "cat",
    "cp",
    "cut",
    "date",
    "env",
    "find",
    "grep",
    "gzip",
    "head",
    "mkdir",
    "mkfifo",
    "mktemp",
    "mv",
    "od",
    "rm",
    "sed",
    "sha256sum",
    "sleep",
    "sort",
    "tail",
    "tar",
    "tr",
    "wc",
    "xargs",
];

/// What a base for a platform must have.
pub fn tools(platform: Platform) -> Vec<Tool> {
    let command = |name: &&str| Tool::new(name, [Place::Command((*name).to_owned())]);
    let mut tools: Vec<_> = EVERYWHERE.iter().map(command).collect();
    match platform {
        Platform::Swarm => tools.extend(["base64", "docker"].iter().map(command)),
        Platform::Kubernetes => tools.extend(["base64", "kubectl"].iter().map(command)),
        Platform::Compose => {
            tools.push(command(&"docker"));
            let compose = "docker-compose".to_owned();
            tools.push(Tool::new("docker compose", [Place::DockerPlugin(compose.clone()), Place::Command(compose)]));
        }
    }
    tools
}
