//! The words of prose: of a Rust file those in comments and string literals, of a Markdown page those outside of code.
//!
//! Takes in a text; gives out its words in lower case with their lines. Punctuation, and code between two pieces of prose, give an empty word:
//! nothing is found across it.

/// A word, or the empty word that ends a phrase.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) line: usize,
    pub(super) text: String,
}

/// What ends a phrase.
const ENDS: [char; 8] = [',', '.', ';', ':', '?', '!', '(', ')'];

/// What a line of a comment starts with.
const COMMENTS: [&str; 3] = ["//", "///", "//!"];

/// The words of a Markdown page, without fenced blocks and spans of code.
pub(super) fn of_page(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut is_fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        } else if !is_fenced {
            let prose: Vec<_> = line.split('`').step_by(2).collect();
            add(&mut words, index + 1, &prose.join(" ` "));
        }
    }
    words
}

/// The words of comments and string literals of a Rust file.
pub(super) fn of_rust(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while !rest.is_empty() {
        let (is_prose, length) = piece(rest);
        let (piece, behind) = rest.split_at(length);
        if is_prose {
            // Of a raw string, `r` is code.
            add(&mut words, line, piece.strip_prefix('r').unwrap_or(piece));
        } else {
            words.push(Word { line, text: String::new() });
        }
        line += piece.matches('\n').count();
        rest = behind;
    }
    words
}

/// Whether what a text of Rust starts with is prose (or blank), and how long it is.
fn piece(rest: &str) -> (bool, usize) {
    if rest.starts_with("//") {
        return (true, rest.find('\n').unwrap_or(rest.len()));
    }
    if let Some(length) = raw_string(rest).or_else(|| string(rest)) {
        return (true, length);
    }
    let blank = rest.len() - rest.trim_start().len();
    if blank > 0 {
        return (true, blank);
    }
    (false, character(rest).unwrap_or_else(|| name(rest)))
}

/// The length of `r"…"` or `r#"…"#`.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest.strip_prefix('r')?;
    let hashes = hashes.len() - hashes.trim_start_matches('#').len();
    let start = 1 + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    (rest.as_bytes().get(start - 1) == Some(&b'"'))
        .then(|| rest[start..].find(&end).map_or(rest.len(), |found| start + found + end.len()))
}

/// The length of `"…"`.
fn string(rest: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, character) in rest.strip_prefix('"')?.char_indices() {
        match character {
            '"' if !is_escaped => return Some(at + 2),
            _ => is_escaped = character == '\\' && !is_escaped,
        }
    }
    Some(rest.len())
}

/// The length of `'x'` or `'\…'`; a lifetime is a name.
fn character(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if let Some(escape) = inner.strip_prefix('\\') {
        let first = escape.chars().next()?.len_utf8();
        return escape[first..].find('\'').map(|end| 2 + first + end + 1);
    }
    let first = inner.chars().next()?.len_utf8();
    inner[first..].starts_with('\'').then_some(first + 2)
}

/// The length of a name, or of one other character.
fn name(rest: &str) -> usize {
    match rest.find(|character: char| !character.is_alphanumeric() && character != '_') {
        Some(0) => rest.chars().next().map_or(0, char::len_utf8),
        Some(length) => length,
        None => rest.len(),
    }
}

/// Adds the words of lines of prose.
fn add(words: &mut Vec<Word>, first_line: usize, prose: &str) {
    for (index, line) in prose.split('\n').enumerate() {
        let line_number = first_line + index;
        let line = line.replace("\\n", " . ");
        let tokens = line.split_whitespace().filter(|token| !COMMENTS.contains(token));
        tokens.for_each(|token| add_token(words, line_number, token));
    }
}

fn add_token(words: &mut Vec<Word>, line: usize, token: &str) {
    let is_mark = |character: char| !character.is_alphanumeric();
    let behind = token.trim_start_matches(is_mark);
    let word = behind.trim_end_matches(is_mark);
    let (before, after) = (&token[..token.len() - behind.len()], &behind[word.len()..]);
    let mut push = |text: String| words.push(Word { line, text });
    if before.contains(ENDS) {
        push(String::new());
    }
    if !word.is_empty() {
        push(word.to_lowercase());
    }
    if after.contains(ENDS) {
        push(String::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrases(words: &[Word]) -> Vec<String> {
        let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
        let phrases = texts.split(|text| text.is_empty()).filter(|phrase| !phrase.is_empty());
        phrases.map(|phrase| phrase.join(" ")).collect()
    }

    #[test]
    fn a_rust_file_has_its_comments_and_literals() {
        let text = "//! One\n//! two.\nfn name<'a>() -> char { '\"' } // three\nlet a = \"fo\\\"ur\\nfive\"; let b = r##\"si\"# x\"##;";
        assert_eq!(phrases(&of_rust(text)), ["one two", "three", "fo\\\"ur", "five", "si x"]);
        assert_eq!(of_rust(text).last().map(|word| word.line), Some(4));
    }

    #[test]
    fn a_page_has_what_is_not_code() {
        let text = "One `code` two,\nthree (four).\n```\ncode\n```\nfive";
        assert_eq!(phrases(&of_page(text)), ["one two", "three", "four", "five"]);
    }
}
