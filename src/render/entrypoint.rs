//! The entrypoint and its library, carried in bootsmith itself.

use crate::plan::Platform;
use crate::tree::{FileTree, Mode, PathTaken};

use super::{file, path};

/// Embeds files of `templates/entrypoint`.
macro_rules! embedded {
    ($($path:literal)*) => {
        &[$(($path, include_bytes!(concat!("../../templates/entrypoint/", $path))),)*]
    };
}

/// What every platform needs.
const CORE: &[(&str, &[u8])] = embedded! {
    "bin/bootstrap"
};

/// The files of a platform's image.
pub(super) fn files(_platform: Platform) -> Result<FileTree, PathTaken> {
    let mut tree = FileTree::default();
    for (name, bytes) in CORE {
        let mode = if name.starts_with("bin/") { Mode::Executable } else { Mode::Plain };
        tree.insert(path(&format!("bootstrap/{name}")), file(mode, bytes))?;
    }
    Ok(tree)
}
