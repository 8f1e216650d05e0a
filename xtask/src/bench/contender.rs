//! Who is measured: a command, and what must be true before it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::measure::command_of;
use crate::command;

/// A command and what must be true before it.
pub(super) struct Contender {
    /// What it is called in the table.
    pub(super) name: &'static str,
    /// What is measured.
    pub(super) command: Vec<String>,
    /// What is removed before.
    remove: Vec<PathBuf>,
    /// What is run before.
    before: Option<Vec<String>>,
}

impl Contender {
    pub(super) fn new(name: &'static str, command: Vec<String>) -> Self {
        Self { name, command, remove: Vec::new(), before: None }
    }

    pub(super) fn removing(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.remove.extend(paths);
        self
    }

    pub(super) fn after(mut self, command: Vec<String>) -> Self {
        self.before = Some(command);
        self
    }

    /// Makes the start the same for every run.
    pub(super) fn prepare(&self) -> Result<()> {
        for path in self.remove.iter().filter(|path| path.exists()) {
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }?;
        }
        if let Some(before) = &self.before {
            command::output(&mut command_of(before))?;
        }
        // Whoever synchronises would wait for the bytes that others left in memory, too.
        command::output(&mut Command::new("sync"))?;
        Ok(())
    }
}

/// A path as a word of a command.
pub(super) fn text(path: &Path) -> String {
    path.display().to_string()
}
