//! The entrypoint and its library, carried in bootsmith itself.

use crate::plan::Platform;
use crate::tree::{FileTree, Mode, PathTaken};

use super::output::{file, path};

/// Embeds files of `templates/entrypoint`.
macro_rules! embedded {
    ($($path:literal)*) => {
        &[$(($path, include_bytes!(concat!("../../templates/entrypoint/", $path))),)*]
    };
}

/// What every platform needs.
const CORE: &[(&str, &[u8])] = embedded! {
    "bin/bootstrap"
    "lib/additions.sh"
    "lib/arguments.sh"
    "lib/back.sh"
    "lib/declared.sh"
    "lib/deploy.sh"
    "lib/describe.sh"
    "lib/down.sh"
    "lib/drift.sh"
    "lib/files.sh"
    "lib/forget.sh"
    "lib/gate.sh"
    "lib/help.sh"
    "lib/history.sh"
    "lib/ledger.sh"
    "lib/lock.sh"
    "lib/message.sh"
    "lib/migrations.sh"
    "lib/nodes.sh"
    "lib/operate.sh"
    "lib/parameters.sh"
    "lib/plan.sh"
    "lib/preflight.sh"
    "lib/process.sh"
    "lib/record.sh"
    "lib/release.sh"
    "lib/reserved-names"
    "lib/restore.sh"
    "lib/scripts.sh"
    "lib/show.sh"
    "lib/state.sh"
    "lib/stored.sh"
    "lib/text.sh"
    "lib/upgrade.sh"
    "lib/users.sh"
    "lib/verify.sh"
    "lib/versions.sh"
    "lib/whose.sh"
};

/// The driver of Docker Compose.
const COMPOSE: &[(&str, &[u8])] = embedded! {
    "driver/docker/driver-declared.sh"
    "driver/docker/driver-engine.sh"
    "driver/docker/driver-namesakes.sh"
    "driver/compose/driver.sh"
    "driver/compose/driver-ledger.sh"
    "driver/compose/driver-lock.sh"
    "driver/compose/driver-nodes.sh"
    "driver/compose/driver-remove.sh"
    "driver/compose/driver-ties.sh"
    "driver/compose/driver-volumes.sh"
};

/// The driver of Docker Swarm.
const SWARM: &[(&str, &[u8])] = embedded! {
    "driver/docker/driver-declared.sh"
    "driver/docker/driver-engine.sh"
    "driver/docker/driver-namesakes.sh"
    "driver/swarm/driver.sh"
    "driver/swarm/driver-ledger.sh"
    "driver/swarm/driver-lock.sh"
    "driver/swarm/driver-objects.sh"
    "driver/swarm/driver-remove.sh"
    "driver/swarm/driver-tasks.sh"
    "driver/swarm/driver-nodes.sh"
};

/// The driver of Kubernetes.
const KUBERNETES: &[(&str, &[u8])] = embedded! {
    "driver/kubernetes/driver.sh"
    "driver/kubernetes/driver-additions.sh"
    "driver/kubernetes/driver-apply.sh"
    "driver/kubernetes/driver-files.sh"
    "driver/kubernetes/driver-ledger.sh"
    "driver/kubernetes/driver-lock.sh"
    "driver/kubernetes/driver-namesakes.sh"
    "driver/kubernetes/driver-permissions.sh"
    "driver/kubernetes/driver-remove.sh"
    "driver/kubernetes/driver-run.sh"
    "driver/kubernetes/driver-scale.sh"
    "driver/kubernetes/driver-state.sh"
    "driver/kubernetes/driver-nodes.sh"
    "driver/kubernetes/driver-users.sh"
};

/// The files of a platform's image. The one driver it has loses the folder's name: `driver/compose/driver.sh` is `driver/driver.sh`.
pub(super) fn files(platform: Platform) -> Result<FileTree, PathTaken> {
    let mut tree = FileTree::default();
    for (name, bytes) in CORE.iter().chain(driver(platform)) {
        let mode = if name.starts_with("bin/") { Mode::Executable } else { Mode::Plain };
        let name = match name.split('/').collect::<Vec<_>>()[..] {
            ["driver", _, part] => format!("driver/{part}"),
            _ => (*name).to_owned(),
        };
        tree.insert(path(&format!("bootstrap/{name}")), file(mode, bytes))?;
    }
    Ok(tree)
}

fn driver(platform: Platform) -> &'static [(&'static str, &'static [u8])] {
    match platform {
        Platform::Compose => COMPOSE,
        Platform::Swarm => SWARM,
        Platform::Kubernetes => KUBERNETES,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::name::EnvironmentKey;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/entrypoint");

    #[test]
    fn no_file_of_the_folder_is_forgotten() {
        let drivers = Platform::ALL.iter().flat_map(|platform| driver(*platform));
        let embedded: BTreeSet<_> = CORE.iter().chain(drivers).map(|(name, _)| (*name).to_owned()).collect();
        let files = walkdir::WalkDir::new(FOLDER).into_iter().map(|entry| entry.expect("part of the repository"));
        let scripts = files.filter(|entry| entry.file_type().is_file() && entry.file_name() != "README.md");
        let name = |entry: walkdir::DirEntry| {
            entry.path().strip_prefix(FOLDER).expect("below the folder").to_string_lossy().into_owned()
        };
        assert_eq!(embedded, scripts.map(name).collect());
    }

    /// A parameter may have any name that is not reserved; what has small letters is set aside (`bin/bootstrap`).
    #[test]
    fn no_variable_of_the_entrypoint_can_be_a_parameter() {
        let drivers = Platform::ALL.iter().flat_map(|platform| driver(*platform));
        let texts = CORE.iter().chain(drivers).map(|(name, bytes)| (name, String::from_utf8_lossy(bytes)));
        for (name, text) in texts.filter(|(name, _)| **name != "lib/reserved-names") {
            for variable in text.lines().flat_map(variables_set_by) {
                let key = EnvironmentKey::parse(variable).expect("a variable has a name");
                assert!(key.is_reserved(), "{name}: write `{variable}` in small letters");
            }
        }
    }

    /// Names in capitals that a line sets for good: one that stands before a command is the command's.
    fn variables_set_by(line: &str) -> Vec<&str> {
        let is_word = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let name = |word: &'_ str| {
            let end = word.find('=')?;
            let named = end > 0 && word[..end].bytes().all(is_word) && !word.as_bytes()[0].is_ascii_digit();
            named.then_some(end)
        };
        let words: Vec<_> = line.split_whitespace().collect();
        let sets = match words.as_slice() {
            ["readonly" | "export", rest @ ..] => rest,
            [single] => std::slice::from_ref(single),
            _ => &[],
        };
        sets.iter().filter_map(|word| name(word).map(|end| &word[..end])).collect()
    }

    #[test]
    fn every_driver_has_every_function_that_the_core_calls() {
        let page = include_str!("../../templates/entrypoint/driver/README.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `driver_"));
        let wanted: BTreeSet<_> = rows.filter_map(|row| row.split([' ', '`']).next()).collect();
        assert!(wanted.len() > 20, "the table could be read");
        for platform in Platform::ALL {
            let texts: Vec<_> = driver(*platform).iter().map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect();
            let lines = texts.iter().flat_map(|text| text.lines());
            let defined: BTreeSet<_> =
                lines.filter_map(|line| line.strip_prefix("driver_")?.strip_suffix("() {")).collect();
            assert_eq!(defined, wanted, "the driver of {}", platform.name());
        }
    }
}
