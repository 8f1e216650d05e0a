//! Texts in *normal form*: `${NAME}` stands for what is given later, `$$` for a dollar. That is also how a Compose file writes it.

use crate::name::EnvironmentKey;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Stands for itself.
    Literal(String),
    /// The value of a variable or parameter.
    Reference(String),
}

/// Why a text cannot be interpolated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A `$` that starts neither `$$` nor `${`.
    LoneDollar,
    /// `${` without `}`.
    Unclosed,
    /// Between the braces stands no name; the expression.
    Expression(String),
}

/// Splits a text, faults included at the place where they occur.
pub fn split(text: &str) -> Result<Vec<Piece>, Fault> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        literal.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(after_dollar) = after.strip_prefix('$') {
            literal.push('$');
            rest = after_dollar;
        } else if let Some(inner) = after.strip_prefix('{') {
            let end = inner.find('}').ok_or(Fault::Unclosed)?;
            let name = &inner[..end];
            if EnvironmentKey::parse(name).is_none() {
                return Err(Fault::Expression(name.to_owned()));
            }
            push_literal(&mut pieces, &mut literal);
            pieces.push(Piece::Reference(name.to_owned()));
            rest = &inner[end + 1..];
        } else {
            return Err(Fault::LoneDollar);
        }
    }
    literal.push_str(rest);
    push_literal(&mut pieces, &mut literal);
    Ok(pieces)
}

fn push_literal(pieces: &mut Vec<Piece>, literal: &mut String) {
    if !literal.is_empty() {
        pieces.push(Piece::Literal(std::mem::take(literal)));
    }
}

/// The pieces of a text in normal form, whose references are parameters.
pub fn pieces(normal: &str) -> Vec<Piece> {
    split(normal).expect("a text in normal form was split before")
}

/// The text that a normal form without parameters stands for; `None` when it holds a parameter.
pub fn unescaped(normal: &str) -> Option<String> {
    pieces(normal)
        .into_iter()
        .map(|piece| match piece {
            Piece::Literal(text) => Some(text),
            Piece::Reference(_) => None,
        })
        .collect()
}

/// The normal form of a text that stands for itself.
pub fn escaped(literal: &str) -> String {
    literal.replace('$', "$$")
}

/// The names that a text refers to; none when it cannot be split.
pub fn references(text: &str) -> Vec<String> {
    let name = |piece| match piece {
        Piece::Reference(name) => Some(name),
        Piece::Literal(_) => None,
    };
    split(text).unwrap_or_default().into_iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_at_its_references() {
        let pieces = split("a$$b${NAME}c").expect("a sound text");
        let literal = |text: &str| Piece::Literal(text.to_owned());
        assert_eq!(pieces, [literal("a$b"), Piece::Reference("NAME".to_owned()), literal("c")]);
        for name in ["name", "logLevel", "_TAG"] {
            assert_eq!(split(&format!("${{{name}}}")), Ok(vec![Piece::Reference(name.to_owned())]));
        }
    }

    #[test]
    fn what_is_no_reference_is_a_fault() {
        assert_eq!(split("$HOME"), Err(Fault::LoneDollar));
        assert_eq!(split("${NAME"), Err(Fault::Unclosed));
        assert_eq!(split("${NAME:-x}"), Err(Fault::Expression("NAME:-x".to_owned())));
        assert_eq!(split("${na-me}"), Err(Fault::Expression("na-me".to_owned())));
        assert_eq!(split("${2nd}"), Err(Fault::Expression("2nd".to_owned())));
    }

    #[test]
    fn escaping_is_undone() {
        for text in ["", "$", "$$", "${A}", "a$b$"] {
            assert_eq!(unescaped(&escaped(text)).as_deref(), Some(text));
        }
    }
}
