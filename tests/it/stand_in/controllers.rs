//! The controllers: what a cluster does by itself, one step a tick.
//!
//! Each takes in the state and moves it a little towards what objects say. Time is counted in ticks, so that a test waits for no clock.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::{Kind, kind};
use super::managers::Manager;
use super::store::{Key, Store, now};
use super::verbs::{self, Write};
use super::world::State;
use super::{cluster, daemon_sets, deployments, garbage, jobs, pods, replica_sets, stateful_sets};

/// One step of everything.
pub(super) fn tick(state: &mut State) {
    state.ticks += 1;
    cluster::step(&mut state.store);
    garbage::step(&mut state.store);
    each(state, "Deployment", deployments::step);
    each(state, "ReplicaSet", replica_sets::step);
    each(state, "StatefulSet", stateful_sets::step);
    each(state, "DaemonSet", daemon_sets::step);
    each(state, "Job", jobs::step);
    pods::step(state);
}

fn each(state: &mut State, name: &str, step: fn(&mut Store, &Value)) {
    for object in state.store.list(kind(name), None) {
        if object["metadata"]["deletionTimestamp"].is_null() {
            step(&mut state.store, &object);
        }
    }
}

/// Where an object is.
pub(super) fn key_of(object: &Value) -> Key {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = kind(object["kind"].as_str().unwrap_or_default());
    Key::new(of, &text(&object["metadata"]["namespace"]), &text(&object["metadata"]["name"]))
}

/// What an object has made, by its owner references.
pub(super) fn children(store: &Store, owner: &Value, kind: &Kind) -> Vec<Arc<Value>> {
    let mut found = store.list(kind, owner["metadata"]["namespace"].as_str());
    found.retain(|object| owner_of(object) == &owner["metadata"]["uid"]);
    found
}

/// The identifier of the owner that controls an object.
pub(super) fn owner_of(object: &Value) -> &Value {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners.and_then(|owners| owners.first()).map_or(&Value::Null, |owner| &owner["uid"])
}

/// Makes an object that belongs to another.
pub(super) fn make(store: &mut Store, owner: &Value, of: &Kind, name: &str, mut object: Value) -> Option<Arc<Value>> {
    let (api_version, owner_kind) = (&owner["apiVersion"], &owner["kind"]);
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": api_version, "kind": owner_kind, "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    }]);
    let place = owner["metadata"]["namespace"].as_str().unwrap_or_default();
    object["metadata"][if name.ends_with('-') { "generateName" } else { "name" }] = name.into();
    create(store, of, place, object)
}

/// Makes an object as the cluster itself does. It may come too late, when its namespace is going.
pub(super) fn create(store: &mut Store, of: &Kind, place: &str, object: Value) -> Option<Arc<Value>> {
    let name = "kube-controller-manager".to_owned();
    let manager = Manager { name, is_apply: false, subresource: String::new() };
    verbs::create(store, of, place, object, &Write { manager, is_dry: false, is_forced: false }).ok()
}

/// A pod of a template, with further labels.
pub(super) fn pod_of(template: &Value, labels: &[(&str, &str)]) -> Value {
    let mut pod = json!({ "metadata": template["metadata"], "spec": template["spec"] });
    for (name, value) in labels {
        pod["metadata"]["labels"][*name] = (*value).into();
    }
    pod
}

/// Pods that are there and neither going nor done.
pub(super) fn active(pods: &[Arc<Value>]) -> Vec<Arc<Value>> {
    let is_active = |pod: &&Arc<Value>| {
        pod["metadata"]["deletionTimestamp"].is_null()
            && !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
    };
    pods.iter().filter(is_active).cloned().collect()
}

/// Deletes an object as its owner.
pub(super) fn delete(store: &mut Store, object: &Value) {
    let of = kind(object["kind"].as_str().unwrap_or_default());
    // It may be gone already.
    let _ = verbs::delete(store, of, &key_of(object), &json!({}), false);
}

pub(super) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// A condition; the time moves only with its state.
pub(super) fn condition(before: &Value, name: &str, holds: bool, reason: &str, message: &str) -> Value {
    let state = if holds { "True" } else { "False" };
    let known = before["conditions"].as_array().into_iter().flatten();
    let known = known.into_iter().find(|condition| condition["type"] == name && condition["status"] == state);
    let since = known.map_or_else(|| now().into(), |condition| condition["lastTransitionTime"].clone());
    let mut condition = json!({ "type": name, "status": state, "lastTransitionTime": since });
    for (field, text) in [("reason", reason), ("message", message)] {
        if !text.is_empty() {
            condition[field] = text.into();
        }
    }
    condition
}
