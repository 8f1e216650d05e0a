//! Configs as files of the image: what parameters stand in is kept in pieces, which the entrypoint puts together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::document::text::Piece;
use crate::name::DeclaredName;
use crate::path::RelativePath;
use crate::plan::ConfigContent;
use crate::tree::{File, FileTree, Mode, PathTaken};

use super::output::{file, path};
use super::shell::Record;

/// Puts the configs below `configs/` of the environment's folder.
pub(super) fn insert(
    configs: &BTreeMap<DeclaredName, ConfigContent>,
    executables: &BTreeMap<DeclaredName, BTreeSet<Option<RelativePath>>>,
    folder: &RelativePath,
    tree: &mut FileTree,
) -> Result<(), PathTaken> {
    for (name, content) in configs {
        let mode = |below: Option<&RelativePath>| {
            let is_executable = executables.get(name).is_some_and(|paths| paths.contains(&below.cloned()));
            if is_executable { Mode::Executable } else { Mode::Plain }
        };
        let place = folder.join(&path(&format!("configs/{name}")));
        match content {
            ConfigContent::File(bytes) => tree.insert(place, File { mode: mode(None), bytes: Arc::clone(bytes) })?,
            ConfigContent::Pieces(pieces) => {
                let place = folder.join(&path(&pieces_path(name, configs)));
                tree.insert(place, file(Mode::Plain, pieces_data(pieces).as_bytes()))?;
            }
            ConfigContent::Folder(files) => {
                for (below, bytes) in files {
                    tree.insert(place.join(below), File { mode: mode(Some(below)), bytes: Arc::clone(bytes) })?;
                }
            }
        }
    }
    Ok(())
}

/// Where the pieces of a config are; another config may be called so, and none has a `+` in its name.
pub(super) fn pieces_path(name: &DeclaredName, configs: &BTreeMap<DeclaredName, ConfigContent>) -> String {
    let path = format!("{name}.pieces");
    let is_taken = configs.keys().any(|other| other.as_str() == path);
    format!("configs/{path}{}", if is_taken { "+" } else { "" })
}

fn pieces_data(pieces: &[Piece]) -> String {
    let record = |piece: &Piece| match piece {
        Piece::Literal(text) => Record::new("literal", &[text]).line(),
        Piece::Reference(name) => Record::new("value", &[name]).line(),
    };
    pieces.iter().map(record).collect()
}
