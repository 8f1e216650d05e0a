//! Where scripts are named: hooks, and the actions of `nodes` and `users` that a release provides itself.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::{Fields, Spanned};
use crate::document::node::{Span, Table};
use crate::name::Label;

use super::script::Script;

/// The points at which hooks run.
pub const HOOK_POINTS: &[&str] = &[
    "post-down",
    "post-migrate",
    "post-start",
    "post-stop",
    "post-up",
    "post-upgrade",
    "pre-down",
    "pre-migrate",
    "pre-start",
    "pre-stop",
    "pre-up",
    "pre-upgrade",
];

/// The actions of `bootstrap nodes` that are a script of the release.
const NODE_ACTIONS: &[&str] = &["create", "delete"];

/// The actions of `bootstrap users` that may be a script of the release.
const USER_ACTIONS: &[&str] = &["add", "list", "remove"];

/// Reads `[hooks]`.
pub(super) fn read_hooks(
    table: &Table,
    scripts: &BTreeMap<Label, Script>,
    written: &Table,
    context: &mut Context,
) -> BTreeMap<&'static str, Vec<Label>> {
    let mut hooks = BTreeMap::new();
    let mut fields = Fields::new(table, Span::default(), "`[hooks]`");
    for point in HOOK_POINTS {
        let names = fields.texts(point, context);
        let labels: Vec<_> = names.iter().filter_map(|name| read_hook(name, scripts, written, context)).collect();
        if !labels.is_empty() {
            hooks.insert(*point, labels);
        }
    }
    fields.finish(context);
    hooks
}

fn read_hook(
    name: &Spanned<String>,
    scripts: &BTreeMap<Label, Script>,
    written: &Table,
    context: &mut Context,
) -> Option<Label> {
    let label = find_script(name, "the hook", written, context)?;
    if scripts.get(&label).is_some_and(|script| script.reads_input) {
        let message = format!("`{label}` reads standard input, which a hook does not have");
        context.error(Code::SCRIPT, name.span, message, None);
    }
    Some(label)
}

/// Reads `[nodes]`: the scripts that make and unmake machines.
pub(super) fn read_node_actions(
    table: &Table,
    written: &Table,
    context: &mut Context,
) -> BTreeMap<&'static str, Label> {
    read_actions("nodes", NODE_ACTIONS, table, written, context)
}

/// Reads `[users]`: the scripts that manage the product's own users.
pub(super) fn read_user_actions(
    table: &Table,
    written: &Table,
    context: &mut Context,
) -> BTreeMap<&'static str, Label> {
    read_actions("users", USER_ACTIONS, table, written, context)
}

fn read_actions(
    section: &str,
    actions: &[&'static str],
    table: &Table,
    written: &Table,
    context: &mut Context,
) -> BTreeMap<&'static str, Label> {
    let mut scripts = BTreeMap::new();
    let mut fields = Fields::new(table, Span::default(), format!("`[{section}]`"));
    for action in actions {
        let Some(name) = fields.text(action, context) else { continue };
        let script = find_script(&name, &format!("`{section}.{action}`"), written, context);
        scripts.extend(script.map(|script| (*action, script)));
    }
    fields.finish(context);
    scripts
}

/// The script that is named, if it is declared: one that is faulty itself was reported already. `owner` says who names it.
fn find_script(name: &Spanned<String>, owner: &str, written: &Table, context: &mut Context) -> Option<Label> {
    let label = Label::parse(&name.value).filter(|_| written.get(&name.value).is_some());
    if label.is_none() {
        let hint = unknown_name_hint(&name.value, "scripts", written.keys());
        context.error(
            Code::UNKNOWN_REFERENCE,
            name.span,
            format!("{owner} names unknown script `{}`", name.value),
            hint,
        );
    }
    label
}
