//! The folder of an environment in the image, and what every platform puts into it.
//!
//! Takes in an environment and how the platform keeps folders; gives out its mounts, and a place for what the platform adds; the
//! configs are in the tree already.

use crate::path::RelativePath;
use crate::plan::{Environment, Folders, Mounts};
use crate::tree::{FileTree, Mode, PathTaken};

use super::config;
use super::output::{file, path};

/// `environments/NAME`, while it is filled.
pub(super) struct EnvironmentFolder<'a> {
    /// What the entrypoint stores on the target.
    pub(super) mounts: Mounts,
    root: RelativePath,
    tree: &'a mut FileTree,
}

impl<'a> EnvironmentFolder<'a> {
    /// Starts with the configs.
    pub(super) fn open(environment: &Environment, folders: Folders, tree: &'a mut FileTree) -> Result<Self, PathTaken> {
        let root = path(&format!("bootstrap/environments/{}", environment.name));
        config::insert(&environment.configs, &environment.executables, &root, tree)?;
        Ok(Self { mounts: Mounts::of(environment, folders), root, tree })
    }

    /// Where a file of the folder is in the image.
    pub(super) fn place(&self, name: &str) -> RelativePath {
        self.root.join(&path(name))
    }

    /// Puts in a text.
    pub(super) fn insert(&mut self, name: &str, text: &str) -> Result<(), PathTaken> {
        self.tree.insert(self.place(name), file(Mode::Plain, text.as_bytes()))
    }
}
