//! Reads TOML as a tree of nodes.
//!
//! Takes in text; gives out a [`Table`], and reports what is wrong with the text.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Context;
use super::node::{Entry, Node, Span, Table, Value};
use crate::diagnostic::Code;

/// Reads TOML, going on after a fault, so that all of them are reported: unless the file is of another kind altogether.
pub fn parse(text: &str, context: &mut Context) -> Table {
    let (document, faults) = DeTable::parse_recoverable(text);
    for fault in &faults {
        let range = fault.span().unwrap_or(0..0);
        let span = Span { start: range.start, end: range.end };
        if context.file.ends_with(".yaml") || context.file.ends_with(".yml") {
            let message = "this is a YAML file, and a spec is TOML";
            context.error(Code::SYNTAX, span, message, YAML_HINT);
            return Table::default();
        }
        context.error(Code::SYNTAX, span, fault.message().to_owned(), None);
    }
    from_table(document.get_ref(), context)
}

const YAML_HINT: &str =
    "write a `bootstrap.toml`: a service of a Compose file is a table `[services.NAME]` there, with the same keys";

fn from_table(table: &DeTable<'_>, context: &mut Context) -> Table {
    let mut read = Table::default();
    for (key, value) in table {
        let key_span = span_of(key);
        if let Some(node) = from_value(value, context) {
            check_characters(key.get_ref(), key_span, context);
            read.insert(key.get_ref().to_string(), Entry { key_span, node });
        }
    }
    read
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
