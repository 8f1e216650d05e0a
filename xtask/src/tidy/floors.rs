//! The table of floors: which module of the library stands on which.
//!
//! A module uses modules of lower floors, and of its own floor those that are listed after it. `docs/architecture.md` holds the
//! same table, drawn from this one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A module of the library.
pub(super) struct Room {
    /// The floor: modules use lower floors.
    pub(super) floor: u8,
    /// The module.
    pub(super) name: &'static str,
    /// Modules of the same floor that it may use.
    pub(super) after: &'static [&'static str],
    /// What it is for.
    pub(super) says: &'static str,
}

const fn room(floor: u8, name: &'static str, after: &'static [&'static str], says: &'static str) -> Room {
    Room { floor, name, after, says }
}

/// The library, from the ground up.
pub(super) const ROOMS: &[Room] = &[
    room(0, "digest", &[], "SHA-256 digests and descriptors"),
    room(0, "epoch", &[], "the one instant an image knows"),
    room(0, "path", &[], "relative paths without `..`"),
    room(0, "name", &[], "checked names"),
    room(0, "reference", &["digest"], "names of images"),
    room(0, "parallel", &[], "work on several processors, its results in order"),
    room(0, "diagnostic", &[], "code, place, message and hint; no terminal"),
    room(1, "source", &[], "input bytes as data"),
    room(1, "document", &[], "TOML whose every key and value knows its place"),
    room(1, "lock", &[], "`bootstrap.lock`: what every image was when it was locked"),
    room(1, "compose", &["document"], "a Compose service as types, each value read once"),
    room(1, "spec", &["source", "document"], "`bootstrap.toml` as written"),
    room(2, "plan", &[], "everything decided: environments, references, waves"),
    room(3, "tree", &[], "sorted path → mode, bytes"),
    room(3, "contents", &["tree"], "the list of files that an image brings, with their hashes"),
    room(3, "render", &["tree", "contents"], "the plan as a tree of files"),
    room(4, "layer", &[], "a tree as a layer: fixed headers, two digests"),
    room(4, "image", &["layer"], "layers as an image whose digest is known"),
    room(5, "store", &[], "images read from and written to files, verified"),
    room(5, "registry", &["store"], "the distribution protocol as values"),
    room(6, "pipeline", &[], "the story on one screen: the library's front door"),
    room(6, "inspect", &[], "what is in an image, for people and programs"),
    room(6, "relocate", &["inspect"], "a bootstrap image for service images that are somewhere else"),
    room(7, "host", &[], "files, clock, environment"),
    room(7, "cli", &["host"], "arguments, progress, report, exit codes"),
];

/// What each floor is called.
const FLOORS: &[&str] = &["words", "inputs", "plan", "files", "bytes", "delivery", "whole", "edge"];

pub(super) const BEGIN: &str = "<!-- floors: written by `cargo xtask tidy --write` -->";
pub(super) const END: &str = "<!-- end of floors -->";

/// Why a module may not use another; `None` when it may.
pub(super) fn objection(rooms: &[Room], user: &str, target: &str) -> Option<String> {
    let find = |name: &str| rooms.iter().find(|room| room.name == name);
    // Modules that are not in the table are reported by `check_rooms`.
    let (from, to) = (find(user)?, find(target)?);
    let allowed = from.name == to.name || to.floor < from.floor || from.after.contains(&to.name);
    (!allowed)
        .then(|| format!("`{}` (floor {}) must not use `{}` (floor {})", from.name, from.floor, to.name, to.floor))
}

/// The table itself: floors ascend, and a module stands after those of its floor that it uses, so that there are no circles.
pub(super) fn check_table(rooms: &[Room]) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, room) in rooms.iter().enumerate() {
        let before = &rooms[..index];
        if before.last().is_some_and(|last| last.floor > room.floor) {
            faults.push(format!("table of floors: `{}` stands below a higher floor", room.name));
        }
        for after in room.after {
            if !before.iter().any(|other| other.name == *after && other.floor == room.floor) {
                faults.push(format!(
                    "table of floors: `{}` is after `{after}`, which is not before it on its floor",
                    room.name
                ));
            }
        }
    }
    faults
}

/// Every module is in the table, and the table has no others.
pub(super) fn check_rooms<'a>(rooms: &[Room], paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    let modules: BTreeSet<_> = paths.filter_map(module_of).collect();
    let listed: BTreeSet<_> = rooms.iter().map(|room| room.name).collect();
    let unlisted = modules.difference(&listed).map(|name| format!("src/{name}: not in the table of floors"));
    let absent = listed.difference(&modules).map(|name| format!("table of floors: src/ has no module `{name}`"));
    unlisted.chain(absent).collect()
}

/// The top-level module that a file belongs to; `lib.rs` and `main.rs` belong to none.
pub(super) fn module_of(path: &str) -> Option<&str> {
    let below = path.strip_prefix("src/")?;
    let module = below.split('/').next()?;
    let module = module.strip_suffix(".rs").unwrap_or(module);
    (!matches!(below, "lib.rs" | "main.rs")).then_some(module)
}

/// The table for the document.
pub(super) fn draw(rooms: &[Room]) -> String {
    let mut table = String::from("| floor | module | says | may use of its floor |\n|---|---|---|---|\n");
    for room in rooms {
        let floor = FLOORS.get(usize::from(room.floor)).unwrap_or(&"");
        let after: Vec<_> = room.after.iter().map(|name| format!("`{name}`")).collect();
        writeln!(table, "| {} {floor} | `{}` | {} | {} |", room.floor, room.name, room.says, after.join(", "))
            .expect("writing to a string succeeds");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands() {
        assert_eq!(check_table(ROOMS), Vec::<String>::new());
    }

    #[test]
    fn arrows_run_down_or_along_the_list() {
        assert_eq!(objection(ROOMS, "plan", "spec"), None);
        assert_eq!(objection(ROOMS, "image", "layer"), None);
        assert_eq!(objection(ROOMS, "image", "image"), None);
        assert!(objection(ROOMS, "layer", "image").is_some());
        assert_eq!(
            objection(ROOMS, "render", "pipeline").as_deref(),
            Some("`render` (floor 3) must not use `pipeline` (floor 6)")
        );
    }

    #[test]
    fn circles_and_disorder_in_a_table_are_found() {
        let circle = [room(1, "a", &["b"], ""), room(1, "b", &["a"], ""), room(0, "c", &[], "")];
        let faults = check_table(&circle);
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn modules_and_table_are_held_against_each_other() {
        let rooms = [room(0, "digest", &[], ""), room(0, "gone", &[], "")];
        let paths = ["src/lib.rs", "src/main.rs", "src/digest.rs", "src/image/base.rs"];
        assert_eq!(
            check_rooms(&rooms, paths.into_iter()),
            ["src/image: not in the table of floors", "table of floors: src/ has no module `gone`"]
        );
    }
}
