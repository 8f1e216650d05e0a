//! Labels by which the entrypoint finds what is its own: nobody else may set them, in the spec or in a patch.
//!
//! Takes in labels; gives out an error at each that begins as ours do.

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::{Node, Span, Table, Value};

/// How the labels of the entrypoint begin.
const PREFIX: &str = "io.bootsmith.";

/// Refuses them wherever a service, or a patch of one, has labels.
pub(super) fn refuse_of_service(service: &Table, context: &mut Context) {
    let of_deploy = service.table("deploy").and_then(|deploy| deploy.get("labels"));
    for labels in [service.get("labels"), service.get("annotations"), of_deploy] {
        refuse(labels, context);
    }
}

/// Refuses them among labels: a table, or a list of `NAME=value`.
pub(super) fn refuse(labels: Option<&Node>, context: &mut Context) {
    match labels.map(|labels| &labels.value) {
        Some(Value::Table(table)) => {
            table.iter().for_each(|(name, entry)| refuse_text(name, entry.key_span, context));
        }
        Some(Value::List(list)) => {
            for item in list {
                refuse_text(item.as_text().unwrap_or_default(), item.span, context);
            }
        }
        _ => {}
    }
}

fn refuse_text(text: &str, span: Span, context: &mut Context) {
    if !text.starts_with(PREFIX) {
        return;
    }
    let label = text.split('=').next().unwrap_or_default();
    let message = format!("the label `{label}` is one of those by which the entrypoint finds what is its own");
    context.error(Code::REFUSED_KEY, span, message, "leave it out, or give it a name of your own");
}
