//! The tables of keys, compared with the JSON schemas that they follow: a newer schema shows what is missing here, and the other way round.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::{Keys, Kind, Shape, object, service};

/// Every path of keys with what may be there: `*` is any key, `[]` any entry of a list.
pub(crate) type Paths = BTreeMap<String, BTreeSet<&'static str>>;

const SCHEMA: &str = include_str!("../../../templates/compose/compose-spec.json");

/// What a table says.
pub(crate) fn of_keys(keys: &Keys) -> Paths {
    let mut paths = Paths::new();
    add_keys("", keys, &mut paths);
    paths
}

fn add_keys(path: &str, keys: &Keys, paths: &mut Paths) {
    keys.known.iter().for_each(|(key, shape)| add_shape(&super::below(path, key), shape, paths));
    for key in keys.required {
        add(paths, &super::below(path, key), "required");
    }
    if !keys.takes_extensions {
        add(paths, path, "no extensions");
    }
}

fn add(paths: &mut Paths, path: &str, what: &'static str) {
    paths.entry(path.to_owned()).or_default().insert(what);
}

fn add_shape(path: &str, shape: &Shape, paths: &mut Paths) {
    match shape {
        Shape::One(kinds) => kinds.iter().for_each(|kind| add(paths, path, kind.name())),
        Shape::List(item) => {
            add(paths, path, "a list");
            add_shape(&format!("{path}[]"), item, paths);
        }
        Shape::Set(item) => {
            add(paths, path, "a set");
            add_shape(&format!("{path}[]"), item, paths);
        }
        Shape::Map(value) => {
            add(paths, path, "a table");
            add_shape(&format!("{path}.*"), value, paths);
        }
        Shape::Pairs(kinds) => {
            add_shape(path, &Shape::Map(&Shape::One(&[])), paths);
            add_shape(path, &super::WORDS, paths);
            kinds.iter().for_each(|kind| add(paths, &format!("{path}.*"), kind.name()));
        }
        Shape::Table(keys) => {
            add(paths, path, "a table");
            add_keys(path, keys, paths);
        }
        Shape::Either(shapes) => shapes.iter().for_each(|shape| add_shape(path, shape, paths)),
    }
}

/// What a definition of a JSON schema says; keys below it that are not compared are named.
pub(crate) fn of_schema(text: &str, definition: &str, left_out: &[&str]) -> Paths {
    let root: Json = serde_json::from_str(text).expect("JSON");
    let start = root.pointer(definition).expect("the definition is there");
    let mut reader = Reader { root: &root, left_out, paths: Paths::new() };
    reader.add("", start);
    // That the definition itself is a table needs no word.
    reader.paths.get_mut("").expect("a table").remove("a table");
    reader.paths.retain(|_, kinds| !kinds.is_empty());
    reader.paths
}

struct Reader<'a> {
    root: &'a Json,
    left_out: &'a [&'a str],
    paths: Paths,
}

impl<'a> Reader<'a> {
    fn add(&mut self, path: &str, schema: &'a Json) {
        if self.left_out.contains(&path) {
            return;
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.root.pointer(reference.trim_start_matches('#')).expect("a definition");
            return self.add(path, target);
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            schema[key].as_array().into_iter().flatten().for_each(|part| self.add(path, part));
        }
        for kind in kinds(schema) {
            self.add_kind(path, kind, schema);
        }
        self.add_properties(path, schema);
    }

    fn add_kind(&mut self, path: &str, kind: &str, schema: &'a Json) {
        let what = match kind {
            "string" => Kind::Text.name(),
            "integer" => Kind::Integer.name(),
            "number" => Kind::Number.name(),
            "boolean" => Kind::Boolean.name(),
            "array" if schema["uniqueItems"] == true => "a set",
            "array" => "a list",
            "object" => "a table",
            // TOML has no null.
            _ => return,
        };
        add(&mut self.paths, path, what);
        if kind == "array" {
            self.add(&format!("{path}[]"), &schema["items"]);
        }
    }

    fn add_properties(&mut self, path: &str, schema: &'a Json) {
        let table = |key: &str| schema[key].as_object().into_iter().flat_map(Map::iter);
        table("properties").for_each(|(key, value)| self.add(&super::below(path, key), value));
        let patterns = || table("patternProperties").filter(|(pattern, _)| !pattern.starts_with("^x-"));
        patterns().for_each(|(_, value)| self.add(&format!("{path}.*"), value));
        if schema["additionalProperties"].is_object() {
            self.add(&format!("{path}.*"), &schema["additionalProperties"]);
        }
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            add(&mut self.paths, &super::below(path, key), "required");
        }
        let is_closed = schema["additionalProperties"] == false && schema["properties"].is_object();
        if is_closed && !table("patternProperties").any(|(pattern, _)| pattern.starts_with("^x-")) {
            add(&mut self.paths, path, "no extensions");
        }
    }
}

fn kinds(schema: &Json) -> Vec<&str> {
    match &schema["type"] {
        Json::String(kind) => vec![kind],
        Json::Array(kinds) => kinds.iter().filter_map(Json::as_str).collect(),
        _ if schema["enum"].is_array() => vec!["string"],
        _ => Vec::new(),
    }
}

/// Where two tables part.
pub(crate) fn differences(ours: &Paths, theirs: &Paths, except: &[(&str, &str)]) -> Vec<String> {
    let paths: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let is_excepted = |path: &str| except.iter().any(|(known, _)| path == *known);
    let mut faults: Vec<_> = paths
        .iter()
        .filter(|path| ours.get(**path) != theirs.get(**path) && !is_excepted(path))
        .map(|path| format!("{path}: here {:?}, in the schema {:?}", ours.get(*path), theirs.get(*path)))
        .collect();
    let idle = except.iter().filter(|(path, _)| ours.get(*path) == theirs.get(*path));
    faults.extend(idle.map(|(path, _)| format!("{path}: nothing differs")));
    faults
}

/// What differs from the schema of Compose, and why.
const EXCEPT: &[(&str, &str)] = &[
    ("storage_opt", "the schema says nothing of its keys"),
    ("storage_opt.size", "the schema says nothing of its keys"),
];

#[test]
fn a_service_has_the_keys_of_the_schema() {
    let theirs = of_schema(SCHEMA, "/$defs/service", service::LEFT_OUT);
    let faults = differences(&of_keys(&service::SERVICE), &theirs, EXCEPT);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// `external = { name }` is what Compose had before `name`.
const EXCEPT_OF_OBJECTS: &[(&str, &str)] =
    &[("external", "a table is what it was before `name`"), ("external.name", "a table is what it was before `name`")];

#[test]
fn networks_and_volumes_have_the_keys_of_the_schema() {
    for (keys, definition) in [(&object::NETWORK, "/$defs/network"), (&object::VOLUME, "/$defs/volume")] {
        let faults = differences(&of_keys(keys), &of_schema(SCHEMA, definition, &[]), EXCEPT_OF_OBJECTS);
        assert!(faults.is_empty(), "{definition}: {}", faults.join("\n"));
    }
}

#[test]
fn a_difference_is_found_on_both_sides() {
    let mut ours = of_keys(&object::VOLUME);
    let theirs = ours.clone();
    ours.remove("driver");
    ours.entry("name".to_owned()).or_default().insert("a number");
    assert_eq!(differences(&ours, &theirs, &[]).len(), 2);
    assert_eq!(differences(&theirs, &theirs, &[("driver", "")]), ["driver: nothing differs"]);
}
