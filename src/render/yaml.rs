//! YAML for sub-trees that nobody formats by hand.
//!
//! Every scalar stands on one line, quoted where YAML 1.1 or 1.2 could read it as anything but a text, so that a tree can be indented
//! line by line.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_saphyr::{SerializerOptions, ser_options};
use tera::{Kwargs, State, Tera, TeraResult};

/// How a tree is written.
pub(super) type Writer = fn(&Value) -> Result<String, serde_saphyr::SerializeError>;

/// Adds the filters `yaml(indent=N)`, for a tree or a scalar where it stands, and `value(indent=N)`, for what stands behind a `key:`.
pub(super) fn register(tera: &mut Tera, write: Writer) {
    tera.register_filter("value", move |value: tera::Value, arguments: Kwargs, _: &State<'_>| -> TeraResult<String> {
        let indent = arguments.get::<usize>("indent")?.unwrap_or(0);
        behind_key(write, &sorted(&value)?, indent).map_err(tera::Error::message)
    });
    tera.register_filter("yaml", move |value: tera::Value, arguments: Kwargs, _: &State<'_>| -> TeraResult<String> {
        let indent = arguments.get::<usize>("indent")?.unwrap_or(0);
        Ok(indented(&write(&sorted(&value)?).map_err(tera::Error::message)?, indent))
    });
}

/// Adds the filter `others(indent=N)`: what a map has besides the keys that the templates name as `MAP.KEY`.
pub(super) fn register_others(
    tera: &mut Tera,
    write: Writer,
    map: &'static str,
    templates: &[(&'static str, &'static str)],
) {
    let named: BTreeSet<_> = templates.iter().flat_map(|(_, text)| members(text, map)).collect();
    tera.register_filter("others", move |value: tera::Value, arguments: Kwargs, _: &State<'_>| -> TeraResult<String> {
        let indent = arguments.get::<usize>("indent")?.unwrap_or(0);
        let Value::Object(mut others) = sorted(&value)? else {
            return Err(tera::Error::message("`others` takes a map"));
        };
        others.retain(|key, _| !named.contains(key.as_str()));
        if others.is_empty() {
            return Ok(String::new());
        }
        Ok(format!("\n{}", indented(&write(&Value::from(others)).map_err(tera::Error::message)?, indent)))
    });
}

/// The keys of a map that a template names.
fn members(template: &'static str, map: &str) -> impl Iterator<Item = &'static str> {
    let prefix = format!("{map}.");
    let places: Vec<_> = template.match_indices(&prefix).map(|(at, prefix)| at + prefix.len()).collect();
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    places.into_iter().map(move |at| template[at..].split(|character| !is_name(character)).next().unwrap_or_default())
}

/// Tera keeps maps in hash order; `serde_json` sorts them.
fn sorted(value: &tera::Value) -> TeraResult<Value> {
    serde_json::to_value(value).map_err(tera::Error::message)
}

/// A scalar or something empty on the line of its key, anything else below it.
fn behind_key(write: Writer, value: &Value, indent: usize) -> Result<String, serde_saphyr::SerializeError> {
    let is_tree = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    };
    Ok(if is_tree { format!("\n{}", indented(&write(value)?, indent)) } else { format!(" {}", scalar(value)?) })
}

/// A scalar on one line, as it stands behind `key: `.
pub(super) fn scalar(value: &Value) -> Result<String, serde_saphyr::SerializeError> {
    let text = to_yaml(&serde_json::json!({ "k": value }))?;
    Ok(text.trim_end_matches('\n').trim_start_matches("k:").trim_start_matches(' ').to_owned())
}

/// A tree whose every text is the user's.
pub(super) fn to_yaml(value: &Value) -> Result<String, serde_saphyr::SerializeError> {
    serde_saphyr::to_string_with_options(value, options())
}

fn options() -> SerializerOptions {
    ser_options! { prefer_block_scalars: false, compact_list_indent: false }
}

fn indented(text: &str, indent: usize) -> String {
    let space = " ".repeat(indent);
    let lines: Vec<_> = text.trim_end_matches('\n').lines().map(|line| format!("{space}{line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_that_a_template_names_are_found() {
        let found: Vec<_> = members("{{ a.b_1 | x }}{% if a.c is defined %}{{ b.d }}", "a").collect();
        assert_eq!(found, ["b_1", "c"]);
    }

    /// What a template names and a manifest cannot have is misspelt, and would be written among the others.
    #[test]
    fn the_templates_name_keys_of_the_schemas_and_each_once() {
        let compose = (
            include_str!("../../templates/compose/compose.yaml.tera"),
            include_str!("../../templates/compose/compose-spec.json"),
        );
        let swarm = (
            include_str!("../../templates/swarm/stack.yaml.tera"),
            include_str!("../../templates/swarm/stack-schema.json"),
        );
        for (template, schema) in [compose, swarm] {
            let schema: Value = serde_json::from_str(schema).expect("JSON");
            let known = ["/definitions/service", "/$defs/service", "/$defs/container_spec", "/$defs/workload_spec"];
            let is_known =
                |key: &str| known.iter().any(|place| schema.pointer(&format!("{place}/properties/{key}")).is_some());
            let named: Vec<_> = members(template, "service.body").collect();
            let unknown: Vec<_> = named.iter().filter(|key| !is_known(key)).collect();
            assert!(unknown.is_empty(), "{unknown:?}");
            let often: Vec<_> =
                named.iter().filter(|key| named.iter().filter(|other| other == key).count() != 2).collect();
            assert!(often.is_empty(), "asked for and written once: {often:?}");
        }
    }

    #[test]
    fn what_stands_behind_a_key_reads_back() {
        for value in [
            serde_json::json!("no"),
            "a\nb".into(),
            1.into(),
            serde_json::json!([]),
            serde_json::json!({}),
            serde_json::json!({ "a": ["b"] }),
        ] {
            let text = format!("k:{}", behind_key(to_yaml, &value, 2).expect("a tree"));
            let read: Value = serde_saphyr::from_str(&text).expect("YAML");
            assert_eq!(read["k"], value, "{text}");
        }
    }
}
