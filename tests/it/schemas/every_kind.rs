//! Values of every kind at every key of the schemas: what the program lets pass, the schemas let pass in what is rendered.

use std::collections::BTreeMap;

use bootsmith::pipeline::{PrepareError, prepare};
use bootsmith::plan::Selection;
use serde_json::{Map, Value as Json, json};

use super::violations;
use crate::fixture;

/// A value of each kind, and of a few that hold another.
fn values() -> Vec<Json> {
    vec![
        json!("x"),
        json!(""),
        json!("true"),
        json!("5"),
        json!(5),
        json!(-1),
        json!(0.5),
        json!(true),
        json!([]),
        json!(["x"]),
        json!(["x", "x"]),
        json!([5]),
        json!([true]),
        json!([["x"]]),
        json!([{ "x": "x" }]),
        json!({}),
        json!({ "x": "x" }),
        json!({ "x": 5 }),
        json!({ "x": true }),
        json!({ "x": ["x"] }),
        json!({ "x": { "x": "x" } }),
    ]
}

/// What else must be there for a table to be taken, by the end of its path.
const COMPANIONS: &[(&str, &str)] = &[
    ("devices[]", r#"{ "source": "/dev/snd" }"#),
    ("reservations.devices[]", r#"{ "capabilities": ["gpu"] }"#),
    ("volumes[]", r#"{ "type": "volume", "target": "/x" }"#),
    ("ports[]", r#"{ "target": 80 }"#),
    ("_bps[]", r#"{ "path": "/dev/sda", "rate": 5 }"#),
    ("_iops[]", r#"{ "path": "/dev/sda", "rate": 5 }"#),
    ("weight_device[]", r#"{ "path": "/dev/sda", "weight": 50 }"#),
    ("discrete_resource_spec", r#"{ "kind": "gpu", "value": 1 }"#),
    ("ulimits.*", r#"{ "soft": 5, "hard": 5 }"#),
    ("depends_on.*", r#"{ "condition": "service_started" }"#),
];

/// Every path of a definition: `*` is a key of the user's, `[]` an entry of a list.
fn paths(schema: &Json, definition: &str) -> Vec<String> {
    let mut paths = Vec::new();
    add_paths(schema, schema.pointer(definition).expect("a definition"), "", &mut paths);
    paths.sort();
    paths.dedup();
    paths
}

fn add_paths(root: &Json, part: &Json, path: &str, paths: &mut Vec<String>) {
    /// Images are built elsewhere, and what a hook is, is asked where it is declared.
    const LEFT_OUT: &[&str] = &["build", "pre_start", "develop"];
    if LEFT_OUT.contains(&path) {
        return;
    }
    if let Some(reference) = part["$ref"].as_str() {
        return add_paths(root, root.pointer(&reference[1..]).expect("a definition"), path, paths);
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        part[key].as_array().into_iter().flatten().for_each(|part| add_paths(root, part, path, paths));
    }
    if !path.is_empty() {
        paths.push(path.to_owned());
    }
    if part["items"].is_object() {
        add_paths(root, &part["items"], &format!("{path}[]"), paths);
    }
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for (key, value) in part["properties"].as_object().into_iter().flatten() {
        add_paths(root, value, &below(key), paths);
    }
    let patterns = part["patternProperties"].as_object().into_iter().flatten();
    for (_, value) in patterns.filter(|(pattern, _)| !pattern.starts_with("^x-")) {
        add_paths(root, value, &below("*"), paths);
    }
}

/// The table with one value at a path, and what the tables on the way need.
fn nested(path: &str, value: &Json) -> Json {
    let segments: Vec<_> = path.split('.').collect();
    let mut all = value.clone();
    for (index, segment) in segments.iter().enumerate().rev() {
        let (key, depth) = (segment.trim_end_matches("[]"), segment.matches("[]").count());
        for _ in 0..depth {
            all = json!([all]);
        }
        let mut table = companions(&segments[..index].join("."));
        table.insert(user_key(key, &segments[..index]).to_owned(), all);
        all = Json::from(table);
    }
    all
}

fn companions(path: &str) -> Map<String, Json> {
    let found = COMPANIONS.iter().filter(|(end, _)| path.ends_with(end)).max_by_key(|(end, _)| end.len());
    found.map(|(_, text)| serde_json::from_str(text).expect("JSON")).unwrap_or_default()
}

/// A key of the user's that is taken there.
fn user_key<'a>(key: &'a str, before: &[&str]) -> &'a str {
    match (key, before.last()) {
        ("*", Some(&"ulimits")) => "nofile",
        ("*", Some(&"networks")) => "front",
        ("*", Some(&"depends_on")) => "database",
        ("*", Some(&"sysctls")) => "net.core.somaxconn",
        ("*", _) => "a",
        _ => key,
    }
}

fn to_toml(value: &Json) -> String {
    match value {
        Json::Object(table) => {
            let entries: Vec<_> = table.iter().map(|(key, value)| format!("{key:?} = {}", to_toml(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Json::Array(list) => format!("[{}]", list.iter().map(to_toml).collect::<Vec<_>>().join(", ")),
        scalar => scalar.to_string(),
    }
}

/// Where a table with a value is written.
#[derive(Clone, Copy)]
enum Place {
    Service,
    Network,
    Volume,
    PatchOfService,
    PatchOfNetwork,
    PatchOfVolume,
}

impl Place {
    /// A part of a spec, in which everything is called by a number.
    fn part(self, platform: &str, number: usize, keys: &str) -> String {
        let service = format!("[services.it-{number}]\nimage = \"web:1\"\n");
        let patch = |kind: &str| format!("[platforms.{platform}.patch.\"{kind}/it-{number}\"]\n{keys}");
        match self {
            Self::Service => format!("{service}{keys}"),
            Self::Network => format!("[networks.it-{number}]\n{keys}"),
            Self::Volume => format!("[volumes.it-{number}]\n{keys}"),
            Self::PatchOfService => format!("{service}[services.it-{number}.{platform}.patch]\n{keys}"),
            Self::PatchOfNetwork => format!("[networks.it-{number}]\n{}", patch("network")),
            Self::PatchOfVolume => format!("[volumes.it-{number}]\n{}", patch("volume")),
        }
    }
}

fn entry(key: &str, value: &Json) -> String {
    format!("{key:?} = {}\n", to_toml(value))
}

/// The parts that are taken, and what a schema refuses of them.
fn look(platform: &str, mut parts: Vec<String>) -> (usize, Vec<String>) {
    let head = format!(
        "[project]\nname = \"shop\"\nversion = \"1.0.0\"\n[bootstrap]\nplatforms = [\"{platform}\"]\n\
         allow = [{{ code = \"B037\", reason = \"a test\" }}, \"B031\", \"B021\", \"B018\"]\n[networks.front]\n\
         [services.database]\nimage = \"database:1\"\n"
    );
    loop {
        let spec = format!("{head}{}", parts.concat());
        match prepare(&fixture::sources(&spec, BTreeMap::new()), &Selection::default()) {
            Ok(prepared) => return (parts.len(), violations(&prepared)),
            Err(PrepareError::Input(found)) => {
                let places: Vec<_> = found.errors().filter_map(|error| Some(error.place.as_ref()?.start)).collect();
                let mut start = head.len();
                let count = parts.len();
                parts.retain(|part| {
                    let range = start..start + part.len();
                    start = range.end;
                    !places.iter().any(|place| range.contains(place))
                });
                assert!(parts.len() < count, "{:?}\n{spec}", found.sorted());
            }
            Err(error) => panic!("{error}\n{spec}"),
        }
    }
}

/// Asks for every value at every path of a definition; gives out how many are taken.
fn look_everywhere(schema: &Json, definition: &str, platform: &str, place: Place) -> usize {
    let mut objections = Vec::new();
    let mut all_taken = 0;
    for path in paths(schema, definition) {
        let tables: Vec<_> = values().iter().map(|value| nested(&path, value)).collect();
        let keys = |table: &Json| -> String {
            table.as_object().into_iter().flatten().map(|(key, value)| entry(key, value)).collect()
        };
        let parts = tables.iter().enumerate().map(|(number, table)| place.part(platform, number, &keys(table)));
        let (taken, found) = look(platform, parts.collect());
        all_taken += taken;
        objections.extend(found.into_iter().map(|found| format!("{path}: {found}")));
    }
    assert!(objections.is_empty(), "{}:\n{}", objections.len(), objections.join("\n"));
    all_taken
}

fn compose() -> Json {
    serde_json::from_str(include_str!("../../../templates/compose/compose-spec.json")).expect("JSON")
}

fn stack() -> Json {
    serde_json::from_str(include_str!("../../../templates/swarm/stack-schema.json")).expect("JSON")
}

#[test]
fn what_a_service_takes_the_schema_takes() {
    assert!(look_everywhere(&compose(), "/$defs/service", "compose", Place::Service) > 400);
}

#[test]
fn what_a_service_takes_the_schema_of_a_stack_takes() {
    assert!(look_everywhere(&compose(), "/$defs/service", "swarm", Place::Service) > 300);
}

#[test]
fn what_networks_and_volumes_take_the_schemas_take() {
    for platform in ["compose", "swarm"] {
        assert!(look_everywhere(&compose(), "/$defs/network", platform, Place::Network) > 50);
        assert!(look_everywhere(&compose(), "/$defs/volume", platform, Place::Volume) > 20);
    }
}

#[test]
fn what_a_patch_for_compose_takes_the_schema_takes() {
    assert!(look_everywhere(&compose(), "/$defs/service", "compose", Place::PatchOfService) > 500);
    assert!(look_everywhere(&compose(), "/$defs/network", "compose", Place::PatchOfNetwork) > 50);
    assert!(look_everywhere(&compose(), "/$defs/volume", "compose", Place::PatchOfVolume) > 20);
}

#[test]
fn what_a_patch_for_a_swarm_takes_the_schema_takes() {
    assert!(look_everywhere(&stack(), "/definitions/service", "swarm", Place::PatchOfService) > 300);
    assert!(look_everywhere(&stack(), "/definitions/network", "swarm", Place::PatchOfNetwork) > 20);
    assert!(look_everywhere(&stack(), "/definitions/volume", "swarm", Place::PatchOfVolume) > 20);
}
