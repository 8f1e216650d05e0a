//! Profiles: the names by which environments choose services.
//!
//! Takes in what environments and services name; gives out the profiles that are active, and errors for those that no service has.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::node::{Node, Table, Value};
use crate::spec;

use super::scope::Scope;

/// The profiles that the environment names; each must be one of a service, or nobody would miss the service that was meant.
pub(super) fn active(
    chain: &[&spec::Environment],
    sections: &Table,
    scope: &mut Scope,
    context: &mut Context,
) -> BTreeSet<String> {
    let known = of_services(sections);
    let mut active = BTreeSet::new();
    for profile in chain.iter().flat_map(|environment| &environment.profiles) {
        let Some(name) = scope.plain(&profile.value, profile.span, context) else { continue };
        if !known.iter().any(|known| *known == name || known.contains('$')) {
            let hint = unknown_name_hint(&name, "profiles", known.iter().map(String::as_str));
            context.error(Code::UNKNOWN_REFERENCE, profile.span, format!("no service has the profile `{name}`"), hint);
        }
        active.insert(name);
    }
    active
}

/// As they are written, variables included.
pub(super) fn of_services(sections: &Table) -> BTreeSet<String> {
    let services = sections.table("services").into_iter().flat_map(Table::iter);
    let defaults = sections.table("service-defaults");
    let named = defaults.into_iter().flat_map(Table::iter).filter_map(|(_, entry)| entry.node.as_table());
    let tables = services.filter_map(|(_, entry)| entry.node.as_table()).chain(defaults).chain(named);
    let profiles = tables.filter_map(|table| match &table.get("profiles")?.value {
        Value::List(profiles) => Some(profiles),
        _ => None,
    });
    profiles.flatten().filter_map(Node::as_text).map(str::to_owned).collect()
}
