//! `tag`: what a repository has.

use serde_json::json;

use crate::host::registry::{PullFailure, list_tags};
use crate::reference::RepositoryReference;

use super::arguments::{TagCommand, TagList};
use super::failure::CommandFailure;
use super::transfer::Transfer;

/// Runs one of its commands.
pub(super) fn run(command: &TagCommand) -> Result<(), CommandFailure> {
    match command {
        TagCommand::List(arguments) => list(arguments),
    }
}

/// Prints every tag, each on a line of its own, or JSON.
fn list(arguments: &TagList) -> Result<(), CommandFailure> {
    let repository = RepositoryReference::parse(&arguments.repository).map_err(PullFailure::from)?;
    let settings = super::registry::settings(&arguments.registry)?;
    let transfer = Transfer::start();
    let tags = list_tags(&repository, &settings, &|event| transfer.tell(&event));
    transfer.finish();
    let tags = tags?;
    if arguments.json {
        anstream::println!("{:#}", json!({ "repository": repository.to_string(), "tags": tags }));
    } else {
        for tag in tags {
            anstream::println!("{tag}");
        }
    }
    Ok(())
}
