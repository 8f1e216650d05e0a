//! The engine, asked directly: what is really there, whatever the entrypoint says.

use std::process::{Command, Output};

/// What a test needs of its surroundings.
pub(crate) struct Surroundings {
    /// The archive of the base.
    pub(crate) base: String,
    /// `127.0.0.1:<port>` of a registry.
    pub(crate) registry: String,
}

/// The surroundings, or `None` where there are none and nobody insists.
pub(crate) fn surroundings() -> Option<Surroundings> {
    let found = || -> Result<Surroundings, &'static str> {
        let base = std::env::var("BOOTSMITH_BASE").map_err(|_| "BOOTSMITH_BASE names no base")?;
        let registry = std::env::var("BOOTSMITH_REGISTRY").map_err(|_| "BOOTSMITH_REGISTRY names no registry")?;
        if !Command::new("docker").arg("version").output().is_ok_and(|output| output.status.success()) {
            return Err("no engine answers `docker version`");
        }
        Ok(Surroundings { base, registry })
    };
    match found() {
        Ok(surroundings) => Some(surroundings),
        Err(reason) if std::env::var_os("BOOTSMITH_E2E").is_some_and(|value| value == "1") => {
            panic!("{reason}: `cargo xtask e2e` provides it")
        }
        Err(reason) => {
            println!("skipped: {reason}: `cargo xtask e2e` provides it");
            None
        }
    }
}

/// Runs a docker command that must succeed, and gives out what it prints.
pub(crate) fn docker(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Runs a docker command.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new("docker").args(arguments).output().expect("docker starts")
}

/// The lines of a docker command, sorted.
pub(crate) fn lines(arguments: &[&str]) -> Vec<String> {
    let mut lines: Vec<_> = docker(arguments).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// What bears the labels of an environment: containers, networks, volumes.
pub(crate) fn everything_of(project: &str, environment: &str) -> Vec<String> {
    let labels =
        [format!("label=io.bootsmith.project={project}"), format!("label=io.bootsmith.environment={environment}")];
    let [project, environment] = &labels;
    let filters = ["--filter", project, "--filter", environment, "--quiet"];
    let of = |kind: &[&str]| lines(&[kind, &filters].concat());
    [of(&["ps", "--all"]), of(&["network", "ls"]), of(&["volume", "ls"])].concat()
}

/// The containers of an environment, by id, sorted.
pub(crate) fn containers_of(target: &str) -> Vec<String> {
    lines(&["ps", "--all", "--no-trunc", "--quiet", "--filter", &format!("label=com.docker.compose.project={target}")])
}

/// The containers of one service.
pub(crate) fn containers_of_service(target: &str, service: &str) -> Vec<String> {
    let project = format!("label=com.docker.compose.project={target}");
    let service = format!("label=com.docker.compose.service={service}");
    lines(&["ps", "--all", "--no-trunc", "--quiet", "--filter", &project, "--filter", &service])
}
