//! Templates of configs, rendered with the variables, parameters left for the target.
//!
//! A template sees a parameter as a token of private-use characters; what is rendered is cut at the tokens into literal pieces and
//! names, which the entrypoint puts together with the values the operator gives.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tera::{Context as TeraContext, Tera};

use crate::diagnostic::{Code, Place};
use crate::document::Context;
use crate::document::text::Piece;
use crate::name::{EnvironmentKey, Label};

use super::Parameter;

/// What a template sees.
pub(super) struct Names<'a> {
    /// The environment.
    pub(super) environment: &'a Label,
    /// Every variable with its value.
    pub(super) variables: &'a BTreeMap<EnvironmentKey, String>,
    /// What the operator gives.
    pub(super) parameters: &'a BTreeMap<EnvironmentKey, Parameter>,
    /// Whether all that is declared could be read: else a template might miss what was reported already.
    pub(super) are_whole: bool,
}

/// Around the name of a parameter in a rendered template: private use, so no honest file holds them.
const TOKEN_START: char = '\u{F8E0}';
const TOKEN_END: char = '\u{F8E1}';

/// Renders a template; what is wrong with it is said at its place in the file.
pub(super) fn render(file: &str, text: &str, names: &Names<'_>, context: &mut Context) -> Option<Vec<Piece>> {
    if !names.are_whole {
        return None;
    }
    match try_template(file, text, names) {
        Ok(rendered) => match cut(&rendered) {
            Some(pieces) => Some(pieces),
            None => {
                let message = format!("`{file}` changes a parameter before it prints it");
                let hint =
                    "a parameter's value is known only on the target: print it with `{{ NAME }}` and nothing else";
                report(file, text, 0..0, message, hint, context)
            }
        },
        Err(error) => {
            let (range, message) = explain(&error, names);
            let known: Vec<_> =
                names.variables.keys().chain(names.parameters.keys()).map(EnvironmentKey::as_str).collect();
            report(file, text, range, message, &format!("known names: {}", known.join(", ")), context)
        }
    }
}

fn report<T>(
    file: &str,
    text: &str,
    range: Range<usize>,
    message: String,
    hint: &str,
    context: &mut Context,
) -> Option<T> {
    let place = Place::new(Arc::from(file), range.start.min(text.len())..range.end.min(text.len()));
    context.diagnostics.error(Code::TEMPLATE, Some(place), message, hint);
    None
}

fn try_template(file: &str, text: &str, names: &Names<'_>) -> Result<String, tera::Error> {
    let mut tera = Tera::new();
    tera.autoescape_on(Vec::<&'static str>::new());
    tera.add_raw_template(file, text)?;
    let mut values = TeraContext::new();
    for (name, value) in names.variables {
        values.insert(name.to_string(), value);
    }
    for name in names.parameters.keys() {
        values.insert(name.to_string(), &format!("{TOKEN_START}{name}{TOKEN_END}"));
    }
    tera.render(file, &values)
}

/// Where a template failed, and why, without the picture that Tera draws of it.
fn explain(error: &tera::Error, names: &Names<'_>) -> (Range<usize>, String) {
    let message = |text: &str| format!("the template failed in environment `{}`: {text}", names.environment);
    match error.kind() {
        tera::ErrorKind::SyntaxError(report) | tera::ErrorKind::RenderingError(report) => {
            // The names that Tera lists are in the hint.
            let text = report.message().split(". Available").next().unwrap_or_default();
            (report.span().range.clone(), message(text))
        }
        other => (0..0, message(&other.to_string())),
    }
}

/// Cuts a rendered template at its tokens; `None` when one of them is not whole any more.
fn cut(text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once(TOKEN_START) {
        let (name, tail) = after.split_once(TOKEN_END)?;
        EnvironmentKey::parse(name)?;
        if !literal.is_empty() {
            pieces.push(Piece::Literal(whole(literal)?));
        }
        pieces.push(Piece::Reference(name.to_owned()));
        rest = tail;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(whole(rest)?));
    }
    Some(pieces)
}

/// A literal that holds no torn token.
fn whole(literal: &str) -> Option<String> {
    (!literal.contains([TOKEN_START, TOKEN_END])).then(|| literal.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendered_template_is_cut_at_its_parameters() {
        let text = format!("a={TOKEN_START}LEVEL{TOKEN_END}\n");
        let literal = |text: &str| Piece::Literal(text.to_owned());
        assert_eq!(cut(&text), Some(vec![literal("a="), Piece::Reference("LEVEL".to_owned()), literal("\n")]));
    }

    #[test]
    fn a_torn_token_is_found() {
        for text in
            [format!("{TOKEN_START}le vel{TOKEN_END}"), format!("{TOKEN_START}LEVEL"), format!("LEVEL{TOKEN_END}")]
        {
            assert_eq!(cut(&text), None, "{text:?}");
        }
    }
}
