//! The container engine of this machine, if there is one.

use std::process::Command;

use crate::command;

/// Whether the engine that the Docker CLI talks to answers.
pub(crate) fn answers() -> bool {
    command::succeeds(Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]))
}

/// The ID of an image, when the engine has it.
pub(crate) fn image_id(reference: &str) -> Option<String> {
    let mut inspect = Command::new("docker");
    inspect.args(["image", "inspect", "--format", "{{.Id}}", reference]);
    String::from_utf8(command::output(&mut inspect).ok()?).ok().map(|id| id.trim().to_owned())
}
