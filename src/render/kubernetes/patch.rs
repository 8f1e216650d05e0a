//! Patches of objects by kind and name: `[platforms.kubernetes.patch]`.
//!
//! Takes in every object that is rendered; merges each patch over the one that it is for, or reports that there is none.

use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::plan::{ObjectPatch, Platform};

use super::object::{Object, Scene};

/// Merges the patches of the environment over the objects.
pub(super) fn apply(scene: &Scene<'_>, objects: &mut [&mut Object], context: &mut Context) {
    let additions = scene.environment.additions.get(&Platform::Kubernetes);
    for patch in additions.into_iter().flat_map(|additions| &additions.patches) {
        let found = objects.iter().position(|object| object.kind == patch.kind && object.address == patch.name);
        match found {
            Some(index) => objects[index].merge(&patch.patch),
            None => report(patch, scene, objects, context),
        }
    }
}

fn report(patch: &ObjectPatch, scene: &Scene<'_>, objects: &[&mut Object], context: &mut Context) {
    let known: Vec<_> = objects.iter().map(|object| format!("{}/{}", object.kind, object.address)).collect();
    let wanted = format!("{}/{}", patch.kind, patch.name);
    let hint = unknown_name_hint(&wanted, "objects", known.iter().map(String::as_str));
    let message = format!("a patch is for the unknown object `{wanted}` of environment `{}`", scene.environment.name);
    context.error(Code::UNKNOWN_REFERENCE, patch.span, message, hint);
}
