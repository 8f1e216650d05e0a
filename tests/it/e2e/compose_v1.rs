//! The old `docker-compose` 1.29, on a host that has it: the same payload, the same commands.

use std::path::Path;
use std::process::{Command, Stdio};

use super::engine::{containers_of, everything_of, run, surroundings};
use super::product::Seen;
use crate::skip;

const SPEC: &str = r#"
[project]
name = "e2e-one"
version = "1.0.0"

[parameters.GREETING]
default = "it's 100% $$5"

[configs.greeting]
content = "${GREETING}\n"

[services.first]
image = "sample/box:1.0.0"
command = ["sh", "-c", "while :; do sleep 1; done"]
stop_grace_period = "1s"
deploy = { resources = { limits = { memory = "64M" } } }

[services.web]
image = "sample/box:1.0.0"
command = ["sh", "-c", "cat /etc/greeting; while :; do sleep 1; done"]
configs = [{ source = "greeting", target = "/etc/greeting" }]
depends_on = ["first"]
read_only = true
stop_grace_period = "1s"
deploy = { replicas = 2 }

[scripts.greet]
command = ["cat", "/etc/greeting"]
service = "web"
"#;

/// Whether this host's Compose is the old one, and nothing newer hides it.
fn has_compose_v1() -> bool {
    let version = Command::new("docker-compose").arg("version").output();
    let is_old = version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("version 1."));
    is_old && !run(&["compose", "version"]).status.success()
}

fn bootstrap(root: &Path, arguments: &[&str]) -> Seen {
    let mut command = Command::new("sh");
    command.arg(root.join("bin/bootstrap")).args(arguments).env("BOOTSTRAP_ROOT", root).stdin(Stdio::null());
    command.output().expect("sh starts").into()
}

#[test]
fn the_old_compose_does_the_same() {
    if surroundings().is_none() {
        return;
    }
    if !has_compose_v1() {
        skip::not_asked_for("this host has no docker-compose 1");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spec = folder.path().join("bootstrap.toml");
    std::fs::write(&spec, SPEC).expect("a writable folder");
    let rendered = Command::new(env!("CARGO_BIN_EXE_bootsmith"))
        .args(["render", "--file"])
        .arg(&spec)
        .arg("--output")
        .arg(folder.path())
        .output()
        .expect("the program starts");
    assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
    let root = folder.path().join("bootstrap");
    bootstrap(&root, &["down", "--volumes", "--yes"]).expect(0);
    bootstrap(&root, &["up"]).expect(0);
    let ids = containers_of("e2e-one-production");
    assert_eq!(ids.len(), 3);
    bootstrap(&root, &["up"]).expect(0);
    assert_eq!(containers_of("e2e-one-production"), ids);
    assert_eq!(bootstrap(&root, &["run", "greet"]).expect(0).out, "it's 100% $5\n");
    bootstrap(&root, &["down", "--volumes", "--yes"]).expect(0);
    assert_eq!(everything_of("e2e-one", "production"), Vec::<String>::new());
}
