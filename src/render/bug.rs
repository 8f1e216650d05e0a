//! What goes wrong in a renderer.

use crate::tree::PathTaken;

/// Rendering went wrong through no fault of the input: a bug in bootsmith.
#[derive(Debug, thiserror::Error)]
pub enum RenderBug {
    /// A template of ours failed.
    #[error("the template of `{path}` failed")]
    Template {
        /// The output.
        path: String,
        /// Why.
        source: tera::Error,
    },
    /// What was rendered does not say what was planned.
    #[error("`{path}` does not read back as it was planned: {reason}")]
    ReadBack {
        /// The output.
        path: String,
        /// How it differs.
        reason: String,
    },
    /// The objects of Kubernetes are others than the plan says.
    #[error("the object `{object}` of Kubernetes is {}", if *is_planned { "planned and not rendered" } else { "rendered and not planned" })]
    Object {
        /// Kind and name.
        object: String,
        /// Whether it was planned.
        is_planned: bool,
    },
    /// Two writers.
    #[error(transparent)]
    PathTaken(#[from] PathTaken),
}
