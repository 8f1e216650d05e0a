//! All input bytes, as data.
//!
//! Takes in what `host` read; gives out bytes, or why there are none, by the path that `bootstrap.toml` writes. From here on
//! everything is a pure function. Knows no file system.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::path::RelativePath;

/// The longest file that is read: what Kubernetes and Swarm store in one config, rounded down.
pub const MAX_FILE_BYTES: u64 = 1_000_000;

/// `bootstrap.toml` and every file that it names.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The spec file, as the user named it: the name in diagnostics.
    pub spec_file: Arc<str>,
    /// Its text.
    pub spec_text: Arc<str>,
    /// What was found at each path that the spec names, as written there.
    pub files: BTreeMap<String, Source>,
    /// The lock beside the spec.
    pub lock: LockFile,
}

/// `bootstrap.lock`, whether it is there or not.
#[derive(Clone, Debug)]
pub struct LockFile {
    /// The file: the name in diagnostics.
    pub name: Arc<str>,
    /// Its text, or why there is none.
    pub text: Result<Arc<str>, SourceFault>,
}

/// What was found at a path.
#[derive(Clone, Debug)]
pub enum Source {
    /// A regular file.
    File(Arc<[u8]>),
    /// A folder: every regular file below it.
    Folder(BTreeMap<RelativePath, Arc<[u8]>>),
    /// Nothing that can be used.
    Fault(SourceFault),
}

/// Why a path gives no bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    /// Nothing is there.
    #[error("does not exist")]
    NotFound,
    /// The path, or a symbolic link on its way, is outside the project folder.
    #[error("{0}")]
    Outside(String),
    /// A device, a socket, a pipe.
    #[error("is no regular file, but {0}")]
    Special(&'static str),
    /// A name in the folder that no portable path has.
    #[error("holds a file whose name {0}")]
    Name(String),
    /// Longer than [`MAX_FILE_BYTES`].
    #[error("is longer than {MAX_FILE_BYTES} bytes")]
    TooLarge,
    /// The system refused.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}
