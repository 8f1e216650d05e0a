//! Brings `env_file` and both forms of `environment` into one table, before variables are put in.

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::fields::{expect_text, wrong_type};
use crate::document::node::{Entry, Node, Span, Table, Value};
use crate::source::{Source, Sources};

use super::environment_file;
use super::objects::{find, report_fault};
use super::service::texts;

/// Rewrites a service so that its whole environment is the table `environment`; what stands there wins over `env_file`.
pub(super) fn gather(name: &str, service: &mut Table, sources: &Sources, context: &mut Context) {
    let mut environment = Table::default();
    for (path, span) in texts(service.get("env_file"), "env_file", context) {
        for (key, value) in read_file(&path, span, sources, context) {
            environment.insert(key, Entry { key_span: span, node: Node::text(span, value) });
        }
    }
    let Some(written) = service.remove("environment") else {
        return set(service, Span::default(), environment);
    };
    match &written.node.value {
        Value::Table(table) => environment.merge(table),
        Value::List(list) => list.iter().for_each(|item| add_item(name, item, &mut environment, context)),
        _ => {
            wrong_type::<()>(&written.node, "environment", "a table, or a list of `NAME=value`", context);
        }
    }
    set(service, written.key_span, environment);
}

fn set(service: &mut Table, key_span: Span, environment: Table) {
    if !environment.is_empty() {
        let node = Node { span: key_span, value: Value::Table(environment) };
        service.insert("environment", Entry { key_span, node });
    }
}

fn add_item(name: &str, item: &Node, environment: &mut Table, context: &mut Context) {
    let Some(text) = expect_text(item, "environment", context) else { return };
    if let Some((key, value)) = text.split_once('=') {
        environment.insert(key, Entry { key_span: item.span, node: Node::text(item.span, value) });
        return;
    }
    let message =
        format!("`{text}` in the environment of service `{name}` would take its value from whoever runs the release");
    let hint = format!("declare `[parameters.{text}]` and write `{text} = \"${{{text}}}\"`");
    context.error(Code::INVALID_VALUE, item.span, message, hint);
}

fn read_file(path: &str, span: Span, sources: &Sources, context: &mut Context) -> Vec<(String, String)> {
    let bytes = match find(path, span, sources, context) {
        Some(Source::File(bytes)) => bytes,
        Some(Source::Folder(_)) => {
            context.error(Code::FILE, span, format!("`{path}` is a folder"), None);
            return Vec::new();
        }
        Some(Source::Fault(fault)) => return report_fault(path, fault, span, context).unwrap_or_default(),
        None => return Vec::new(),
    };
    let parsed = std::str::from_utf8(bytes).map_err(|_| format!("`{path}` is not UTF-8 text")).and_then(|text| {
        environment_file::parse(text).map_err(|fault| format!("line {} of `{path}` {}", fault.line, fault.reason))
    });
    parsed.unwrap_or_else(|message| {
        context.error(Code::INVALID_VALUE, span, message, None);
        Vec::new()
    })
}
