//! What can be done with an object: create, replace, patch, apply, delete.
//!
//! Works on the store alone; every way in comes out at [`settle`], where a change is completed, validated, counted and kept.

use std::sync::Arc;

use serde_json::{Value, json};

use super::apply;
use super::defaults;
use super::kinds::{Kind, kind};
use super::managers::{self, Manager};
use super::patch;
use super::pod_security;
use super::status::{Status, success};
use super::store::{Key, Store, now};
use super::validate;

/// How a change is made.
pub(super) struct Write {
    pub(super) manager: Manager,
    /// Everything is checked, nothing is kept.
    pub(super) is_dry: bool,
    /// Whether an apply takes fields from others.
    pub(super) is_forced: bool,
}

/// The kinds of patches, by media type.
pub(super) enum Patch {
    Apply,
    Json,
    Merge,
    Strategic,
}

/// Makes an object that is not there.
pub(super) fn create(
    store: &mut Store,
    kind: &Kind,
    namespace: &str,
    mut object: Value,
    write: &Write,
) -> Result<Arc<Value>, Status> {
    let named = object["metadata"]["name"].as_str().map(str::to_owned);
    let prefix = object["metadata"]["generateName"].as_str().map(str::to_owned);
    let name = match (named, prefix) {
        (Some(name), _) => name,
        (None, Some(prefix)) => format!("{prefix}{}", store.new_suffix()),
        (None, None) => String::new(),
    };
    object["metadata"]["name"] = name.as_str().into();
    let key = Key::new(kind, namespace, &name);
    check_place(store, kind, &object, namespace, &name)?;
    if store.get(&key).is_some() {
        let object = born(store, kind, namespace, object);
        validate::check(kind, &object, None)?;
        return Err(Status::already_exists(kind, &name));
    }
    let mut object = born(store, kind, namespace, object);
    managers::update(kind, &write.manager, &Value::Null, &mut object);
    keep_new(store, kind, &key, object, write)
}

/// The namespace must be there, and not on its way out.
fn check_place(
    store: &Store,
    kind_of_object: &Kind,
    object: &Value,
    namespace: &str,
    name: &str,
) -> Result<(), Status> {
    if !kind_of_object.is_namespaced {
        return Ok(());
    }
    if object["metadata"]["namespace"].as_str().is_some_and(|written| written != namespace) {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Status::bad_request(why));
    }
    let place = store.get(&Key::new(kind("Namespace"), "", namespace));
    let place = place.ok_or_else(|| Status::not_found(kind("Namespace"), namespace))?;
    if place["status"]["phase"] == "Terminating" {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        return Err(Status::forbidden(kind_of_object, name, &why));
    }
    Ok(())
}

/// A definition as a new object: what belongs to the server is the server's.
fn born(store: &mut Store, kind: &Kind, namespace: &str, mut object: Value) -> Value {
    if kind.has_status() {
        drop_member(&mut object, "status");
    }
    let uid = store.new_uid();
    let metadata = &mut object["metadata"];
    for name in ["managedFields", "resourceVersion", "deletionTimestamp", "selfLink"] {
        drop_member(metadata, name);
    }
    metadata["uid"] = uid.into();
    metadata["creationTimestamp"] = now().into();
    if kind.is_namespaced {
        metadata["namespace"] = namespace.into();
    }
    if kind.has_generation {
        metadata["generation"] = 1.into();
    }
    defaults::complete(kind, &mut object);
    object
}

fn keep_new(store: &mut Store, kind: &Kind, key: &Key, object: Value, write: &Write) -> Result<Arc<Value>, Status> {
    validate::check(kind, &object, None)?;
    pod_security::check(store, kind, &object)?;
    Ok(keep(store, key, object, write))
}

/// Puts a whole object, or a part of it, in place of what is there.
pub(super) fn replace(
    store: &mut Store,
    kind: &Kind,
    key: &Key,
    object: Value,
    write: &Write,
) -> Result<Arc<Value>, Status> {
    let before = store.get(key).cloned().ok_or_else(|| Status::not_found(kind, &key.name))?;
    let after = settle(kind, key, &before, object, &write.manager.subresource)?;
    let mut after = after;
    managers::update(kind, &write.manager, &before, &mut after);
    Ok(keep(store, key, after, write))
}

/// Patches an object; an apply makes it when it is not there.
pub(super) fn patch(
    store: &mut Store,
    kind: &Kind,
    key: &Key,
    (form, body): (&Patch, Value),
    write: &Write,
) -> Result<Arc<Value>, Status> {
    if matches!(form, Patch::Apply) {
        return apply(store, kind, key, &body, write);
    }
    let before = store.get(key).cloned().ok_or_else(|| Status::not_found(kind, &key.name))?;
    let patched = match form {
        Patch::Json => patch::json_patch(&before, &body)?,
        Patch::Merge => patch::merge_patch(&before, &body),
        _ => patch::strategic_patch(&before, &body),
    };
    replace(store, kind, key, patched, write)
}

fn apply(store: &mut Store, kind: &Kind, key: &Key, body: &Value, write: &Write) -> Result<Arc<Value>, Status> {
    if !body["metadata"]["managedFields"].is_null() {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    let Some(before) = store.get(key).cloned() else {
        if !body["metadata"]["uid"].is_null() {
            return Err(Status::not_found(kind, &key.name));
        }
        return apply_new(store, kind, key, body, write);
    };
    check_versions(kind, key, &before, body)?;
    let applied = apply::apply(kind, &write.manager, &before, body, write.is_forced)?;
    let owners = applied["metadata"]["managedFields"].clone();
    let mut after = settle(kind, key, &before, applied, &write.manager.subresource)?;
    after["metadata"]["managedFields"] = owners;
    Ok(keep(store, key, after, write))
}

fn apply_new(store: &mut Store, kind: &Kind, key: &Key, body: &Value, write: &Write) -> Result<Arc<Value>, Status> {
    check_place(store, kind, body, &key.namespace, &key.name)?;
    let applied = apply::apply(kind, &write.manager, &json!({}), body, true)?;
    let owners = applied["metadata"]["managedFields"].clone();
    let mut object = born(store, kind, &key.namespace, applied);
    object["metadata"]["managedFields"] = owners;
    keep_new(store, kind, key, object, write)
}

fn keep(store: &mut Store, key: &Key, object: Value, write: &Write) -> Arc<Value> {
    if write.is_dry { Arc::new(object) } else { store.put(key, object) }
}

/// A version or an identifier that a change names must be the one of the object.
fn check_versions(kind: &Kind, key: &Key, before: &Value, after: &Value) -> Result<(), Status> {
    let (was, is) = (&before["metadata"], &after["metadata"]);
    if is["uid"].is_string() && is["uid"] != was["uid"] {
        let (wanted, found) = (text(&is["uid"]), text(&was["uid"]));
        let why = format!("Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}");
        return Err(Status::conflict(kind, &key.name, &why));
    }
    if text(&is["resourceVersion"]) != text(&was["resourceVersion"]) && !text(&is["resourceVersion"]).is_empty() {
        return Err(Status::modified(kind, &key.name));
    }
    Ok(())
}

/// What nobody else writes.
const FIXED: &[&str] = &["creationTimestamp", "deletionTimestamp", "generation", "namespace", "resourceVersion", "uid"];

/// A changed object with everything that the server decides.
fn settle(kind: &Kind, key: &Key, before: &Value, mut after: Value, subresource: &str) -> Result<Value, Status> {
    check_versions(kind, key, before, &after)?;
    if after["metadata"]["name"] != before["metadata"]["name"] {
        return Err(Status::bad_request("the name of the object does not match the name on the URL"));
    }
    for name in FIXED {
        copy_member(&before["metadata"], &mut after["metadata"], name);
    }
    if subresource == "status" {
        let mut kept = before.clone();
        copy_member(&after, &mut kept, "status");
        return Ok(kept);
    }
    if kind.has_status() {
        copy_member(before, &mut after, "status");
    }
    defaults::complete(kind, &mut after);
    validate::check(kind, &after, Some(before))?;
    if kind.has_generation && before["spec"] != after["spec"] {
        let generation = before["metadata"]["generation"].as_u64().unwrap_or_default();
        after["metadata"]["generation"] = (generation + 1).into();
    }
    Ok(after)
}

fn copy_member(from: &Value, to: &mut Value, name: &str) {
    match from.get(name) {
        Some(value) => to[name] = value.clone(),
        None => drop_member(to, name),
    }
}

fn drop_member(value: &mut Value, name: &str) {
    if let Some(members) = value.as_object_mut() {
        members.remove(name);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Deletes an object, or marks it for deletion where others have to finish first.
pub(super) fn delete(
    store: &mut Store,
    kind: &Kind,
    key: &Key,
    options: &Value,
    is_dry: bool,
) -> Result<Value, Status> {
    let object = store.get(key).cloned().ok_or_else(|| Status::not_found(kind, &key.name))?;
    check_preconditions(kind, key, &object, &options["preconditions"])?;
    if is_dry {
        return Ok(success(kind, &key.name, &object["metadata"]["uid"]));
    }
    let finalizer = match options["propagationPolicy"].as_str() {
        Some("Foreground") => Some("foregroundDeletion"),
        Some("Orphan") => Some("orphan"),
        _ => None,
    };
    let is_kept_for_others = object["metadata"]["finalizers"].as_array().is_some_and(|list| !list.is_empty());
    let is_slow = finalizer.is_some() || is_kept_for_others || matches!(kind.kind, "Namespace" | "Pod");
    if !is_slow || options["gracePeriodSeconds"] == 0 && kind.kind == "Pod" {
        store.remove(key);
        return Ok(success(kind, &key.name, &object["metadata"]["uid"]));
    }
    store.change(key, |object| mark_for_deletion(kind, object, finalizer, options));
    Ok(store.get(key).map_or(Value::Null, |object| (**object).clone()))
}

fn mark_for_deletion(kind: &Kind, object: &mut Value, finalizer: Option<&str>, options: &Value) {
    if object["metadata"]["deletionTimestamp"].is_string() {
        return;
    }
    object["metadata"]["deletionTimestamp"] = now().into();
    if kind.kind == "Pod" {
        let grace = options["gracePeriodSeconds"].as_u64().or(object["spec"]["terminationGracePeriodSeconds"].as_u64());
        object["metadata"]["deletionGracePeriodSeconds"] = grace.unwrap_or(30).into();
    }
    if kind.kind == "Namespace" {
        object["status"]["phase"] = "Terminating".into();
    }
    if let Some(finalizer) = finalizer {
        let mut finalizers = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        finalizers.push(finalizer.into());
        object["metadata"]["finalizers"] = finalizers.into();
    }
}

fn check_preconditions(kind: &Kind, key: &Key, object: &Value, conditions: &Value) -> Result<(), Status> {
    for (name, shown) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let (wanted, found) = (&conditions[name], &object["metadata"][name]);
        if wanted.is_string() && wanted != found {
            let (wanted, found) = (text(wanted), text(found));
            let why = format!(
                "the {shown} in the precondition ({wanted}) does not match the {shown} in record ({found}). The object might have been deleted and then recreated"
            );
            return Err(Status::precondition(kind, &key.name, &why));
        }
    }
    Ok(())
}
