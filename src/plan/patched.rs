//! What patches for Compose and for a swarm make of services, networks and volumes.
//!
//! Takes in what is patched and the patch; gives out errors at the patch: for keys that the platform does not know, and for values that it cannot read.
//! What Compose gets is judged as a whole. A stack is written in another way than the spec, so that the patch for one is judged by itself.

use crate::compose::shape::service::{LEFT_OUT, SERVICE};
use crate::compose::shape::{self, Extent, Keys, object};
use crate::compose::{self, check_network, check_patch};
use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::Table;
use crate::name::DeclaredName;

use super::{Platform, kubernetes_patch, own_labels, service_keys, stack_shape};

/// Checks a patch of a service, whose definition is given without it.
pub(super) fn check_service(
    platform: Platform,
    name: &DeclaredName,
    definition: &Table,
    patch: &Table,
    context: &mut Context,
) {
    if platform == Platform::Kubernetes {
        return kubernetes_patch::check(None, patch, context);
    }
    refuse(name, patch, context);
    own_labels::refuse_of_service(patch, context);
    let patched = merged(definition, patch);
    compose::Service::read(&patched, context);
    check_patch(patch, context);
    let what = format!("the patch of service `{name}` for {}", platform.title());
    check(&what, platform, &SERVICE, &stack_shape::SERVICE, &patched, patch, context);
}

/// Checks a patch of a network or volume.
pub(super) fn check_object(
    platform: Platform,
    kind: &str,
    name: &str,
    definition: &Table,
    patch: &Table,
    context: &mut Context,
) {
    let patched = merged(definition, patch);
    own_labels::refuse(patch.get("labels"), context);
    let (compose, stack) = match kind {
        "network" => (&object::NETWORK, &stack_shape::NETWORK),
        _ => (&object::VOLUME, &stack_shape::VOLUME),
    };
    if kind == "network" {
        check_network(&patched, context);
    }
    let what = format!("the patch of {kind} `{name}` for {}", platform.title());
    check(&what, platform, compose, stack, &patched, patch, context);
}

fn check(
    what: &str,
    platform: Platform,
    compose: &Keys,
    stack: &Keys,
    patched: &Table,
    patch: &Table,
    context: &mut Context,
) {
    match platform {
        Platform::Compose => shape::check(what, compose, patched, Extent::Whole, context),
        Platform::Swarm => shape::check(what, stack, patch, Extent::Patch, context),
        Platform::Kubernetes => {}
    }
}

fn merged(definition: &Table, patch: &Table) -> Table {
    let mut merged = definition.clone();
    merged.merge(patch);
    merged
}

/// A few keys mean nothing in a release, wherever they are written.
fn refuse(name: &DeclaredName, patch: &Table, context: &mut Context) {
    for key in LEFT_OUT {
        if let (Some(entry), Some((reason, instead))) = (patch.entry(key), service_keys::refusal(key)) {
            let message = format!("a patch of service `{name}` has `{key}`: {reason}");
            context.error(Code::REFUSED_KEY, entry.key_span, message, instead);
        }
    }
}
