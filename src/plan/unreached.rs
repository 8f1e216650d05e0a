//! Services that no environment runs: they are named, and read all the same.
//!
//! Takes in the environments as they were resolved; gives out a warning for each such service, and the faults in it, found in an environment
//! that has every profile.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Diagnostic};
use crate::document::Context;
use crate::document::node::{Entry, Node, Span, Table, Value};

use super::environment::{Release, resolve_with};
use super::{Environment, profiles};

/// Warns of the services that no environment runs, and reports what is wrong with them.
pub(super) fn check(environments: &[Environment], release: &Release<'_>, context: &mut Context) {
    let Some(services) = release.spec.sections.table("services") else { return };
    let unreached: Vec<_> = services.iter().filter(|(name, _)| !is_reached(name, environments)).collect();
    for (name, entry) in &unreached {
        let hint = "name one of its `profiles` in `[environments.NAME]`, or take the service out";
        context.warning(Code::UNUSED, entry.key_span, format!("no environment runs the service `{name}`"), hint);
    }
    let Some(environment) = environments.first().filter(|_| !unreached.is_empty()) else { return };
    let mut findings = context.beside();
    let every_profile = profiles::of_services(&release.spec.sections);
    resolve_with(&environment.name, &every_profile, release, &mut findings);
    let spans: BTreeSet<_> = unreached.iter().flat_map(|(_, entry)| spans_of(entry)).collect();
    findings.diagnostics.retain(|diagnostic| is_in(diagnostic, &spans));
    context.diagnostics.extend(findings.diagnostics);
}

/// In the sections as they were merged: a service with a fault is missing from those that were read.
fn is_reached(name: &str, environments: &[Environment]) -> bool {
    let has = |environment: &Environment| {
        let services = environment.written.as_table().and_then(|sections| sections.table("services"));
        services.is_some_and(|services| services.get(name).is_some())
    };
    environments.iter().any(has)
}

fn is_in(diagnostic: &Diagnostic, spans: &BTreeSet<(usize, usize)>) -> bool {
    let place = diagnostic.place.as_ref();
    place.is_some_and(|place| spans.iter().any(|(start, end)| (*start..=*end).contains(&place.start)))
}

/// The places of a service's keys and values, itself included: a table in TOML may be written in several places.
fn spans_of(entry: &Entry) -> BTreeSet<(usize, usize)> {
    let mut spans = BTreeSet::new();
    add_entry(entry, &mut spans);
    spans
}

fn add_entry(entry: &Entry, spans: &mut BTreeSet<(usize, usize)>) {
    add(entry.key_span, spans);
    add_node(&entry.node, spans);
}

fn add_node(node: &Node, spans: &mut BTreeSet<(usize, usize)>) {
    match &node.value {
        Value::Table(table) => add_table(table, spans),
        Value::List(list) => list.iter().for_each(|item| add_node(item, spans)),
        _ => {}
    }
    add(node.span, spans);
}

fn add_table(table: &Table, spans: &mut BTreeSet<(usize, usize)>) {
    table.iter().for_each(|(_, entry)| add_entry(entry, spans));
}

fn add(span: Span, spans: &mut BTreeSet<(usize, usize)>) {
    spans.insert((span.start, span.end));
}
