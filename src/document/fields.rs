//! Reads a table key by key, and says what is wrong with it.
//!
//! Takes in a [`Table`]; gives out typed values with their places. Every key that was asked for is known; [`Fields::finish`] refuses
//! the others, so that the list of known keys cannot drift from the code that reads them.

use crate::diagnostic::{Code, unknown_name_hint};

use super::Context;
use super::node::{Node, Span, Table, Value};

/// A value and where it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// A table that is being read.
pub struct Fields<'a> {
    table: &'a Table,
    span: Span,
    what: String,
    known: Vec<&'static str>,
    takes_extensions: bool,
}

impl<'a> Fields<'a> {
    /// Starts to read; `what` names the table in messages, as in "parameter `DB_PASSWORD`".
    pub fn new(table: &'a Table, span: Span, what: impl Into<String>) -> Self {
        Self { table, span, what: what.into(), known: Vec::new(), takes_extensions: false }
    }

    /// Passes keys that begin with `x-`, as the Compose Specification does.
    #[must_use]
    pub fn with_extensions(self) -> Self {
        Self { takes_extensions: true, ..self }
    }

    /// The node of a key.
    pub fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        self.table.get(key)
    }

    /// A text.
    pub fn text(&mut self, key: &'static str, context: &mut Context) -> Option<Spanned<String>> {
        let node = self.node(key)?;
        expect_text(node, key, context).map(|text| Spanned { value: text.to_owned(), span: node.span })
    }

    /// A text that must be there.
    pub fn required_text(&mut self, key: &'static str, context: &mut Context) -> Option<Spanned<String>> {
        self.require(key, context);
        self.text(key, context)
    }

    /// Says that a key is missing, when it is.
    pub fn require(&self, key: &'static str, context: &mut Context) {
        if self.table.get(key).is_none() {
            context.error(Code::MISSING_KEY, self.span, format!("{} needs `{key}`", self.what), None);
        }
    }

    /// `true` or `false`, also as a text: a `${NAME}` stands in one.
    pub fn boolean(&mut self, key: &'static str, context: &mut Context) -> Option<bool> {
        let node = self.node(key)?;
        match &node.value {
            Value::Boolean(boolean) => Some(*boolean),
            Value::Text(text) if matches!(text.as_str(), "true" | "false") => Some(text == "true"),
            _ => wrong_type(node, key, "true or false", context),
        }
    }

    /// A whole number, also as a text: a `${NAME}` stands in one.
    pub fn integer(&mut self, key: &'static str, context: &mut Context) -> Option<Spanned<i64>> {
        let node = self.node(key)?;
        let number = match &node.value {
            Value::Integer(number) => Some(*number),
            Value::Text(digits) => digits.parse().ok(),
            _ => None,
        };
        match number {
            Some(value) => Some(Spanned { value, span: node.span }),
            None => wrong_type(node, key, "a whole number", context),
        }
    }

    /// A list of texts; empty when the key is not there.
    pub fn texts(&mut self, key: &'static str, context: &mut Context) -> Vec<Spanned<String>> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let Value::List(list) = &node.value else {
            return wrong_type(node, key, "a list of texts", context).unwrap_or_default();
        };
        list.iter()
            .filter_map(|item| {
                let value = expect_text(item, key, context)?.to_owned();
                Some(Spanned { value, span: item.span })
            })
            .collect()
    }

    /// A table.
    pub fn table(&mut self, key: &'static str, context: &mut Context) -> Option<(&'a Table, Span)> {
        let node = self.node(key)?;
        match &node.value {
            Value::Table(table) => Some((table, node.span)),
            _ => wrong_type(node, key, "a table", context),
        }
    }

    /// Refuses every key that was not asked for.
    pub fn finish(self, context: &mut Context) {
        let is_extension = |key: &str| self.takes_extensions && key.starts_with("x-");
        for (key, entry) in self.table.iter().filter(|(key, _)| !self.known.contains(key) && !is_extension(key)) {
            unknown_key(key, entry.key_span, &self.what, &self.known, context);
        }
    }
}

/// Refuses a key; the hint names the near one and lists the known.
pub fn unknown_key(key: &str, span: Span, what: &str, known: &[&str], context: &mut Context) {
    let mut known = known.to_vec();
    known.sort_unstable();
    let hint = unknown_name_hint(key, "keys", known);
    context.error(Code::UNKNOWN_KEY, span, format!("{what} has the unknown key `{key}`"), hint);
}

/// The text of a node, or a fault.
pub fn expect_text<'a>(node: &'a Node, key: &str, context: &mut Context) -> Option<&'a str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => wrong_type(node, key, "a text", context),
    }
}

/// Says which type was wanted and which one was found.
pub fn wrong_type<T>(node: &Node, key: &str, wanted: &str, context: &mut Context) -> Option<T> {
    let message = format!("`{key}` takes {wanted}, not {}", node.value.type_name());
    context.error(Code::WRONG_TYPE, node.span, message, None);
    None
}
