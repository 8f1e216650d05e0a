//! What Compose would take and an operator would regret.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::wrong_type;
use crate::document::node::{Node, Span, Table, Value};
use crate::name::Label;

use super::scope::unescaped;

/// Keys whose value is a secret, unless it is where the secret lies (`…_FILE`). Of bytes: one of characters is compiled in several times the time.
static SECRET_KEY: LazyLock<Regex> = LazyLock::new(|| {
    let words = "PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?";
    Regex::new(&format!("(?i-u)(?:^|_)(?:{words})(?:_[0-9]+)?$")).expect("a regular expression")
});

/// Values that are secrets wherever they stand: a password in a URL, and tokens of known shape.
static SECRET_VALUE: LazyLock<Regex> = LazyLock::new(|| {
    let shapes = [
        "[a-z][a-z0-9+.-]*://[^/\\s:@]*:[^/\\s:@]+@",
        "\\bAKIA[0-9A-Z]{16}\\b",
        "\\bgh[pousr]_[0-9A-Za-z]{36,}\\b",
        "\\bglpat-[0-9A-Za-z_-]{20,}",
        "\\bxox[abprs]-[0-9A-Za-z-]{10,}",
        "-----BEGIN [A-Z ]*PRIVATE KEY-----",
    ];
    Regex::new(&format!("(?-u){}", shapes.join("|"))).expect("a regular expression")
});

/// Values of secret-sounding switches (`ALLOW_EMPTY_PASSWORD=yes`).
const NO_SECRETS: &[&str] = &["", "0", "1", "false", "no", "true", "yes"];

/// Finds secrets written out in an environment.
pub(super) fn check_environment(service: &Label, environment: Option<&Table>, context: &mut Context) {
    for (key, entry) in environment.into_iter().flat_map(Table::iter) {
        let Some(value) = entry.node.as_text().and_then(unescaped) else { continue };
        let by_key = SECRET_KEY.is_match(key.as_bytes()) && !NO_SECRETS.contains(&value.as_str());
        if by_key || SECRET_VALUE.is_match(value.as_bytes()) {
            let message =
                format!("`{key}` of service `{service}` looks like a secret, and its value would be in the image");
            let name = key.to_ascii_uppercase();
            let hint = format!(
                "declare `[parameters.{name}]` with `secret = true` and write `{key} = \"${{{name}}}\"`, or mount it with `[secrets]`"
            );
            context.error(Code::PLAIN_SECRET, entry.node.span, message, hint);
        }
    }
}

/// Checks where volumes come from.
pub(super) fn check_volumes(service: &Label, node: Option<&Node>, declared: &Table, context: &mut Context) {
    let Some(node) = node else { return };
    let Value::List(list) = &node.value else {
        wrong_type::<()>(node, "volumes", "a list", context);
        return;
    };
    for item in list {
        match &item.value {
            Value::Text(text) => {
                check_short_volume(service, &unescaped(text).unwrap_or_default(), item.span, declared, context);
            }
            Value::Table(table) => check_long_volume(service, table, declared, context),
            _ => {
                wrong_type::<()>(item, "volumes", "a text or a table", context);
            }
        }
    }
}

/// `[source:]target[:options]`
fn check_short_volume(service: &Label, text: &str, span: Span, declared: &Table, context: &mut Context) {
    if let Some((source, _)) = text.split_once(':') {
        if source.starts_with(['/', '.', '~']) {
            check_bind(service, source, span, context);
        } else {
            check_named(service, source, span, declared, context);
        }
    } else if !text.starts_with('/') {
        context.error(
            Code::INVALID_VALUE,
            span,
            format!("`{text}` is no absolute path in the container"),
            "write `volume:/path`",
        );
    }
}

fn check_long_volume(service: &Label, table: &Table, declared: &Table, context: &mut Context) {
    let source = table.get("source").and_then(|node| Some((unescaped(node.as_text()?)?, node.span)));
    let Some((source, span)) = source else { return };
    match table.get("type").and_then(Node::as_text) {
        Some("bind") => check_bind(service, &source, span, context),
        Some("volume") | None => check_named(service, &source, span, declared, context),
        Some(_) => {}
    }
}

fn check_bind(service: &Label, source: &str, span: Span, context: &mut Context) {
    if source.starts_with('/') {
        let message = format!("service `{service}` needs `{source}` on every host that it runs on");
        let hint = "use a named volume, a config or a secret; when the host's file is meant, `allow = [\"B031\"]` in `[bootstrap]`";
        context.error(Code::HOST_PATH, span, message, hint);
        return;
    }
    let message = format!("service `{service}` binds `{source}`, which the engine would look for on its own host");
    let hint = "bake it in: `[configs.NAME] file = \"…\"` (or `directory`), and `configs = [{ source = \"NAME\", target = \"…\" }]`";
    context.error(Code::RELATIVE_BIND, span, message, hint);
}

fn check_named(service: &Label, source: &str, span: Span, declared: &Table, context: &mut Context) {
    if declared.get(source).is_none() {
        let hint = unknown_name_hint(source, "volumes", declared.keys());
        context.error(
            Code::UNKNOWN_REFERENCE,
            span,
            format!("service `{service}` uses unknown volume `{source}`"),
            hint,
        );
    }
}

/// On one engine a published port belongs to one container: checks that there are enough for the replicas on Compose, if it is built for, and gives
/// out for how many they are. A swarm and a cluster publish a port once, for all replicas.
pub(super) fn check_ports(
    service: &Label,
    node: Option<&Node>,
    on_compose: Option<u32>,
    context: &mut Context,
) -> Option<u32> {
    let node = node?;
    let Value::List(list) = &node.value else { return wrong_type(node, "ports", "a list", context) };
    list.iter().filter_map(|item| check_port(service, item, on_compose.unwrap_or(0), context)).min()
}

/// How many replicas can publish a port; none when the engine is free to choose it.
fn check_port(service: &Label, item: &Node, replicas: u32, context: &mut Context) -> Option<u32> {
    let published = published_ports(item)?;
    let count = count_ports(&published);
    match count {
        None => {
            let message = format!("`{published}` is no port and no range of ports");
            let hint = "ports are numbers from 1 to 65535, as in `8080:80` or `8080-8089:80`";
            context.error(Code::INVALID_VALUE, item.span, message, hint);
        }
        Some(count) if count < replicas => {
            let message = format!(
                "service `{service}` has {replicas} replicas, but on one engine `{published}` can be published by {count} of them"
            );
            let hint = "publish a range (`8080-8089:80`), or put one proxy in front of the replicas";
            context.error(Code::INVALID_VALUE, item.span, message, hint);
        }
        Some(_) => {}
    }
    count
}

/// The published side of a port entry, when it has one: `[[ip:]published:]target[/protocol]`.
fn published_ports(item: &Node) -> Option<String> {
    match &item.value {
        Value::Text(text) => {
            let text = unescaped(text)?;
            let (before, _) = text.rsplit_once(':')?;
            let published = before.rsplit_once(':').map_or(before, |(_, published)| published);
            (!published.is_empty()).then(|| published.to_owned())
        }
        Value::Table(table) => match &table.get("published")?.value {
            Value::Integer(port) => Some(port.to_string()),
            Value::Text(text) => unescaped(text).filter(|text| !text.is_empty()),
            _ => None,
        },
        _ => None,
    }
}

/// How many ports `8080` or `8080-8089` are.
fn count_ports(published: &str) -> Option<u32> {
    let (first, last) = published.split_once('-').unwrap_or((published, published));
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && first <= last).then(|| u32::from(last - first) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_key_and_by_shape() {
        for key in ["POSTGRES_PASSWORD", "api_key", "GITHUB_TOKEN", "APIKEY", "DB_PASSWORD_2"] {
            assert!(SECRET_KEY.is_match(key.as_bytes()), "{key}");
        }
        for key in ["POSTGRES_PASSWORD_FILE", "TOKENIZER", "SECRETARY", "KEY"] {
            assert!(!SECRET_KEY.is_match(key.as_bytes()), "{key}");
        }
        assert!(SECRET_VALUE.is_match(b"postgres://shop:hunter2@db/shop"));
        assert!(!SECRET_VALUE.is_match(b"postgres://shop@db:5432/shop"));
    }

    #[test]
    fn the_scarcest_port_decides() {
        let ports = |texts: &[&str]| {
            let items = texts.iter().map(|text| Node::text(Span::default(), *text)).collect();
            let node = Node { span: Span::default(), value: Value::List(items) };
            let mut context = Context::new("bootstrap.toml".into());
            let web = Label::parse("web").expect("a label");
            check_ports(&web, Some(&node), Some(1), &mut context)
        };
        assert_eq!(ports(&["8080-8089:80", "127.0.0.1:9000-9002:90/udp"]), Some(3));
        assert_eq!(ports(&["80", "8080-8089:80"]), Some(10));
        assert_eq!(ports(&["80"]), None);
    }

    #[test]
    fn ranges_of_ports_are_counted() {
        for (published, count) in
            [("8080", Some(1)), ("8080-8089", Some(10)), ("0", None), ("9-8", None), ("http", None)]
        {
            assert_eq!(count_ports(published), count, "{published}");
        }
    }
}
