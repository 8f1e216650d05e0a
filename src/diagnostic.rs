//! What is wrong with an input: code, place, message, hint.
//!
//! Every room that reads input adds to one [`Diagnostics`], so that everything wrong is reported at once. Knows no terminal:
//! `cli` draws the picture.

mod codes;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use codes::{CODES, Code, Explanation};

/// Whether a diagnostic stops the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is built.
    Error,
    /// Worth reading; the build goes on.
    Warning,
}

/// A range of bytes in a file of the project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as the user names it.
    pub file: Arc<str>,
    /// Where the range starts, in bytes.
    pub start: usize,
    /// Where the range ends, in bytes, exclusive.
    pub end: usize,
}

impl Place {
    /// The place of a byte range.
    pub fn new(file: Arc<str>, range: Range<usize>) -> Self {
        Self { file, start: range.start, end: range.end }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code, explained by `bootsmith explain`.
    pub code: Code,
    /// Whether it stops the build.
    pub severity: Severity,
    /// What is wrong, names in backticks.
    pub message: String,
    /// Where, when it is about something written.
    pub place: Option<Place>,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Diagnostic {
    fn overlaps(&self, other: &Self) -> bool {
        let places = self.place.as_ref().zip(other.place.as_ref());
        places.is_some_and(|(one, other)| one.file == other.file && one.start < other.end && other.start < one.end)
    }
}

/// `error[B012]: message`: for logs and tests; the picture with the caret is `cli`'s.
impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(formatter, "{severity}[{}]: {}", self.code, self.message)
    }
}

/// All that was found, in the order of the files, each once.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    allowed: BTreeSet<Code>,
}

impl Diagnostics {
    /// An empty list in which the `allowed` lints are lowered to warnings.
    pub fn allowing(allowed: BTreeSet<Code>) -> Self {
        Self { list: Vec::new(), allowed }
    }

    /// An empty list in which the same lints are lowered.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self::allowing(self.allowed.clone())
    }

    /// Lowers one more lint, what was found before included.
    pub fn allow(&mut self, code: Code) {
        self.allowed.insert(code);
        for diagnostic in self.list.iter_mut().filter(|diagnostic| diagnostic.code == code) {
            diagnostic.severity = Severity::Warning;
        }
    }

    /// Adds an error; a lint that is allowed becomes a warning.
    pub fn error(&mut self, code: Code, place: Option<Place>, message: impl Into<String>, hint: impl Into<Hint>) {
        let lowered = code.is_lint() && self.allowed.contains(&code);
        let severity = if lowered { Severity::Warning } else { Severity::Error };
        self.push(Diagnostic { code, severity, message: message.into(), place, hint: hint.into().0 });
    }

    /// Adds a warning.
    pub fn warning(&mut self, code: Code, place: Option<Place>, message: impl Into<String>, hint: impl Into<Hint>) {
        let (message, hint) = (message.into(), hint.into().0);
        self.push(Diagnostic { code, severity: Severity::Warning, message, place, hint });
    }

    /// Adds a finding unless it was found before: environments share most of what is written.
    fn push(&mut self, diagnostic: Diagnostic) {
        let known = |other: &Diagnostic| {
            other.code == diagnostic.code && other.place == diagnostic.place && other.message == diagnostic.message
        };
        if !self.list.iter().any(known) {
            self.list.push(diagnostic);
        }
    }

    /// What stops the build, in the order in which it was found.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter().filter(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether something stops the build.
    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// Forgets all but what `is_wanted` holds of.
    pub fn retain(&mut self, is_wanted: impl Fn(&Diagnostic) -> bool) {
        self.list.retain(is_wanted);
    }

    /// Whether a code was found.
    pub fn has(&self, code: Code) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.code == code)
    }

    /// What was found, sorted by place: what has none comes last.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut sorted: Vec<_> = self.list.iter().collect();
        sorted.sort_by_key(|diagnostic| (diagnostic.place.is_none(), diagnostic.place.clone(), diagnostic.code));
        sorted
    }

    /// Takes over what another list holds, but for what stands where an error stands already: that was said by those who know more of it.
    pub fn extend_where_silent(&mut self, other: Diagnostics) {
        for diagnostic in other.list {
            let is_silent = !self.errors().any(|error| error.overlaps(&diagnostic));
            if is_silent {
                self.push(diagnostic);
            }
        }
    }

    /// Takes over what another list holds.
    pub fn extend(&mut self, other: Diagnostics) {
        for diagnostic in other.list {
            self.push(diagnostic);
        }
    }
}

/// An optional hint: `None`, or text.
pub struct Hint(Option<String>);

impl From<Option<String>> for Hint {
    fn from(hint: Option<String>) -> Self {
        Self(hint)
    }
}

impl From<&str> for Hint {
    fn from(hint: &str) -> Self {
        Self(Some(hint.to_owned()))
    }
}

impl From<String> for Hint {
    fn from(hint: String) -> Self {
        Self(Some(hint))
    }
}

/// "did you mean `x`? known …: a, b" for a name that is not among `known`.
pub fn unknown_name_hint<'a>(name: &str, what: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.into_iter().collect();
    let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    match nearest(name, &known) {
        Some(near) => format!("did you mean `{near}`? known {what}: {list}"),
        None => format!("known {what}: {list}"),
    }
}

/// The known name that is a typing slip away from `name` (two letters that changed places are one slip), or else the only one that begins with it.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let length = name.chars().count();
    let allowed = (length / 3).clamp(1, 3);
    let distances = known.iter().map(|candidate| (strsim::osa_distance(name, candidate), *candidate));
    // All letters of a short name may differ: that is another name.
    let near = distances.filter(|(distance, _)| *distance <= allowed && *distance < length);
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate).or_else(|| only_longer(name, known))
}

fn only_longer<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    const MIN_LETTERS: usize = 3;
    let mut longer = known.iter().filter(|candidate| candidate.starts_with(name) && name.len() >= MIN_LETTERS);
    longer.next().copied().filter(|_| longer.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_gets_the_near_one_and_the_list() {
        let hint = unknown_name_hint("stagin", "environments", ["production", "staging"]);
        assert_eq!(hint, "did you mean `staging`? known environments: production, staging");
        assert_eq!(unknown_name_hint("x", "scripts", []), "known scripts: none");
    }

    #[test]
    fn slips_and_beginnings_are_near() {
        let known = ["ports", "production", "staging", "db", "web"];
        for (name, near) in [
            ("prots", Some("ports")),
            ("prod", Some("production")),
            ("stagign", Some("staging")),
            ("w", None),
            ("we", Some("web")),
            ("wbe", Some("web")),
            ("pr", None),
        ] {
            assert_eq!(nearest(name, &known), near, "{name}");
        }
    }

    #[test]
    fn the_same_finding_is_reported_once() {
        let mut diagnostics = Diagnostics::default();
        for _ in 0..2 {
            diagnostics.error(Code::UNKNOWN_KEY, None, "unknown key `a`", None);
        }
        assert_eq!(diagnostics.sorted().len(), 1);
    }

    #[test]
    fn only_lints_can_be_allowed() {
        let mut diagnostics = Diagnostics::allowing(BTreeSet::from([Code::FLOATING_TAG, Code::UNKNOWN_KEY]));
        diagnostics.error(Code::FLOATING_TAG, None, "a", None);
        assert!(!diagnostics.has_errors());
        diagnostics.error(Code::UNKNOWN_KEY, None, "b", None);
        assert!(diagnostics.has_errors());
    }
}
