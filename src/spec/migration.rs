//! `[[migrations]]` and `[upgrade]` as written: they belong to the release, and no environment changes them.
//!
//! Takes in the nodes of the file; gives out what they say, with places. Whether it can be done is decided by `plan`.

use crate::document::Context;
use crate::document::fields::{Fields, Spanned, expect_text, wrong_type};
use crate::document::node::{Node, Span, Table, Value};

/// One entry of `[[migrations]]`.
#[derive(Clone, Debug)]
pub struct Migration {
    /// Where it is written.
    pub span: Span,
    /// The name.
    pub name: Spanned<String>,
    /// The release that needs it.
    pub release: Spanned<String>,
    /// The service that it is run with.
    pub service: Spanned<String>,
    /// The file that takes the data to the release.
    pub up: Spanned<String>,
    /// The file that takes them back.
    pub down: Option<Spanned<String>>,
    /// `run` or `exec`.
    pub mode: Option<Spanned<String>>,
    /// The command that runs a file, before variables are put in.
    pub runner: Option<Runner>,
    /// Whether the release before works on what it leaves.
    pub compatible: bool,
    /// Whether it may be run again after it failed.
    pub idempotent: bool,
}

/// The words of a command.
#[derive(Clone, Debug)]
pub struct Runner {
    /// Where the list is.
    pub span: Span,
    /// The words.
    pub words: Vec<Spanned<String>>,
}

/// `[upgrade]`
#[derive(Clone, Debug)]
pub struct Upgrade {
    /// Where it is written.
    pub span: Span,
    /// The releases that can be upgraded to this one.
    pub from: Option<Spanned<String>>,
    /// What must be there before.
    pub backup: Option<Backup>,
    /// Whether the release may be rolled back.
    pub rollback: bool,
}

/// `upgrade.backup`
#[derive(Clone, Debug)]
pub struct Backup {
    /// The script that makes one.
    pub script: Spanned<String>,
    /// How old it may be.
    pub max_age: Spanned<String>,
}

/// How `[[migrations]]` is written, for messages.
const WANTED: &str = "a list of tables, each written `[[migrations]]`";

/// Reads `[[migrations]]`, in the order of the file. What lacks a key is reported and left out.
pub(super) fn parse_migrations(node: Option<&Node>, context: &mut Context) -> Vec<Migration> {
    let Some(node) = node else { return Vec::new() };
    let Value::List(list) = &node.value else {
        return wrong_type(node, "migrations", WANTED, context).unwrap_or_default();
    };
    let parse = |item: &Node| match item.as_table() {
        Some(table) => parse_migration(table, item.span, context),
        None => wrong_type(item, "migrations", WANTED, context),
    };
    list.iter().filter_map(parse).collect()
}

fn parse_migration(table: &Table, span: Span, context: &mut Context) -> Option<Migration> {
    let what = match table.get("name").and_then(Node::as_text) {
        Some(name) => format!("migration `{name}`"),
        None => "a migration".to_owned(),
    };
    let mut fields = Fields::new(table, span, what);
    let name = fields.required_text("name", context);
    let release = fields.required_text("release", context);
    let service = fields.required_text("service", context);
    let up = fields.required_text("up", context);
    let down = fields.text("down", context);
    let mode = fields.text("mode", context);
    let runner = parse_runner(fields.node("runner"), context);
    let compatible = fields.boolean("compatible", context).unwrap_or(false);
    let idempotent = fields.boolean("idempotent", context).unwrap_or(false);
    fields.finish(context);
    let (name, release, service, up) = (name?, release?, service?, up?);
    Some(Migration { span, name, release, service, up, down, mode, runner, compatible, idempotent })
}

fn parse_runner(node: Option<&Node>, context: &mut Context) -> Option<Runner> {
    let node = node?;
    let Value::List(list) = &node.value else {
        return wrong_type(node, "runner", "a list of words", context);
    };
    let word = |item: &Node| {
        let value = expect_text(item, "runner", context)?.to_owned();
        Some(Spanned { value, span: item.span })
    };
    Some(Runner { span: node.span, words: list.iter().filter_map(word).collect() })
}

/// Reads `[upgrade]`.
pub(super) fn parse_upgrade(table: Option<(&Table, Span)>, context: &mut Context) -> Option<Upgrade> {
    let (table, span) = table?;
    let mut fields = Fields::new(table, span, "`[upgrade]`");
    let from = fields.text("from", context);
    let backup = fields.table("backup", context).and_then(|(table, span)| parse_backup(table, span, context));
    let rollback = fields.boolean("rollback", context).unwrap_or(true);
    fields.finish(context);
    Some(Upgrade { span, from, backup, rollback })
}

fn parse_backup(table: &Table, span: Span, context: &mut Context) -> Option<Backup> {
    let mut fields = Fields::new(table, span, "`upgrade.backup`");
    let script = fields.required_text("script", context);
    let max_age = fields.required_text("max-age", context);
    fields.finish(context);
    Some(Backup { script: script?, max_age: max_age? })
}
