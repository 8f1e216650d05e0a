//! Garbage collection: what loses its owner goes, and an owner that waits for its dependents goes after them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::controllers::{delete, key_of, owner_of};
use super::store::Store;

/// One step.
pub(super) fn step(store: &mut Store) {
    let objects: Vec<Arc<Value>> = store.all().map(|(_, object)| Arc::clone(object)).collect();
    let living: BTreeSet<&str> = objects.iter().filter_map(|object| object["metadata"]["uid"].as_str()).collect();
    let is_going = |uid: &Value| objects.iter().any(|object| object["metadata"]["uid"] == *uid && waits(object));
    for object in &objects {
        let Some(owner) = owner_of(object).as_str() else { continue };
        let is_left = !living.contains(owner) || is_going(owner_of(object));
        if is_left && object["metadata"]["deletionTimestamp"].is_null() {
            delete(store, object);
        }
    }
    for object in objects.iter().filter(|object| waits(object)) {
        if !has_dependents(&objects, object) {
            store.remove(&key_of(object));
        }
    }
    orphan(store, &objects);
}

/// Deleted in the foreground: not before its dependents.
fn waits(object: &Value) -> bool {
    has_finalizer(object, "foregroundDeletion")
}

fn has_finalizer(object: &Value, name: &str) -> bool {
    let finalizers = object["metadata"]["finalizers"].as_array();
    object["metadata"]["deletionTimestamp"].is_string()
        && finalizers.is_some_and(|finalizers| finalizers.iter().any(|finalizer| finalizer == name))
}

fn has_dependents(objects: &[Arc<Value>], owner: &Value) -> bool {
    objects.iter().any(|object| owner_of(object) == &owner["metadata"]["uid"])
}

/// An owner that leaves its dependents behind: they belong to nobody, then it goes.
fn orphan(store: &mut Store, objects: &[Arc<Value>]) {
    for owner in objects.iter().filter(|object| has_finalizer(object, "orphan")) {
        for object in objects.iter().filter(|object| owner_of(object) == &owner["metadata"]["uid"]) {
            store.change(&key_of(object), |object| {
                if let Some(metadata) = object["metadata"].as_object_mut() {
                    metadata.remove("ownerReferences");
                }
            });
        }
        store.remove(&key_of(owner));
    }
}
