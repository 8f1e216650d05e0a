//! `cargo xtask e2e`: the end-to-end tests against the engine of this machine.
//!
//! Makes or fetches what they need (base, service images, a registry, other tools), then runs the tests whose names have `e2e`. What the tests get in
//! their environment: `BOOTSMITH_E2E=1`, `BOOTSMITH_BASE` (the base's archive) and `BOOTSMITH_REGISTRY` (`127.0.0.1:<port>`).

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Result, bail};
use clap::Args;

use crate::registry::Registry;
use crate::skipped::{self, Skipped};
use crate::{base, command, engine, kubectl, packages, samples, tools, unstable};

/// The end-to-end tests: the module `e2e` of the integration tests.
pub(crate) const END_TO_END: &str = "kind(test) and test(/\\be2e::/)";

/// The one that every run contains where an engine is: short, and through all that an operator does.
pub(crate) const FIRST: &str = "e2e::first::";

/// Options of `cargo xtask e2e`.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Run only the tests whose names have one of these
    pub(crate) filters: Vec<String>,
}

/// Prepares and runs the tests, and shows which of them were skipped.
pub(crate) fn run(options: &Options) -> Result<()> {
    let skipped = Skipped::begin()?;
    let result = run_tests(options);
    skipped.show();
    result
}

/// Prepares and runs the tests.
pub(crate) fn run_tests(options: &Options) -> Result<()> {
    if let Some(reason) = obstacle() {
        bail!("the end-to-end tests cannot run here: {reason}");
    }
    kubectl::ensure()?;
    let base = prepare()?;
    let registry = Registry::start()?;
    let _swarm = Swarm::join()?;
    let mut tests = tools::NEXTEST.command()?;
    // They mostly wait for the engine: three times as many as there are cores keep it busy.
    tests.args(["run", "--package", "bootsmith", "--no-fail-fast", "--test-threads", &threads(3, 1)]);
    tests.arg("--filterset").arg(selection(&options.filters));
    tests.env("BOOTSMITH_E2E", "1").env("BOOTSMITH_BASE", base);
    tests.env("BOOTSMITH_REGISTRY", registry.address().to_string());
    skipped::watch(&mut tests);
    command::run(&mut tests)
}

/// Who comes second finds everything made.
static PREPARING: Mutex<()> = Mutex::new(());

/// Makes and loads the images that the tests need; gives out the archive of the base.
pub(crate) fn prepare() -> Result<PathBuf> {
    let _alone = PREPARING.lock().unwrap_or_else(PoisonError::into_inner);
    packages::ensure(&[packages::SKOPEO, packages::UMOCI, packages::PODMAN, packages::BUILDAH, packages::REGISTRY])?;
    // The tests that need them say so.
    unstable::ensure(unstable::CLIENTS).unwrap_or_else(|error| println!("{error:#}"));
    let base = base::run(&base::Options::default())?;
    samples::run(&samples::Options::default())?;
    Ok(base)
}

/// A swarm of one node; one that was there before stays.
struct Swarm {
    is_ours: bool,
}

impl Swarm {
    fn join() -> Result<Self> {
        let mut state = Command::new("docker");
        state.args(["info", "--format", "{{.Swarm.LocalNodeState}}"]);
        let is_ours = command::output(&mut state)?.trim_ascii() == b"inactive";
        if is_ours {
            command::run(Command::new("docker").args(["swarm", "init", "--advertise-addr", "127.0.0.1"]))?;
        }
        Ok(Self { is_ours })
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        if self.is_ours {
            let left = command::run(Command::new("docker").args(["swarm", "leave", "--force"]));
            left.unwrap_or_else(|error| eprintln!("the swarm of the tests is left over: {error}"));
        }
    }
}

/// So many tests at once, as a fraction of the cores.
pub(crate) fn threads(more: usize, of: usize) -> String {
    let cores = thread::available_parallelism().map_or(2, usize::from);
    (cores * more).div_ceil(of).to_string()
}

/// In the filter language of nextest.
fn selection(filters: &[String]) -> String {
    let wanted: Vec<_> = filters.iter().map(|filter| format!("test({filter})")).collect();
    if wanted.is_empty() { END_TO_END.to_owned() } else { format!("{END_TO_END} and ({})", wanted.join(" or ")) }
}

/// Why the tests cannot run on this machine.
pub(crate) fn obstacle() -> Option<&'static str> {
    let tools = [
        packages::MMDEBSTRAP,
        packages::SKOPEO,
        packages::UMOCI,
        packages::PODMAN,
        packages::BUILDAH,
        packages::REGISTRY,
    ];
    if !engine::answers() {
        return Some("no container engine answers `docker version`");
    }
    let tools_are_had = packages::are_here(&tools) || packages::may_install();
    (!tools_are_had).then_some(
        "mmdebstrap, skopeo, umoci, podman, buildah or docker-registry is missing and this is not root on Debian",
    )
}
