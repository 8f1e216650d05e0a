//! Plain technical English: refuses the wordings that the glossary lists, in Rust files and on Markdown pages.
//!
//! The table in `docs/glossary.md` is the only list. Of a Rust file comments and string literals are checked, names are not; of a page everything
//! but code. A wording is found across line breaks, but not across punctuation.

use super::prose::{Word, of_page, of_rust};

/// The page with the table.
pub(super) const PAGE: &str = "docs/glossary.md";

/// What is still to be rewritten, by the start of its path.
const NOT_YET: &[&str] = &[
    "docs/reference/portability.md", // generated from the next
    "src/plan/portability/condition.rs",
    "templates/",
    "tests/",
];

/// This file, whose tests hold what is refused.
const THIS_FILE: &str = "xtask/src/tidy/words.rs";

/// Pages outside of `docs/`.
const PAGES: &[&str] = &["README.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// A row of the table.
#[derive(Debug, PartialEq)]
struct Rule {
    refused: Vec<Vec<String>>,
    instead: String,
    right: Vec<Vec<String>>,
}

/// The wordings of the glossary, and what each file holds of them.
pub(super) fn check<'a>(page: Option<&str>, sources: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let rules = page.map(rules).unwrap_or_default();
    if rules.is_empty() {
        return vec![format!("{PAGE}: has no table of wordings (`| not | but | right |`)")];
    }
    sources
        .filter(|(path, _)| *path != THIS_FILE && !NOT_YET.iter().any(|start| path.starts_with(start)))
        .flat_map(|(path, text)| check_file(&rules, path, text))
        .collect()
}

fn check_file(rules: &[Rule], path: &str, text: &str) -> Vec<String> {
    let words = match path.rsplit_once('.') {
        Some((_, "rs")) => of_rust(text),
        Some((_, "md")) if path.starts_with("docs/") || PAGES.contains(&path) => of_page(text),
        _ => return Vec::new(),
    };
    rules.iter().flat_map(|rule| rule.check(path, &words)).collect()
}

impl Rule {
    fn check(&self, path: &str, words: &[Word]) -> Vec<String> {
        let mut faults = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let found = self.refused.iter().find(|refused| is_at(words, at, refused) && !self.is_right(words, at));
            if let Some(found) = found {
                faults.push(format!("{path}:{}: `{}`: write {}", word.line, found.join(" "), self.instead));
            }
        }
        faults
    }

    /// Whether the word belongs to a longer wording that is right.
    fn is_right(&self, words: &[Word], at: usize) -> bool {
        self.right.iter().any(|right| (at.saturating_sub(right.len() - 1)..=at).any(|start| is_at(words, start, right)))
    }
}

fn is_at(words: &[Word], at: usize, wording: &[String]) -> bool {
    words[at..].len() >= wording.len() && words[at..].iter().zip(wording).all(|(word, wanted)| word.text == *wanted)
}

/// Reads the rows of the table whose head is `| not | but | right |`.
fn rules(page: &str) -> Vec<Rule> {
    let rows = page.lines().skip_while(|line| line.trim() != "| not | but | right |").skip(2);
    rows.map_while(|row| {
        let mut cells = row.strip_prefix('|')?.split('|');
        let refused = wordings(cells.next()?);
        let instead = cells.next()?.trim().to_owned();
        Some(Rule { refused, instead, right: wordings(cells.next()?) })
    })
    .collect()
}

/// What stands in backticks, as words.
fn wordings(cell: &str) -> Vec<Vec<String>> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.map(|wording| wording.split_whitespace().map(str::to_lowercase).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "text\n| not | but | right |\n|---|---|---|\n| `is no`, `are no` | is not a X | `there is no`, `is no longer` |\n| `anew` | again | |\n";

    fn faults(path: &str, text: &str) -> Vec<String> {
        check(Some(TABLE), [(path, text)].into_iter())
    }

    #[test]
    fn a_refused_wording_is_found_in_comments_texts_and_pages() {
        for (path, text, line) in [
            ("src/a.rs", "//! This is no tar.", 1),
            ("src/a.rs", "//! Head.\n\n// It is\n// no tar.", 3),
            ("src/a.rs", "//! Head.\nconst A: &str = \"`{0}` is no tag\";", 2),
            ("src/a.rs", "const A: &str = r#\"\"is no\"#;", 1),
            ("xtask/src/a.rs", "/// Written Anew, always.\nfn f() {}", 1),
            ("docs/a.md", "Some\ntext is no\ntext.", 2),
            ("README.md", "- **There** are no.", 1),
        ] {
            let found = faults(path, text);
            assert_eq!(found.len(), 1, "{path}: {text}: {found:?}");
            assert!(found[0].starts_with(&format!("{path}:{line}: `")), "{found:?}");
        }
        assert_eq!(faults("src/a.rs", "// anew"), ["src/a.rs:1: `anew`: write again"]);
    }

    #[test]
    fn what_is_right_or_code_or_not_yet_rewritten_is_left_alone() {
        for (path, text) in [
            ("src/a.rs", "// There is no tar, and this is no longer one."),
            ("src/a.rs", "fn anew() { let is = no; }"),
            ("src/a.rs", "let c = '\"'; anew(); let d = 'a'; // \" here"),
            ("src/a.rs", "// It is, no doubt, one."),
            ("docs/a.md", "`is no` is code.\n\n```text\nis no\n```\n"),
            ("tests/a.rs", "// anew"),
            ("tests/a.md", "anew"),
            ("examples/a.toml", "# anew"),
        ] {
            assert_eq!(faults(path, text), Vec::<String>::new(), "{path}: {text}");
        }
    }

    #[test]
    fn a_glossary_without_its_table_is_found() {
        assert_eq!(check(Some("# Glossary\n"), [].into_iter()).len(), 1);
        assert_eq!(check(None, [].into_iter()).len(), 1);
    }
}
