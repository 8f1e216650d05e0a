//! Patches that are no apply: JSON patch, merge patch, strategic merge.
//!
//! Takes in an object and a patch; gives out the object as it should be.

use serde_json::Value;

use super::schema::{self, Shape};
use super::status::Status;

/// RFC 6902. A test that does not hold, or a path that is not there, fails the whole patch.
pub(super) fn json_patch(object: &Value, patch: &Value) -> Result<Value, Status> {
    let mut patched = object.clone();
    let steps = patch.as_array().ok_or_else(|| Status::bad_request("a JSON patch is a list"))?;
    for step in steps {
        json_step(&mut patched, step).ok_or_else(Status::unprocessable)?;
    }
    Ok(patched)
}

fn json_step(object: &mut Value, step: &Value) -> Option<()> {
    let path = step["path"].as_str()?;
    match step["op"].as_str()? {
        "test" => (object.pointer(path).unwrap_or(&Value::Null) == &step["value"]).then_some(()),
        "add" => insert(object, path, step["value"].clone(), false),
        "replace" => insert(object, path, step["value"].clone(), true),
        "remove" => take(object, path).map(|_| ()),
        "move" => {
            let value = take(object, step["from"].as_str()?)?;
            insert(object, path, value, false)
        }
        "copy" => {
            let value = object.pointer(step["from"].as_str()?)?.clone();
            insert(object, path, value, false)
        }
        _ => None,
    }
}

fn insert(object: &mut Value, path: &str, value: Value, must_be_there: bool) -> Option<()> {
    let (parent, name) = parent_of(object, path)?;
    match parent {
        Value::Object(members) => {
            if must_be_there && !members.contains_key(&name) {
                return None;
            }
            members.insert(name, value);
        }
        Value::Array(items) if name == "-" => items.push(value),
        Value::Array(items) => {
            let index: usize = name.parse().ok()?;
            if must_be_there {
                *items.get_mut(index)? = value;
            } else if index <= items.len() {
                items.insert(index, value);
            } else {
                return None;
            }
        }
        _ => return None,
    }
    Some(())
}

fn take(object: &mut Value, path: &str) -> Option<Value> {
    let (parent, name) = parent_of(object, path)?;
    match parent {
        Value::Object(members) => members.remove(&name),
        Value::Array(items) => {
            let index: usize = name.parse().ok()?;
            (index < items.len()).then(|| items.remove(index))
        }
        _ => None,
    }
}

/// The value that holds what a pointer points at, and the name in it.
fn parent_of<'a>(object: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (parent, name) = path.rsplit_once('/')?;
    Some((object.pointer_mut(parent)?, name.replace("~1", "/").replace("~0", "~")))
}

/// RFC 7386.
pub(super) fn merge_patch(object: &Value, patch: &Value) -> Value {
    let Value::Object(members) = patch else { return patch.clone() };
    let mut patched = object.as_object().cloned().unwrap_or_default();
    for (name, value) in members {
        if value.is_null() {
            patched.remove(name);
        } else {
            let below = patched.get(name).unwrap_or(&Value::Null);
            let merged = merge_patch(below, value);
            patched.insert(name.clone(), merged);
        }
    }
    Value::Object(patched)
}

/// Kubernetes' own: lists with keys merge item by item, `$patch: delete` removes one.
pub(super) fn strategic_patch(object: &Value, patch: &Value) -> Value {
    strategic(object, patch, &[])
}

fn strategic(object: &Value, patch: &Value, names: &[String]) -> Value {
    match (schema::shape(names, patch), patch) {
        (_, Value::Object(members)) if members.get("$patch").is_some_and(|directive| directive == "replace") => {
            members.iter().filter(|(name, _)| *name != "$patch").map(|(n, v)| (n.clone(), v.clone())).collect()
        }
        (_, Value::Object(members)) => {
            let mut patched = object.as_object().cloned().unwrap_or_default();
            for (name, value) in members.iter().filter(|(name, _)| !name.starts_with('$')) {
                if value.is_null() {
                    patched.remove(name);
                } else {
                    let below = patched.get(name).unwrap_or(&Value::Null);
                    let merged = strategic(below, value, &schema::member(names, name));
                    patched.insert(name.clone(), merged);
                }
            }
            Value::Object(patched)
        }
        (Shape::Keyed(keys), Value::Array(items)) => {
            let mut patched = object.as_array().cloned().unwrap_or_default();
            for item in items {
                strategic_item(&mut patched, item, keys, names);
            }
            patched.into()
        }
        _ => patch.clone(),
    }
}

fn strategic_item(items: &mut Vec<Value>, item: &Value, keys: &[&str], names: &[String]) {
    // The first key alone is the merge key of a strategic patch: `containerPort`, not with `protocol`.
    let key = keys.first().copied().unwrap_or("name");
    let index = items.iter().position(|known| known[key] == item[key]);
    match (index, item["$patch"] == "delete") {
        (Some(index), true) => {
            items.remove(index);
        }
        (Some(index), false) => items[index] = strategic(&items[index], item, &schema::item(names)),
        (None, true) => {}
        (None, false) => items.push(item.clone()),
    }
}
