//! The one place that maps errors to messages and exit codes.

use std::error::Error;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use annotate_snippets::Renderer;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::host::registry::{ClientError, CopyError, PullFailure, PushError};
use crate::host::{Failure, HostError, LockError, WriteError};
use crate::inspect::{DifferenceError, Fault};
use crate::pipeline::{BuildError, PrepareError};
use crate::reference::ReferenceFault;
use crate::registry::{PullError, RegistryError};
use crate::relocate::RelocateError;
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
    /// A tarball, or an image of a registry, is not what it should be.
    Damaged(PathBuf, Vec<Fault>),
    /// An image was not pushed.
    Push(Box<PushError>),
    /// An image was not pulled.
    Pull(Box<PullFailure>),
    /// A release was not copied.
    Copy(Box<CopyError>),
    /// A release was not locked, or its lock does not match it.
    Lock(Box<LockError>),
    /// Two tarballs cannot be compared.
    Difference(DifferenceError),
    /// Nothing failed: two releases differ, and the exit code is asked to say so.
    Differs,
    /// Another failure, and what else there is to do about it.
    Hinted(Box<CommandFailure>, String),
    /// The command line names something that does not exist: message and hint.
    Usage(String, String),
}

impl From<Failure> for CommandFailure {
    fn from(failure: Failure) -> Self {
        Self::Release(failure)
    }
}

impl From<DifferenceError> for CommandFailure {
    fn from(error: DifferenceError) -> Self {
        match error {
            DifferenceError::Store(error) => Self::Store(error),
            other => Self::Difference(other),
        }
    }
}

impl From<CopyError> for CommandFailure {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Pull(failure) => Self::Pull(failure),
            CopyError::OneLogin(fault) => PullFailure::OneLogin(fault).into(),
            CopyError::Client(error) => PullFailure::Client(error).into(),
            CopyError::Registry(error) => PushError::Registry(error).into(),
            CopyError::Relocate(RelocateError::Store(error)) => Self::Store(error),
            other => Self::Copy(Box::new(other)),
        }
    }
}

impl From<LockError> for CommandFailure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Release(failure) => Self::Release(failure),
            LockError::Pull(failure) => Self::Pull(failure),
            LockError::Store(error) => Self::Store(error),
            other => Self::Lock(Box::new(other)),
        }
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

impl From<PushError> for CommandFailure {
    fn from(error: PushError) -> Self {
        Self::Push(Box::new(error))
    }
}

impl From<PullFailure> for CommandFailure {
    fn from(error: PullFailure) -> Self {
        Self::Pull(Box::new(error))
    }
}

const INPUT: u8 = 1;
const USAGE: u8 = 2;
const ENVIRONMENT: u8 = 3;
/// `EX_SOFTWARE` of sysexits.h.
const BUG: u8 = 70;
/// As `plan --exit-code` of a bootstrap image.
const DIFFERS: u8 = 10;

const SAME_PRODUCT: &str = "`diff` takes two images of one project and one platform, the older first";
const REPORT: &str = "this is a bug in bootsmith: please report it with your bootstrap.toml";

/// What clap has to say: help goes to standard output and is not a failure.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // Nobody reads it when the terminal is gone.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

impl CommandFailure {
    /// The same with one more hint.
    pub(super) fn with_hint(self, hint: String) -> Self {
        Self::Hinted(Box::new(self), hint)
    }

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
                (chain("internal error", bug, Some(REPORT)), BUG)
            }
            Self::Release(Failure::Prepare { error: PrepareError::Pack(error), .. }) => {
                (chain("internal error", error, Some(REPORT)), BUG)
            }
            Self::Release(Failure::Host(error)) => (chain("error", error, host_hint(error)), ENVIRONMENT),
            Self::Release(Failure::Previous(error)) => (chain("error", error, error.hint().as_deref()), ENVIRONMENT),
            Self::Release(Failure::Pull(error)) => {
                (chain("error", error, pull_hint(error).as_deref()), pull_code(error))
            }
            Self::Release(Failure::Build(error)) => (chain("error", error, build_hint(error).as_deref()), ENVIRONMENT),
            Self::Write(error) => (chain("error", error, disk_hint("write", error.source.kind())), ENVIRONMENT),
            Self::Store(error) => (chain("error", error, error.hint().as_deref()), ENVIRONMENT),
            Self::Push(error) => (chain("error", error, push_hint(error).as_deref()), push_code(error)),
            Self::Pull(error) => (chain("error", error, pull_hint(error).as_deref()), pull_code(error)),
            Self::Copy(error) => (chain("error", error, Some(copy_hint(error))), copy_code(error)),
            Self::Lock(error) => (locking(error), lock_code(error)),
            Self::Damaged(path, faults) => (damaged(path, faults), INPUT),
            Self::Difference(error) => (chain("error", error, Some(SAME_PRODUCT)), USAGE),
            Self::Differs => (String::new(), DIFFERS),
            Self::Hinted(failure, hint) => {
                let (text, code) = failure.explain();
                let separator = if text.contains("\nhint: ") { "; " } else { "\nhint: " };
                (format!("{}{separator}{hint}\n", text.trim_end()), code)
            }
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

/// What is wrong with a lock, every image in a line of its own.
fn locking(error: &LockError) -> String {
    let hint = match error {
        LockError::Stale { .. } => "update it with `bootsmith lock`",
        LockError::UnknownImage { hint, .. } => hint,
        LockError::Offline(_) => "name a layout that contains it with `--from`, or omit `--offline`",
        _ => "",
    };
    let lines: String = match error {
        LockError::Stale { missing, superfluous, .. } => {
            let missing = missing.iter().map(|image| format!("  missing: `{image}`\n"));
            missing.chain(superfluous.iter().map(|image| format!("  unused: `{image}`\n"))).collect()
        }
        _ => String::new(),
    };
    let hint = if hint.is_empty() { String::new() } else { format!("hint: {hint}\n") };
    format!("error: {error}\n{lines}{hint}")
}

fn copy_hint(error: &CopyError) -> &'static str {
    match error {
        CopyError::Reference(_) => {
            "name a registry and a prefix for its repositories, as in `bootsmith copy OUT.tar registry.example.com/mirror`"
        }
        CopyError::NoReference => "push it first, and copy it from the registry",
        CopyError::NotBundled(_) => "create the bundle again with `bootsmith bundle`",
        CopyError::Architecture(_) => "an architecture is `os/architecture`, as in `linux/amd64`",
        CopyError::Collision { .. } => "rename one of the two: the new name does not contain the old registry",
        CopyError::Relocate(RelocateError::LeftOver { .. }) => {
            "a file of the product names the image: use a parameter there"
        }
        _ => "use an image that `bootsmith build` or `bootsmith push` wrote",
    }
}

fn copy_code(error: &CopyError) -> u8 {
    if matches!(error, CopyError::Reference(_) | CopyError::Architecture(_)) { USAGE } else { ENVIRONMENT }
}

fn lock_code(error: &LockError) -> u8 {
    match error {
        LockError::Stale { .. } => INPUT,
        LockError::UnknownImage { .. } | LockError::Layout { .. } => USAGE,
        _ => ENVIRONMENT,
    }
}

/// Every fault of a tarball.
fn damaged(path: &Path, faults: &[Fault]) -> String {
    let faults: String = faults.iter().map(|fault| format!("error: {fault}\n")).collect();
    format!("{faults}hint: `{}` was changed after the build: build it again, or use another copy\n", path.display())
}

/// What to do about an environment error.
fn host_hint(error: &HostError) -> Option<&'static str> {
    match error {
        HostError::Spec { source, .. } if source.kind() == ErrorKind::NotFound => {
            Some("name the spec with `--file`, or run in a folder that contains a `bootstrap.toml`")
        }
        HostError::Spec { source, .. } => disk_hint("read", source.kind()),
        HostError::NoText(_) => Some("save it as UTF-8"),
        HostError::Epoch(_) => Some("set it to seconds since 1970, or unset it"),
        HostError::NoRelease(_) => Some("`--previous` takes the tarball of the release before"),
    }
}

/// What to do about a build that failed, and what has become of the output.
fn build_hint(error: &BuildError) -> Option<String> {
    if let BuildError::OtherBase { .. } = error {
        return Some(
            "use the locked base, or lock this one with `bootsmith lock --update base`; nothing was written".to_owned(),
        );
    }
    if let BuildError::TooOld(error) = error {
        return Some(error.hint());
    }
    let BuildError::Store(error) = error else { return None };
    let (output, otherwise) = match error {
        StoreError::Content { .. } => ("nothing was written", Some("create the base again")),
        StoreError::Disk { .. } => ("an existing output is unchanged", None),
        _ => return error.hint(),
    };
    let hint = error.hint().or(otherwise.map(str::to_owned));
    Some(hint.map_or_else(|| output.to_owned(), |hint| format!("{hint}; {output}")))
}

/// What to do about an image that was not pushed.
fn push_hint(error: &PushError) -> Option<String> {
    match error {
        PushError::Reference(_) => Some(REFERENCE.to_owned()),
        PushError::NoReference => {
            Some("name it, as in `bootsmith push OUT.tar registry.example.com/shop/bootstrap:1.4.2`".to_owned())
        }
        PushError::Bundle(_) => {
            Some("name the registry, as in `bootsmith push BUNDLE registry.example.com/mirror`".to_owned())
        }
        PushError::OneLogin(_) => Some("push to one registry at a time".to_owned()),
        PushError::Tarball(error) => error.hint(),
        PushError::Client(error) => client_hint(error).map(str::to_owned),
        PushError::Registry(error) => error.hint(),
    }
}

const REFERENCE: &str = "a reference is `registry/repository:tag`, as in `registry.example.com/shop/bootstrap:1.4.2`";

fn client_hint(error: &ClientError) -> Option<&'static str> {
    match error {
        ClientError::Read { source, .. } => disk_hint("read", source.kind()),
        ClientError::NoCertificate(_) => Some("a certificate in PEM starts with `-----BEGIN CERTIFICATE-----`"),
    }
}

/// What to do about an image that was not pulled.
fn pull_hint(error: &PullFailure) -> Option<String> {
    match error {
        PullFailure::Reference(ReferenceFault::NoRepository(_)) => {
            Some("name the repository alone, as in `registry.example.com/shop/bootstrap`".to_owned())
        }
        PullFailure::Reference(_) => Some(REFERENCE.to_owned()),
        PullFailure::OneLogin(_) => Some(
            "log in to both with `docker login`, or pull the images one after the other with `bootsmith pull`"
                .to_owned(),
        ),
        PullFailure::Architecture(_) => Some("an architecture is `os/architecture`, as in `linux/amd64`".to_owned()),
        PullFailure::Client(error) => client_hint(error).map(str::to_owned),
        PullFailure::Pull(PullError::Registry(error)) => error.hint(),
        PullFailure::Pull(PullError::Store(error)) | PullFailure::Store(error) => error.hint(),
        PullFailure::Pull(PullError::Image { .. }) => None,
    }
}

fn pull_code(error: &PullFailure) -> u8 {
    match error {
        PullFailure::Reference(_)
        | PullFailure::OneLogin(_)
        | PullFailure::Architecture(_)
        | PullFailure::Pull(PullError::Registry(RegistryError::Name(_))) => USAGE,
        _ => ENVIRONMENT,
    }
}

/// A usage error, or an environment error.
fn push_code(error: &PushError) -> u8 {
    match error {
        PushError::Reference(_)
        | PushError::Bundle(_)
        | PushError::NoReference
        | PushError::OneLogin(_)
        | PushError::Registry(RegistryError::Name(_)) => USAGE,
        _ => ENVIRONMENT,
    }
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
