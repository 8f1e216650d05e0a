//! How lists and maps merge: the part of the API's schema that server-side apply and strategic merge need.
//!
//! A list is a map when its items have keys, a set, or one value as a whole (atomic). Kubernetes says it in `x-kubernetes-list-type`;
//! here it is a table by the name of the field, which is enough for the kinds of the stand-in.

use serde_json::Value;

/// A field's value as a merge sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A map whose members are owned one by one.
    Map,
    /// A list whose items are known by the values of some of their fields.
    Keyed(&'static [&'static str]),
    /// A list of scalars, each owned by itself.
    Set,
    /// One value, owned and replaced as a whole.
    Atomic,
}

/// A list with keys: the field, and the field that holds it where that matters.
struct Keyed {
    field: &'static str,
    parent: Option<&'static str>,
    keys: &'static [&'static str],
}

const fn keyed(field: &'static str, keys: &'static [&'static str]) -> Keyed {
    Keyed { field, parent: None, keys }
}

const KEYED: &[Keyed] = &[
    keyed("conditions", &["type"]),
    keyed("containers", &["name"]),
    keyed("env", &["name"]),
    keyed("ephemeralContainers", &["name"]),
    keyed("hostAliases", &["ip"]),
    keyed("imagePullSecrets", &["name"]),
    keyed("initContainers", &["name"]),
    keyed("ownerReferences", &["uid"]),
    // `#` stands for an item of a list: ports of a container, not of a NetworkPolicy's rule.
    Keyed { field: "ports", parent: Some("containers#"), keys: &["containerPort", "protocol"] },
    Keyed { field: "ports", parent: Some("initContainers#"), keys: &["containerPort", "protocol"] },
    Keyed { field: "ports", parent: Some("spec"), keys: &["port", "protocol"] },
    keyed("secrets", &["name"]),
    keyed("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    keyed("volumeDevices", &["devicePath"]),
    keyed("volumeMounts", &["mountPath"]),
    keyed("volumes", &["name"]),
];

const SETS: &[&str] = &["finalizers"];

/// Maps that are replaced as a whole.
const ATOMIC_MAPS: &[&str] = &[
    "configMapKeyRef",
    "fieldRef",
    "labelSelector",
    "namespaceSelector",
    "nodeSelector",
    "objectSelector",
    "podSelector",
    "resourceFieldRef",
    "roleRef",
    "scaleTargetRef",
    "secretKeyRef",
    "selector",
];

/// The shape of a value at a path of field names, `name#` for an item of a list.
pub(super) fn shape(path: &[String], value: &Value) -> Shape {
    let field = path.last().map_or("", String::as_str);
    let parent = path.len().checked_sub(2).map_or("", |index| path[index].as_str());
    match value {
        Value::Object(_) if ATOMIC_MAPS.contains(&field) => Shape::Atomic,
        Value::Object(_) => Shape::Map,
        Value::Array(_) if SETS.contains(&field) => Shape::Set,
        Value::Array(_) => {
            let fits = |entry: &&Keyed| entry.field == field && entry.parent.is_none_or(|wanted| wanted == parent);
            KEYED.iter().find(fits).map_or(Shape::Atomic, |entry| Shape::Keyed(entry.keys))
        }
        _ => Shape::Atomic,
    }
}

/// Whether the members of a map have names of the user's, and not of the schema.
pub(super) fn has_free_names(path: &[String]) -> bool {
    const FREE: &[&str] =
        &["annotations", "binaryData", "capacity", "data", "labels", "limits", "matchLabels", "requests", "stringData"];
    path.last().is_some_and(|field| FREE.contains(&field.as_str()))
}

/// The path of a member.
pub(super) fn member(path: &[String], name: &str) -> Vec<String> {
    [path, &[name.to_owned()]].concat()
}

/// The path of an item.
pub(super) fn item(path: &[String]) -> Vec<String> {
    let mut path = path.to_vec();
    if let Some(last) = path.last_mut() {
        last.push('#');
    }
    path
}

/// The key of an item, with the schema's defaults for what is not given.
pub(super) fn key_of(item: &Value, keys: &[&str]) -> Value {
    let value = |key: &str| match &item[key] {
        Value::Null if key == "protocol" => "TCP".into(),
        value => value.clone(),
    };
    keys.iter().filter(|key| !value(key).is_null()).map(|key| ((*key).to_owned(), value(key))).collect()
}
