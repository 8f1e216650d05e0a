//! What lies under a service: `[service-defaults]`, the named ones that it takes, and `unset`.
//!
//! Takes in the sections as they were written; gives out services with everything that lies under them. `unset` takes a key from all that
//! lies below: an environment's from the file, a named fragment's from `[service-defaults]`, a service's from both.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Code, nearest, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::{expect_text, unknown_key, wrong_type};
use crate::document::node::{Entry, Node, Span, Table, Value};
use crate::name::Label;
use crate::spec::{LABEL_HINT, Spec};

use super::service_keys;

/// The section.
const SECTION: &str = "service-defaults";

/// Which fragments a service takes.
const DEFAULTS: &str = "defaults";

/// The keys that a table takes from what lies below it.
const UNSET: &str = "unset";

/// Lays an environment over the sections, without what it unsets.
pub(super) fn lay_environment(sections: &mut Table, overlay: &Table) {
    let mut overlay = overlay.clone();
    for section in [SECTION, "services"] {
        let (Some(below), Some(above)) = (sections.table_mut(section), overlay.table_mut(section)) else { continue };
        take_away(below, above);
        for (name, entry) in above.iter_mut() {
            if let (Some(below), Value::Table(above)) = (below.table_mut(name), &mut entry.node.value) {
                take_away(below, above);
            }
        }
    }
    sections.merge(&overlay);
}

/// Lays one table over another, without what it unsets.
fn lay(below: &mut Table, above: &Table) {
    let mut above = above.clone();
    take_away(below, &mut above);
    below.merge(&above);
}

/// Takes from `below` what `above` unsets, and hands its list on: what lies deeper still loses the same keys.
fn take_away(below: &mut Table, above: &mut Table) {
    let Some(Node { value: Value::List(keys), .. }) = above.get_mut(UNSET) else { return };
    for key in keys.iter().filter_map(Node::as_text).filter(|key| *key != UNSET) {
        below.remove(key);
    }
    if let Some(Entry { node: Node { value: Value::List(earlier), .. }, .. }) = below.remove(UNSET) {
        keys.splice(0..0, earlier);
    }
}

/// `[service-defaults]` of an environment, taken apart.
#[derive(Default)]
pub(super) struct Fragments {
    common: Table,
    named: BTreeMap<String, Table>,
}

impl Fragments {
    /// Takes the section out of the others.
    pub(super) fn take(sections: &mut Table, context: &mut Context) -> Self {
        let mut fragments = Self::default();
        let section = sections.remove(SECTION);
        for (name, entry) in section.iter().filter_map(|entry| entry.node.as_table()).flat_map(Table::iter) {
            match named(name, entry) {
                Some(table) => drop(fragments.named.insert(name.to_owned(), table.clone())),
                None => drop(fragments.common.insert(name, entry.clone())),
            }
        }
        for table in fragments.named.values().chain([&fragments.common]) {
            refuse_defaults(table, context);
        }
        fragments
    }

    /// A service over what it takes.
    pub(super) fn under(&self, name: &str, written: &Table, context: &mut Context) -> Table {
        let mut service = Table::default();
        for fragment in self.taken(name, written.get(DEFAULTS), context) {
            lay(&mut service, fragment);
        }
        lay(&mut service, written);
        check_unset(service.get(UNSET), context);
        service
    }

    /// What a service takes: the common ones unless it says `false`, then those that it names.
    fn taken(&self, service: &str, node: Option<&Node>, context: &mut Context) -> Vec<&Table> {
        let Some(node) = node else { return vec![&self.common] };
        match &node.value {
            Value::Boolean(false) => Vec::new(),
            Value::Boolean(true) => vec![&self.common],
            Value::List(names) => {
                let named = names.iter().filter_map(|name| self.find(service, name, context));
                [&self.common].into_iter().chain(named).collect()
            }
            _ => wrong_type(node, DEFAULTS, "true, false or a list of names", context).unwrap_or_default(),
        }
    }

    fn find(&self, service: &str, node: &Node, context: &mut Context) -> Option<&Table> {
        let name = expect_text(node, DEFAULTS, context)?;
        let found = self.named.get(name);
        if found.is_none() {
            let hint = unknown_name_hint(name, "defaults", self.named.keys().map(String::as_str));
            let message = format!("service `{service}` takes the unknown defaults `{name}`");
            context.error(Code::UNKNOWN_REFERENCE, node.span, message, hint);
        }
        found
    }
}

/// A table in `[service-defaults]` is a fragment unless it has the name of a service's key.
fn named<'a>(name: &str, entry: &'a Entry) -> Option<&'a Table> {
    entry.node.as_table().filter(|_| !service_keys::is_known(name))
}

fn refuse_defaults(fragment: &Table, context: &mut Context) {
    if let Some(entry) = fragment.entry(DEFAULTS) {
        let message = "`defaults` stands in `[service-defaults]`: only a service takes defaults";
        context.error(Code::REFUSED_KEY, entry.key_span, message, "name all of them in the service, the lowest first");
    }
}

fn check_unset(node: Option<&Node>, context: &mut Context) {
    let Some(node) = node else { return };
    let Value::List(keys) = &node.value else {
        return wrong_type(node, UNSET, "a list of keys of a service", context).unwrap_or_default();
    };
    for key in keys {
        let Some(text) = expect_text(key, UNSET, context) else { continue };
        if !service_keys::is_taken(text) {
            unknown_key(text, key.span, "`unset`", &service_keys::taken(), context);
        }
    }
}

/// Warns of fragments that no service takes in any environment; one that is nearly a key of a service is a slip.
pub(super) fn check_used(spec: &Spec, context: &mut Context) {
    let used = used(spec);
    for (name, span) in declared(spec) {
        if Label::parse(name).is_none() {
            let message = format!("`{name}` can name neither defaults nor a key of a service");
            context.error(Code::INVALID_NAME, span, message, LABEL_HINT);
        } else if !used.contains(name) {
            report_unused(name, span, context);
        }
    }
}

fn report_unused(name: &str, span: Span, context: &mut Context) {
    if nearest(name, &service_keys::taken()).is_some() {
        return unknown_key(name, span, "`[service-defaults]`", &service_keys::taken(), context);
    }
    let hint = format!("add `defaults = [\"{name}\"]` to a service, or remove the table");
    context.warning(Code::UNUSED, span, format!("no service takes `[service-defaults.{name}]`"), hint);
}

/// The sections of the file and of every environment.
fn layers(spec: &Spec) -> impl Iterator<Item = &Table> {
    std::iter::once(&spec.sections).chain(spec.environments.values().map(|environment| &environment.overlay))
}

/// Every fragment, and where it is declared first.
fn declared(spec: &Spec) -> BTreeMap<&str, Span> {
    let entries = layers(spec).filter_map(|sections| sections.table(SECTION)).flat_map(Table::iter);
    let mut declared = BTreeMap::new();
    for (name, entry) in entries.filter(|(name, entry)| named(name, entry).is_some()) {
        declared.entry(name).or_insert(entry.key_span);
    }
    declared
}

/// Every fragment that a service takes.
fn used(spec: &Spec) -> BTreeSet<&str> {
    let services = layers(spec).filter_map(|sections| sections.table("services")).flat_map(Table::iter);
    let lists = services.filter_map(|(_, entry)| match &entry.node.as_table()?.get(DEFAULTS)?.value {
        Value::List(names) => Some(names),
        _ => None,
    });
    lists.flatten().filter_map(Node::as_text).collect()
}
