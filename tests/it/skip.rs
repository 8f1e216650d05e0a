//! The one door through which a test says that it did not run, and why.
//!
//! A test harness calls such a test passed. `cargo xtask test` names a file (`BOOTSMITH_SKIPPED`), which gets a line for each, and shows them at its end; in a
//! complete run (`BOOTSMITH_E2E=1`) a test for which something is missing fails instead.

use std::env;
use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::thread;

/// The machine lacks what `cargo xtask test` provides, or what root on Debian may do.
pub(crate) fn missing(reason: impl Display) {
    assert!(env::var_os("BOOTSMITH_E2E").is_none_or(|value| value != "1"), "{reason}");
    note(reason);
}

/// The test is for another machine, or another variable of the environment asks for it: no complete run contains it.
pub(crate) fn not_asked_for(reason: impl Display) {
    note(reason);
}

fn note(reason: impl Display) {
    println!("skipped: {reason}");
    let Some(file) = env::var_os("BOOTSMITH_SKIPPED") else { return };
    let test = thread::current().name().unwrap_or("a thread of a test").to_owned();
    let reason = reason.to_string().replace('\n', " ");
    // In one write, since tests of other processes write there too.
    let line = format!("{test}: {reason}\n");
    let mut notes = OpenOptions::new().create(true).append(true).open(file).expect("the file for skipped tests opens");
    notes.write_all(line.as_bytes()).expect("the file for skipped tests can be written");
}
