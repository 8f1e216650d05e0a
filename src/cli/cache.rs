//! `cache list` and `cache clean`.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::host;
use crate::host::housekeeping::{CacheUse, cache_usage, clean_cache};

use super::arguments::{CacheClean, CacheCommand, CacheList};
use super::failure::CommandFailure;
use super::table::{Table, human_size};

/// Runs one of them.
pub(super) fn run(command: &CacheCommand) -> Result<(), CommandFailure> {
    match command {
        CacheCommand::List(arguments) => list(arguments),
        CacheCommand::Clean(arguments) => clean(arguments),
    }
}

fn list(arguments: &CacheList) -> Result<(), CommandFailure> {
    let folder = folder()?;
    let usage = cache_usage(&folder)?;
    if arguments.json {
        let kinds: Vec<_> = usage.iter().map(kind_json).collect();
        anstream::println!("{:#}", json!({ "folder": folder, "kinds": kinds }));
    } else {
        anstream::print!("{}{}\n", table(&usage), folder.display());
    }
    Ok(())
}

fn clean(arguments: &CacheClean) -> Result<(), CommandFailure> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let folder = folder()?;
    let age = arguments.older_than.map_or(Duration::ZERO, |days| DAY * days);
    let removed = clean_cache(&folder, age)?;
    let (files, bytes) = removed.iter().fold((0, 0), |(files, bytes), one| (files + one.files, bytes + one.bytes));
    anstream::println!("{}: {files} files ({}) removed", folder.display(), human_size(bytes));
    Ok(())
}

fn folder() -> Result<PathBuf, CommandFailure> {
    host::cache_folder().ok_or_else(|| {
        let message = "there is no cache folder: neither `XDG_CACHE_HOME` nor `HOME` is set".to_owned();
        CommandFailure::Usage(message, "set one of them to an absolute path".to_owned())
    })
}

fn kind_json(one: &CacheUse) -> serde_json::Value {
    json!({ "kind": one.kind.name(), "files": one.files, "bytes": one.bytes })
}

fn table(usage: &[CacheUse]) -> Table {
    let mut table = Table::new(&["KIND", "FILES", "SIZE"]);
    for one in usage {
        table.row([one.kind.name().to_owned(), one.files.to_string(), human_size(one.bytes)]);
    }
    table
}
