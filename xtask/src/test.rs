//! `cargo xtask test`: everything that must hold, in the order in which faults are cheapest to find.
//!
//! With `BOOTSMITH_E2E=1`, as in CI, all of it; otherwise one scenario stands for the end-to-end tests, which take long.
//!
//! Installs what is missing where it may. A step or a test that cannot run on this machine is skipped, and named at the end with its
//! reason; in a complete run that is a failure. The first step that fails ends the run. What later steps need from elsewhere is fetched
//! while the first ones compile.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::packages::{self, BUSYBOX, DASH, Package, SHELLCHECK};
use crate::skipped::{self, Skipped};
use crate::tools::{self, cargo};
use crate::{command, e2e, kubectl, project, python, tidy};

/// Options of `cargo xtask test`.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Leave out whatever needs a container engine
    #[arg(long)]
    no_e2e: bool,
}

/// What a step came to.
enum Outcome {
    Passed,
    Skipped(String),
}

struct Step {
    name: &'static str,
    run: fn() -> Result<Outcome>,
}

const STEPS: &[Step] = &[
    Step { name: "format", run: format },
    Step { name: "tidy", run: tidy },
    Step { name: "clippy", run: clippy },
    Step { name: "rustdoc", run: rustdoc },
    Step { name: "tests", run: tests },
    Step { name: "doctests", run: doctests },
    Step { name: "shellcheck", run: shellcheck },
    Step { name: "entrypoint", run: entrypoint },
    Step { name: "dependencies", run: dependencies },
    Step { name: "end to end", run: end_to_end },
];

/// The shells that a base may have, in addition to bash.
const SHELLS: &[Package] = &[DASH, BUSYBOX];

/// The entrypoint's own tests; their arguments are the shell that they start it with.
const ENTRYPOINT_TESTS: &str = "tests/entrypoint/run";

/// Runs every step.
pub(crate) fn run(options: &Options) -> Result<()> {
    thread::scope(|scope| {
        scope.spawn(|| fetch_ahead(options));
        run_steps(options)
    })
}

/// Whatever fails here is retried and reported by the step that needs it.
fn fetch_ahead(options: &Options) {
    if python::ensure().is_ok() && !options.no_e2e && e2e::obstacle().is_none() {
        e2e::prepare().map(drop).unwrap_or_default();
    }
}

fn run_steps(options: &Options) -> Result<()> {
    let started = Instant::now();
    let skipped_tests = Skipped::begin()?;
    let steps = STEPS.iter().filter(|step| !(options.no_e2e && step.name == "end to end"));
    let mut skipped = 0;
    for step in steps.clone() {
        let step_started = Instant::now();
        println!("── {}", step.name);
        let outcome = (step.run)().inspect_err(|_| skipped_tests.show());
        match outcome.with_context(|| format!("step `{}` failed", step.name))? {
            Outcome::Passed => println!("   {} passed in {}", step.name, seconds(step_started.elapsed())),
            Outcome::Skipped(reason) if is_complete_run() => {
                bail!("step `{}` must run here, but {reason}", step.name)
            }
            Outcome::Skipped(reason) => {
                skipped += 1;
                println!("   {} skipped: {reason}", step.name);
            }
        }
    }
    skipped_tests.show();
    println!("── {} steps passed, {skipped} skipped, in {}", steps.count() - skipped, seconds(started.elapsed()));
    Ok(())
}

/// CI leaves nothing out.
fn is_complete_run() -> bool {
    env::var_os("BOOTSMITH_E2E").is_some_and(|value| value == "1")
}

fn format() -> Result<Outcome> {
    passes(cargo().args(["fmt", "--all", "--check"]))
}

fn tidy() -> Result<Outcome> {
    tidy::run(&tidy::Options::default())?;
    Ok(Outcome::Passed)
}

fn clippy() -> Result<Outcome> {
    passes(cargo().args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
}

fn rustdoc() -> Result<Outcome> {
    let mut doc = cargo();
    doc.args(["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"]);
    passes(doc.env("RUSTDOCFLAGS", "--deny warnings"))
}

/// Some hand data to the shells that a base may have, some to programs of the Python index, some use a real kubectl; where those are not
/// available, they say that they are left out, or fail in CI.
fn tests() -> Result<Outcome> {
    lacks(SHELLS)?;
    for (what, ensured) in
        [("programs of the Python index", python::ensure()), ("kubectl", kubectl::ensure().map(drop))]
    {
        let Err(error) = ensured else { continue };
        if is_complete_run() {
            return Err(error);
        }
        println!("   what needs {what} is left out: {error:#}");
    }
    let selection = format!("not ({})", e2e::END_TO_END);
    let mut tests = tools::NEXTEST.command()?;
    tests.args(["run", "--workspace", "--no-fail-fast", "--test-threads", &e2e::threads(2, 1)]);
    tests.args(["--filterset", &selection]);
    skipped::watch(&mut tests);
    passes(&mut tests)
}

fn doctests() -> Result<Outcome> {
    passes(cargo().args(["test", "--quiet", "--doc", "--workspace"]))
}

fn shellcheck() -> Result<Outcome> {
    if let Some(skipped) = lacks(&[SHELLCHECK])? {
        return Ok(skipped);
    }
    let scripts = shell_scripts()?;
    let check = |arguments: &[&str]| {
        let mut shellcheck = Command::new("shellcheck");
        command::run(shellcheck.arg("--external-sources").args(arguments).args(&scripts).current_dir(project::root()))
    };
    check(&[])?;
    // The parts that a program sources share names with generated data, which is not there yet.
    check(&["--check-sourced", "--severity=warning", "--exclude=SC2034,SC2154,SC2209"])?;
    Ok(Outcome::Passed)
}

/// The entrypoint's own tests, under every shell that a base may have. Each uses all processors.
fn entrypoint() -> Result<Outcome> {
    if let Some(skipped) = lacks(SHELLS)? {
        return Ok(skipped);
    }
    let shells = [&["dash"][..], &["busybox", "sh"], &["bash", "--posix"]];
    let results = shells.map(entrypoint_under);
    results.into_iter().collect::<Result<()>>()?;
    Ok(Outcome::Passed)
}

fn entrypoint_under(shell: &[&str]) -> Result<()> {
    let mut run = Command::new("sh");
    let output = run.arg(ENTRYPOINT_TESTS).args(shell).current_dir(project::root()).output()?;
    print!("   under {}: {}", shell.join(" "), String::from_utf8_lossy(&output.stdout));
    if !output.status.success() {
        bail!("the entrypoint's tests failed under {}", shell.join(" "));
    }
    Ok(())
}

/// Licences, sources and duplicates. Advisories need a service on the network, so they are not part of a test.
fn dependencies() -> Result<Outcome> {
    let mut deny = tools::DENY.command()?;
    passes(deny.args(["--log-level", "error", "--all-features", "check", "bans", "licenses", "sources"]))
}

fn end_to_end() -> Result<Outcome> {
    if let Some(reason) = e2e::obstacle() {
        return Ok(Outcome::Skipped(reason.to_owned()));
    }
    let filters = if is_complete_run() { Vec::new() } else { vec![e2e::FIRST.to_owned()] };
    if !filters.is_empty() {
        println!("   one scenario; BOOTSMITH_E2E=1 runs all of them");
    }
    e2e::run_tests(&e2e::Options { filters })?;
    Ok(Outcome::Passed)
}

fn passes(command: &mut Command) -> Result<Outcome> {
    command::run(command)?;
    Ok(Outcome::Passed)
}

/// Installs packages, or says why a step has to be left out without them.
fn lacks(needed: &[Package]) -> Result<Option<Outcome>> {
    if packages::are_here(needed) || packages::may_install() {
        packages::ensure(needed)?;
        return Ok(None);
    }
    Ok(packages::ensure(needed).err().map(|error| Outcome::Skipped(error.to_string())))
}

/// Every program in shell. The parts that one sources are checked where they are sourced: alone, half of their names are unknown.
fn shell_scripts() -> Result<Vec<PathBuf>> {
    let is_script = |path: &PathBuf| {
        let text = fs::read_to_string(project::root().join(path)).unwrap_or_default();
        let first = text.lines().next().unwrap_or_default();
        first.starts_with("#!") && first.ends_with("sh")
    };
    Ok(project::files()?.into_iter().map(PathBuf::from).filter(is_script).collect())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
