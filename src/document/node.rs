//! A TOML document as a tree in which every key and value knows its place.
//!
//! Takes in text; gives out [`Table`]s of [`Node`]s whose spans survive merging, so that a fault found in a resolved environment
//! still points at the line that wrote it.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::Code;

use super::Context;

/// A range of bytes in `bootstrap.toml`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// What stands here in the text of the file; empty when it is not this file's place.
    pub fn text(self, file: &str) -> &str {
        file.get(self.start..self.end).unwrap_or_default()
    }
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the value stands.
    pub span: Span,
    /// The value.
    pub value: Value,
}

/// A value as written. Dates have no meaning in a spec and are refused at the door.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// An array.
    List(Vec<Node>),
    /// A table, inline or not.
    Table(Table),
}

/// A key's place and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

/// Entries by key, sorted.
#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: BTreeMap<String, Entry>,
}

impl Value {
    /// The type in a user's words.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number with a fraction",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Node {
    /// A text that stands where `span` says.
    pub fn text(span: Span, text: impl Into<String>) -> Self {
        Self { span, value: Value::Text(text.into()) }
    }

    /// The table, if it is one.
    pub fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a fault took a text away, which was reported there: nothing that follows can say more of it.
    pub fn is_emptied(&self) -> bool {
        /// The quotes around a text.
        const QUOTES: usize = 2;
        self.as_text() == Some("") && self.span.end - self.span.start > QUOTES
    }

    /// The node at the end of a path of keys and list positions, or the last one that exists on the way.
    pub fn deepest<'a>(&'a self, path: impl IntoIterator<Item = &'a str>) -> &'a Node {
        let mut node = self;
        for step in path {
            let next = match &node.value {
                Value::Table(table) => table.get(step),
                Value::List(list) => step.parse().ok().and_then(|position: usize| list.get(position)),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }
}

impl Table {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.get(key).map(|entry| &entry.node)
    }

    /// The value of a key, if it is a table.
    pub fn table(&self, key: &str) -> Option<&Table> {
        self.get(key).and_then(Node::as_table)
    }

    /// The value of a key, to be changed in place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries.get_mut(key).map(|entry| &mut entry.node)
    }

    /// The value of a key, if it is a table, to be changed in place.
    pub fn table_mut(&mut self, key: &str) -> Option<&mut Table> {
        self.get_mut(key).and_then(|node| match &mut node.value {
            Value::Table(table) => Some(table),
            _ => None,
        })
    }

    /// The key's place and its value.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Every entry, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// Every key, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Every entry, its value to be changed in place.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Entry)> {
        self.entries.iter_mut().map(|(key, entry)| (key.as_str(), entry))
    }

    /// Sets a key, and gives back what it was.
    pub fn insert(&mut self, key: impl Into<String>, entry: Entry) -> Option<Entry> {
        self.entries.insert(key.into(), entry)
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        self.entries.remove(key)
    }

    /// Lays `over` on this table: tables merge, lists and scalars replace.
    pub fn merge(&mut self, over: &Table) {
        for (key, entry) in &over.entries {
            match (self.entries.get_mut(key).map(|below| &mut below.node.value), &entry.node.value) {
                (Some(Value::Table(below)), Value::Table(above)) => below.merge(above),
                _ => {
                    self.entries.insert(key.clone(), entry.clone());
                }
            }
        }
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Reads TOML, going on after a fault, so that all of them are reported.
pub fn parse(text: &str, context: &mut Context) -> Table {
    let (document, faults) = DeTable::parse_recoverable(text);
    for fault in &faults {
        let span = fault.span().unwrap_or(0..0);
        context.error(Code::SYNTAX, Span { start: span.start, end: span.end }, fault.message().to_owned(), None);
    }
    from_table(document.get_ref(), context)
}

fn from_table(table: &DeTable<'_>, context: &mut Context) -> Table {
    let mut entries = BTreeMap::new();
    for (key, value) in table {
        let key_span = span_of(key);
        if let Some(node) = from_value(value, context) {
            check_characters(key.get_ref(), key_span, context);
            entries.insert(key.get_ref().to_string(), Entry { key_span, node });
        }
    }
    Table { entries }
}

fn from_value(value: &Spanned<DeValue<'_>>, context: &mut Context) -> Option<Node> {
    let span = span_of(value);
    let value = match value.get_ref() {
        DeValue::String(text) => {
            check_characters(text, span, context);
            Value::Text(text.to_string())
        }
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => return refuse(Code::INVALID_VALUE, span, "the number does not fit into 64 bits", context),
        },
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Float(number),
            _ => return refuse(Code::INVALID_VALUE, span, "the number is not finite", context),
        },
        DeValue::Boolean(boolean) => Value::Boolean(*boolean),
        DeValue::Datetime(_) => {
            return refuse(Code::WRONG_TYPE, span, "a date is written as a text, in quotes", context);
        }
        DeValue::Array(list) => Value::List(list.iter().filter_map(|item| from_value(item, context)).collect()),
        DeValue::Table(table) => Value::Table(from_table(table, context)),
    };
    Some(Node { span, value })
}

fn refuse(code: Code, span: Span, message: &str, context: &mut Context) -> Option<Node> {
    context.error(code, span, message, None);
    None
}

/// Line feeds and tabs are honest; other control characters and direction overrides hide something.
fn check_characters(text: &str, span: Span, context: &mut Context) {
    let hides = |character: &char| {
        (character.is_control() && !matches!(character, '\n' | '\t')) || crate::path::is_direction_control(*character)
    };
    if let Some(hidden) = text.chars().find(hides) {
        let message = format!("the text holds the hidden character U+{:04X}", u32::from(hidden));
        context.error(Code::HIDDEN_CHARACTER, span, message, None);
    }
}

fn span_of<T>(spanned: &Spanned<T>) -> Span {
    let span = spanned.span();
    Span { start: span.start, end: span.end }
}
