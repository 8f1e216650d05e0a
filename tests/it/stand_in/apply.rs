//! Server-side apply.
//!
//! Takes in the live object and a configuration; gives out the object as it should be, or the conflicts. As in the real server: what
//! others own and the configuration changes is a conflict, unless forced; what the manager applied before and nobody wants any more
//! goes away.

use serde_json::Value;

use super::fields::{self, Fields, Path};
use super::kinds::Kind;
use super::managers::{self, Manager, Owner};
use super::schema::{self, Shape};
use super::status::Status;

/// Applies a configuration to an object, or to nothing when it is new.
pub(super) fn apply(
    kind: &Kind,
    manager: &Manager,
    live: &Value,
    configuration: &Value,
    force: bool,
) -> Result<Value, Status> {
    let wanted = fields::of(configuration);
    let mut owners = managers::of(live);
    let mut merged = merge(live, configuration, &[]);
    let taken = taken(&owners, manager, live, &merged, &wanted);
    if !force && !taken.is_empty() {
        let told = |(owner, path): &(usize, Path)| (owners[*owner].describe(), fields::show(path));
        return Err(Status::apply_conflict(&taken.iter().map(told).collect::<Vec<_>>()));
    }
    for (owner, path) in &taken {
        owners[*owner].fields.remove(path);
    }
    let before = managers::owned(&owners, manager);
    managers::give(&mut owners, manager, kind, wanted);
    prune(&mut merged, &before, &owners);
    for owner in &mut owners {
        owner.fields.retain(|path| fields::find(&merged, path).is_some());
    }
    managers::write(&mut merged, &owners);
    Ok(merged)
}

/// Fields of other owners that the configuration changes.
fn taken(owners: &[Owner], manager: &Manager, live: &Value, merged: &Value, wanted: &Fields) -> Vec<(usize, Path)> {
    let others = owners.iter().enumerate().filter(|(_, owner)| owner.manager != *manager);
    let taken = others.flat_map(|(index, owner)| {
        let changed = owner.fields.iter().filter(|path| fields::differs(live, merged, path) && is_meant(wanted, path));
        changed.map(move |path| (index, path.clone()))
    });
    taken.collect()
}

/// A field is meant when the configuration has it, or something above or below it as a whole.
fn is_meant(wanted: &Fields, path: &Path) -> bool {
    wanted.iter().any(|wanted| wanted.starts_with(path) || path.starts_with(wanted))
}

/// Takes away what was applied before and belongs to nobody now: an item as a whole, before what is in it.
fn prune(object: &mut Value, before: &Fields, owners: &[Owner]) {
    // Who owns something in an item does not own the item, and loses it with the item. Measured on a real server.
    let is_item = |path: &Path| path.last().is_some_and(|element| !element.starts_with("f:"));
    let keeps = |owned: &Path, path: &Path| owned == path || !is_item(path) && owned.starts_with(path);
    let is_wanted = |path: &Path| owners.iter().any(|owner| owner.fields.iter().any(|owned| keeps(owned, path)));
    for path in before.iter().filter(|path| !is_wanted(path) && !is_key(path)) {
        fields::remove(object, path);
    }
}

/// An item that stays, because others own a part of it, keeps the fields that it is known by.
fn is_key(path: &Path) -> bool {
    let [.., item, field] = &path[..] else { return false };
    let (Some(key), Some(name)) = (item.strip_prefix("k:"), field.strip_prefix("f:")) else { return false };
    serde_json::from_str::<Value>(key).is_ok_and(|key| key.get(name).is_some())
}

/// A value with a configuration laid over it.
fn merge(live: &Value, configuration: &Value, names: &[String]) -> Value {
    let shape = schema::shape(names, configuration);
    match (shape, live, configuration) {
        (Shape::Map, Value::Object(live), Value::Object(configuration)) => {
            let mut merged = live.clone();
            for (name, value) in configuration {
                let below = live.get(name).unwrap_or(&Value::Null);
                merged.insert(name.clone(), merge(below, value, &schema::member(names, name)));
            }
            Value::Object(merged)
        }
        (Shape::Keyed(keys), Value::Array(live), Value::Array(configuration)) => {
            merge_items(live, configuration, keys, names).into()
        }
        (Shape::Set, Value::Array(live), Value::Array(configuration)) => {
            let added = configuration.iter().filter(|item| !live.contains(item));
            live.iter().chain(added).cloned().collect()
        }
        _ => configuration.clone(),
    }
}

/// In the order of the configuration, then what others put there.
fn merge_items(live: &[Value], configuration: &[Value], keys: &[&str], names: &[String]) -> Vec<Value> {
    let key = |item: &Value| schema::key_of(item, keys);
    let find = |items: &[Value], wanted: &Value| items.iter().find(|item| key(item) == *wanted).cloned();
    let merged = configuration.iter().map(|item| match find(live, &key(item)) {
        Some(below) => merge(&below, item, &schema::item(names)),
        None => item.clone(),
    });
    let others = live.iter().filter(|item| find(configuration, &key(item)).is_none()).cloned();
    merged.chain(others).collect()
}
