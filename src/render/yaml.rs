//! YAML for sub-trees that nobody formats by hand.
//!
//! Every scalar stands on one line, quoted where YAML 1.1 or 1.2 could read it as anything but a text, so that a tree can be indented
//! line by line.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use serde_saphyr::{SerializerOptions, ser_options};
use tera::{Kwargs, State, Tera, TeraResult};

type Written = Result<String, serde_saphyr::SerializeError>;

/// How values are written.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// A tree, or a scalar on one line.
    pub(super) tree: fn(&Value) -> Written,
    /// What stands behind its key, on one line.
    pub(super) scalar: fn(&Value) -> Written,
    /// Whether a value stands on lines of its own, below its key.
    pub(super) is_block: fn(&Value) -> bool,
}

/// Every text is the user's.
pub(super) const PLAIN: Style = Style { tree: to_yaml, scalar, is_block };

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    }
}

/// Adds the filters `yaml(indent=N)`, for a tree or a scalar where it stands, and `value(indent=N)`, for what stands behind a `key:`.
pub(super) fn register(tera: &mut Tera, style: Style) {
    tera.register_filter("value", move |value: tera::Value, arguments: Kwargs, _: &State<'_>| -> TeraResult<String> {
        let indent = arguments.get::<usize>("indent")?.unwrap_or(0);
        behind_key(style, &sorted(&value)?, indent).map_err(tera::Error::message)
    });
    tera.register_filter("yaml", move |value: tera::Value, arguments: Kwargs, _: &State<'_>| -> TeraResult<String> {
        let indent = arguments.get::<usize>("indent")?.unwrap_or(0);
        Ok(indented(&(style.tree)(&sorted(&value)?).map_err(tera::Error::message)?, indent))
    });
}

/// Adds the filter `others(of="PATH", indent=N)`: what the map at a path has besides the keys that the templates name below it, as `PATH.KEY`.
pub(super) fn register_others(tera: &mut Tera, style: Style, templates: &[(&'static str, &'static str)]) {
    let named: BTreeMap<_, BTreeSet<_>> = templates
        .iter()
        .flat_map(|(_, text)| texts_behind(text, "others(of=\""))
        .map(|path| (path, templates.iter().flat_map(|(_, text)| members(text, path)).collect()))
        .collect();
    tera.register_filter("others", move |value: tera::Value, arguments: Kwargs, _: &State<'_>| -> TeraResult<String> {
        let indent = arguments.get::<usize>("indent")?.unwrap_or(0);
        let path: &str = arguments.must_get("of")?;
        let Value::Object(mut others) = sorted(&value)? else {
            return Err(tera::Error::message(format!("`{path}` is not a map")));
        };
        others.retain(|key, _| !named.get(path).is_some_and(|named| named.contains(key.as_str())));
        if others.is_empty() {
            return Ok(String::new());
        }
        Ok(format!("\n{}", indented(&(style.tree)(&Value::from(others)).map_err(tera::Error::message)?, indent)))
    });
}

/// The text up to the next quotation mark behind each place where a text stands.
fn texts_behind(template: &'static str, before: &str) -> impl Iterator<Item = &'static str> {
    template.split(before).skip(1).filter_map(|rest| rest.split('"').next())
}

/// The keys of the map at a path that a template names.
fn members(template: &'static str, path: &str) -> Vec<&'static str> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let is_inside = |at: usize| template[..at].ends_with(|before: char| is_name(before) || before == '.');
    let places = template.match_indices(path).filter(|(at, _)| !is_inside(*at));
    let behind = places.filter_map(|(at, path)| template[at + path.len()..].strip_prefix('.'));
    behind.map(|rest| rest.split(|character| !is_name(character)).next().unwrap_or_default()).collect()
}

/// Tera keeps maps in hash order; `serde_json` sorts them.
fn sorted(value: &tera::Value) -> TeraResult<Value> {
    serde_json::to_value(value).map_err(tera::Error::message)
}

/// A scalar or something empty on the line of its key, anything else below it.
fn behind_key(style: Style, value: &Value, indent: usize) -> Written {
    Ok(if (style.is_block)(value) {
        format!("\n{}", indented(&(style.tree)(value)?, indent))
    } else {
        format!(" {}", (style.scalar)(value)?)
    })
}

/// A scalar on one line, as it stands behind `key: `.
pub(super) fn scalar(value: &Value) -> Written {
    let text = to_yaml(&serde_json::json!({ "k": value }))?;
    Ok(text.trim_end_matches('\n').trim_start_matches("k:").trim_start_matches(' ').to_owned())
}

/// A tree whose every text is the user's.
pub(super) fn to_yaml(value: &Value) -> Written {
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
        assert_eq!(members("{{ a.b_1 | x }}{% if a.c is defined %}{{ b.d }}{{ aa.e }}{{ b.a.f }}", "a"), ["b_1", "c"]);
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
            let named: Vec<_> = members(template, "service.body");
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
            let text = format!("k:{}", behind_key(PLAIN, &value, 2).expect("a tree"));
            let read: Value = serde_saphyr::from_str(&text).expect("YAML");
            assert_eq!(read["k"], value, "{text}");
        }
    }
}
