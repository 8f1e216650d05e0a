//! The JSON schemas of the manifests: the Compose Specification's, and that of `docker stack deploy`.
//!
//! Takes in a payload; gives out a fault, at the place where it was written, for every value that they refuse.

use std::collections::BTreeMap;

use jsonschema::ValidationError;
use serde_json::{Map, Value as Json, json};

use crate::diagnostic::Code;
use crate::document::Context;
use crate::name::DeclaredName;
use crate::path::RelativePath;
use crate::plan::{Environment, Object, Plan, Platform, Service};
use crate::render::{Payload, ROOT};

// Both are compiled with this program: compiling the first one whenever it runs took as long as all else before a tarball is written.

#[jsonschema::validator(
    path = "templates/compose/compose-spec.json",
    pattern_options = { engine = regex },
    methods = { is_valid = false, validate = false },
)]
struct ComposeFile;

/// Draft 4 takes the `id` of its parts for their names, but they are referred to by where they are. Later drafts know no `id`.
#[jsonschema::validator(
    path = "templates/swarm/stack-schema.json",
    draft = Draft6,
    pattern_options = { engine = regex },
    methods = { is_valid = false, validate = false },
)]
struct Stack;

/// Looks at the manifests of every environment; for Kubernetes, which has a language of its own, at what its objects are made from.
pub(super) fn check(plan: &Plan, platform: Platform, payload: &Payload, context: &mut Context) {
    for environment in &plan.environments {
        let (violations, code) = match platform {
            Platform::Compose => (compose(&manifest(environment, "compose.yaml", payload)), Code::SCHEMA),
            Platform::Swarm => (stack(&of_one_replica(manifest(environment, "stack.yaml", payload))), Code::STACK),
            Platform::Kubernetes => (compose(&definitions(environment)), Code::SCHEMA),
        };
        let violations = violations.into_iter().map(|violation| violation.with_declared_name(environment, platform));
        report(violations.collect(), code, environment, context);
    }
}

/// A rendered manifest.
fn manifest(environment: &Environment, name: &str, payload: &Payload) -> Json {
    let path = RelativePath::parse(&format!("{ROOT}/environments/{}/{name}", environment.name));
    let file = path.ok().and_then(|path| payload.environments.get(&path)).expect("every environment has a manifest");
    let text = std::str::from_utf8(&file.bytes).expect("a manifest is a text");
    serde_saphyr::from_str(text).expect("a manifest was read back")
}

/// The document as the schema sees it: after the variables are put in, the number of replicas is one.
fn of_one_replica(mut document: Json) -> Json {
    let services = document["services"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for replicas in services.filter_map(|service| service.get_mut("deploy")?.get_mut("replicas")) {
        *replicas = json!(1);
    }
    document
}

/// What the objects of Kubernetes are made from: a value of the wrong type would be passed over.
fn definitions(environment: &Environment) -> Json {
    let service = |service: &Service| {
        let mut definition = service.definition.to_json();
        definition.insert("image".to_owned(), json!(service.image));
        (service.name.to_string(), Json::from(definition))
    };
    let services: Map<_, _> = environment.services.iter().map(service).collect();
    json!({
        "services": services,
        "networks": objects(&environment.networks),
        "volumes": objects(&environment.volumes),
    })
}

fn objects(objects: &BTreeMap<DeclaredName, Object>) -> Map<String, Json> {
    let own = objects.iter().filter(|(_, object)| !object.external);
    own.map(|(name, object)| (name.to_string(), Json::from(object.definition.to_json()))).collect()
}

/// Says what a schema refuses, at the place where it was written.
fn report(violations: Vec<Violation>, code: Code, environment: &Environment, context: &mut Context) {
    for violation in violations {
        let span = environment.written.deepest(violation.path.iter().map(String::as_str)).span;
        let message = format!("`{}`: {}", violation.path.join("."), violation.message);
        context.error(code, span, message, None);
    }
}

/// A value that the schema refuses.
struct Violation {
    /// The keys and list positions that lead to it.
    path: Vec<String>,
    /// Why.
    message: String,
}

impl Violation {
    /// With the name of the spec for a service that is called otherwise in a manifest.
    fn with_declared_name(mut self, environment: &Environment, platform: Platform) -> Self {
        if let [section, name, ..] = self.path.as_mut_slice()
            && section == "services"
            && let Some(service) = environment.services.iter().find(|service| service.name_on(platform) == *name)
        {
            *name = service.name.to_string();
        }
        self
    }
}

/// Everything that the schema refuses in a Compose file.
fn compose(document: &Json) -> Vec<Violation> {
    ComposeFile::iter_errors(document).map(Violation::from).collect()
}

/// Everything that the schema refuses in a stack.
fn stack(document: &Json) -> Vec<Violation> {
    Stack::iter_errors(document).map(Violation::from).collect()
}

impl From<ValidationError<'_>> for Violation {
    fn from(error: ValidationError<'_>) -> Self {
        let pointer = error.instance_path().to_string();
        let unescape = |step: &str| step.replace("~1", "/").replace("~0", "~");
        let path = pointer.split('/').skip(1).map(unescape).collect();
        Self { path, message: error.to_string() }
    }
}
