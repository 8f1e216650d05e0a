//! The container engine of this machine, if there is one.

use std::process::Command;

use crate::command;

/// An engine that answers.
pub(crate) struct Engine(());

/// The engine that the Docker CLI talks to.
pub(crate) fn connect() -> Option<Engine> {
    command::succeeds(Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]))
        .then_some(Engine(()))
}

impl Engine {
    /// The ID of an image, when the engine has it.
    pub(crate) fn image_id(&self, reference: &str) -> Option<String> {
        let found = command::output(
            Command::new("docker").args(["image", "inspect", "--format", "{{.Id}}", reference]),
        );
        String::from_utf8(found.ok()?)
            .ok()
            .map(|id| id.trim().to_owned())
    }
}
