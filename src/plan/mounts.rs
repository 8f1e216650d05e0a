//! Configs and secrets as mounts: one for each content, owner and mode.
//!
//! The entrypoint stores each [`Mount`] on the target and gives the manifest its place in variables. Where a platform keeps folders
//! a folder is one mount; where it keeps single files, each file of the folder is one.

use std::collections::BTreeMap;

use crate::name::DeclaredName;
use crate::path::RelativePath;

use super::{ConfigContent, Environment, FileKind, FileUse, Owner, SecretSource};

/// How a platform keeps the folder of a config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folders {
    /// As it is.
    Whole,
    /// One object for each file.
    ByFile,
}

/// What is mounted: the same config with two owners is two mounts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MountKey {
    /// Config or secret.
    pub kind: FileKind,
    /// Which.
    pub source: DeclaredName,
    /// Who may read it.
    pub owner: Owner,
    /// The one file of a folder.
    pub file: Option<RelativePath>,
    /// Whether files of the folder that somebody may execute in the project can be executed.
    pub keeps_executables: bool,
}

/// One object that the entrypoint stores.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The name in variables: `CONFIG_WEB_CONF`.
    pub id: String,
}

impl Mount {
    /// The name in a manifest: `config-web-conf`.
    pub fn name(&self) -> String {
        self.id.to_ascii_lowercase().replace('_', "-")
    }
}

/// Every mount of an environment.
pub struct Mounts {
    by_key: BTreeMap<MountKey, Mount>,
    folders: Folders,
}

impl Mounts {
    /// Finds them in the services.
    pub fn of(environment: &Environment, folders: Folders) -> Self {
        let mut mounts = Self { by_key: BTreeMap::new(), folders };
        for file in environment.services.iter().flat_map(|service| &service.files) {
            for (key, _) in keys(environment, file, folders) {
                if !mounts.by_key.contains_key(&key) {
                    let id = mounts.free_id(&key);
                    mounts.by_key.insert(key, Mount { id });
                }
            }
        }
        mounts
    }

    /// Every mount, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&MountKey, &Mount)> {
        self.by_key.iter()
    }

    /// The mounts that serve what a service uses, each with its place in the container; none for what the target has already.
    pub fn serving(&self, environment: &Environment, file: &FileUse) -> Vec<(&Mount, String)> {
        keys(environment, file, self.folders).into_iter().map(|(key, target)| (&self.by_key[&key], target)).collect()
    }

    fn free_id(&self, key: &MountKey) -> String {
        let prefix = match key.kind {
            FileKind::Config => "CONFIG",
            FileKind::Secret => "SECRET",
        };
        let first = format!("{prefix}_{}", key.source.to_capitals());
        let numbered = (2..).map(|number| format!("{first}_{number}"));
        std::iter::once(first.clone())
            .chain(numbered)
            .find(|id| self.by_key.values().all(|mount| mount.id != *id))
            .expect("numbers do not end")
    }
}

/// What serves a file or folder, each with its place in the container.
fn keys(environment: &Environment, used: &FileUse, folders: Folders) -> Vec<(MountKey, String)> {
    if host_file(environment, used).is_some() || external_secret(environment, used).is_some() {
        return Vec::new();
    }
    let key = |file: Option<RelativePath>| {
        let is_executable = used.keeps_executables && is_executable(environment, used, file.as_ref());
        let owner = if is_executable { used.owner.executing() } else { used.owner };
        // Of a folder as a whole the entrypoint looks at the files themselves.
        let is_folder = matches!(environment.configs.get(&used.source), Some(ConfigContent::Folder(_)));
        let has_executables = environment.executables.contains_key(&used.source);
        let keeps_executables = used.keeps_executables && is_folder && has_executables && file.is_none();
        MountKey { kind: used.kind, source: used.source.clone(), owner, file, keeps_executables }
    };
    match (used.kind, folders, environment.configs.get(&used.source)) {
        (FileKind::Config, Folders::ByFile, Some(ConfigContent::Folder(files))) => {
            let place = |path: &RelativePath| format!("{}/{path}", used.target.trim_end_matches('/'));
            files.keys().map(|path| (key(Some(path.clone())), place(path))).collect()
        }
        _ => vec![(key(None), used.target.clone())],
    }
}

fn is_executable(environment: &Environment, used: &FileUse, file: Option<&RelativePath>) -> bool {
    let executables = environment.executables.get(&used.source);
    executables.is_some_and(|executables| executables.contains(&file.cloned()))
}

/// The name on the target and the key, for a secret that is there already.
pub fn external_secret<'a>(environment: &'a Environment, file: &FileUse) -> Option<(&'a str, &'a str)> {
    match (file.kind, environment.secrets.get(&file.source)) {
        (FileKind::Secret, Some(SecretSource::External { name, key })) => Some((name, key)),
        _ => None,
    }
}

/// The path on the target's host, for a secret that is a file there.
pub fn host_file<'a>(environment: &'a Environment, file: &FileUse) -> Option<&'a str> {
    match (file.kind, environment.secrets.get(&file.source)) {
        (FileKind::Secret, Some(SecretSource::HostFile(path))) => Some(path),
        _ => None,
    }
}
