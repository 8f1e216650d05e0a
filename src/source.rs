//! All input bytes, as data.
//!
//! Takes in what `host` read; gives out bytes, or why there are none, by the path that `bootstrap.toml` writes. From here on
//! everything is a pure function. Knows no file system.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::path::RelativePath;

/// The longest file that is read: what Kubernetes and Swarm store in one config, rounded down.
pub const MAX_FILE_BYTES: u64 = 1_000_000;

/// `bootstrap.toml` and every file that it names.
#[derive(Clone)]
pub struct Sources {
    /// The spec file, as the user named it: the name in diagnostics.
    pub spec_file: Arc<str>,
    /// Its text.
    pub spec_text: Arc<str>,
    /// What was found at each path that the spec names, as written there.
    pub files: BTreeMap<String, Source>,
    /// The files that somebody may execute, as [`Sources::name_of`] names them.
    pub executables: BTreeSet<String>,
    /// The lock file next to the spec.
    pub lock: LockFile,
}

impl Sources {
    /// How a file is named here: as the spec writes it, or below the folder that the spec writes.
    pub fn name_of(written: &str, below: Option<&RelativePath>) -> String {
        match below {
            Some(below) => format!("{}/{below}", written.trim_end_matches('/')),
            None => written.to_owned(),
        }
    }

    /// Whether what the spec writes may stand for several files of one folder.
    pub fn is_pattern(written: &str) -> bool {
        written.rsplit('/').next().is_some_and(|last| last.contains('*'))
    }

    /// Whether the name of a file is one that a pattern means: `*` stands for any text, but for the dot of a hidden file.
    pub fn is_meant(pattern: &str, name: &str) -> bool {
        fn fits(pattern: &str, name: &str) -> bool {
            let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
            let behind = name.strip_prefix(start);
            behind.is_some_and(|behind| (0..=behind.len()).filter_map(|at| behind.get(at..)).any(|end| fits(rest, end)))
        }
        (pattern.starts_with('.') || !name.starts_with('.')) && fits(pattern, name)
    }
}

/// Names and sizes: what is in the files is nobody's business in a message.
impl fmt::Debug for Sources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spec_file, spec_text, files, executables: _, lock } = self;
        let names: Vec<_> = files.keys().collect();
        formatter
            .debug_struct("Sources")
            .field("spec_file", spec_file)
            .field("spec_bytes", &spec_text.len())
            .field("files", &names)
            .field("lock", &lock.name)
            .finish_non_exhaustive()
    }
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
    #[error("is not a regular file, but {0}")]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, is_meant) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", ".yaml", false),
            ("*.yaml", "a.yaml.bak", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*", "é", true),
        ] {
            assert_eq!(Sources::is_meant(pattern, name), is_meant, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_in_the_files_is_not_printed() {
        let lock = LockFile { name: Arc::from("bootstrap.lock"), text: Err(SourceFault::NotFound) };
        let sources = Sources {
            spec_file: Arc::from("bootstrap.toml"),
            spec_text: Arc::from("hunter2"),
            files: BTreeMap::from([("web.env".to_owned(), Source::File(Arc::from(*b"hunter2")))]),
            executables: BTreeSet::new(),
            lock,
        };
        let printed = format!("{sources:?}");
        assert!(printed.contains("web.env") && !printed.contains("hunter2") && !printed.contains("104"), "{printed}");
    }
}
