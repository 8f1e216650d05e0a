//! Tests that did not run: which, and why.
//!
//! Takes in: the lines that tests write to the file named by `BOOTSMITH_SKIPPED` (`NAME: REASON`, tests/it/skip.rs), which is what the
//! environment of a test run gets. Gives out: their number and names at the end of a run.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::project;

/// Names the file to tests.
pub(crate) const VARIABLE: &str = "BOOTSMITH_SKIPPED";

/// What was skipped in one run of a task.
pub(crate) struct Skipped {
    notes: PathBuf,
}

impl Skipped {
    /// Forgets an earlier run.
    pub(crate) fn begin() -> Result<Self> {
        let notes = notes();
        match fs::remove_file(&notes) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove `{}`", notes.display()))
            }
            _ => Ok(Self { notes }),
        }
    }

    /// Shows how many tests were skipped, and each with its reason.
    pub(crate) fn show(&self) {
        print!("{}", summary(&fs::read_to_string(&self.notes).unwrap_or_default()));
    }
}

/// Sets where the tests that a command runs write their list.
pub(crate) fn watch(command: &mut Command) {
    command.env(VARIABLE, notes());
}

fn notes() -> PathBuf {
    project::target().join("skipped.txt")
}

/// What a test of ours does that cannot run here: in a complete run it fails.
#[cfg(test)]
pub(crate) fn note(test: &str, reason: &str) {
    use std::io::Write as _;

    assert!(std::env::var_os("BOOTSMITH_E2E").is_none_or(|value| value != "1"), "{reason}");
    println!("skipped: {reason}");
    let Some(file) = std::env::var_os(VARIABLE) else { return };
    let mut notes =
        fs::OpenOptions::new().create(true).append(true).open(file).expect("the file for skipped tests opens");
    notes.write_all(format!("{test}: {reason}\n").as_bytes()).expect("the file for skipped tests can be written");
}

/// A test that is skipped in two runs, or in two places, is one.
fn summary(notes: &str) -> String {
    let mut tests: Vec<_> = notes.lines().collect();
    tests.sort_unstable();
    tests.dedup_by_key(|test| test.split(": ").next());
    let lines: String = tests.iter().map(|test| format!("   {test}\n")).collect();
    format!("── {} tests skipped\n{lines}", tests.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_tests_are_counted_and_named() {
        let notes = "e2e::lock: no engine: start one\nbase::a: no base\ne2e::lock: no engine: start one\n";
        assert_eq!(summary(notes), "── 2 tests skipped\n   base::a: no base\n   e2e::lock: no engine: start one\n");
        assert_eq!(summary(""), "── 0 tests skipped\n");
    }
}
