//! Patches and brought files of Kubernetes, compared with the objects that are rendered.
//!
//! Takes in an environment; gives out errors for a patch of an object that there is not, and for a brought object that there is already.

use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::name::Label;
use crate::plan::kubernetes_objects::{ObjectName, api_version, objects};
use crate::plan::{Environment, GivenObject, ObjectPatch, Platform, Shared};

/// Checks what an environment adds.
pub(in crate::plan) fn check(project: &Label, environment: &Environment, context: &mut Context) {
    let Some(additions) = environment.additions.get(&Platform::Kubernetes) else { return };
    let rendered = objects(project, environment, &Shared::of(environment));
    for patch in &additions.patches {
        check_patch(patch, &rendered, environment, context);
    }
    for given in &additions.objects {
        check_given(given, &rendered, context);
    }
}

fn check_patch(patch: &ObjectPatch, rendered: &[ObjectName], environment: &Environment, context: &mut Context) {
    let wanted = ObjectName { kind: patch.kind.clone(), name: patch.name.clone() };
    if rendered.contains(&wanted) {
        return;
    }
    let known: Vec<_> = rendered.iter().map(ToString::to_string).collect();
    let hint = unknown_name_hint(&wanted.to_string(), "objects", known.iter().map(String::as_str));
    let message = format!("a patch is for the unknown object `{wanted}` of environment `{}`", environment.name);
    context.error(Code::UNKNOWN_REFERENCE, patch.span, message, hint);
}

fn check_given(given: &GivenObject, rendered: &[ObjectName], context: &mut Context) {
    let name = ObjectName { kind: given.kind.clone(), name: given.name.clone() };
    if rendered.contains(&name) && group(&given.api_version) == group(api_version(&given.kind)) {
        let message = format!("`{name}` of `{}` is an object that Bootsmith renders", given.file);
        let hint = format!("change that one: `[platforms.kubernetes.patch.\"{name}\"]`; or give yours another name");
        context.error(Code::DUPLICATE, given.span, message, hint);
    }
}

/// The group of a version of the API; empty for the oldest one.
fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}
