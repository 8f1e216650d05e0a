//! A TOML document whose every key and value knows its place.
//!
//! Takes in text; gives out a tree that can be merged and read key by key, and collects what is wrong with it. Knows no key of
//! `bootstrap.toml`: that is `spec`'s.

pub mod fields;
pub mod node;
mod parse;
pub mod text;

use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostics, Hint, Place};

use node::Span;
pub use parse::parse;

/// Where diagnostics go while one file is read.
pub struct Context {
    file: Arc<str>,
    /// What was found so far.
    pub diagnostics: Diagnostics,
}

impl Context {
    /// Starts to collect for a file.
    pub fn new(file: Arc<str>) -> Self {
        Self { file, diagnostics: Diagnostics::default() }
    }

    /// Adds an error, or what the user allowed it to be.
    pub fn error(
        &mut self,
        code: Code,
        span: impl Into<Option<Span>>,
        message: impl Into<String>,
        hint: impl Into<Hint>,
    ) {
        let place = span.into().map(|span| self.place(span));
        self.diagnostics.error(code, place, message, hint);
    }

    /// Adds a warning.
    pub fn warning(&mut self, code: Code, span: Span, message: impl Into<String>, hint: impl Into<Hint>) {
        self.diagnostics.warning(code, Some(self.place(span)), message, hint);
    }

    /// An empty collector for the same file, for what is not to be reported.
    #[must_use]
    pub fn aside(&self) -> Self {
        Self::new(Arc::clone(&self.file))
    }

    /// An empty collector for the same file with the same lints allowed, to be taken over later.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { file: Arc::clone(&self.file), diagnostics: self.diagnostics.beside() }
    }

    fn place(&self, span: Span) -> Place {
        Place::new(Arc::clone(&self.file), span.start..span.end)
    }
}
