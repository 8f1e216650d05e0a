//! Variables that nothing uses, in no environment.
//!
//! Takes in the whole spec as it was written, and the files in which variables are put in; warns of every variable that is named nowhere.
//! A service that no environment runs uses its variables too: what is written counts, not what is selected.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Code;
use crate::document::node::{Node, Span, Table, Value};
use crate::document::{self, Context};
use crate::source::{Source, Sources};
use crate::spec::Spec;

use super::config::TEMPLATE_SUFFIX;

/// Warns of variables that nothing uses.
pub(super) fn check_variables(spec: &Spec, sources: &Sources, context: &mut Context) {
    let mut uses = Uses { sources, names: BTreeSet::new(), templates: Vec::new() };
    // All of the file, whatever became of it: faults in it are reported by those who read it.
    let written = document::parse(&sources.spec_text, &mut context.aside());
    uses.add_table(&written);
    for (name, span) in declared(spec).into_iter().filter(|(name, _)| !uses.have(name)) {
        context.warning(Code::UNUSED, span, format!("nothing uses the variable `{name}`"), None);
    }
}

/// Every variable, and where it is declared first.
fn declared(spec: &Spec) -> BTreeMap<&str, Span> {
    let overlays = spec.environments.values().map(|environment| &environment.overlay);
    let tables = std::iter::once(&spec.sections).chain(overlays).filter_map(|sections| sections.table("variables"));
    let mut declared = BTreeMap::new();
    for (name, entry) in tables.flat_map(Table::iter) {
        declared.entry(name).or_insert(entry.key_span);
    }
    declared
}

/// What is used.
struct Uses<'a> {
    sources: &'a Sources,
    /// What stands between `${` and `}`.
    names: BTreeSet<String>,
    /// Templates, in which a name stands by itself.
    templates: Vec<&'a str>,
}

impl<'a> Uses<'a> {
    fn have(&self, name: &str) -> bool {
        self.names.contains(name) || self.templates.iter().any(|text| text.contains(name) || text.contains(TERA_DUMP))
    }

    fn add_table(&mut self, table: &Table) {
        table.iter().for_each(|(key, entry)| self.add(key, &entry.node));
    }

    fn add(&mut self, key: &str, node: &Node) {
        match &node.value {
            Value::Text(text) => self.add_text(key, text),
            Value::List(list) => list.iter().for_each(|item| self.add(key, item)),
            Value::Table(table) => self.add_table(table),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => {}
        }
    }

    fn add_text(&mut self, key: &str, text: &str) {
        self.names.extend(names(text));
        let Some(file) = self.file(text) else { return };
        match key {
            "env_file" => self.names.extend(names(file)),
            "file" if text.ends_with(TEMPLATE_SUFFIX) => self.templates.push(file),
            _ => {}
        }
    }

    fn file(&self, path: &str) -> Option<&'a str> {
        match self.sources.files.get(path)? {
            Source::File(bytes) => std::str::from_utf8(bytes).ok(),
            Source::Folder(_) | Source::Fault(_) => None,
        }
    }
}

/// The variable of Tera that holds all others.
const TERA_DUMP: &str = "__tera_context";

/// What stands between `${` and `}`, in a text that may be faulty elsewhere.
fn names(text: &str) -> impl Iterator<Item = String> {
    text.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()))
}
