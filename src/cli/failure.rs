//! The one place that maps errors to messages and exit codes.

use std::error::Error;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use annotate_snippets::Renderer;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::host::{Failure, HostError, WriteError};
use crate::inspect::Fault;
use crate::pipeline::{BuildError, PrepareError};
use crate::store::{StoreError, disk_hint};

use super::picture::{Texts, draw};

/// Why a command did not do what it was asked to.
pub(super) enum CommandFailure {
    /// A release could not be prepared or built.
    Release(Failure),
    /// A file could not be written.
    Write(WriteError),
    /// A tarball cannot be read.
    Store(StoreError),
    /// A tarball is not what it should be.
    Damaged(PathBuf, Vec<Fault>),
    /// The command line names something that does not exist: message and hint.
    Usage(String, String),
}

impl From<Failure> for CommandFailure {
    fn from(failure: Failure) -> Self {
        Self::Release(failure)
    }
}

impl From<WriteError> for CommandFailure {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

impl From<StoreError> for CommandFailure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

const INPUT: u8 = 1;
const USAGE: u8 = 2;
const SURROUNDINGS: u8 = 3;
/// `EX_SOFTWARE` of sysexits.h.
const BUG: u8 = 70;

const REPORT: &str = "this is a fault of bootsmith: please report it with your bootstrap.toml";

/// What clap has to say: help goes to standard output and is no failure.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell when the terminal is gone.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

impl CommandFailure {
    /// Says what went wrong, and ends with its code.
    pub(super) fn report(&self) -> ExitCode {
        let (text, code) = self.explain();
        anstream::eprint!("{text}");
        ExitCode::from(code)
    }

    fn explain(&self) -> (String, u8) {
        match self {
            Self::Release(Failure::Prepare { sources, error: PrepareError::Input(diagnostics) }) => {
                (draw(diagnostics, &Texts::of(sources), &Renderer::styled()), input_code(diagnostics))
            }
            Self::Release(Failure::Prepare { error: PrepareError::Bug(bug), .. }) => {
                (chain("bug", bug, Some(REPORT)), BUG)
            }
            Self::Release(Failure::Prepare { error: PrepareError::Pack(error), .. }) => {
                (chain("bug", error, Some(REPORT)), BUG)
            }
            Self::Release(Failure::Host(error)) => (chain("error", error, host_hint(error)), SURROUNDINGS),
            Self::Release(Failure::Previous(error)) => (chain("error", error, error.hint().as_deref()), SURROUNDINGS),
            Self::Release(Failure::Build(error)) => (chain("error", error, build_hint(error).as_deref()), SURROUNDINGS),
            Self::Write(error) => (chain("error", error, disk_hint("write", error.source.kind())), SURROUNDINGS),
            Self::Store(error) => (chain("error", error, error.hint().as_deref()), SURROUNDINGS),
            Self::Damaged(path, faults) => (damaged(path, faults), INPUT),
            Self::Usage(message, hint) => (format!("error: {message}\nhint: {hint}\n"), USAGE),
        }
    }
}

/// What the command line asks for and the spec does not have is a fault of the command line: nothing written is wrong.
fn input_code(diagnostics: &Diagnostics) -> u8 {
    let asked_for = [Code::UNKNOWN_ENVIRONMENT, Code::PLATFORM, Code::VERSION, Code::BASE, Code::INVALID_VALUE];
    let is_usage = |error: &&Diagnostic| error.place.is_none() && asked_for.contains(&error.code);
    if diagnostics.errors().all(|error| is_usage(&error)) { USAGE } else { INPUT }
}

/// Every fault of a tarball.
fn damaged(path: &Path, faults: &[Fault]) -> String {
    let faults: String = faults.iter().map(|fault| format!("error: {fault}\n")).collect();
    format!("{faults}hint: `{}` is not as it was built: build it again, or take another copy\n", path.display())
}

/// What to do about surroundings that refuse.
fn host_hint(error: &HostError) -> Option<&'static str> {
    match error {
        HostError::Spec { source, .. } if source.kind() == ErrorKind::NotFound => {
            Some("name the spec with `--file`, or start where a `bootstrap.toml` lies")
        }
        HostError::Spec { source, .. } => disk_hint("read", source.kind()),
        HostError::NoText(_) => Some("save it as UTF-8"),
        HostError::Epoch(_) => Some("set it to seconds since 1970, or not at all"),
        HostError::NoRelease(_) => Some("`--previous` takes what `bootsmith build` wrote for the release before"),
    }
}

/// What to do about a build that failed, and what has become of the output.
fn build_hint(error: &BuildError) -> Option<String> {
    let BuildError::Store(error) = error else { return None };
    let (output, otherwise) = match error {
        StoreError::Content { .. } => ("nothing was written", Some("make the base anew")),
        StoreError::Disk { .. } => ("an older output is as it was", None),
        _ => return error.hint(),
    };
    let hint = error.hint().or(otherwise.map(str::to_owned));
    Some(hint.map_or_else(|| output.to_owned(), |hint| format!("{hint}; {output}")))
}

/// The message says what, the chain says why, the hint says what to do.
fn chain(kind: &str, error: &dyn Error, hint: Option<&str>) -> String {
    let mut text = format!("{kind}: {error}\n");
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some messages hold their cause already.
        let reason = error.to_string();
        if !text.contains(&reason) {
            let _ = writeln!(text, "  because: {reason}");
        }
        cause = error.source();
    }
    if let Some(hint) = hint {
        let _ = writeln!(text, "hint: {hint}");
    }
    text
}
