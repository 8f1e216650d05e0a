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
    "lib/arguments.sh"
    "lib/compose-volumes.sh"
    "lib/deploy.sh"
    "lib/describe.sh"
    "lib/files.sh"
    "lib/help.sh"
    "lib/message.sh"
    "lib/operate.sh"
    "lib/parameters.sh"
    "lib/preflight.sh"
    "lib/process.sh"
    "lib/release.sh"
    "lib/scripts.sh"
    "lib/show.sh"
    "lib/state.sh"
    "lib/text.sh"
    "lib/verify.sh"
};

/// The driver of Docker Compose.
const COMPOSE: &[(&str, &[u8])] = embedded! {
    "lib/compose.sh"
};

/// The files of a platform's image.
pub(super) fn files(platform: Platform) -> Result<FileTree, PathTaken> {
    let driver = match platform {
        Platform::Compose => COMPOSE,
    };
    let mut tree = FileTree::default();
    for (name, bytes) in CORE.iter().chain(driver) {
        let mode = if name.starts_with("bin/") { Mode::Executable } else { Mode::Plain };
        tree.insert(path(&format!("bootstrap/{name}")), file(mode, bytes))?;
    }
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_of_the_folder_is_forgotten() {
        let tree = files(Platform::Compose).expect("one writer for each path");
        for folder in ["bin", "lib"] {
            let place = format!("{}/templates/entrypoint/{folder}", env!("CARGO_MANIFEST_DIR"));
            for entry in walkdir::WalkDir::new(place).min_depth(1) {
                let entry = entry.expect("the folder is part of the repository");
                let name = format!("bootstrap/{folder}/{}", entry.file_name().to_string_lossy());
                assert!(tree.get(&path(&name)).is_some(), "{name} is not embedded");
            }
        }
    }
}
