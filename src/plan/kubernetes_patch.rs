//! Patches of objects of Kubernetes: what they must leave as it is.
//!
//! Takes in a patch; gives out errors at what the entrypoint finds and counts the object by, and at values that would take the place of a whole
//! part of it.

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::fields::wrong_type;
use crate::document::node::{Entry, Table, Value};

use super::own_labels;

/// What the entrypoint finds an object by.
const FIXED: &[&[&str]] = &[
    &["apiVersion"],
    &["kind"],
    &["status"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["spec", "selector"],
];

/// What it counts the object by, where it sets the number.
const REPLICAS: &[&str] = &["spec", "replicas"];

/// The parts of an object that are tables.
const TABLES: &[&[&str]] = &[
    &["metadata"],
    &["metadata", "annotations"],
    &["metadata", "labels"],
    &["spec"],
    &["spec", "template"],
    &["spec", "template", "metadata"],
    &["spec", "template", "metadata", "annotations"],
    &["spec", "template", "metadata", "labels"],
    &["spec", "template", "spec"],
];

/// Where an object has labels, and where its pods have some.
const LABELS: &[&[&str]] = &[
    &["metadata", "annotations"],
    &["metadata", "labels"],
    &["spec", "template", "metadata", "annotations"],
    &["spec", "template", "metadata", "labels"],
];

const CONTAINERS: &[&str] = &["spec", "template", "spec", "containers"];

/// Checks a patch of an object of a kind; `None` is the workload of a service, whatever it is.
pub(super) fn check(kind: Option<&str>, patch: &Table, context: &mut Context) {
    let is_scaled = kind.is_none_or(|kind| matches!(kind, "Deployment" | "StatefulSet"));
    for path in FIXED.iter().copied().chain(is_scaled.then_some(REPLICAS)) {
        let Some(entry) = find(patch, path) else { continue };
        let message = format!("a patch holds `{}`, by which the entrypoint finds or counts the object", path.join("."));
        let hint = "leave it out; replicas are `deploy.replicas` of the service";
        context.error(Code::REFUSED_KEY, entry.key_span, message, hint);
    }
    for path in TABLES {
        if let Some(entry) = find(patch, path).filter(|entry| entry.node.as_table().is_none()) {
            wrong_type::<()>(&entry.node, &path.join("."), "a table", context);
        }
    }
    for path in LABELS {
        own_labels::refuse(find(patch, path).map(|entry| &entry.node), context);
    }
    check_containers(patch, context);
}

fn check_containers(patch: &Table, context: &mut Context) {
    let Some(entry) = find(patch, CONTAINERS) else { return };
    match &entry.node.value {
        Value::List(list) => {
            for container in list.iter().filter(|container| container.as_table().is_none()) {
                wrong_type::<()>(container, "containers", "tables", context);
            }
        }
        _ => drop(wrong_type::<()>(&entry.node, &CONTAINERS.join("."), "a list", context)),
    }
}

/// The entry at a path of keys.
fn find<'a>(patch: &'a Table, path: &[&str]) -> Option<&'a Entry> {
    let (last, above) = path.split_last()?;
    above.iter().try_fold(patch, |table, key| table.table(key))?.entry(last)
}
