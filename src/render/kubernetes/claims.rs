//! Claims of named volumes: of each replica, when one service alone uses a volume, else one that is shared.
//!
//! See `docs/decisions/0007-a-volume-of-one-service-is-one-per-replica.md`.

use serde_json::{Map, Value as Json, json};

use crate::name::DeclaredName;
use crate::plan::{Object as Volume, Platform, Service, named_volumes};

use super::labels;
use super::object::{Object, Scene, map, set};

/// The label with the volume's name, by which claims of replicas are found.
const VOLUME_LABEL: &str = "io.bootsmith.volume";

/// What a pod calls the claim of a shared volume.
pub(super) fn name(scene: &Scene<'_>, name: &DeclaredName) -> String {
    let external = scene.environment.volumes.get(name).filter(|volume| volume.external);
    external.map_or_else(|| own_name(name), |volume| volume.name.clone())
}

/// What a volume is called in a cluster.
pub(super) fn own_name(name: &DeclaredName) -> String {
    Platform::Kubernetes.volume_name(name)
}

/// Whether a shared volume that a service uses can be mounted by one node alone.
pub(super) fn holds_back(scene: &Scene<'_>, service: &Service) -> bool {
    let of_one = |volume: &Volume| {
        let modes = &volume.kubernetes.access_modes;
        !volume.external && !modes.is_empty() && !volume.kubernetes.is_for_many()
    };
    named_volumes(service).iter().any(|name| scene.environment.volumes.get(name).is_some_and(of_one))
}

/// The templates of a service's own claims. They cannot be changed later, so that nothing of one release is in them.
pub(super) fn templates(scene: &Scene<'_>, service: &Service) -> Vec<Json> {
    let template = |name: DeclaredName| {
        let volume = &scene.environment.volumes[&name];
        let mut labels = labels::selector(scene, service);
        labels.insert(VOLUME_LABEL.to_owned(), json!(own_name(&name)));
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": { "name": own_name(&name), "labels": labels },
            "spec": spec(volume, "ReadWriteOnce"),
        })
    };
    scene.shared.own_volumes(service).into_iter().map(template).collect()
}

/// The claims of volumes that services share.
pub(super) fn shared(scene: &Scene<'_>) -> Vec<Object> {
    scene.shared.shared_volumes().map(|(name, volume)| claim(scene, name, volume)).collect()
}

fn claim(scene: &Scene<'_>, name: &DeclaredName, volume: &Volume) -> Object {
    let body = json!({ "spec": spec(volume, "ReadWriteMany") });
    let object = Object::new(scene, "PersistentVolumeClaim", &own_name(name), body);
    object.labelled([(VOLUME_LABEL.to_owned(), json!(own_name(name)))])
}

fn spec(volume: &Volume, default_mode: &str) -> Map<String, Json> {
    let settings = &volume.kubernetes;
    let modes =
        if settings.access_modes.is_empty() { vec![default_mode.to_owned()] } else { settings.access_modes.clone() };
    let mut spec = map(json!({
        "accessModes": modes,
        "resources": { "requests": { "storage": settings.size } },
    }));
    set(&mut spec, "storageClassName", settings.storage_class.as_deref().map_or(Json::Null, Json::from));
    spec
}
