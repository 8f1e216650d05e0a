//! The health check of a service: declared, switched off, or left to the image.
//!
//! Takes in a service as written; says which of these it is, and writes one that is switched off in the one form that every platform takes.
//! Knows no platform.

use crate::document::node::{Entry, Node, Span, Table, Value};

use super::scope::unescaped;

/// Whether the spec declares one that is run.
pub(super) fn is_on(service: &Table) -> bool {
    of(service).is_some_and(|check| check.get("test").is_some() && !is_off_by(check))
}

/// Whether the spec switches off what the image declares: with `disable`, or with the test `NONE`.
pub(super) fn is_off(service: &Table) -> bool {
    of(service).is_some_and(is_off_by)
}

/// One that is off is `disable` and nothing else, one that is not has no `disable`: docker-compose 1.29 refuses it beside other keys, and a
/// stack beside `test`. An environment that switches off the check of the base has both.
pub(super) fn settle(service: &mut Table) {
    let Some(entry) = service.entry("healthcheck").cloned() else { return };
    let Value::Table(mut check) = entry.node.value else { return };
    if is_off_by(&check) {
        check = Table::default();
        let on = Node { span: entry.node.span, value: Value::Boolean(true) };
        check.insert("disable", Entry { key_span: entry.key_span, node: on });
    } else {
        check.remove("disable");
    }
    put(service, entry.key_span, entry.node.span, check);
}

fn put(service: &mut Table, key_span: Span, span: Span, check: Table) {
    if check.is_empty() {
        service.remove("healthcheck");
    } else {
        service.insert("healthcheck", Entry { key_span, node: Node { span, value: Value::Table(check) } });
    }
}

fn of(service: &Table) -> Option<&Table> {
    service.table("healthcheck")
}

fn is_off_by(check: &Table) -> bool {
    check.get("disable").is_some_and(is_true) || check.get("test").is_some_and(is_none)
}

/// `["NONE"]`: as a text, `NONE` is a command.
fn is_none(test: &Node) -> bool {
    match &test.value {
        Value::List(words) => words.first().and_then(Node::as_text) == Some("NONE"),
        _ => false,
    }
}

fn is_true(node: &Node) -> bool {
    match &node.value {
        Value::Boolean(boolean) => *boolean,
        Value::Text(text) => unescaped(text).is_some_and(|text| means_true(&text)),
        _ => false,
    }
}

/// The words that Compose takes for `true` (compose-go, `interpolation`).
pub fn means_true(text: &str) -> bool {
    ["1", "t", "true", "y", "yes", "on"].contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Context;
    use crate::document::node::parse;

    fn service(healthcheck: &str) -> Table {
        let mut context = Context::new("bootstrap.toml".into());
        let table = parse(&format!("healthcheck = {{ {healthcheck} }}"), &mut context);
        assert!(table.get("healthcheck").is_some(), "{healthcheck}");
        table
    }

    /// The keys that are left of a check.
    fn settled(healthcheck: &str) -> Vec<String> {
        let mut service = service(healthcheck);
        settle(&mut service);
        service.table("healthcheck").into_iter().flat_map(Table::keys).map(str::to_owned).collect()
    }

    #[test]
    fn a_check_that_is_off_is_none() {
        for off in [
            r#"test = ["NONE"]"#,
            r#"test = ["NONE"], interval = "5s""#,
            "disable = true",
            r#"disable = "true""#,
            r#"disable = true, test = ["CMD", "probe"]"#,
        ] {
            assert!(is_off(&service(off)) && !is_on(&service(off)), "{off}");
            assert_eq!(settled(off), ["disable"], "{off}");
        }
    }

    #[test]
    fn a_check_that_is_declared_is_on() {
        for on in [r#"test = ["CMD", "probe"]"#, r#"test = "NONE""#, r#"test = "probe", disable = false"#] {
            assert!(is_on(&service(on)) && !is_off(&service(on)), "{on}");
            assert_eq!(settled(on), ["test"], "{on}");
        }
    }

    #[test]
    fn what_only_times_the_check_of_the_image_is_neither() {
        let timed = r#"interval = "5s""#;
        assert!(!is_on(&service(timed)) && !is_off(&service(timed)));
        assert_eq!(settled(timed), ["interval"]);
        assert_eq!(settled("disable = false"), Vec::<String>::new());
    }
}
