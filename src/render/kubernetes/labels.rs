//! Labels and annotations: those by which objects are found, and the user's.

use serde_json::{Map, Value as Json, json};

use crate::plan::{Service, is_label_value};

use super::definition::Definition;
use super::object::{Scene, digest_value, map, name};

/// The annotation with the release's version, which is not a label value when it has a `+`.
pub(super) const VERSION: &str = "io.bootsmith.version";

/// The label by which a change of a service is known.
pub(super) const DIGEST: &str = "io.bootsmith.config-digest";

/// The user's labels and annotations, as Kubernetes can hold them.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// What fits into labels.
    pub(super) labels: Map<String, Json>,
    /// What does not, and what was an annotation.
    pub(super) annotations: Map<String, Json>,
}

/// The labels of everything of an environment.
pub(super) fn constant(scene: &Scene<'_>) -> Map<String, Json> {
    map(json!({
        "io.bootsmith.project": scene.plan.project,
        "io.bootsmith.environment": scene.environment.name,
    }))
}

/// The labels by which the pods of a service are found.
pub(super) fn selector(scene: &Scene<'_>, service: &Service) -> Map<String, Json> {
    let mut labels = constant(scene);
    labels.insert("io.bootsmith.service".to_owned(), json!(name(service)));
    labels
}

/// The annotation of the release.
pub(super) fn version(scene: &Scene<'_>) -> Json {
    json!({ VERSION: scene.plan.version.to_string() })
}

/// The labels of a service's pods: the user's, and ours over them.
pub(super) fn of_pods(scene: &Scene<'_>, service: &Service, written: &Written) -> Map<String, Json> {
    let mut labels = written.labels.clone();
    labels.extend(selector(scene, service));
    labels.insert(DIGEST.to_owned(), digest_value(service));
    labels
}

/// What the user wrote at the given keys of a service: a value that is not a label value is an annotation.
pub(super) fn written(definition: &Definition, paths: &[&[&str]]) -> Written {
    let mut written = Written::default();
    for path in paths {
        let are_labels = path.ends_with(&["labels"]);
        for (key, value) in definition.pairs(path) {
            let fits = are_labels && is_label_value(&value);
            let place = if fits { &mut written.labels } else { &mut written.annotations };
            place.insert(key, Json::from(value));
        }
    }
    written
}
