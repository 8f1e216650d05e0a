//! The volumes of a pod: claims, memory, files of the host, configs and secrets.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use crate::compose::{self, MountSource};
use crate::name::{DeclaredName, MAX_LABEL_CHARACTERS};
use crate::plan::{ConfigContent, FileKind, FileUse, Mount, Service, external_secret, host_file};

use super::claims;
use super::object::{Scene, map, set};
use super::resources::memory_directory;
use super::yaml::{ours, placeholder};

/// The one key of an object that the entrypoint stores.
const CONTENT: &str = "content";

/// What a pod and its container say of volumes.
#[derive(Default)]
pub(super) struct Volumes {
    /// `volumes` of the pod.
    pub(super) of_pod: Vec<Json>,
    /// `volumeMounts` of the container.
    pub(super) of_container: Vec<Json>,
    names: BTreeSet<String>,
}

impl Volumes {
    /// Everything that a service mounts.
    pub(super) fn of(scene: &Scene<'_>, service: &Service) -> Self {
        let mut volumes = Self::default();
        // The names of claims are fixed, so they come first.
        let (named, others): (Vec<_>, Vec<_>) = service.compose.mounts.iter().partition(|used| used.volume().is_some());
        for used in named {
            volumes.add_claim(scene, service, used);
        }
        for used in others {
            volumes.add_other(used);
        }
        if let Some(size) = service.compose.shared_memory {
            let memory = json!({ "emptyDir": memory_directory(Some(size)) });
            volumes.add("shared-memory", memory, "/dev/shm", None, false);
        }
        service.files.iter().for_each(|file| volumes.add_file(scene, file));
        volumes
    }

    fn add_claim(&mut self, scene: &Scene<'_>, service: &Service, used: &compose::Mount) {
        let Some(name) = used.volume().and_then(DeclaredName::parse) else { return };
        let own = claims::own_name(&name);
        let is_new = self.names.insert(own.clone());
        if is_new && !scene.shared.is_own(service, &name) {
            let claim = claims::name(scene, &name);
            self.of_pod.push(json!({ "name": own, "persistentVolumeClaim": { "claimName": claim } }));
        }
        self.mount(&own, &used.target, used.sub_path.as_deref(), used.is_read_only);
    }

    fn add_other(&mut self, used: &compose::Mount) {
        let (name, volume) = match &used.source {
            // That other sources are impossible is said where platforms are compared.
            MountSource::Named(_) | MountSource::Other => return,
            MountSource::Host(path) => ("host", json!({ "hostPath": { "path": path } })),
            MountSource::Anonymous => ("scratch", json!({ "emptyDir": {} })),
            MountSource::Memory { size, .. } => ("memory", json!({ "emptyDir": memory_directory(*size) })),
        };
        self.add(name, volume, &used.target, None, used.is_read_only);
    }

    fn add_file(&mut self, scene: &Scene<'_>, file: &FileUse) {
        if let Some(path) = host_file(scene.environment, file) {
            let volume = json!({ "hostPath": { "path": path, "type": "File" } });
            self.add("host", volume, &file.target, None, true);
        } else if let Some((name, key)) = external_secret(scene.environment, file) {
            let items = items(key, CONTENT, file);
            let volume = json!({ "secret": { "secretName": name, "items": items } });
            self.add(&file.source.to_host_name(), volume, &file.target, Some(CONTENT), true);
        } else if let Some(ConfigContent::Folder(_)) = folder(scene, file) {
            self.add_folder(scene, file);
        } else {
            for (mount, target) in scene.mounts.serving(scene.environment, file) {
                self.add_stored(scene, file, mount, &target);
            }
        }
    }

    /// One file, over whatever the image has at its place; its neighbours stay.
    fn add_stored(&mut self, scene: &Scene<'_>, file: &FileUse, mount: &Mount, target: &str) {
        let name = ours(placeholder("NAME", &mount.id));
        let items = items(CONTENT, CONTENT, file);
        let volume = if is_secret(scene, file) {
            json!({ "secret": { "secretName": name, "items": items } })
        } else {
            json!({ "configMap": { "name": name, "items": items } })
        };
        self.add(&mount.name(), volume, target, Some(CONTENT), true);
    }

    /// A folder is put together from one object for each file.
    fn add_folder(&mut self, scene: &Scene<'_>, file: &FileUse) {
        let folder = file.target.trim_end_matches('/');
        let source = |(mount, target): (&Mount, String)| {
            let below = target.strip_prefix(folder).unwrap_or(&target).trim_start_matches('/').to_owned();
            json!({ "configMap": { "name": ours(placeholder("NAME", &mount.id)), "items": items(CONTENT, &below, file) } })
        };
        let sources: Vec<_> = scene.mounts.serving(scene.environment, file).into_iter().map(source).collect();
        let volume = json!({ "projected": { "sources": sources } });
        self.add(&format!("config-{}", file.source.to_host_name()), volume, &file.target, None, true);
    }

    /// A volume and where it is mounted.
    fn add(&mut self, wanted: &str, volume: Json, target: &str, sub_path: Option<&str>, read_only: bool) {
        let mut volume = map(volume);
        let known = self.of_pod.iter().find(|known| {
            known.as_object().is_some_and(|known| volume.iter().all(|(key, value)| known.get(key) == Some(value)))
        });
        let known = known.and_then(|known| known["name"].as_str()).filter(|_| sub_path.is_some()).map(str::to_owned);
        let name = known.unwrap_or_else(|| {
            let name = self.free_name(wanted);
            volume.insert("name".to_owned(), json!(name));
            self.of_pod.push(Json::from(volume));
            name
        });
        self.mount(&name, target, sub_path, read_only);
    }

    fn mount(&mut self, name: &str, target: &str, sub_path: Option<&str>, read_only: bool) {
        let mut mount: Map<String, Json> = map(json!({ "name": name, "mountPath": target }));
        set(&mut mount, "subPath", sub_path.map_or(Json::Null, Json::from));
        if read_only {
            mount.insert("readOnly".to_owned(), json!(true));
        }
        self.of_container.push(Json::from(mount));
    }

    /// A name that is a DNS label and that no other volume of the pod has.
    fn free_name(&mut self, wanted: &str) -> String {
        /// Room for a dash and a number.
        const ROOM: usize = 4;
        let short =
            wanted.get(..wanted.len().min(MAX_LABEL_CHARACTERS - ROOM)).unwrap_or("volume").trim_end_matches('-');
        let first = if short.len() == wanted.len() { short.to_owned() } else { format!("{short}-1") };
        let numbered = (2..).map(|number| format!("{short}-{number}"));
        let free = std::iter::once(first).chain(numbered).find(|name| !self.names.contains(name));
        let name = free.expect("numbers do not end");
        self.names.insert(name.clone());
        name
    }
}

/// The folder that a config is.
fn folder<'a>(scene: &Scene<'a>, file: &FileUse) -> Option<&'a ConfigContent> {
    let config = scene.environment.configs.get(&file.source).filter(|_| file.kind == FileKind::Config)?;
    matches!(config, ConfigContent::Folder(_)).then_some(config)
}

/// Whether the entrypoint stores the file as a Secret: it is one, or holds the value of one.
fn is_secret(scene: &Scene<'_>, file: &FileUse) -> bool {
    file.kind == FileKind::Secret || scene.secret_configs.contains(&file.source)
}

fn items(key: &str, path: &str, file: &FileUse) -> Json {
    json!([{ "key": key, "path": path, "mode": file.owner.mode }])
}
