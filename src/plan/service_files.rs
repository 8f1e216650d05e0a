//! The configs and secrets that a service mounts.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::{Fields, wrong_type};
use crate::document::node::{Node, Span, Table, Value};
use crate::name::DeclaredName;

use super::service::Surroundings;
use super::{FileKind, FileUse, Owner};
use crate::document::text::unescaped;

/// Everything allowed to everybody.
const MAX_MODE: u32 = 0o777;

/// Reads `configs` and `secrets` of a service.
pub(super) fn read(service: &Table, around: &Surroundings<'_>, context: &mut Context) -> Vec<FileUse> {
    let mut files = read_file_uses(FileKind::Config, service.get("configs"), around, context);
    files.extend(read_file_uses(FileKind::Secret, service.get("secrets"), around, context));
    files
}

fn read_file_uses(
    kind: FileKind,
    node: Option<&Node>,
    around: &Surroundings<'_>,
    context: &mut Context,
) -> Vec<FileUse> {
    let key = match kind {
        FileKind::Config => "configs",
        FileKind::Secret => "secrets",
    };
    match node.map(|node| (&node.value, node)) {
        None => Vec::new(),
        Some((Value::List(list), _)) => {
            list.iter().filter_map(|item| read_file_use(kind, item, around, context)).collect()
        }
        Some((_, node)) => wrong_type(node, key, "a list", context).unwrap_or_default(),
    }
}

fn read_file_use(kind: FileKind, node: &Node, around: &Surroundings<'_>, context: &mut Context) -> Option<FileUse> {
    let (what, plural, known) = match kind {
        FileKind::Config => ("config", "configs", around.configs),
        FileKind::Secret => ("secret", "secrets", around.secrets),
    };
    let (source, span, target, owner, has_mode) = match &node.value {
        Value::Text(source) => (source.clone(), node.span, None, Owner::read(None, None, None), false),
        Value::Table(table) => {
            let mut fields = Fields::new(table, node.span, format!("an entry of `{plural}`"));
            let source = fields.required_text("source", context);
            let target = fields.text("target", context);
            let (uid, gid) = (read_id("uid", &mut fields, context), read_id("gid", &mut fields, context));
            let mode = read_mode(&mut fields, around.spec_text, context);
            fields.finish(context);
            let source = source?;
            let target = target.and_then(|target| unescaped(&target.value));
            (source.value, source.span, target, Owner::read(uid, gid, mode), mode.is_some())
        }
        _ => return wrong_type(node, plural, "a name, or a table such as { source = \"…\", target = \"…\" }", context),
    };
    if known.get(&source).is_none() {
        let hint = unknown_name_hint(&source, plural, known.keys());
        context.error(Code::UNKNOWN_REFERENCE, span, format!("unknown {what} `{source}`"), hint);
        return None;
    }
    let target = absolute_target(kind, target.unwrap_or_else(|| source.clone()));
    let keeps_executables = kind == FileKind::Config && !has_mode;
    Some(FileUse { kind, source: DeclaredName::parse(&source)?, target, owner, keeps_executables })
}

/// Where Compose mounts what has no absolute target (Compose Specification, services, configs and secrets).
fn absolute_target(kind: FileKind, target: String) -> String {
    match kind {
        _ if target.starts_with('/') => target,
        FileKind::Config => format!("/{target}"),
        FileKind::Secret => format!("/run/secrets/{target}"),
    }
}

impl Owner {
    /// The Compose Specification's defaults: root, and readable by all.
    fn read(uid: Option<u32>, gid: Option<u32>, mode: Option<u32>) -> Self {
        Self { uid: uid.unwrap_or(0), gid: gid.unwrap_or(0), mode: mode.unwrap_or(0o444) }
    }
}

fn read_id(key: &'static str, fields: &mut Fields<'_>, context: &mut Context) -> Option<u32> {
    let node = fields.node(key)?;
    let id = match &node.value {
        Value::Text(text) => text.parse().ok(),
        Value::Integer(number) => u32::try_from(*number).ok(),
        _ => None,
    };
    if id.is_none() {
        context.error(
            Code::INVALID_VALUE,
            node.span,
            format!("`{key}` is a number, because names differ between images"),
            None,
        );
    }
    id
}

fn read_mode(fields: &mut Fields<'_>, spec_text: &str, context: &mut Context) -> Option<u32> {
    let node = fields.node("mode")?;
    if let Some((written, meant)) = misread_mode(node, spec_text) {
        let message = format!("the mode `{written}` is not written as an octal number");
        let hint = format!("write `mode = \"0{meant:o}\"` or `mode = 0o{meant:o}`");
        context.error(Code::INVALID_VALUE, node.span, message, hint);
        return None;
    }
    let mode = match &node.value {
        Value::Text(text) => u32::from_str_radix(text.trim_start_matches("0o"), 8).ok(),
        Value::Integer(number) => u32::try_from(*number).ok(),
        _ => None,
    };
    let mode = mode.filter(|mode| *mode <= MAX_MODE);
    if mode.is_none() {
        context.error(
            Code::INVALID_VALUE,
            node.span,
            "`mode` is an octal number up to 0777",
            "write `mode = \"0440\"` or `mode = 0o440`",
        );
    }
    mode
}

/// `444` means 0444 to everybody but TOML, which reads it as 0674: the number as written, and the mode that was meant.
fn misread_mode<'a>(node: &Node, spec_text: &'a str) -> Option<(&'a str, u32)> {
    // Smaller numbers are the same in both.
    let Value::Integer(number @ 8..) = node.value else { return None };
    let written = Some(node.span.text(spec_text)).filter(|written| !written.starts_with("0o"))?;
    let meant = [u32::from_str_radix(written, 8).ok(), u32::try_from(number).ok()];
    meant.into_iter().flatten().find(|mode| *mode <= MAX_MODE).map(|mode| (written, mode))
}

/// Two files cannot be mounted at one place.
pub(super) fn check_targets(name: &DeclaredName, files: &[FileUse], span: Span, context: &mut Context) {
    let mut targets = BTreeSet::new();
    for file in files.iter().filter(|file| !targets.insert(&file.target)) {
        context.error(Code::DUPLICATE, span, format!("service `{name}` mounts two files at `{}`", file.target), None);
    }
}
