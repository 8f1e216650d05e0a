//! What the manifest of Compose says of a mount: the volume that the entrypoint fills, and the variables that lead to it.

use crate::plan::Mount;

/// The key in the manifest's `volumes`. No volume of the user begins so.
pub(super) fn volume_key(mount: &Mount) -> String {
    format!("bootsmith.{}", mount.name())
}

/// Where the volume itself is mounted next to the file, so that `volume prune` of old engines leaves it alone.
pub(super) fn guard_path(mount: &Mount) -> String {
    format!("/run/bootsmith/{}", mount.name())
}

/// The variable that holds the volume's name.
pub(super) fn volume_variable(mount: &Mount) -> String {
    format!("${{BOOTSMITH_{}_VOLUME}}", mount.id)
}

/// The variable that holds the path of the file, or of the folder, on the engine's host.
pub(super) fn path_variable(mount: &Mount) -> String {
    format!("${{BOOTSMITH_{}_PATH}}", mount.id)
}
