//! Configs: templates rendered with the variables, parameters left for the target.
//!
//! A template sees a parameter as a token of private-use characters; what is rendered is cut at the tokens into literal pieces and
//! names, which the entrypoint puts together with the values the operator gives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tera::{Context as TeraContext, Tera};

use crate::diagnostic::{Code, Place};
use crate::document::Context;
use crate::document::text::{Piece, pieces};
use crate::name::Label;
use crate::path::RelativePath;
use crate::plan::{ConfigContent, Environment};
use crate::source::MAX_FILE_BYTES;
use crate::tree::{File, FileTree, Mode, PathTaken};

use super::output::{file, path};
use super::shell::Record;

/// A config, rendered.
pub(super) enum Rendered {
    /// Known at build.
    Bytes(Arc<[u8]>),
    /// Put together on the target.
    Pieces(Vec<Piece>),
    /// A folder.
    Folder(BTreeMap<RelativePath, Arc<[u8]>>),
}

impl Rendered {
    /// The parameters whose values are part of the content.
    pub(super) fn parameters(&self) -> BTreeSet<&str> {
        let Self::Pieces(pieces) = self else { return BTreeSet::new() };
        pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Reference(name) => Some(name.as_str()),
                Piece::Literal(_) => None,
            })
            .collect()
    }
}

/// Around the name of a parameter in a rendered template: private use, so no honest file holds them.
const TOKEN_START: char = '\u{F8E0}';
const TOKEN_END: char = '\u{F8E1}';

/// Renders every config of an environment.
pub(super) fn render(environment: &Environment, context: &mut Context) -> BTreeMap<Label, Rendered> {
    let mut rendered = BTreeMap::new();
    for (name, config) in &environment.configs {
        let content = match config {
            ConfigContent::File(bytes) => Some(Rendered::Bytes(Arc::clone(bytes))),
            ConfigContent::Folder(files) => Some(Rendered::Folder(files.clone())),
            ConfigContent::Inline(text) => Some(of_pieces(pieces(text))),
            ConfigContent::Template(file, text) => render_template(file, text, environment, context),
        };
        if let Some(content) = content {
            check_size(name, &content, context);
            rendered.insert(name.clone(), content);
        }
    }
    rendered
}

/// What the platforms store in one config.
fn check_size(name: &Label, content: &Rendered, context: &mut Context) {
    let size: usize = match content {
        Rendered::Bytes(bytes) => bytes.len(),
        Rendered::Folder(files) => files.values().map(|bytes| bytes.len()).sum(),
        Rendered::Pieces(pieces) => pieces.iter().map(piece_length).sum(),
    };
    if size as u64 > MAX_FILE_BYTES {
        let message = format!("config `{name}` has {size} bytes; a config has at most {MAX_FILE_BYTES}");
        context.error(Code::TOO_LARGE, None, message, "put large files into the service's image");
    }
}

fn piece_length(piece: &Piece) -> usize {
    match piece {
        Piece::Literal(text) | Piece::Reference(text) => text.len(),
    }
}

/// Content without parameters is known at build.
fn of_pieces(pieces: Vec<Piece>) -> Rendered {
    match pieces.as_slice() {
        [] => Rendered::Bytes(Arc::from([])),
        [Piece::Literal(text)] => Rendered::Bytes(Arc::from(text.as_bytes())),
        _ => Rendered::Pieces(pieces),
    }
}

fn render_template(file: &str, text: &str, environment: &Environment, context: &mut Context) -> Option<Rendered> {
    match try_template(file, text, environment) {
        Ok(rendered) => match cut(&rendered) {
            Some(pieces) => Some(of_pieces(pieces)),
            None => {
                let message = format!("`{file}` changes a parameter before it prints it");
                let hint =
                    "a parameter's value is known only on the target: print it with `{{ NAME }}` and nothing else";
                report(file, text, 0..0, message, hint, context)
            }
        },
        Err(error) => {
            let (range, message) = explain(&error, environment);
            let names = environment.variables.keys().chain(environment.parameters.keys()).map(ToString::to_string);
            let hint = format!("known names: {}", names.collect::<Vec<_>>().join(", "));
            report(file, text, range, message, &hint, context)
        }
    }
}

fn report(
    file: &str,
    text: &str,
    range: std::ops::Range<usize>,
    message: String,
    hint: &str,
    context: &mut Context,
) -> Option<Rendered> {
    let place = Place::new(Arc::from(file), range.start.min(text.len())..range.end.min(text.len()));
    context.diagnostics.error(Code::TEMPLATE, Some(place), message, hint);
    None
}

fn try_template(file: &str, text: &str, environment: &Environment) -> Result<String, tera::Error> {
    let mut tera = Tera::new();
    tera.autoescape_on(Vec::<&'static str>::new());
    tera.add_raw_template(file, text)?;
    let mut values = TeraContext::new();
    for (name, value) in &environment.variables {
        values.insert(name.to_string(), value);
    }
    for name in environment.parameters.keys() {
        values.insert(name.to_string(), &format!("{TOKEN_START}{name}{TOKEN_END}"));
    }
    tera.render(file, &values)
}

/// Where a template failed, and why, without the picture that Tera draws of it.
fn explain(error: &tera::Error, environment: &Environment) -> (std::ops::Range<usize>, String) {
    let message = |text: &str| format!("the template failed in environment `{}`: {text}", environment.name);
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
        crate::name::EnvironmentKey::parse(name)?;
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

/// Puts the configs below `configs/` of the environment's folder.
pub(super) fn insert(
    rendered: &BTreeMap<Label, Rendered>,
    executables: &BTreeMap<Label, BTreeSet<Option<RelativePath>>>,
    folder: &RelativePath,
    tree: &mut FileTree,
) -> Result<(), PathTaken> {
    for (name, content) in rendered {
        let mode = |below: Option<&RelativePath>| {
            let is_executable = executables.get(name).is_some_and(|paths| paths.contains(&below.cloned()));
            if is_executable { Mode::Executable } else { Mode::Plain }
        };
        let place = folder.join(&path(&format!("configs/{name}")));
        match content {
            Rendered::Bytes(bytes) => tree.insert(place, File { mode: mode(None), bytes: Arc::clone(bytes) })?,
            Rendered::Pieces(pieces) => {
                let place = folder.join(&path(&format!("configs/{name}.pieces")));
                tree.insert(place, file(Mode::Plain, pieces_data(pieces).as_bytes()))?;
            }
            Rendered::Folder(files) => {
                for (below, bytes) in files {
                    tree.insert(place.join(below), File { mode: mode(Some(below)), bytes: Arc::clone(bytes) })?;
                }
            }
        }
    }
    Ok(())
}

fn pieces_data(pieces: &[Piece]) -> String {
    let record = |piece: &Piece| match piece {
        Piece::Literal(text) => Record::new("literal", &[text]).line(),
        Piece::Reference(name) => Record::new("value", &[name]).line(),
    };
    pieces.iter().map(record).collect()
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
