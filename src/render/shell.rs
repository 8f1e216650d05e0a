//! Data for POSIX sh: one way to quote, for everything, and the way back.

use std::collections::BTreeMap;

/// A word in single quotes, which stands for itself whatever it holds (POSIX.1-2017, Shell Command Language, 2.2.2).
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// One call of the release data: a name and quoted words, then `key='value'` words.
pub(super) struct Record {
    line: String,
}

impl Record {
    /// Starts a record.
    pub(super) fn new(name: &str, words: &[&str]) -> Self {
        let line = words.iter().fold(name.to_owned(), |line, word| line + " " + &quoted(word));
        Self { line }
    }

    /// Adds a word that the shell expands: names in it are checked.
    pub(super) fn expanded(mut self, word: &str) -> Self {
        self.line.push(' ');
        self.line.push_str(word);
        self
    }

    /// Adds `key='value'`.
    pub(super) fn with(mut self, key: &str, value: &str) -> Self {
        self.line.push_str(&format!(" {key}={}", quoted(value)));
        self
    }

    /// Adds `key='value'` when there is a value.
    pub(super) fn with_some(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Adds `key='yes'` when it holds.
    pub(super) fn with_flag(self, key: &str, holds: bool) -> Self {
        if holds { self.with(key, "yes") } else { self }
    }

    /// Adds a word that stands for itself.
    pub(super) fn word(mut self, word: &str) -> Self {
        self.line.push_str(&format!(" {}", quoted(word)));
        self
    }

    /// The line, ended.
    pub(super) fn line(self) -> String {
        self.line + "\n"
    }
}

/// A record as it is read back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadRecord {
    /// What it is a record of: `service`.
    pub kind: String,
    /// The words that stand for themselves; the name of the thing comes first.
    pub words: Vec<String>,
    /// Every `key='value'`.
    pub facts: BTreeMap<String, String>,
    /// The words behind `--`.
    pub command: Vec<String>,
}

/// The records of a release's data, in their order; nothing when it holds anything else.
pub fn read_records(text: &str) -> Option<Vec<ReadRecord>> {
    let (mut rest, mut records) = (text, Vec::new());
    while !rest.is_empty() {
        let (kind, behind) = split_while(rest, |character| character.is_ascii_lowercase() || character == '_')?;
        let mut record = ReadRecord { kind: kind.to_owned(), ..ReadRecord::default() };
        rest = behind;
        let mut is_command = false;
        while let Some(word) = rest.strip_prefix(' ') {
            rest = read_word(word, &mut record, &mut is_command)?;
        }
        rest = rest.strip_prefix('\n')?;
        records.push(record);
    }
    Some(records)
}

/// The assignments `name='value'` of the facts of a release; nothing when it holds anything else.
pub fn read_assignments(text: &str) -> Option<BTreeMap<String, String>> {
    let (mut rest, mut values) = (text, BTreeMap::new());
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('=')?;
        let (value, behind) = unquoted(behind)?;
        values.insert(name.to_owned(), value);
        rest = behind.strip_prefix('\n')?;
    }
    Some(values)
}

/// Reads the word at the beginning into the record; gives out what stands behind it.
fn read_word<'a>(text: &'a str, record: &mut ReadRecord, is_command: &mut bool) -> Option<&'a str> {
    if *is_command || text.starts_with(['\'', '\\']) {
        let (word, rest) = unquoted(text)?;
        let words = if *is_command { &mut record.command } else { &mut record.words };
        words.push(word);
        Some(rest)
    } else if let Some(rest) = text.strip_prefix("--") {
        *is_command = true;
        Some(rest)
    } else if let Some(expanded) = text.strip_prefix("\"${") {
        Some(expanded.split_once("}\"")?.1)
    } else {
        let (key, value) = text.split_once('=')?;
        let (value, rest) = unquoted(value)?;
        record.facts.insert(key.to_owned(), value);
        Some(rest)
    }
}

/// What [`quoted`] made a word of, and what stands behind it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut word, mut rest) = (String::new(), text);
    while rest.starts_with(['\'', '\\']) {
        if let Some(behind) = rest.strip_prefix("\\'") {
            word.push('\'');
            rest = behind;
        } else {
            let (inside, behind) = rest.strip_prefix('\'')?.split_once('\'')?;
            word.push_str(inside);
            rest = behind;
        }
    }
    (rest.len() < text.len()).then_some((word, rest))
}

/// The characters at the beginning that fit, at least one, and the rest.
fn split_while(text: &str, fits: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text.find(|character| !fits(character)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(words in prop::collection::vec(".*", 1..3), value in "(?s).*", command in prop::collection::vec("(?s).*", 0..3)) {
            let written: Vec<_> = words.iter().map(String::as_str).collect();
            let record = Record::new("script", &written).expanded("\"${LEVEL-}\"").with("default", &value).expanded("--");
            let text = command.iter().fold(record, |record, word| record.word(word)).line();
            let facts = BTreeMap::from([("default".to_owned(), value)]);
            let read = ReadRecord { kind: "script".to_owned(), words, facts, command };
            prop_assert_eq!(read_records(&text.repeat(2)), Some(vec![read.clone(), read]));
        }
    }

    #[test]
    fn what_is_not_a_record_is_not_read() {
        for text in ["service", "service 'web", "service web\n", "service 'web' wave=1\n", "service 'a';id\n", " 'a'\n"]
        {
            assert_eq!(read_records(text), None, "{text}");
        }
        assert_eq!(
            read_assignments("format='1'\nname='a\nb'\n").map(|values| values["name"].clone()),
            Some("a\nb".to_owned())
        );
        assert_eq!(read_assignments("format=1\n"), None);
    }

    #[test]
    fn a_quote_is_closed_escaped_and_opened_again() {
        assert_eq!(quoted("it's $HOME\n`x`"), "'it'\\''s $HOME\n`x`'");
    }

    #[test]
    fn a_record_is_one_call() {
        let record = Record::new("service", &["web"]).with("wave", "1").with_some("gate", None).with_flag("job", true);
        assert_eq!(record.line(), "service 'web' wave='1' job='yes'\n");
    }
}
