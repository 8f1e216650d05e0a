//! What goes into an image: a sorted tree of files.
//!
//! Takes in one file a path from `render`; gives out the entries in the order in which they are packed, listed and hashed, so
//! that listing, checking and building cannot drift apart. Knows nothing of what the files mean.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::path::RelativePath;

/// The permissions of a file in an image: nothing else is needed, and fewer kinds are fewer surprises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 0644
    Plain,
    /// 0755
    Executable,
}

impl Mode {
    /// The permission bits.
    pub fn bits(self) -> u32 {
        match self {
            Self::Plain => 0o644,
            Self::Executable => 0o755,
        }
    }
}

/// A file's permissions and bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The permissions.
    pub mode: Mode,
    /// The content, shared with the sources it came from.
    pub bytes: Arc<[u8]>,
}

/// Files by path, sorted by the bytes of the path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileTree {
    files: BTreeMap<RelativePath, File>,
}

/// Two writers wanted the same path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two outputs have the path `{0}`")]
pub struct PathTaken(pub RelativePath);

impl FileTree {
    /// Adds a file; a path has one writer.
    pub fn insert(&mut self, path: RelativePath, file: File) -> Result<(), PathTaken> {
        match self.files.entry(path) {
            Entry::Vacant(place) => {
                place.insert(file);
                Ok(())
            }
            Entry::Occupied(taken) => Err(PathTaken(taken.key().clone())),
        }
    }

    /// Adds the files of another tree.
    pub fn append(&mut self, other: Self) -> Result<(), PathTaken> {
        other.files.into_iter().try_for_each(|(path, file)| self.insert(path, file))
    }

    /// The file at a path.
    pub fn get(&self, path: &RelativePath) -> Option<&File> {
        self.files.get(path)
    }

    /// Every file with its path, sorted by the bytes of the path.
    pub fn iter(&self) -> impl Iterator<Item = (&RelativePath, &File)> {
        self.files.iter()
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}
