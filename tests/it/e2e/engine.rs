//! The engine, asked directly: what is really there, whatever the entrypoint says.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use crate::skip;
use bootsmith::plan::Platform;

/// What a test needs of its surroundings.
#[derive(Clone)]
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
        if !command().arg("version").output().is_ok_and(|output| output.status.success()) {
            return Err("no engine answers `docker version`");
        }
        if platform == Platform::Swarm && docker(&["info", "--format", "{{.Swarm.ControlAvailable}}"]) != "true" {
            return Err("the engine is no manager of a swarm");
        }
        Ok(Surroundings { base, registry, platform })
    };
    match found() {
        Ok(surroundings) => Some(surroundings),
        Err(reason) => {
            skip::missing(format!("{reason}: `cargo xtask e2e` provides it"));
            None
        }
    }
}

thread_local! {
    /// The socket of the engine that a test has for itself.
    static OWN_SOCKET: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From here on this thread talks to the engine of a socket, or to that of the surroundings again.
pub(crate) fn use_socket(socket: Option<String>) {
    OWN_SOCKET.set(socket);
}

/// The socket that commands of this thread go to, when it is that of an engine of the test's own.
pub(crate) fn own_socket() -> Option<String> {
    OWN_SOCKET.with_borrow(Clone::clone)
}

/// The socket that a bootstrap container gets.
pub(crate) fn socket() -> String {
    let own = own_socket();
    let given = || std::env::var("DOCKER_HOST").ok()?.strip_prefix("unix://").map(str::to_owned);
    own.or_else(given).unwrap_or_else(|| "/var/run/docker.sock".to_owned())
}

/// The docker CLI, pointed at the engine of the test.
pub(crate) fn command() -> Command {
    let mut command = Command::new("docker");
    command.env("GOMAXPROCS", "1");
    if let Some(own) = own_socket() {
        command.env("DOCKER_HOST", format!("unix://{own}"));
    }
    command
}

/// Runs a docker command that must succeed, and gives out what it prints.
pub(crate) fn docker(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Runs a docker command.
pub(crate) fn run(arguments: &[&str]) -> Output {
    command().args(arguments).output().expect("docker starts")
}

/// Brings an image into the test's registry, and leaves none of that name in the engine.
pub(crate) fn push(local: &str, remote: &str) {
    docker(&["tag", local, remote]);
    docker(&["push", "--quiet", remote]);
    docker(&["image", "rm", remote]);
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
    let is_manager = is_manager();
    let of_swarm = |kind: &[&str]| if is_manager { of(kind) } else { Vec::new() };
    let local = [of(&["ps", "--all"]), of(&["network", "ls"]), of(&["volume", "ls"])];
    let swarm = [of_swarm(&["service", "ls"]), of_swarm(&["config", "ls"]), of_swarm(&["secret", "ls"])];
    [local.concat(), swarm.concat()].concat()
}

/// Names of what a product has on the engine, kind by kind, but for its ledger. A swarm keeps containers of tasks that ended as long as it
/// likes.
pub(crate) fn standing(platform: Platform, project: &str) -> BTreeMap<&'static str, Vec<String>> {
    let project = format!("label=io.bootsmith.project={project}");
    let of = |kind: &'static str, listing: &[&str], format: &str| {
        let all = lines(&[listing, &["--filter", &project, "--format", format]].concat());
        let names = all.iter().filter(|line| !line.ends_with(" ledger"));
        (kind, names.map(|line| line.trim().to_owned()).collect::<Vec<_>>())
    };
    let name = "{{.Name}} {{.Label \"io.bootsmith.kind\"}}";
    let mut all = BTreeMap::from([of("volumes", &["volume", "ls"], name), of("networks", &["network", "ls"], name)]);
    if platform == Platform::Swarm {
        // Services do not show their labels, and one-offs have names that tell.
        all.extend([of("services", &["service", "ls"], "{{.Name}}"), of("configs", &["config", "ls"], name)]);
        all.extend([of("secrets", &["secret", "ls"], name)]);
    } else {
        all.extend([of("containers", &["ps", "--all"], "{{.Names}} {{.Label \"io.bootsmith.kind\"}}")]);
    }
    all
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

/// Looks again and again, and panics with `what` when it does not come true within a minute.
pub(crate) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    wait_for(what, &true, holds);
}

/// Looks again and again, and panics with `what` and with what was seen last when `wanted` does not come within a minute.
pub(crate) fn wait_for<T: PartialEq<W> + fmt::Debug, W: fmt::Debug>(what: &str, wanted: &W, look: impl Fn() -> T) {
    let start = Instant::now();
    loop {
        let seen = look();
        if seen == *wanted {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{what}, within a minute: {wanted:?}, not {seen:?}");
        thread::sleep(Duration::from_millis(100));
    }
}
