//! Patches of objects by kind and name: `[platforms.kubernetes.patch]`.
//!
//! Takes in every object that is rendered; merges each patch over the one that it is for.

use crate::plan::Platform;

use super::object::{Object, Scene};

/// Merges the patches of the environment over the objects.
pub(super) fn apply(scene: &Scene<'_>, objects: &mut [&mut Object]) {
    let additions = scene.environment.additions.get(&Platform::Kubernetes);
    for patch in additions.into_iter().flat_map(|additions| &additions.patches) {
        let mut found = objects.iter_mut().filter(|object| object.kind == patch.kind && object.address == patch.name);
        let object = found.next().expect("the plan refuses a patch of what is not rendered");
        object.merge(&patch.patch);
    }
}
