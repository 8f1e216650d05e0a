//! What all values have in common: each is read once, from a text in normal form, a number or a switch.

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::fields::{Fields, Spanned};
use crate::document::node::{Node, Span, Table, Value as Written};
use crate::document::text::unescaped;

/// A value with a grammar.
pub trait Value: Sized {
    /// What it is called, as in "invalid duration `5`".
    const WHAT: &'static str;

    /// Reads it; `None` when it is invalid.
    fn parse(text: &str) -> Option<Self>;

    /// What to write instead of a text that is invalid.
    fn hint(text: &str) -> String;
}

/// Implements [`Value`] for a type: its name, its hint, and the function that reads it.
macro_rules! value {
    ($type:ty, $what:literal, $hint:literal, $parse:expr) => {
        impl $crate::compose::value::Value for $type {
            const WHAT: &'static str = $what;

            fn parse(text: &str) -> Option<Self> {
                let parse: fn(&str) -> Option<Self> = $parse;
                parse(text)
            }

            fn hint(_: &str) -> String {
                $hint.to_owned()
            }
        }
    };
}
pub(super) use value;

/// One of a few words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$of])* $variant,)+
        }

        impl $name {
            /// The word that is written.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl $crate::compose::value::Value for $name {
            const WHAT: &'static str = $what;

            fn parse(text: &str) -> Option<Self> {
                match text {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn hint(text: &str) -> String {
                $crate::diagnostic::unknown_name_hint(text, "values", [$($word),+])
            }
        }
    };
}
pub(super) use words;

/// One of a few words that nothing but the check asks for.
macro_rules! keyword {
    ($visibility:vis $name:ident, $what:literal, [$($word:literal),+]) => {
        $visibility struct $name;

        impl $crate::compose::value::Value for $name {
            const WHAT: &'static str = $what;

            fn parse(text: &str) -> Option<Self> {
                [$($word),+].contains(&text).then_some(Self)
            }

            fn hint(text: &str) -> String {
                $crate::diagnostic::unknown_name_hint(text, "values", [$($word),+])
            }
        }
    };
}
pub(super) use keyword;

/// A scalar as the text that it stands for; `None` for lists and tables, and where a parameter takes part.
pub fn plain(node: &Node) -> Option<String> {
    match &node.value {
        Written::Text(text) => unescaped(text),
        Written::Integer(number) => Some(number.to_string()),
        Written::Float(number) => Some(number.to_string()),
        Written::Boolean(boolean) => Some(boolean.to_string()),
        Written::List(_) | Written::Table(_) => None,
    }
}

/// The value of a key, if it is there and valid.
pub(super) fn one<T: Value>(node: Option<&Node>, context: &mut Context) -> Option<T> {
    spanned(node?, context).map(|spanned| spanned.value)
}

/// The values of a list; a scalar is a list of one.
pub(super) fn each<T: Value>(node: Option<&Node>, context: &mut Context) -> Vec<Spanned<T>> {
    items(node).into_iter().filter_map(|node| spanned(node, context)).collect()
}

/// The nodes of a list; any other node is a list of itself.
pub(super) fn items(node: Option<&Node>) -> Vec<&Node> {
    match node.map(|node| (&node.value, node)) {
        None => Vec::new(),
        Some((Written::List(list), _)) => list.iter().collect(),
        Some((_, node)) => vec![node],
    }
}

/// Reads a value with its place. A text with a parameter is read where the parameter is declared.
pub(super) fn spanned<T: Value>(node: &Node, context: &mut Context) -> Option<Spanned<T>> {
    let text = scalar::<T>(node, context)?;
    Some(Spanned { value: part(&text, node.span, context)?, span: node.span })
}

/// Reads a part of a text that is written at `span`.
pub(super) fn part<T: Value>(text: &str, span: Span, context: &mut Context) -> Option<T> {
    let value = T::parse(text);
    if value.is_none() {
        invalid(T::WHAT, text, span, T::hint(text), context);
    }
    value
}

/// The text of a node that holds no list and no table; `None` also where a fault emptied it, which was reported there.
pub(super) fn scalar<T: Value>(node: &Node, context: &mut Context) -> Option<String> {
    if matches!(node.value, Written::List(_) | Written::Table(_)) {
        let message = format!("invalid {}: {} cannot be one", T::WHAT, node.value.type_name());
        context.error(Code::WRONG_TYPE, node.span, message, T::hint(""));
        return None;
    }
    plain(node).filter(|_| !node.is_emptied())
}

/// Reports a value that cannot be read.
pub(super) fn invalid(what: &str, text: &str, span: Span, hint: impl Into<String>, context: &mut Context) {
    context.error(Code::INVALID_VALUE, span, format!("invalid {what} `{text}`"), hint.into());
}

/// A key that a table needs.
pub(super) fn required<T: Value>(key: &'static str, fields: &mut Fields<'_>, context: &mut Context) -> Option<T> {
    fields.require(key, context);
    one(fields.node(key), context)
}

/// The fields of a table; another value is a fault.
pub(super) fn fields<'a>(node: &'a Node, what: &str, context: &mut Context) -> Option<Fields<'a>> {
    let Some(table) = node.as_table() else {
        let message = format!("invalid {what}: {} cannot be one", node.value.type_name());
        context.error(Code::WRONG_TYPE, node.span, message, "write a table, as in `{ key = \"value\" }`");
        return None;
    };
    Some(Fields::new(table, node.span, what).with_extensions())
}

/// A table, or a list of `KEY=value`, as pairs with the place of each value.
pub fn pairs(node: Option<&Node>) -> Vec<(String, Spanned<String>)> {
    let of_table = |table: &Table| -> Vec<_> {
        let pair =
            |(key, node): (&str, &Node)| Some((key.to_owned(), Spanned { value: plain(node)?, span: node.span }));
        table.iter().filter_map(|(key, entry)| pair((key, &entry.node))).collect()
    };
    let of_item = |node: &Node| {
        let text = plain(node)?;
        let (key, value) = text.split_once('=').unwrap_or((&text, ""));
        Some((key.to_owned(), Spanned { value: value.to_owned(), span: node.span }))
    };
    match node.map(|node| &node.value) {
        Some(Written::Table(table)) => of_table(table),
        Some(Written::List(list)) => list.iter().filter_map(of_item).collect(),
        _ => Vec::new(),
    }
}

/// Any text that says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) String);

value!(Word, "name", "write one word, without blanks", |text| {
    let is_word = !text.is_empty() && !text.contains(char::is_whitespace);
    is_word.then(|| Self(text.to_owned()))
});
