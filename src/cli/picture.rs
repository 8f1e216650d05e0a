//! Draws diagnostics: file, line, caret, hint.

use std::collections::BTreeMap;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Diagnostics, Place, Severity};
use crate::source::{Source, Sources};

/// The texts that places point into, by file.
pub struct Texts<'a> {
    texts: BTreeMap<&'a str, &'a str>,
}

impl<'a> Texts<'a> {
    /// The spec, its lock, and every text file that it names.
    pub fn of(sources: &'a Sources) -> Self {
        let files = sources.files.iter().filter_map(|(path, source)| match source {
            Source::File(bytes) => Some((path.as_str(), std::str::from_utf8(bytes).ok()?)),
            _ => None,
        });
        let lock = sources.lock.text.iter().map(|text| (&*sources.lock.name, &**text));
        let texts = files.chain(lock).chain([(&*sources.spec_file, &*sources.spec_text)]).collect();
        Self { texts }
    }
}

/// Everything that was found, with an empty line after each.
pub fn draw(diagnostics: &Diagnostics, texts: &Texts<'_>, renderer: &Renderer) -> String {
    diagnostics.sorted().into_iter().map(|diagnostic| draw_one(diagnostic, texts, renderer) + "\n").collect()
}

fn draw_one(diagnostic: &Diagnostic, texts: &Texts<'_>, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.to_string());
    let snippet = diagnostic.place.as_ref().and_then(|place| snippet(place, texts));
    let group = match snippet {
        Some(snippet) => title.element(snippet),
        None => annotate_snippets::Group::with_title(title),
    };
    let hint = diagnostic.hint.as_ref().map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    format!("{}\n{hint}", renderer.render(&[group]))
}

fn snippet<'a>(place: &'a Place, texts: &Texts<'a>) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let text = *texts.texts.get(&*place.file)?;
    let span = first_line(text, place.start, place.end);
    Some(Snippet::source(text).path(&*place.file).annotation(AnnotationKind::Primary.span(span)))
}

/// A value of many lines is pointed at by its first.
fn first_line(text: &str, start: usize, end: usize) -> std::ops::Range<usize> {
    let (start, end) = (start.min(text.len()), end.min(text.len()));
    let line_end = text[start..end].find('\n').map_or(end, |at| start + at);
    start..line_end.max(start)
}
