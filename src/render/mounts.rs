//! Configs and secrets as volumes: one for each content, owner and mode.
//!
//! The entrypoint fills a volume for each [`Mount`] and tells the manifest its name and path through two variables.

use std::collections::BTreeMap;

use crate::name::Label;
use crate::plan::{Environment, FileKind, FileUse, Owner, SecretSource};

/// What is mounted: the same config with two owners is two mounts.
pub(super) type Key = (FileKind, Label, Owner);

/// One volume that the entrypoint fills.
#[derive(Clone, Debug)]
pub(super) struct Mount {
    /// The name in variables: `CONFIG_WEB_CONF`.
    pub(super) id: String,
}

impl Mount {
    /// The key in the manifest's `volumes`. A dot keeps it apart from the user's volumes, whose names are DNS labels.
    pub(super) fn volume_key(&self) -> String {
        format!("bootsmith.{}", self.id.to_ascii_lowercase().replace('_', "-"))
    }

    /// Where the volume itself is mounted beside the file, so that `volume prune` of old engines leaves it alone.
    pub(super) fn guard_path(&self) -> String {
        format!("/run/bootsmith/{}", self.id.to_ascii_lowercase().replace('_', "-"))
    }

    /// The variable that holds the volume's name.
    pub(super) fn volume_variable(&self) -> String {
        format!("${{BOOTSMITH_{}_VOLUME}}", self.id)
    }

    /// The variable that holds the path of the file, or of the folder, on the engine's host.
    pub(super) fn path_variable(&self) -> String {
        format!("${{BOOTSMITH_{}_PATH}}", self.id)
    }
}

/// Every mount of an environment.
pub(super) fn of(environment: &Environment) -> BTreeMap<Key, Mount> {
    let mut mounts: BTreeMap<Key, Mount> = BTreeMap::new();
    for file in environment.services.iter().flat_map(|service| &service.files) {
        let key = key(file);
        if is_stored(environment, file) && !mounts.contains_key(&key) {
            let id = free_id(&key, &mounts);
            mounts.insert(key, Mount { id });
        }
    }
    mounts
}

/// The mount that serves a file.
pub(super) fn key(file: &FileUse) -> Key {
    (file.kind, file.source.clone(), file.owner)
}

/// Whether the entrypoint stores it on the target; what is not stored is there already.
pub(super) fn is_stored(environment: &Environment, file: &FileUse) -> bool {
    host_file(environment, file).is_none() && external(environment, file).is_none()
}

/// The name on the target and the key, for a secret that is there already.
pub(super) fn external<'a>(environment: &'a Environment, file: &FileUse) -> Option<(&'a str, &'a str)> {
    match (file.kind, environment.secrets.get(&file.source)) {
        (FileKind::Secret, Some(SecretSource::External { name, key })) => Some((name, key)),
        _ => None,
    }
}

/// The path on the target's host, for a secret that is a file there.
pub(super) fn host_file<'a>(environment: &'a Environment, file: &FileUse) -> Option<&'a str> {
    match (file.kind, environment.secrets.get(&file.source)) {
        (FileKind::Secret, Some(SecretSource::HostFile(path))) => Some(path),
        _ => None,
    }
}

fn free_id((kind, source, _): &Key, mounts: &BTreeMap<Key, Mount>) -> String {
    let prefix = match kind {
        FileKind::Config => "CONFIG",
        FileKind::Secret => "SECRET",
    };
    let first = format!("{prefix}_{}", source.to_environment_key());
    let numbered = (2..).map(|number| format!("{first}_{number}"));
    std::iter::once(first.clone())
        .chain(numbered)
        .find(|id| mounts.values().all(|mount| mount.id != *id))
        .expect("numbers do not end")
}
