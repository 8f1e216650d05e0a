//! Sets of fields, as managers own them: `FieldsV1`.
//!
//! A field is a path of elements, each written as in `FieldsV1`: `f:name`, `k:{"name":"web"}`, `v:"value"`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::schema::{self, Shape};

/// A path to a field.
pub(super) type Path = Vec<String>;

/// Fields that somebody owns.
pub(super) type Fields = BTreeSet<Path>;

/// Fields that belong to the server, whoever writes them.
const UNOWNED: &[&[&str]] = &[
    &["f:apiVersion"],
    &["f:kind"],
    &["f:metadata", "f:creationTimestamp"],
    &["f:metadata", "f:deletionTimestamp"],
    &["f:metadata", "f:generation"],
    &["f:metadata", "f:managedFields"],
    &["f:metadata", "f:name"],
    &["f:metadata", "f:namespace"],
    &["f:metadata", "f:resourceVersion"],
    &["f:metadata", "f:uid"],
];

/// The fields that a configuration speaks of.
pub(super) fn of(object: &Value) -> Fields {
    let mut fields = Fields::new();
    collect(&mut fields, &mut Vec::new(), &[], object);
    fields.retain(|path| !is_the_servers(path));
    fields
}

fn is_the_servers(path: &Path) -> bool {
    UNOWNED.iter().any(|unowned| path.iter().take(unowned.len()).eq(unowned.iter()))
}

fn collect(fields: &mut Fields, path: &mut Path, names: &[String], value: &Value) {
    match (schema::shape(names, value), value) {
        (Shape::Map, Value::Object(members)) => {
            if members.is_empty() && !path.is_empty() {
                fields.insert(path.clone());
            }
            for (name, member) in members {
                path.push(format!("f:{name}"));
                if schema::has_free_names(names) {
                    fields.insert(path.clone());
                }
                collect(fields, path, &schema::member(names, name), member);
                path.pop();
            }
        }
        (Shape::Keyed(keys), Value::Array(items)) => {
            for item in items {
                path.push(format!("k:{}", schema::key_of(item, keys)));
                fields.insert(path.clone());
                collect(fields, path, &schema::item(names), item);
                path.pop();
            }
        }
        (Shape::Set, Value::Array(items)) => {
            for item in items {
                path.push(format!("v:{item}"));
                fields.insert(path.clone());
                path.pop();
            }
        }
        _ => {
            fields.insert(path.clone());
        }
    }
}

/// What is at a path, with the names that tell its shape.
pub(super) fn find<'a>(object: &'a Value, path: &[String]) -> Option<(&'a Value, Vec<String>)> {
    let mut found = object;
    let mut names = Vec::new();
    for element in path {
        (found, names) = step(found, &names, element)?;
    }
    Some((found, names))
}

fn step<'a>(value: &'a Value, names: &[String], element: &str) -> Option<(&'a Value, Vec<String>)> {
    if let Some(name) = element.strip_prefix("f:") {
        return Some((value.get(name)?, schema::member(names, name)));
    }
    let index = index_of(value, names, element)?;
    Some((&value[index], schema::item(names)))
}

/// Where in a list an element is.
fn index_of(list: &Value, names: &[String], element: &str) -> Option<usize> {
    let items = list.as_array()?;
    let (mark, text) = element.split_at_checked(2)?;
    let wanted: Value = serde_json::from_str(text).ok()?;
    match (schema::shape(names, list), mark) {
        (Shape::Keyed(keys), "k:") => items.iter().position(|item| schema::key_of(item, keys) == wanted),
        (Shape::Set, "v:") => items.iter().position(|item| *item == wanted),
        _ => None,
    }
}

/// Whether a field's own value is another one: what is inside of maps and keyed lists are fields of their own.
pub(super) fn differs(before: &Value, after: &Value, path: &[String]) -> bool {
    match (find(before, path), find(after, path)) {
        (None, None) => false,
        (Some((before, names)), Some((after, _))) => {
            let shape = schema::shape(&names, after);
            let is_whole = shape == Shape::Atomic || schema::shape(&names, before) != shape;
            is_whole && before != after
        }
        _ => true,
    }
}

/// Takes a field away, and the maps and lists that are empty without it.
pub(super) fn remove(object: &mut Value, path: &[String]) {
    remove_below(object, &[], path);
}

/// Whether nothing is left.
fn remove_below(value: &mut Value, names: &[String], path: &[String]) -> bool {
    let Some((element, rest)) = path.split_first() else { return true };
    if let Some(name) = element.strip_prefix("f:") {
        let Some(members) = value.as_object_mut() else { return false };
        let Some(member) = members.get_mut(name) else { return false };
        if remove_below(member, &schema::member(names, name), rest) {
            members.remove(name);
        }
        return members.is_empty();
    }
    let Some(index) = index_of(value, names, element) else { return false };
    let items = value.as_array_mut().expect("what has an index is a list");
    if remove_below(&mut items[index], &schema::item(names), rest) {
        items.remove(index);
    }
    items.is_empty()
}

/// As `FieldsV1`.
pub(super) fn to_value(fields: &Fields) -> Value {
    let mut root = Value::Object(Map::new());
    for path in fields {
        let mut node = &mut root;
        for element in path {
            node = &mut node[element.as_str()];
            if node.is_null() {
                *node = Value::Object(Map::new());
            }
        }
        node["."] = Value::Object(Map::new());
    }
    shorten(&mut root);
    root
}

/// A field with nothing below needs no mark of its own.
fn shorten(node: &mut Value) {
    let Some(members) = node.as_object_mut() else { return };
    if members.len() == 1 {
        members.remove(".");
    }
    members.iter_mut().filter(|(name, _)| *name != ".").for_each(|(_, member)| shorten(member));
}

/// From `FieldsV1`.
pub(super) fn from_value(value: &Value) -> Fields {
    let mut fields = Fields::new();
    read(&mut fields, &mut Vec::new(), value);
    fields
}

fn read(fields: &mut Fields, path: &mut Path, value: &Value) {
    let members = value.as_object().into_iter().flatten();
    if !path.is_empty() && (members.clone().next().is_none() || value.get(".").is_some()) {
        fields.insert(path.clone());
    }
    for (element, member) in members.filter(|(element, _)| *element != ".") {
        path.push(element.clone());
        read(fields, path, member);
        path.pop();
    }
}

/// As messages write it: `.spec.template.spec.containers[name="web"].image`.
pub(super) fn show(path: &[String]) -> String {
    path.iter().map(|element| show_element(element)).collect()
}

fn show_element(element: &str) -> String {
    let (mark, rest) = element.split_at_checked(2).unwrap_or(("f:", element));
    match mark {
        "k:" => {
            let key: Value = serde_json::from_str(rest).unwrap_or_default();
            let parts: Vec<_> =
                key.as_object().into_iter().flatten().map(|(name, value)| format!("{name}={value}")).collect();
            format!("[{}]", parts.join(","))
        }
        "v:" => format!("[={rest}]"),
        _ => format!(".{rest}"),
    }
}
