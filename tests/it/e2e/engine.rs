//! The engine, asked directly: what is really there, whatever the entrypoint says.

use std::process::{Command, Output};

use bootsmith::plan::Platform;

/// What a test needs of its surroundings.
pub(crate) struct Surroundings {
    /// The archive of the base.
    pub(crate) base: String,
    /// `127.0.0.1:<port>` of a registry.
    pub(crate) registry: String,
    /// What the product is operated on.
    pub(crate) platform: Platform,
}

/// Runs each scenario on Compose and on a swarm of one node.
macro_rules! on_every_engine {
    ($($scenario:ident)*) => {
        mod compose {
            $(#[test]
            fn $scenario() {
                super::run(bootsmith::plan::Platform::Compose, super::$scenario);
            })*
        }
        mod swarm {
            $(#[test]
            fn $scenario() {
                super::run(bootsmith::plan::Platform::Swarm, super::$scenario);
            })*
        }

        /// Runs a scenario where its platform is there.
        fn run(platform: bootsmith::plan::Platform, scenario: fn(&crate::e2e::engine::Surroundings)) {
            if let Some(surroundings) = crate::e2e::engine::surroundings_on(platform) {
                scenario(&surroundings);
            }
        }
    };
}
pub(crate) use on_every_engine;

/// The surroundings of a test on Compose, or `None` where there are none and nobody insists.
pub(crate) fn surroundings() -> Option<Surroundings> {
    surroundings_on(Platform::Compose)
}

/// The same on another platform of the engine.
pub(crate) fn surroundings_on(platform: Platform) -> Option<Surroundings> {
    let found = || -> Result<Surroundings, &'static str> {
        let base = std::env::var("BOOTSMITH_BASE").map_err(|_| "BOOTSMITH_BASE names no base")?;
        let registry = std::env::var("BOOTSMITH_REGISTRY").map_err(|_| "BOOTSMITH_REGISTRY names no registry")?;
        if !Command::new("docker").arg("version").output().is_ok_and(|output| output.status.success()) {
            return Err("no engine answers `docker version`");
        }
        if platform == Platform::Swarm && docker(&["info", "--format", "{{.Swarm.ControlAvailable}}"]) != "true" {
            return Err("the engine is no manager of a swarm");
        }
        Ok(Surroundings { base, registry, platform })
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

/// What bears the labels of an environment: containers, networks, volumes, and what a swarm has.
pub(crate) fn everything_of(project: &str, environment: &str) -> Vec<String> {
    with_labels(&[&format!("project={project}"), &format!("environment={environment}")])
}

/// What the ledger of an environment consists of.
pub(crate) fn ledger_of(project: &str, environment: &str) -> Vec<String> {
    with_labels(&[&format!("project={project}"), &format!("environment={environment}"), "kind=ledger"])
}

fn with_labels(labels: &[&str]) -> Vec<String> {
    let labels: Vec<_> = labels.iter().map(|label| format!("label=io.bootsmith.{label}")).collect();
    let filters: Vec<_> = labels.iter().flat_map(|label| ["--filter", label]).chain(["--quiet"]).collect();
    let of = |kind: &[&str]| lines(&[kind, &filters].concat());
    let of_swarm = |kind: &[&str]| if is_manager() { of(kind) } else { Vec::new() };
    let local = [of(&["ps", "--all"]), of(&["network", "ls"]), of(&["volume", "ls"])];
    let swarm = [of_swarm(&["service", "ls"]), of_swarm(&["config", "ls"]), of_swarm(&["secret", "ls"])];
    [local.concat(), swarm.concat()].concat()
}

fn is_manager() -> bool {
    docker(&["info", "--format", "{{.Swarm.ControlAvailable}}"]) == "true"
}

/// The containers of an environment or of one service of it, sorted: those that Compose keeps, those that a swarm runs.
pub(crate) fn replicas(platform: Platform, project: &str, environment: &str, service: Option<&str>) -> Vec<String> {
    let mut labels = vec![format!("project={project}"), format!("environment={environment}")];
    // Records of the ledger are containers too, of no service.
    labels.push(service.map_or_else(|| "service".to_owned(), |service| format!("service={service}")));
    let filters = labels.iter().map(|label| format!("label=io.bootsmith.{label}"));
    let filters: Vec<_> = filters.flat_map(|filter| ["--filter".to_owned(), filter]).collect();
    let mut arguments = vec!["ps", "--no-trunc", "--quiet"];
    arguments.extend((platform == Platform::Compose).then_some("--all"));
    arguments.extend(filters.iter().map(String::as_str));
    lines(&arguments)
}

/// The containers of an environment, by id, sorted.
pub(crate) fn containers_of(target: &str) -> Vec<String> {
    lines(&["ps", "--all", "--no-trunc", "--quiet", "--filter", &format!("label=com.docker.compose.project={target}")])
}
