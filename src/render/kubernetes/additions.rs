//! Objects that are no part of a service: those that a release brings as they are, and schedules.
//!
//! Each carries the digest of its definition, by which the entrypoint knows whether the cluster has it as it is here, and a record of the release
//! data names it. Decision: `docs/decisions/0018-an-addition-carries-its-digest.md`.

use serde_json::json;

use crate::digest::Digest;
use crate::name::Label;
use crate::plan::{GivenObject, Platform, Service};
use crate::render::shell::Record;

use super::object::{Object, Scene};

/// The annotation with the digest.
const DEFINITION: &str = "io.bootsmith.definition";

/// How much of a digest it has.
const DIGEST_CHARACTERS: usize = 32;

/// An addition and how the API server names its kind.
pub(super) struct Addition {
    /// As `RESOURCE.GROUP`.
    resource: String,
    /// The service whose pod it has.
    pub(super) service: Option<Label>,
    /// The object.
    pub(super) object: Object,
}

impl Addition {
    /// A `CronJob` with the pod of a service.
    pub(super) fn of_service(object: Object, service: &Service) -> Self {
        Self { resource: "cronjobs.batch".to_owned(), service: Some(service.name.clone()), object: identified(object) }
    }
}

/// The objects of the environment's files.
pub(super) fn of(scene: &Scene<'_>) -> Vec<Addition> {
    let additions = scene.environment.additions.get(&Platform::Kubernetes);
    let given = additions.into_iter().flat_map(|additions| &additions.objects);
    let addition = |given: &GivenObject| {
        let object = identified(Object::given(scene, given));
        Addition { resource: given.resource(), service: None, object }
    };
    given.map(addition).collect()
}

/// With its digest.
fn identified(object: Object) -> Object {
    let digest = Digest::of(object.definition().to_string().as_bytes()).hex()[..DIGEST_CHARACTERS].to_owned();
    object.annotated([(DEFINITION.to_owned(), json!(digest))])
}

/// A record for each.
pub(super) fn records(additions: &[Addition]) -> String {
    additions.iter().map(record).collect()
}

fn record(Addition { resource, service, object }: &Addition) -> String {
    let digest = object.metadata["annotations"][DEFINITION].as_str().unwrap_or_default();
    let name = format!("{}/{}", object.kind, object.address);
    let record = Record::new("addition", &[&name]).with("resource", resource).with("definition", digest);
    record.with_some("service", service.as_ref().map(Label::as_str)).line()
}
