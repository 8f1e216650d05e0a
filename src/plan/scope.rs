//! Interpolation: `${NAME}` and `$$`.
//!
//! Takes in texts as written; gives out texts in *normal form*: variables put in, `${NAME}` left for parameters alone, `$$` for a
//! dollar. That is also how a Compose file writes it.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::node::{Node, Span, Table, Value};
use crate::document::text::{Fault, Piece, escaped, references, split, unescaped};
use crate::name::EnvironmentKey;

/// Whether a place may hold a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Any parameter.
    Open,
    /// A parameter that is not secret: everybody can read a process's arguments.
    Arguments,
    /// None; the reason is in `explain B010`.
    Closed,
    /// The text stands for itself: a `$` is part of a regular expression.
    Verbatim,
}

/// The names that a text may use.
pub(super) struct Scope {
    /// Variables and their values in normal form.
    variables: BTreeMap<EnvironmentKey, String>,
    /// Parameters, and whether they are secret.
    parameters: BTreeMap<EnvironmentKey, bool>,
    /// What was used, to find what never is.
    pub(super) used: BTreeSet<String>,
}

impl Scope {
    /// Starts with the built-in variables.
    pub(super) fn new(built_in: &[(&str, &str)]) -> Self {
        let key = |name| EnvironmentKey::parse(name).expect("built-in names are valid");
        let variables = built_in.iter().map(|(name, value)| (key(name), escaped(value))).collect();
        Self { variables, parameters: BTreeMap::new(), used: BTreeSet::new() }
    }

    /// Declares the parameters.
    pub(super) fn add_parameters(&mut self, parameters: impl IntoIterator<Item = (EnvironmentKey, bool)>) {
        self.parameters.extend(parameters);
    }

    /// Resolves `[variables]`, which may stand in each other.
    pub(super) fn add_variables(&mut self, written: &BTreeMap<EnvironmentKey, Node>, context: &mut Context) {
        for name in written.keys() {
            self.add_variable(name, written, &mut Vec::new(), context);
        }
    }

    fn add_variable(
        &mut self,
        name: &EnvironmentKey,
        written: &BTreeMap<EnvironmentKey, Node>,
        open: &mut Vec<EnvironmentKey>,
        context: &mut Context,
    ) {
        let Some(node) = written.get(name).filter(|_| !self.variables.contains_key(name)) else { return };
        if open.contains(name) {
            let circle: Vec<_> = open.iter().chain([name]).map(EnvironmentKey::as_str).collect();
            let message = format!("the variable `{name}` stands in itself: {}", circle.join(" → "));
            context.error(Code::CYCLE, node.span, message, None);
            self.variables.insert(name.clone(), String::new());
            return;
        }
        let text = node.as_text().unwrap_or_default();
        open.push(name.clone());
        for inner in references(text).iter().filter_map(|inner| EnvironmentKey::parse(inner)) {
            self.add_variable(&inner, written, open, context);
        }
        open.pop();
        let value = self.interpolate(text, node.span, Place::Closed, context).unwrap_or_default();
        self.variables.insert(name.clone(), value);
    }

    /// Every variable with the text it stands for.
    pub(super) fn plain_variables(&self) -> BTreeMap<EnvironmentKey, String> {
        let plain = |(name, value): (&EnvironmentKey, &String)| (name.clone(), unescaped(value).unwrap_or_default());
        self.variables.iter().map(plain).collect()
    }

    /// Puts the variables into a text; `None` after a fault.
    pub(super) fn interpolate(
        &mut self,
        text: &str,
        span: Span,
        place: Place,
        context: &mut Context,
    ) -> Option<String> {
        if !text.contains('$') {
            return Some(text.to_owned());
        }
        let pieces = match split(text) {
            Ok(pieces) => pieces,
            Err(fault) => return report(&fault, span, context),
        };
        let mut normal = String::with_capacity(text.len());
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => normal.push_str(&escaped(&literal)),
                Piece::Reference(name) => normal.push_str(&self.value_of(&name, span, place, context)?),
            }
        }
        Some(normal)
    }

    /// What a text stands for in which no parameter can; `None` after a fault.
    pub(super) fn plain(&mut self, text: &str, span: Span, context: &mut Context) -> Option<String> {
        unescaped(&self.interpolate(text, span, Place::Closed, context)?)
    }

    fn value_of(&mut self, name: &str, span: Span, place: Place, context: &mut Context) -> Option<String> {
        let key = EnvironmentKey::parse(name)?;
        self.used.insert(name.to_owned());
        if let Some(value) = self.variables.get(&key) {
            return Some(value.clone());
        }
        match (self.parameters.get(&key), place) {
            (Some(_), Place::Closed | Place::Verbatim) => {
                let message =
                    format!("the parameter `{name}` cannot stand here: this is decided when the release is built");
                let hint = "a parameter may stand in `environment`, `command`, `entrypoint`, `configs` and `secrets`; declare a variable, or an environment";
                context.error(Code::PARAMETER_PLACE, span, message, hint);
                None
            }
            (Some(true), Place::Arguments) => {
                let message = format!(
                    "the secret `{name}` cannot stand here: everybody on the host can read a process's arguments"
                );
                let hint =
                    format!("mount it: `[secrets.NAME] parameter = \"{name}\"`, and let the program read the file");
                context.error(Code::PARAMETER_PLACE, span, message, hint);
                None
            }
            (Some(_), _) => Some(format!("${{{name}}}")),
            (None, _) => {
                let known = self.variables.keys().chain(self.parameters.keys()).map(EnvironmentKey::as_str);
                let hint = unknown_name_hint(name, "names", known);
                context.error(
                    Code::UNDECLARED,
                    span,
                    format!("`${{{name}}}` is neither a variable nor a parameter"),
                    hint,
                );
                None
            }
        }
    }

    /// Interpolates every text below a node, in place; `place` says what may stand where, by the path of keys.
    pub(super) fn interpolate_tree(
        &mut self,
        node: &mut Node,
        path: &mut Vec<String>,
        place: &dyn Fn(&[String]) -> Place,
        context: &mut Context,
    ) {
        match &mut node.value {
            Value::Text(text) if text.contains('$') && place(path) != Place::Verbatim => {
                // After a fault the text is dropped: nothing that follows may take it for a normal form.
                *text = self.interpolate(text, node.span, place(path), context).unwrap_or_default();
            }
            Value::List(list) => list.iter_mut().for_each(|item| self.interpolate_tree(item, path, place, context)),
            Value::Table(table) => self.interpolate_table(table, path, place, context),
            _ => {}
        }
    }

    fn interpolate_table(
        &mut self,
        table: &mut Table,
        path: &mut Vec<String>,
        place: &dyn Fn(&[String]) -> Place,
        context: &mut Context,
    ) {
        for (key, entry) in table.iter_mut() {
            check_key(key, entry.key_span, context);
            path.push(key.to_owned());
            self.interpolate_tree(&mut entry.node, path, place, context);
            path.pop();
        }
    }
}

/// Compose does not interpolate keys either: the text would reach the target as it is.
fn check_key(key: &str, span: Span, context: &mut Context) {
    if key.contains("${") {
        let hint = "write the key out: only values hold `${NAME}`; labels may be a list: `labels = [\"KEY=value\"]`";
        context.error(
            Code::INTERPOLATION,
            span,
            format!("the key `{key}` holds `${{`, but keys stand as they are"),
            hint,
        );
    }
}

fn report(fault: &Fault, span: Span, context: &mut Context) -> Option<String> {
    let (message, hint) = match fault {
        Fault::LoneDollar => ("a `$` that starts no `${NAME}`".to_owned(), "a dollar sign is written `$$`".to_owned()),
        Fault::Unclosed => ("`${` has no `}`".to_owned(), "write `${NAME}`; a dollar sign is written `$$`".to_owned()),
        Fault::Expression(expression) => expression_fault(expression),
    };
    context.error(Code::INTERPOLATION, span, message, hint);
    None
}

/// Compose's `${NAME:-default}` and its kin have a table of their own here: the hint writes it.
fn expression_fault(expression: &str) -> (String, String) {
    let message = format!("`${{{expression}}}` is not `${{NAME}}`");
    let Some(at) = expression.find([':', '-', '?', '+']) else {
        return (message, "a name is `[A-Za-z_][A-Za-z0-9_]*`".to_owned());
    };
    let (name, rest) = expression.split_at(at);
    let operator = rest.trim_start_matches(':');
    let hint = match operator.split_at_checked(1) {
        Some(("-", default)) => format!("write `${{{name}}}` and add:\n[parameters.{name}]\ndefault = {default:?}"),
        Some(("?", text)) => {
            format!("write `${{{name}}}` and add:\n[parameters.{name}]\nrequired = true\ndescription = {text:?}")
        }
        _ => format!("write `${{{name}}}` and add `[parameters.{name}]`"),
    };
    (message, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_for_a_compose_default_is_the_table_to_add() {
        let (_, hint) = expression_fault("TAG:-latest");
        assert_eq!(hint, "write `${TAG}` and add:\n[parameters.TAG]\ndefault = \"latest\"");
    }
}
