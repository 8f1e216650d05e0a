//! YAML of Kubernetes objects, in which what the entrypoint fills in is distinguished from what a user wrote.
//!
//! A placeholder is text of ours, made by [`ours`]. A user's text that looks like one is written with an escape, so that the
//! entrypoint, which replaces text, leaves it alone.

use serde_json::{Map, Value as Json, json};

use crate::render::yaml::{Style, scalar};

/// The one key of a text of ours: a user cannot write it, because a spec holds no control characters.
const OURS: &str = "\0";

/// How every placeholder begins.
const PLACEHOLDER: &str = "${BOOTSMITH_";

/// A text with placeholders.
pub(super) fn ours(text: impl Into<String>) -> Json {
    json!({ OURS: text.into() })
}

/// The placeholder of a name, as in `${BOOTSMITH_DIGEST_WEB}`.
pub(super) fn placeholder(what: &str, name: &str) -> String {
    format!("{PLACEHOLDER}{what}_{name}}}")
}

/// The tree as every reader of the YAML sees it before the entrypoint fills it in.
pub(super) fn as_read(value: &Json) -> Json {
    match value {
        Json::Object(map) => match our_text(map) {
            Some(text) => Json::from(text),
            None => map.iter().map(|(key, value)| (key.clone(), as_read(value))).collect(),
        },
        Json::Array(list) => list.iter().map(as_read).collect(),
        scalar => scalar.clone(),
    }
}

/// Trees with placeholders.
pub(super) const STYLE: Style = Style { tree: to_yaml, scalar: to_yaml, is_block };

/// A tree with placeholders.
fn to_yaml(value: &Json) -> Result<String, serde_saphyr::SerializeError> {
    Ok(lines(value)?.join("\n"))
}

type Lines = Result<Vec<String>, serde_saphyr::SerializeError>;

fn our_text(map: &Map<String, Json>) -> Option<&str> {
    map.get(OURS).and_then(Json::as_str)
}

/// A value as a block; a scalar is one line.
fn lines(value: &Json) -> Lines {
    match value {
        Json::Object(map) if map.is_empty() => Ok(vec!["{}".to_owned()]),
        Json::Object(map) => match our_text(map) {
            // What is filled in may look like a number.
            Some(text) => Ok(vec![format!("\"{text}\"")]),
            None => map_lines(map),
        },
        Json::Array(list) if list.is_empty() => Ok(vec!["[]".to_owned()]),
        Json::Array(list) => list_lines(list),
        Json::String(text) if text.contains(PLACEHOLDER) => Ok(vec![escaped(text)]),
        other => Ok(vec![scalar(other)?]),
    }
}

fn map_lines(map: &Map<String, Json>) -> Lines {
    let mut all = Vec::new();
    for (key, value) in map {
        let key = scalar(&Json::from(key.as_str()))?;
        let below = lines(value)?;
        match below.as_slice() {
            [line] if !is_block(value) => all.push(format!("{key}: {line}")),
            _ => {
                all.push(format!("{key}:"));
                all.extend(below.iter().map(|line| format!("  {line}")));
            }
        }
    }
    Ok(all)
}

fn list_lines(list: &[Json]) -> Lines {
    let mut all = Vec::new();
    for item in list {
        let below = lines(item)?;
        let marked = below.iter().enumerate().map(|(at, line)| format!("{}{line}", if at == 0 { "- " } else { "  " }));
        all.extend(marked);
    }
    Ok(all)
}

/// Whether a value stands on lines of its own.
fn is_block(value: &Json) -> bool {
    match value {
        Json::Object(map) => !map.is_empty() && our_text(map).is_none(),
        Json::Array(list) => !list.is_empty(),
        _ => false,
    }
}

/// A user's text that looks like a placeholder, in double quotes and with its dollar escaped (YAML 1.2.2, 5.7).
fn escaped(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='\u{7E}' => quoted.push(character),
            _ if u32::from(character) > 0xFFFF => quoted.push_str(&format!("\\U{:08X}", u32::from(character))),
            _ => quoted.push_str(&format!("\\u{:04X}", u32::from(character))),
        }
    }
    quoted.replace(PLACEHOLDER, "\\u0024{BOOTSMITH_") + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml(value: &Json) -> String {
        to_yaml(value).expect("a tree")
    }

    #[test]
    fn a_block_reads_back() {
        let tree = json!({
            "a": { "b": [], "c": {}, "d": null },
            "list": ["x", "no", { "k": 1, "l": [true, "1:30"] }, ["- y", "# z"], "a\nb"],
            "y": "~",
        });
        let read: Json = serde_saphyr::from_str(&yaml(&tree)).expect("YAML");
        assert_eq!(read, tree);
    }

    #[test]
    fn a_placeholder_is_quoted_and_a_users_text_is_escaped() {
        let tree =
            json!({ "ours": ours(placeholder("DIGEST", "WEB")), "theirs": "\"é\u{1F600}${BOOTSMITH_DIGEST_WEB}\n" });
        let text = yaml(&tree);
        assert_eq!(text.matches(PLACEHOLDER).count(), 1, "{text}");
        assert!(text.contains("ours: \"${BOOTSMITH_DIGEST_WEB}\""), "{text}");
        let read: Json = serde_saphyr::from_str(&text).expect("YAML");
        assert_eq!(read, as_read(&tree));
    }
}
