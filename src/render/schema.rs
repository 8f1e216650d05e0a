//! The JSON schemas of the manifests: the Compose Specification's, and that of `docker stack deploy`.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema =
        serde_json::from_str(include_str!("../../templates/compose/compose-spec.json")).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is a schema")
});

static STACK: LazyLock<Validator> = LazyLock::new(|| {
    let mut schema =
        serde_json::from_str(include_str!("../../templates/swarm/stack-schema.json")).expect("the schema is JSON");
    remove_ids(&mut schema);
    jsonschema::validator_for(&schema).expect("the schema is a schema")
});

/// Its parts are named as if by draft 4's `id`, but are referred to by where they are.
fn remove_ids(schema: &mut Value) {
    if let Value::Object(object) = schema {
        if object.get("id").is_some_and(Value::is_string) {
            object.remove("id");
        }
        object.values_mut().for_each(remove_ids);
    } else if let Value::Array(list) = schema {
        list.iter_mut().for_each(remove_ids);
    }
}

/// Compiles the schema unless it is: milliseconds, about as long as all else before a tarball is written.
pub(super) fn compile() {
    LazyLock::force(&VALIDATOR);
}

/// A value that the schema refuses.
pub(super) struct Violation {
    /// The keys and list positions that lead to it.
    pub(super) path: Vec<String>,
    /// Why.
    pub(super) message: String,
}

/// Everything that the schema refuses in a Compose file.
pub(super) fn compose(document: &Value) -> Vec<Violation> {
    violations(&VALIDATOR, document)
}

/// Everything that the schema refuses in a stack.
pub(super) fn stack(document: &Value) -> Vec<Violation> {
    violations(&STACK, document)
}

fn violations(validator: &Validator, document: &Value) -> Vec<Violation> {
    validator
        .iter_errors(document)
        .map(|error| {
            let pointer = error.instance_path().to_string();
            let unescape = |step: &str| step.replace("~1", "/").replace("~0", "~");
            let path = pointer.split('/').skip(1).map(unescape).collect();
            Violation { path, message: error.to_string() }
        })
        .collect()
}
