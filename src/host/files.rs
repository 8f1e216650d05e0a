//! Writes a payload into a folder, for people who want to read it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::tree::FileTree;

/// A file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Writes every file of a tree below a folder, over what is there.
pub fn write_tree(tree: &FileTree, folder: &Path) -> Result<(), WriteError> {
    for (path, file) in tree.iter() {
        let place = folder.join(path.as_str());
        write(&place, &file.bytes, file.mode.bits()).map_err(|source| WriteError { path: place, source })?;
    }
    Ok(())
}

fn write(place: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(place, bytes)?;
    fs::set_permissions(place, Permissions::from_mode(mode))
}
