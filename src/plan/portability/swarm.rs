//! What a swarm alone cannot keep: names that its engine cuts off, and configs without content.
//!
//! Takes in an environment; gives out errors at what was written.

use std::collections::BTreeSet;

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::Span;
use crate::plan::{ConfigContent, Environment, FileKind, Folders, Mounts, Platform};

/// What names of configs and services are cut to by the engine (moby, `daemon/cluster`, names of configs and secrets).
const MAX_NAME_CHARACTERS: usize = 64;

/// How much of a fingerprint stands in a name: `templates/entrypoint/driver/swarm/driver-objects.sh` cuts it.
const FINGERPRINT_CHARACTERS: usize = 12;

/// The longest name of an entry of the ledger, behind the target.
const LONGEST_ENTRY: &str = "_rel.9999.failed";

/// Checks an environment.
pub(in crate::plan) fn check(environment: &Environment, context: &mut Context) {
    check_names(environment, context);
    check_contents(environment, context);
}

/// Names of configs and secrets hold the target, what it is and a fingerprint.
fn check_names(environment: &Environment, context: &mut Context) {
    let mounts = Mounts::of(environment, Folders::ByFile);
    let of_mounts = mounts.iter().map(|(key, mount)| {
        let section = if key.kind == FileKind::Config { "configs" } else { "secrets" };
        (
            section,
            key.source.as_str(),
            format!("{}_{}-{}", environment.target, mount.name(), "0".repeat(FINGERPRINT_CHARACTERS)),
        )
    });
    let of_scales = environment.services.iter().map(|service| {
        let name = format!("{}_scale-{}", environment.target, service.name_on(Platform::Swarm));
        ("services", service.name.as_str(), name)
    });
    let of_ledger = [("environments", environment.name.as_str(), format!("{}{LONGEST_ENTRY}", environment.target))];
    for (section, source, name) in of_mounts.chain(of_scales).chain(of_ledger) {
        if name.len() > MAX_NAME_CHARACTERS {
            let span = environment.written.deepest([section, source]).span;
            let message =
                format!("`{name}` has {} characters; a Swarm takes {MAX_NAME_CHARACTERS} in a name", name.len());
            let hint = format!("shorten the name of the project, of the environment or of `{source}`");
            context.error(Code::TOO_LONG, span, message, hint);
        }
    }
}

/// A Swarm keeps nothing that is empty. Too large is only what parameters make so, which the entrypoint judges: a release has no such files.
fn check_contents(environment: &Environment, context: &mut Context) {
    let used: BTreeSet<_> =
        environment.services.iter().flat_map(|service| &service.files).map(|file| &file.source).collect();
    for (name, content) in environment.configs.iter().filter(|(name, _)| used.contains(name)) {
        let empty = match content {
            ConfigContent::File(bytes) => bytes.is_empty().then(|| format!("config `{name}`")),
            ConfigContent::Pieces(_) => None,
            ConfigContent::Folder(files) => {
                let found = files.iter().find(|(_, bytes)| bytes.is_empty());
                found.map(|(path, _)| format!("`{path}` of config `{name}`"))
            }
        };
        if let Some(what) = empty {
            let span = content_span(environment, name.as_str());
            let hint = "give it a line, such as a comment; or bake the empty file into the service's image";
            context.error(Code::STACK, span, format!("{what} is empty, and a Swarm keeps no empty config"), hint);
        }
    }
}

/// Where it is written what a config holds.
fn content_span(environment: &Environment, name: &str) -> Span {
    let config = environment.written.deepest(["configs", name]);
    let keys = ["content", "directory", "file"];
    let content = config.as_table().and_then(|table| keys.iter().find_map(|key| table.get(key)));
    content.unwrap_or(config).span
}
