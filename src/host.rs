//! The edge to the machine: files, environment variables and the network.
//!
//! Takes in paths; gives out [`Sources`] and settings. The only room that opens the files of a project, and connections.
#![allow(clippy::disallowed_methods, reason = "this room is where files and the environment are read")]

mod build;
mod failure;
mod files;
pub mod housekeeping;
mod lock;
mod previous;
mod project_files;
pub mod registry;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs, io};

pub use build::{BuildSettings, Outcome, build, build_and_tell, prepare};
pub use failure::Failure;
pub use files::{WriteError, write_tree};
pub use lock::{CurrentImage, LockChange, LockError, LockSettings, LockedImage, Update, check_lock, lock, outdated};
pub use previous::read_previous;

use crate::document::Context;
use crate::epoch::{Epoch, EpochFault};
use crate::registry::{Event, Events};
use crate::source::{LockFile, SourceFault, Sources};
use crate::spec;
use crate::store::{Cache, StoreError};

/// An I/O or environment error.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The spec cannot be read.
    #[error("cannot read `{}`", path.display())]
    Spec {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The spec is not text.
    #[error("`{}` is not UTF-8 text", .0.display())]
    NoText(PathBuf),
    /// `SOURCE_DATE_EPOCH` is set to something else.
    #[error("the environment variable SOURCE_DATE_EPOCH: {0}")]
    Epoch(#[from] EpochFault),
    /// The tarball of the release before is not one of bootsmith.
    #[error("`{}` is not a tarball of bootsmith: it does not say which release it contains", .0.display())]
    NoRelease(PathBuf),
}

/// Reads a spec and every file that it names. What is wrong with a named file is kept as data, for the diagnostics.
pub fn read_sources(spec_path: &Path) -> Result<Sources, HostError> {
    let bytes = fs::read(spec_path).map_err(|source| HostError::Spec { path: spec_path.to_owned(), source })?;
    let text = String::from_utf8(bytes).map_err(|_| HostError::NoText(spec_path.to_owned()))?;
    let spec_file = Arc::from(spec_path.to_string_lossy());
    let lock = read_lock(&lock_path(spec_path));
    let executables = BTreeSet::new();
    let mut sources = Sources { spec_file, spec_text: Arc::from(text), files: BTreeMap::new(), executables, lock };
    let project = project_folder(spec_path);
    let spec = spec::parse(&sources, &mut Context::new(Arc::clone(&sources.spec_file)));
    for path in spec::referenced_files(&spec) {
        let source = project_files::read(project, &path);
        sources.executables.extend(project_files::executables(project, &path, &source));
        sources.files.insert(path, source);
    }
    Ok(sources)
}

/// The lock file is next to its spec: `bootstrap.lock` next to `bootstrap.toml`.
pub fn lock_path(spec_path: &Path) -> PathBuf {
    spec_path.with_extension("lock")
}

/// Whether it can be used is a question only for those who use it.
fn read_lock(path: &Path) -> LockFile {
    let fault = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => SourceFault::NotFound,
        _ => SourceFault::Unreadable(error.to_string()),
    };
    LockFile { name: Arc::from(path.to_string_lossy()), text: fs::read_to_string(path).map(Arc::from).map_err(fault) }
}

/// The folder of a spec: paths in it start there.
pub fn project_folder(spec_path: &Path) -> &Path {
    match spec_path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// `SOURCE_DATE_EPOCH`, or 1970.
pub fn epoch() -> Result<Epoch, HostError> {
    match env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => Ok(Epoch::parse(&text)?),
        Err(_) => Ok(Epoch::default()),
    }
}

/// The content cache: `$XDG_CACHE_HOME/bootsmith`, else `~/.cache/bootsmith` (XDG Base Directory Specification); none without a home.
pub fn cache_folder() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("bootsmith"))
}

/// Does something with the cache of this user. One that cannot be made, that others could change, or that has no room is not used:
/// `events` hears of it, and the work is done with a cache that ends with the command.
pub(crate) fn with_cache<T, E: From<StoreError> + std::error::Error>(
    events: Events<'_>,
    work: impl Fn(&Arc<Cache>) -> Result<T, E>,
) -> Result<T, E> {
    let cache = match cache_folder().map(|folder| Cache::open(&folder)) {
        Some(Ok(cache)) => cache,
        Some(Err(error)) => temporary_cache(events, &error)?,
        None => Cache::temporary()?,
    };
    let cache = Arc::new(cache);
    match work(&cache) {
        Err(error) if cache.can_be_replaced() => work(&Arc::new(temporary_cache(events, &error)?)),
        other => other,
    }
}

fn temporary_cache(events: Events<'_>, error: &dyn std::error::Error) -> Result<Cache, StoreError> {
    events(Event::WithoutCache { error });
    Cache::temporary()
}

/// The working folder; the root when it was removed.
pub fn working_folder() -> PathBuf {
    env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
}
