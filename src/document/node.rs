//! A TOML document as a tree in which every key and value knows its place.
//!
//! The spans of [`Table`]s and [`Node`]s survive merging, so that a fault found in a resolved environment still points at the line that
//! wrote it.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

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

    /// The value as JSON, without the places.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Text(text) => Json::from(text.as_str()),
            Value::Integer(number) => Json::from(*number),
            Value::Float(number) => Json::from(*number),
            Value::Boolean(boolean) => Json::from(*boolean),
            Value::List(list) => list.iter().map(Self::to_json).collect(),
            Value::Table(table) => Json::from(table.to_json()),
        }
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

    /// The table as JSON, without the places.
    pub fn to_json(&self) -> Map<String, Json> {
        self.iter().map(|(key, entry)| (key.to_owned(), entry.node.to_json())).collect()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
