//! The Compose Specification's JSON schema.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema =
        serde_json::from_str(include_str!("../../templates/compose/compose-spec.json")).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is a schema")
});

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
