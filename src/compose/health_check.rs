//! `healthcheck` (Compose Specification, 05-services, "healthcheck").

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::{Node, Value as Written};

use super::amount::{Count, Duration, Switch};
use super::value::{self, fields, one};

/// A health check; what is not written is the image's business, or has Docker's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is run.
    pub test: Option<Test>,
    /// Whether it is switched off, with `disable` or the test `NONE`.
    pub is_off: bool,
    /// From one run to the next.
    pub interval: Option<Duration>,
    /// How long a run may take.
    pub timeout: Option<Duration>,
    /// How many failures in a row make a container unhealthy.
    pub retries: Option<u64>,
    /// How long failures do not count.
    pub start_period: Option<Duration>,
    /// From one run to the next in that time.
    pub start_interval: Option<Duration>,
}

/// What a health check runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// A program with its arguments.
    Command(Vec<String>),
    /// A text for the shell.
    Shell(String),
}

impl HealthCheck {
    /// Whether it is declared and run.
    pub fn is_on(&self) -> bool {
        self.test.is_some() && !self.is_off
    }

    /// Reads the table.
    pub(super) fn read(node: &Node, context: &mut Context) -> Option<Self> {
        let mut fields = fields(node, "`healthcheck`", context)?;
        let (test, is_none) = fields.node("test").map_or((None, false), |node| read_test(node, context));
        let disabled = one::<Switch>(fields.node("disable"), context).is_some_and(|Switch(is_on)| is_on);
        let check = Self {
            test,
            is_off: disabled || is_none,
            interval: one(fields.node("interval"), context),
            timeout: one(fields.node("timeout"), context),
            retries: one::<Count>(fields.node("retries"), context).map(|number| number.0.unsigned_abs()),
            start_period: one(fields.node("start_period"), context),
            start_interval: one(fields.node("start_interval"), context),
        };
        fields.finish(context);
        Some(check)
    }
}

/// The test, and whether it is the word for "off"; as a text, that word is a command.
fn read_test(node: &Node, context: &mut Context) -> (Option<Test>, bool) {
    match &node.value {
        Written::Text(_) if node.is_emptied() => (None, false),
        Written::Text(_) => (value::plain(node).map(Test::Shell), false),
        Written::List(list) => {
            let words: Option<Vec<_>> = list.iter().map(value::plain).collect();
            read_words(node, &words.unwrap_or_default(), context)
        }
        other => {
            let message = format!("invalid test: {} cannot be one", other.type_name());
            context.error(Code::WRONG_TYPE, node.span, message, HINT);
            (None, false)
        }
    }
}

const HINT: &str = "write `[\"CMD\", \"program\", \"argument\"]`, `[\"CMD-SHELL\", \"command | other\"]`, a text for the shell, or `[\"NONE\"]`";

fn read_words(node: &Node, words: &[String], context: &mut Context) -> (Option<Test>, bool) {
    let first = words.first().cloned().unwrap_or_default();
    match (first.as_str(), &words.get(1..).unwrap_or_default()) {
        ("NONE", []) => (None, true),
        ("CMD", [_, ..]) => (Some(Test::Command(words[1..].to_vec())), false),
        ("CMD-SHELL", [text]) => (Some(Test::Shell(text.clone())), false),
        ("CMD-SHELL" | "NONE" | "CMD", _) => {
            let message = format!("invalid test `{}`: {} arguments behind `{first}`", words.join(" "), words.len() - 1);
            context.error(Code::INVALID_VALUE, node.span, message, HINT);
            (None, false)
        }
        _ => {
            value::invalid("first word of a test", &first, node.span, HINT, context);
            (None, false)
        }
    }
}
