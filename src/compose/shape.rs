//! What kind of value every key of Compose takes, also where nothing else reads it: texts, numbers, switches, lists and tables of keys.
//!
//! Takes in a table in normal form and a [`Shape`]; gives out errors at keys that nobody knows and at values of another kind. What a text says is for
//! those who read it.

pub(crate) mod object;
#[cfg(test)]
pub(crate) mod schema;
pub(crate) mod service;

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::fields::unknown_key;
use crate::document::node::{Node, Span, Table, Value as Written};

use super::value::plain;

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A value without parts, of one of these kinds.
    One(&'static [Kind]),
    /// A list of what is alike.
    List(&'static Shape),
    /// A list in which nothing is there twice.
    Set(&'static Shape),
    /// A table with keys that the user chooses.
    Map(&'static Shape),
    /// A table of such values, or a list of `NAME=value` of which each is there once; no name is empty.
    Pairs(&'static [Kind]),
    /// A table with keys that have a meaning.
    Table(Keys),
    /// Any of these.
    Either(&'static [Shape]),
}

/// A value without parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number, perhaps with a fraction.
    Number,
    /// `true` or `false`.
    Boolean,
}

/// The keys of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    /// Every key with its value.
    pub(crate) known: &'static [(&'static str, Shape)],
    /// Those without which the table means nothing.
    pub(crate) required: &'static [&'static str],
    /// Keys of a spec that are not rendered: they are listed with the others.
    pub(crate) own: &'static [&'static str],
    /// Whether keys that begin with `x-` are passed.
    pub(crate) takes_extensions: bool,
}

/// A text.
pub(crate) const TEXT: Shape = Shape::One(&[Kind::Text]);
/// `true` or `false`, also as a text.
pub(crate) const SWITCH: Shape = Shape::One(&[Kind::Boolean, Kind::Text]);
/// A whole number, also as a text.
pub(crate) const INTEGER: Shape = Shape::One(&[Kind::Integer, Kind::Text]);
/// A number, also as a text.
pub(crate) const NUMBER: Shape = Shape::One(&[Kind::Text, Kind::Number]);
/// Whatever has no parts.
pub(crate) const SCALAR: Shape = Shape::One(&[Kind::Text, Kind::Number, Kind::Boolean]);
/// `true` or `false` alone.
pub(crate) const BOOLEAN: Shape = Shape::One(&[Kind::Boolean]);
/// A whole number alone.
pub(crate) const ONLY_INTEGER: Shape = Shape::One(&[Kind::Integer]);
/// A number alone.
pub(crate) const ONLY_NUMBER: Shape = Shape::One(&[Kind::Number]);
/// Texts.
pub(crate) const TEXTS: Shape = Shape::List(&TEXT);
/// Texts, each once.
pub(crate) const WORDS: Shape = Shape::Set(&TEXT);
/// A text, or texts of which each is there once.
pub(crate) const WORD_OR_WORDS: Shape = Shape::Either(&[TEXT, WORDS]);
/// A command: a text, or its words.
pub(crate) const COMMAND: Shape = Shape::Either(&[TEXT, TEXTS]);
/// A table, or a list of `NAME=value`.
pub(crate) const PAIRS: Shape = Shape::Pairs(&[Kind::Text, Kind::Number, Kind::Boolean]);
/// Options of a driver.
pub(crate) const OPTIONS: Shape = Shape::Map(&NUMBER);

/// A table with these keys, and with extensions.
pub(crate) const fn table(known: &'static [(&'static str, Shape)]) -> Shape {
    Shape::Table(Keys { known, required: &[], own: &[], takes_extensions: true })
}

/// A table with these keys alone.
pub(crate) const fn strict(known: &'static [(&'static str, Shape)]) -> Shape {
    Shape::Table(Keys { known, required: &[], own: &[], takes_extensions: false })
}

impl Shape {
    /// The same table, in which keys must be there.
    pub(crate) const fn needing(self, required: &'static [&'static str]) -> Self {
        match self {
            Self::Table(keys) => Self::Table(Keys { required, ..keys }),
            other => other,
        }
    }

    fn takes(&self, value: &Written) -> bool {
        match self {
            Self::One(kinds) => kinds.iter().any(|kind| kind.takes(value)),
            Self::List(_) | Self::Set(_) => matches!(value, Written::List(_)),
            Self::Map(_) | Self::Table(_) => matches!(value, Written::Table(_)),
            Self::Pairs(_) => matches!(value, Written::Table(_) | Written::List(_)),
            Self::Either(shapes) => shapes.iter().any(|shape| shape.takes(value)),
        }
    }

    /// In a sentence: "takes a text or a list of texts".
    fn wanted(&self) -> String {
        match self {
            Self::One([Kind::Boolean, Kind::Text]) => Kind::Boolean.name().to_owned(),
            Self::One(kinds) => one_of(kinds.iter().map(|kind| kind.name().to_owned())),
            Self::List(item) | Self::Set(item) if matches!(item, Self::One([Kind::Text])) => {
                "a list of texts".to_owned()
            }
            Self::List(_) | Self::Set(_) => "a list".to_owned(),
            Self::Map(_) | Self::Table(_) => "a table".to_owned(),
            Self::Pairs(_) => "a table or a list of texts".to_owned(),
            Self::Either(shapes) => one_of(shapes.iter().map(Self::wanted)),
        }
    }

    /// What to write instead.
    fn hint(&self, node: &Node) -> String {
        let text = plain(node);
        match (self, text) {
            (Self::One(kinds), Some(text)) if kinds.contains(&Kind::Text) => format!("write `{text:?}`"),
            (Self::List(_) | Self::Set(_), Some(text)) => format!("write `[{text:?}]`"),
            (Self::One([Kind::Boolean, ..]), _) => "write `true` or `false`".to_owned(),
            (Self::One([Kind::Integer, ..]), _) => "write a whole number, as in `10`".to_owned(),
            (Self::One([Kind::Number]), _) => "write a number, as in `10`".to_owned(),
            (Self::One(_), _) => "write one value, as in `\"value\"`".to_owned(),
            (Self::List(_) | Self::Set(_), None) => "write a list, as in `[\"value\"]`".to_owned(),
            (Self::Pairs(_), _) => PAIRS_HINT.to_owned(),
            (Self::Map(_), _) => "write a table, as in `{ key = \"value\" }`".to_owned(),
            (Self::Table(keys), _) => {
                let known: Vec<_> = keys.known.iter().map(|(key, _)| *key).collect();
                let first = known.first().unwrap_or(&"x-note");
                format!("write a table, as in `{{ {first} = … }}`; known keys: {}", known.join(", "))
            }
            (Self::Either(shapes), _) => shapes[0].hint(node),
        }
    }
}

const PAIRS_HINT: &str = "write `{ NAME = \"value\" }` or `[\"NAME=value\"]`";

impl Kind {
    /// As it is compared with other tables of kinds, and in sentences.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
        }
    }

    fn takes(self, value: &Written) -> bool {
        match value {
            Written::Text(_) => self == Self::Text,
            Written::Integer(_) => matches!(self, Self::Integer | Self::Number),
            Written::Float(_) => self == Self::Number,
            Written::Boolean(_) => self == Self::Boolean,
            Written::List(_) | Written::Table(_) => false,
        }
    }
}

/// How much of a table is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// What is merged over another: keys that are needed may be there.
    Patch,
}

/// Checks a table. What is at a place with an error was reported by those who read it.
pub(crate) fn check(what: &str, keys: &Keys, table: &Table, extent: Extent, context: &mut Context) {
    let mut walk = Walk { extent, findings: context.beside() };
    walk.keys(what, "", keys, table);
    context.diagnostics.extend_where_silent(walk.findings.diagnostics);
}

struct Walk {
    extent: Extent,
    findings: Context,
}

impl Walk {
    fn keys(&mut self, what: &str, path: &str, keys: &Keys, table: &Table) {
        for (key, entry) in table.iter() {
            match keys.known.iter().find(|(known, _)| *known == key) {
                Some((_, shape)) => self.value(&below(path, key), shape, &entry.node),
                None if keys.takes_extensions && key.starts_with("x-") => {}
                None => {
                    let known: Vec<_> =
                        keys.known.iter().map(|(known, _)| *known).chain(keys.own.iter().copied()).collect();
                    unknown_key(key, entry.key_span, what, &known, &mut self.findings);
                }
            }
        }
    }

    fn value(&mut self, path: &str, shape: &Shape, node: &Node) {
        if node.is_emptied() {
            return;
        }
        if !shape.takes(&node.value) {
            let message = format!("`{path}` takes {}, not {}", shape.wanted(), node.value.type_name());
            self.findings.error(Code::WRONG_TYPE, node.span, message, shape.hint(node));
            return;
        }
        match (shape, &node.value) {
            (Shape::Either(shapes), value) => {
                if let Some(shape) = shapes.iter().find(|shape| shape.takes(value)) {
                    self.value(path, shape, node);
                }
            }
            (Shape::List(item), Written::List(list)) => self.items(path, item, list),
            (Shape::Set(item), Written::List(list)) => {
                self.items(path, item, list);
                self.twice(path, list);
            }
            (Shape::Map(value), Written::Table(table)) => {
                table.iter().for_each(|(key, entry)| self.value(&below(path, key), value, &entry.node));
            }
            (Shape::Pairs(kinds), _) => self.pairs(path, kinds, node),
            (Shape::Table(keys), Written::Table(table)) => {
                self.keys(&format!("`{path}`"), path, keys, table);
                self.required(path, keys, table, node);
            }
            _ => {}
        }
    }

    fn pairs(&mut self, path: &str, kinds: &'static [Kind], node: &Node) {
        match &node.value {
            Written::Table(table) => {
                for (name, entry) in table.iter() {
                    self.name(path, name, entry.key_span);
                    self.value(&below(path, name), &Shape::One(kinds), &entry.node);
                }
            }
            Written::List(list) => {
                self.value(path, &WORDS, node);
                for (item, text) in list.iter().filter_map(|item| Some((item, item.as_text()?))) {
                    self.name(path, text.split('=').next().unwrap_or_default(), item.span);
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, path: &str, name: &str, span: Span) {
        if name.is_empty() {
            let message = format!("`{path}` has a value without a name");
            self.findings.error(Code::INVALID_VALUE, span, message, PAIRS_HINT);
        }
    }

    /// Lists are not merged: their items are whole.
    fn items(&mut self, path: &str, item: &Shape, list: &[Node]) {
        let extent = std::mem::replace(&mut self.extent, Extent::Whole);
        for (index, node) in list.iter().enumerate() {
            self.value(&format!("{path}[{index}]"), item, node);
        }
        self.extent = extent;
    }

    fn twice(&mut self, path: &str, list: &[Node]) {
        for (index, node) in list.iter().enumerate() {
            let json = node.to_json();
            if list[..index].iter().any(|other| other.to_json() == json) {
                let message = format!("`{path}` has {json} twice");
                self.findings.error(Code::DUPLICATE, node.span, message, "leave one of them out");
            }
        }
    }

    fn required(&mut self, path: &str, keys: &Keys, table: &Table, node: &Node) {
        let missing = keys.required.iter().filter(|key| self.extent == Extent::Whole && table.get(key).is_none());
        for key in missing {
            self.findings.error(Code::MISSING_KEY, node.span, format!("`{path}` needs `{key}`"), None);
        }
    }
}

/// `a, b or c`
fn one_of(wanted: impl Iterator<Item = String>) -> String {
    let wanted: Vec<_> = wanted.collect();
    match wanted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => String::new(),
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
