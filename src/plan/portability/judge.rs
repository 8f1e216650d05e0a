//! Finds the features that an environment uses, and says what the platforms make of them.

use std::collections::BTreeMap;

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::{Node, Span, Value};
use crate::plan::allow::Allowances;
use crate::plan::{Environment, Platform};

use super::condition::{Owner, Sections};
use super::table::{Row, features};
use super::{Judged, Portability, Verdict};

/// One place where a feature is used.
struct Use {
    path: String,
    span: Span,
}

/// Judges what every environment uses, on every platform; a change of meaning that is not allowed, and what cannot be, are faults.
pub(in crate::plan) fn judge(
    environments: &[Environment],
    platforms: &[Platform],
    allowances: &mut Allowances,
    context: &mut Context,
) -> Portability {
    let mut portability = Portability::new();
    for environment in environments {
        let sections = Sections::of(environment);
        let used: Vec<_> = features().map(|row| (row, uses(row, &sections))).collect();
        let mut by_platform = BTreeMap::new();
        for platform in platforms {
            let used = used.iter().filter(|(_, uses)| !uses.is_empty());
            let judged = used.map(|(row, uses)| judge_row(row, uses, *platform, allowances, context)).collect();
            by_platform.insert(*platform, judged);
        }
        portability.insert(environment.name.clone(), by_platform);
    }
    portability
}

fn judge_row(
    row: &'static Row,
    uses: &[Use],
    platform: Platform,
    allowances: &mut Allowances,
    context: &mut Context,
) -> Judged {
    let verdict = row.verdict(platform);
    let allowed = match verdict {
        Verdict::Native | Verdict::Emulated(_) => None,
        Verdict::Lossy { change, instead } => {
            let reason = allowances.reason_for(row, platform);
            if reason.is_none() {
                report_lossy(row, uses, platform, (change, instead), context);
            }
            reason
        }
        Verdict::Impossible { reason, instead } => {
            for used in uses {
                let message = format!("`{}` is impossible on {}: {reason}", short(row), platform.title());
                context.error(Code::IMPOSSIBLE, used.span, message, instead);
            }
            None
        }
    };
    Judged { row, verdict, uses: uses.iter().map(|used| used.path.clone()).collect(), allowed }
}

fn report_lossy(row: &Row, uses: &[Use], platform: Platform, texts: (&str, &str), context: &mut Context) {
    let (change, instead) = texts;
    for used in uses {
        let message = format!("`{}` loses its meaning on {}: {change}", short(row), platform.title());
        let hint = format!(
            "{instead}; or accept it in `[bootstrap]`:\nallow = [{{ code = \"{}\", feature = \"{}\", platform = \"{}\", reason = \"…\" }}]",
            Code::LOSSY,
            row.path,
            platform.name()
        );
        context.error(Code::LOSSY, used.span, message, hint);
    }
}

/// The feature without the words that every service has in common: the caret shows which one.
fn short(row: &Row) -> String {
    let feature = row.feature();
    feature.strip_prefix("services.*.").unwrap_or(&feature).to_owned()
}

/// Every place of a row's feature.
fn uses(row: &Row, sections: &Sections<'_>) -> Vec<Use> {
    let keys: Vec<_> = row.path.split('.').collect();
    let [section, names @ ..] = keys.as_slice() else { return Vec::new() };
    let Some(entry) = sections.table.entry(section) else { return Vec::new() };
    let mut found = Vec::new();
    match (names, entry.node.as_table()) {
        (["*", below @ ..], Some(table)) => {
            for (name, entry) in table.iter() {
                let Some(own) = entry.node.as_table() else { continue };
                let service = if *section == "services" { sections.service(name) } else { None };
                let owner = Owner { name, table: own, service, sections };
                let start = Use { path: format!("{section}.{name}"), span: entry.key_span };
                walk(row, below, &entry.node, start, &owner, &mut found);
            }
        }
        (below, Some(table)) => {
            let owner = Owner { name: section, table, service: None, sections };
            let start = Use { path: (*section).to_owned(), span: entry.key_span };
            walk(row, below, &entry.node, start, &owner, &mut found);
        }
        _ => {}
    }
    found
}

fn walk(row: &Row, keys: &[&str], node: &Node, at: Use, owner: &Owner<'_>, found: &mut Vec<Use>) {
    let Some((key, below)) = keys.split_first() else {
        if row.holds(node, owner) {
            found.push(at);
        }
        return;
    };
    match &node.value {
        Value::Table(table) => {
            for (name, entry) in table.iter().filter(|(name, _)| *key == "*" || key == name) {
                let next = Use { path: format!("{}.{name}", at.path), span: entry.key_span };
                walk(row, below, &entry.node, next, owner, found);
            }
        }
        Value::List(list) if *key == "*" => {
            for (position, item) in list.iter().enumerate() {
                let next = Use { path: format!("{}.{position}", at.path), span: item.span };
                walk(row, below, item, next, owner, found);
            }
        }
        _ => {}
    }
}
