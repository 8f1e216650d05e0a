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
}
