//! `env_file`: lines of `NAME=value`, as Compose reads them.
//!
//! Blank lines and comments are skipped, `export ` is dropped, a value may be quoted. In single quotes a value stands for itself;
//! elsewhere `${NAME}` is a variable or parameter, as everywhere in the spec.

use crate::document::text::escaped;

/// Why a line cannot be read: its number, from 1, and the reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LineFault {
    pub(super) line: usize,
    pub(super) reason: &'static str,
}

/// The entries in the order of the file, values still to be interpolated.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, LineFault> {
    let mut entries = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = parse_line(line).map_err(|reason| LineFault { line: number + 1, reason })?;
        entries.push(entry);
    }
    Ok(entries)
}

fn parse_line(line: &str) -> Result<(String, String), &'static str> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (key, value) = line.split_once('=').ok_or("has no `=`: its value would come from whoever runs the release")?;
    let key = key.trim_end();
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err("has no name before `=`");
    }
    Ok((key.to_owned(), parse_value(value.trim())?))
}

fn parse_value(value: &str) -> Result<String, &'static str> {
    if let Some(rest) = value.strip_prefix('\'') {
        return closed(rest, '\'').map(escaped);
    }
    if let Some(rest) = value.strip_prefix('"') {
        return closed(rest, '"').map(unquoted);
    }
    let comment = value.find(" #").unwrap_or(value.len());
    Ok(value[..comment].trim_end().to_owned())
}

/// What a text in double quotes stands for: `\n`, `\"` and `\\` are escapes, any other backslash stays.
fn unquoted(inner: &str) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match (character, characters.clone().next()) {
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some(quoted @ ('"' | '\\'))) => text.push(quoted),
            _ => {
                text.push(character);
                continue;
            }
        }
        characters.next();
    }
    text
}

/// The text up to the closing quote, after which only a comment may stand.
fn closed(rest: &str, quote: char) -> Result<&str, &'static str> {
    let mut escaped = false;
    let end = rest.find(|character| {
        let closes = character == quote && !escaped;
        escaped = quote == '"' && character == '\\' && !escaped;
        closes
    });
    let end = end.ok_or("has a quote that is not closed")?;
    let after = rest[end + 1..].trim_start();
    if after.is_empty() || after.starts_with('#') { Ok(&rest[..end]) } else { Err("goes on after its closing quote") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_compose_reads_them() {
        let text = "# note\n\nA=1\nexport B = x # y\nC='$5 \\n'\nD=\"a\\nb\"\nE=";
        let entry = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let wanted = vec![entry("A", "1"), entry("B", "x"), entry("C", "$$5 \\n"), entry("D", "a\nb"), entry("E", "")];
        assert_eq!(parse(text), Ok(wanted));
    }

    #[test]
    fn what_is_no_entry_names_its_line() {
        for (text, line) in [("A=1\nB", 2), ("='x'", 1), ("A='x", 1), ("A='x' y", 1)] {
            assert_eq!(parse(text).expect_err(text).line, line);
        }
    }
}
