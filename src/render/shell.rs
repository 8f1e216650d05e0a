//! Data for POSIX sh: one way to quote, for everything.

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

#[cfg(test)]
mod tests {
    use super::*;

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
