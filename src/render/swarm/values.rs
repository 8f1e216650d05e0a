//! Values that a stack writes in another way than Compose.

use serde_json::{Value as Json, json};

use crate::compose::{ByteSize, Port, Restart, Value as _};
use crate::document::text::{Piece, pieces};

use super::super::manifest::escaped;

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

/// A size such as `64m` in bytes.
pub(super) fn bytes(value: Json) -> Json {
    value.as_str().and_then(ByteSize::parse).map_or(value, |size| json!(size.bytes))
}

/// The long form of a port has one published port in a stack; a range is several ports.
pub(super) fn expand_ports(written: Json, port: &Port) -> Vec<Json> {
    let Some(published) = port.published.filter(|_| written.is_object()) else { return vec![unpublished(written)] };
    let one = |number: u16| {
        let mut port = written.clone();
        port["published"] = json!(number);
        port
    };
    (published.first..=published.last).map(one).collect()
}

/// In the long form an empty text says that the engine chooses; a stack knows numbers alone.
fn unpublished(mut written: Json) -> Json {
    if let Some(port) = written.as_object_mut().filter(|port| port.get("published") == Some(&json!(""))) {
        port.remove("published");
    }
    written
}

/// `restart` of Compose as `restart_policy`.
pub(super) fn restart_policy(restart: Restart) -> Json {
    match restart {
        Restart::No => json!({ "condition": "none" }),
        Restart::Always | Restart::UnlessStopped => json!({ "condition": "any" }),
        Restart::OnFailure(None) => json!({ "condition": "on-failure" }),
        Restart::OnFailure(Some(attempts)) => json!({ "condition": "on-failure", "max_attempts": attempts }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose;

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
        let long = |published: Json| json!({ "target": 80, "published": published });
        let expand = |written: Json| {
            let text = format!("ports = [{}]", written.to_string().replace("\":", "\"="));
            expand_ports(written, &compose::Service::of_text(&text).ports[0])
        };
        assert_eq!(expand(long(json!("8080-8081"))), [long(json!(8080)), long(json!(8081))]);
        assert_eq!(expand(long(json!("8080"))), [long(json!(8080))]);
        assert_eq!(expand(json!("8080:80")), [json!("8080:80")]);
        assert_eq!(expand(long(json!(""))), [json!({ "target": 80 })]);
    }

    #[test]
    fn restart_is_a_policy() {
        let policy = |text| Restart::parse(text).map(restart_policy);
        assert_eq!(policy("unless-stopped"), Some(json!({ "condition": "any" })));
        assert_eq!(policy("on-failure:3"), Some(json!({ "condition": "on-failure", "max_attempts": 3 })));
        assert_eq!(policy("no"), Some(json!({ "condition": "none" })));
    }
}
