//! Values that a stack writes in another way than Compose.

use serde_json::{Value as Json, json};

use crate::document::text::{Piece, pieces};

use super::super::manifest::escaped;
use super::super::size;

/// Swarm reads `{{…}}` as a template in environments, host names and mounts; this stands for itself.
pub(super) fn untemplated(text: &str) -> String {
    text.replace("{{", r#"{{"{{"}}"#)
}

/// A value of the environment, in normal form. A parameter's value may hold a template too, so the entrypoint gives it escaped, under a
/// name of its own; what stands before it must not make a template together with it.
pub(super) fn environment_value(normal: &str) -> String {
    let pieces = pieces(normal);
    let mut value = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Reference(name) => value.push_str(&format!("${{BOOTSMITH_VALUE_{name}}}")),
            Piece::Literal(text) => {
                let literal = escaped(&untemplated(text));
                match literal.strip_suffix('{').filter(|_| at + 1 < pieces.len()) {
                    Some(before) => value.push_str(&format!(r#"{before}{{{{"{{"}}}}"#)),
                    None => value.push_str(&literal),
                }
            }
        }
    }
    value
}

/// A number or a switch as a text.
pub(super) fn text(value: Json) -> Json {
    match value {
        Json::Number(_) | Json::Bool(_) => json!(value.to_string()),
        other => other,
    }
}

/// A text that is a number as one.
pub(super) fn integer(value: Json) -> Json {
    match value.as_str().and_then(|text| text.parse::<i64>().ok()) {
        Some(number) => json!(number),
        None => value,
    }
}

/// A size such as `64m` in bytes.
pub(super) fn bytes(value: Json) -> Json {
    value.as_str().and_then(size::bytes).map_or(value, |bytes| json!(bytes))
}

/// The long form of a port has one published port in a stack; a range is several ports.
pub(super) fn expand_ports(port: Json) -> Vec<Json> {
    let Some(published) = port.get("published").and_then(Json::as_str) else { return vec![port] };
    let (first, last) = published.split_once('-').unwrap_or((published, published));
    let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>()) else { return vec![port] };
    let one = |number: u16| {
        let mut port = port.clone();
        port["published"] = json!(number);
        port
    };
    (first..=last).map(one).collect()
}

/// `restart` of Compose as `restart_policy`.
pub(super) fn restart_policy(restart: &str) -> Option<Json> {
    match restart.split_once(':').unwrap_or((restart, "")) {
        ("no", _) => Some(json!({ "condition": "none" })),
        ("always" | "unless-stopped", _) => Some(json!({ "condition": "any" })),
        ("on-failure", "") => Some(json!({ "condition": "on-failure" })),
        ("on-failure", attempts) => {
            Some(json!({ "condition": "on-failure", "max_attempts": integer(json!(attempts)) }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_stands_for_itself() {
        assert_eq!(untemplated("{{.Node}} {{{"), r#"{{"{{"}}.Node}} {{"{{"}}{"#);
    }

    #[test]
    fn a_parameter_makes_no_template_with_what_stands_before_it() {
        assert_eq!(environment_value("a$$ {{b ${LEVEL}!"), r#"a$$ {{"{{"}}b ${BOOTSMITH_VALUE_LEVEL}!"#);
        assert_eq!(environment_value("{${LEVEL}{"), r#"{{"{"}}${BOOTSMITH_VALUE_LEVEL}{"#);
    }

    #[test]
    fn sizes_are_bytes() {
        for (written, size) in [(json!("64m"), json!(67_108_864)), (json!(12), json!(12)), (json!("x"), json!("x"))] {
            assert_eq!(bytes(written.clone()), size, "{written}");
        }
    }

    #[test]
    fn a_range_is_several_ports() {
        let port = |published: Json| json!({ "target": 80, "published": published });
        assert_eq!(expand_ports(port(json!("8080-8081"))), [port(json!(8080)), port(json!(8081))]);
        assert_eq!(expand_ports(port(json!("8080"))), [port(json!(8080))]);
        assert_eq!(expand_ports(json!("8080:80")), [json!("8080:80")]);
    }

    #[test]
    fn restart_is_a_policy() {
        assert_eq!(restart_policy("unless-stopped"), Some(json!({ "condition": "any" })));
        assert_eq!(restart_policy("on-failure:3"), Some(json!({ "condition": "on-failure", "max_attempts": 3 })));
        assert_eq!(restart_policy("no"), Some(json!({ "condition": "none" })));
    }
}
