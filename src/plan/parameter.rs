//! Parameters: what the operator gives at run time, and the rules it must keep.

use std::collections::BTreeMap;

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::fields::{Fields, Spanned};
use crate::document::node::{Span, Table, Value};
use crate::name::EnvironmentKey;

use crate::document::text::unescaped;

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// What it is for.
    pub description: String,
    /// The value when none is given.
    pub default: Option<String>,
    /// Whether it is never printed.
    pub secret: bool,
    /// Whether it must be given.
    pub required: bool,
    /// What a value must be.
    pub rule: ParameterRule,
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterRule {
    /// Any text.
    Text,
    /// A POSIX extended regular expression that the whole value matches.
    Pattern(String),
    /// One of these words.
    Words(Vec<String>),
    /// A whole number within bounds.
    Integer {
        /// The smallest.
        min: Option<i64>,
        /// The largest.
        max: Option<i64>,
    },
}

/// The parameters that texts may name, and whether they are secret. What is wrong with them is said by [`read_all`].
pub(super) fn names(table: &Table) -> BTreeMap<EnvironmentKey, bool> {
    let is_secret = |table: &Table| matches!(table.get("secret").map(|node| &node.value), Some(Value::Boolean(true)));
    table
        .iter()
        .filter_map(|(name, entry)| {
            let key = EnvironmentKey::parse(name)?;
            Some((key, entry.node.as_table().is_some_and(is_secret)))
        })
        .collect()
}

/// Reads `[parameters]`, whose texts are in normal form.
pub(super) fn read_all(table: &Table, context: &mut Context) -> BTreeMap<EnvironmentKey, Parameter> {
    let mut parameters = BTreeMap::new();
    for (name, entry) in table.iter() {
        let Some(key) = read_key(name, entry.key_span, "parameter", context) else { continue };
        if let Some(table) = entry.node.as_table() {
            parameters.insert(key, read(name, table, entry.key_span, context));
        }
    }
    parameters
}

/// The name of a parameter or variable, checked.
pub(super) fn read_key(name: &str, span: Span, what: &str, context: &mut Context) -> Option<EnvironmentKey> {
    let Some(key) = EnvironmentKey::parse(name) else {
        let hint = "a name is `[A-Za-z_][A-Za-z0-9_]*`, as in `DB_PASSWORD`";
        context.error(Code::INVALID_NAME, span, format!("`{name}` cannot name a {what}"), hint);
        return None;
    };
    if key.is_reserved() {
        let message =
            format!("`{name}` cannot name a {what}: the shell, the tools or the bootstrap image give it a meaning");
        // The name counts as declared: its uses are not reported as unknown.
        let free = if name.contains(|letter: char| letter.is_ascii_lowercase()) { "app" } else { "APP" };
        let rest = if name == "_" { "NAME" } else { name };
        let hint = format!("say whose it is, as in `{free}_{rest}`");
        context.error(Code::RESERVED_NAME, span, message, hint);
    }
    Some(key)
}

fn read(name: &str, table: &Table, span: Span, context: &mut Context) -> Parameter {
    let mut fields = Fields::new(table, span, format!("parameter `{name}`"));
    let description = fields.text("description", context).and_then(|text| unescaped(&text.value)).unwrap_or_default();
    let default = read_default(&mut fields, context);
    let secret = fields.boolean("secret", context).unwrap_or(false);
    let required = fields.boolean("required", context).unwrap_or(false);
    let rule = read_rule(&mut fields, context);
    fields.finish(context);
    check_default(name, default.as_ref(), secret, required, &rule, context);
    let default = default.map(|default| default.value);
    Parameter { description, default, secret, required, rule }
}

/// A default is a text; a number stands for its digits.
fn read_default(fields: &mut Fields<'_>, context: &mut Context) -> Option<Spanned<String>> {
    let span = fields.node("default")?.span;
    let value = match &fields.node("default")?.value {
        Value::Integer(number) => number.to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        _ => unescaped(&fields.text("default", context)?.value)?,
    };
    Some(Spanned { value, span })
}

fn read_rule(fields: &mut Fields<'_>, context: &mut Context) -> ParameterRule {
    let pattern = fields.text("pattern", context);
    let words = read_enum(fields, context);
    let kind = fields.text("type", context);
    let (min, max) = (fields.integer("min", context), fields.integer("max", context));
    let is_integer = match kind.as_ref().map(|kind| kind.value.as_str()) {
        Some("integer") => true,
        Some("string") | None => false,
        Some(other) => {
            let span = kind.as_ref().map(|kind| kind.span).unwrap_or_default();
            context.error(
                Code::INVALID_VALUE,
                span,
                format!("invalid type `{other}` of a parameter"),
                "known types: integer, string",
            );
            false
        }
    };
    if let Some(bound) = [&min, &max].into_iter().flatten().next().filter(|_| !is_integer) {
        context.error(Code::INVALID_VALUE, bound.span, "`min` and `max` bound a number", "add `type = \"integer\"`");
    }
    if let (Some(low), Some(high)) = (&min, &max)
        && low.value > high.value
    {
        context.error(Code::INVALID_VALUE, high.span, "`max` is smaller than `min`", None);
    }
    if usize::from(pattern.is_some()) + usize::from(!words.is_empty()) + usize::from(is_integer) > 1 {
        let span = kind.or(pattern).map(|text| text.span).unwrap_or_default();
        context.error(
            Code::INVALID_VALUE,
            span,
            "a parameter has one rule: `pattern`, `enum` or `type = \"integer\"`",
            None,
        );
        return ParameterRule::Text;
    }
    if is_integer {
        return ParameterRule::Integer { min: min.map(|bound| bound.value), max: max.map(|bound| bound.value) };
    }
    if let Some(pattern) = pattern {
        return read_pattern(&pattern, context);
    }
    if words.is_empty() { ParameterRule::Text } else { read_words(words, context) }
}

fn read_enum(fields: &mut Fields<'_>, context: &mut Context) -> Vec<Spanned<String>> {
    let plain = |word: Spanned<String>| Some(Spanned { value: unescaped(&word.value)?, span: word.span });
    fields.texts("enum", context).into_iter().filter_map(plain).collect()
}

/// The target checks a pattern with `grep -E -x`, the build with a library: only what both read alike is taken.
fn read_pattern(pattern: &Spanned<String>, context: &mut Context) -> ParameterRule {
    let text = pattern.value.clone();
    let mut before = ' ';
    let foreign = text.contains("(?")
        || ["*?", "+?", "??", "}?"].iter().any(|lazy| text.contains(lazy))
        || text
            .chars()
            .any(|character| std::mem::replace(&mut before, character) == '\\' && character.is_ascii_alphanumeric());
    if foreign {
        let hint = "write `[0-9]` for `\\d`, `[[:alnum:]_]` for `\\w`; groups are `( )`, repetition is `* + ? {n,m}`";
        context.error(
            Code::INVALID_VALUE,
            pattern.span,
            "the pattern is not a POSIX extended regular expression",
            hint,
        );
    } else if let Err(error) = whole(&text) {
        let reason = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
        context.error(Code::INVALID_VALUE, pattern.span, format!("the pattern cannot be read: {reason}"), None);
    }
    ParameterRule::Pattern(text)
}

fn whole(pattern: &str) -> Result<regex::Regex, regex::Error> {
    regex::Regex::new(&format!("^(?:{pattern})$"))
}

fn read_words(words: Vec<Spanned<String>>, context: &mut Context) -> ParameterRule {
    for word in words.iter().filter(|word| word.value.is_empty() || word.value.contains(char::is_whitespace)) {
        context.error(Code::INVALID_VALUE, word.span, "an `enum` lists words without spaces", None);
    }
    ParameterRule::Words(words.into_iter().map(|word| word.value).collect())
}

fn check_default(
    name: &str,
    default: Option<&Spanned<String>>,
    secret: bool,
    required: bool,
    rule: &ParameterRule,
    context: &mut Context,
) {
    let Some(default) = default else { return };
    if secret {
        context.error(
            Code::DEFAULT,
            default.span,
            format!("the secret `{name}` has a default: it would be in the image"),
            None,
        );
    } else if required {
        let hint = "leave `required` out: a default is used when none is given";
        context.error(Code::DEFAULT, default.span, format!("`{name}` is required and has a default"), hint);
    } else if let Some(fault) = rule.fault(&default.value) {
        context.error(Code::DEFAULT, default.span, format!("the default of `{name}` {fault}"), None);
    }
}

impl ParameterRule {
    /// Why a value breaks the rule, as the end of a sentence; `None` when it keeps it.
    pub fn fault(&self, value: &str) -> Option<String> {
        match self {
            Self::Text => None,
            Self::Pattern(pattern) => {
                let keeps = !value.contains('\n') && whole(pattern).is_ok_and(|pattern| pattern.is_match(value));
                (!keeps).then(|| format!("does not match `{pattern}`"))
            }
            Self::Words(words) => {
                (!words.iter().any(|word| word == value)).then(|| format!("is not one of {}", words.join(", ")))
            }
            Self::Integer { min, max } => match value.parse::<i64>() {
                Ok(number) if min.is_none_or(|min| min <= number) && max.is_none_or(|max| number <= max) => None,
                Ok(_) => Some(bounds_fault(*min, *max)),
                Err(_) => Some("is not a whole number".to_owned()),
            },
        }
    }
}

fn bounds_fault(min: Option<i64>, max: Option<i64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("is not between {min} and {max}"),
        (Some(min), None) => format!("is smaller than {min}"),
        (None, Some(max)) => format!("is larger than {max}"),
        (None, None) => "is out of bounds".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_value_of_one_line() {
        let rule = ParameterRule::Pattern("debug|info".to_owned());
        assert_eq!(rule.fault("info"), None);
        assert!(rule.fault("info2").is_some());
        assert!(rule.fault("info\ninfo").is_some());
    }

    #[test]
    fn a_number_keeps_its_bounds() {
        let rule = ParameterRule::Integer { min: Some(1), max: Some(9) };
        assert_eq!(rule.fault("9"), None);
        assert_eq!(rule.fault("10").as_deref(), Some("is not between 1 and 9"));
        assert_eq!(rule.fault("x").as_deref(), Some("is not a whole number"));
    }
}
