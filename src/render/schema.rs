//! The JSON schemas of the manifests: the Compose Specification's, and that of `docker stack deploy`.

use jsonschema::ValidationError;
use serde_json::Value;

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

/// A value that the schema refuses.
pub(super) struct Violation {
    /// The keys and list positions that lead to it.
    pub(super) path: Vec<String>,
    /// Why.
    pub(super) message: String,
}

/// Everything that the schema refuses in a Compose file.
pub(super) fn compose(document: &Value) -> Vec<Violation> {
    ComposeFile::iter_errors(document).map(Violation::from).collect()
}

/// Everything that the schema refuses in a stack.
pub(super) fn stack(document: &Value) -> Vec<Violation> {
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
