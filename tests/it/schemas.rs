//! The JSON schemas of the manifests: the Compose Specification's, and that of `docker stack deploy`. The program knows the keys by its own tables;
//! here every file that is rendered in a test is validated, as others would do it.

mod every_kind;

use std::sync::LazyLock;

use bootsmith::path::RelativePath;
use bootsmith::pipeline::Prepared;
use bootsmith::plan::Platform;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value as Json, json};

static COMPOSE: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../../templates/compose/compose-spec.json");
    jsonschema::validator_for(&serde_json::from_str(schema).expect("JSON")).expect("a schema")
});

/// Draft 4 takes the `id` of its parts for their names, but they are referred to by where they are. Later drafts know no `id`.
static STACK: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../../templates/swarm/stack-schema.json");
    let schema = serde_json::from_str(schema).expect("JSON");
    jsonschema::options().with_draft(Draft::Draft6).build(&schema).expect("a schema")
});

/// Everything that the schemas refuse in the manifests of a release.
pub(crate) fn violations(prepared: &Prepared) -> Vec<String> {
    let mut violations = Vec::new();
    for (platform, payload) in &prepared.payloads {
        for environment in &prepared.plan.environments {
            let read = |name: &str| {
                let path = format!("bootstrap/environments/{}/{name}", environment.name);
                let file = payload.environments.get(&RelativePath::parse(&path).expect("a path"))?;
                Some(serde_saphyr::from_str(std::str::from_utf8(&file.bytes).expect("UTF-8")).expect("YAML"))
            };
            let (validator, names): (&Validator, &[&str]) = match platform {
                Platform::Compose => (&COMPOSE, &["compose.yaml"]),
                Platform::Swarm => (&STACK, &["stack.yaml", "run.yaml"]),
                Platform::Kubernetes => continue,
            };
            for document in names.iter().filter_map(|name| read(name)).map(of_one_replica) {
                violations.extend(validator.iter_errors(&document).map(|error| {
                    format!("{} of {}: {}: {error}", platform.name(), environment.name, error.instance_path())
                }));
            }
        }
    }
    violations
}

/// The document as the schema of a stack sees it: after the variables are put in, the number of replicas is one.
fn of_one_replica(mut document: Json) -> Json {
    let services = document["services"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for replicas in services.filter_map(|service| service.get_mut("deploy")?.get_mut("replicas")) {
        *replicas = json!(1);
    }
    document
}

/// What the schemas refuse is found; without that, they would prove nothing.
#[test]
fn a_wrong_document_is_found() {
    for validator in [&COMPOSE, &STACK] {
        let document = |service: Json| json!({ "services": { "web": service } });
        assert!(validator.is_valid(&document(json!({ "image": "web:1" }))));
        for wrong in [json!({ "imag": "web:1" }), json!({ "image": 1 }), json!({ "image": "web:1", "cap_add": "ALL" })]
        {
            assert!(!validator.is_valid(&document(wrong.clone())), "{wrong}");
        }
    }
}
