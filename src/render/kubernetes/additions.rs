//! Objects that change without a new pod: what is common to all services, budgets and autoscalers, what a release brings as it is, and schedules.
//!
//! Each carries the digest of its definition, by which the entrypoint knows whether the cluster has it as it is here, and a record of the release
//! data names it. Decision: `docs/decisions/0018-an-addition-carries-its-digest.md`.

use serde_json::json;

use crate::digest::Digest;
use crate::name::DeclaredName;
use crate::plan::{GivenObject, Platform, Service, resource_of_kind};
use crate::render::shell::Record;

use super::object::{Object, Scene};

/// The annotation with the digest.
const DEFINITION: &str = "io.bootsmith.definition";

/// How much of a digest it has.
const DIGEST_CHARACTERS: usize = 32;

/// Where an addition comes from; the manifest in which it stands follows from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Origin {
    /// It belongs to no single service.
    Common,
    /// How many replicas of a service there are, and how many stay when nodes are emptied.
    Availability,
    /// The release brings it as it is.
    Brought,
    /// The clock starts it.
    Schedule,
}

impl Origin {
    /// Every one, in the order of their manifests.
    pub(super) const ALL: [Self; 4] = [Self::Common, Self::Availability, Self::Brought, Self::Schedule];

    /// The name of the manifest, and of its template.
    pub(super) fn manifest(self) -> &'static str {
        match self {
            Self::Common => "common.yaml",
            Self::Availability => "availability.yaml",
            Self::Brought => "additions.yaml",
            Self::Schedule => "schedules.yaml",
        }
    }

    /// Whether Bootsmith renders it, of a kind that every release may have.
    fn is_own(self) -> bool {
        matches!(self, Self::Common | Self::Availability)
    }
}

/// An addition and how the API server names its kind.
pub(super) struct Addition {
    /// Where it comes from.
    pub(super) origin: Origin,
    /// As `RESOURCE.GROUP`.
    resource: String,
    /// The service whose pod it has.
    pub(super) service: Option<DeclaredName>,
    /// The object.
    pub(super) object: Object,
}

impl Addition {
    /// A `CronJob` with the pod of a service.
    pub(super) fn of_service(object: Object, service: &Service) -> Self {
        let service = Some(service.name.clone());
        Self { origin: Origin::Schedule, resource: resource(&object), service, object: identified(object) }
    }

    /// An object that Bootsmith renders and that has no pod.
    pub(super) fn own(origin: Origin, object: Object) -> Self {
        Self { origin, resource: resource(&object), service: None, object: identified(object) }
    }
}

/// The objects of the environment's files.
pub(super) fn of(scene: &Scene<'_>) -> Vec<Addition> {
    let additions = scene.environment.additions.get(&Platform::Kubernetes);
    let given = additions.into_iter().flat_map(|additions| &additions.objects);
    let addition = |given: &GivenObject| {
        let object = identified(Object::given(scene, given));
        Addition { origin: Origin::Brought, resource: given.resource(), service: None, object }
    };
    given.map(addition).collect()
}

fn resource(object: &Object) -> String {
    resource_of_kind(&object.api_version, &object.kind)
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

fn record(Addition { origin, resource, service, object }: &Addition) -> String {
    let digest = object.metadata["annotations"][DEFINITION].as_str().unwrap_or_default();
    let name = format!("{}/{}", object.kind, object.address);
    let record = Record::new("addition", &[&name]).with("resource", resource).with("definition", digest);
    let record = record.with_some("service", service.as_ref().map(DeclaredName::as_str));
    record.with_some("own", origin.is_own().then_some("yes")).line()
}
