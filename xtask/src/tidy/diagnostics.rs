//! `docs/reference/diagnostics.md`: every code with its explanation, written from what `bootsmith explain` prints.

use std::fmt::Write as _;

use bootsmith::diagnostic::{CODES, Explanation};

/// Where the page is.
pub(super) const PAGE: &str = "docs/reference/diagnostics.md";

const HEAD: &str = "# Diagnostics

Written by `cargo xtask tidy --write` from what `bootsmith explain CODE` prints. A code marked as a lint can be allowed:
`allow = [\"B031\"]` in `[bootstrap]`, or `--allow B031`.
";

/// Whether the page says what the program says.
pub(super) fn check(page: Option<&str>) -> Vec<String> {
    let is_current = page == Some(&draw(CODES));
    if is_current { Vec::new() } else { vec![format!("{PAGE}: old or absent; run `cargo xtask tidy --write`")] }
}

/// The page as it should be.
pub(super) fn page() -> String {
    draw(CODES)
}

fn draw(codes: &[Explanation]) -> String {
    let mut page = String::from(HEAD);
    for explanation in codes {
        let lint = if explanation.lint { " (lint)" } else { "" };
        let text: Vec<_> = explanation.text.trim().lines().map(wrapped).collect();
        write!(page, "\n## {}: {}{lint}\n\n{}\n", explanation.code, explanation.title, text.join("\n"))
            .expect("writing to a string succeeds");
    }
    page
}

/// A long line of prose as several; what stands between backquotes is not torn, and what is indented is code.
fn wrapped(line: &str) -> String {
    const WIDTH: usize = 150;
    if line.starts_with("    ") {
        return line.to_owned();
    }
    let (mut text, mut width, mut in_code) = (String::new(), 0, false);
    for word in line.split(' ') {
        let characters = word.chars().count();
        if width > 0 && !in_code && width + 1 + characters > WIDTH {
            text.push('\n');
            width = 0;
        } else if width > 0 {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += characters;
        in_code ^= word.matches('`').count() % 2 == 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_wrapped_outside_of_code() {
        let words = ["word"; 29].join(" ");
        assert_eq!(wrapped(&format!("{words} `a b` end")), format!("{words} `a b`\nend"));
        assert_eq!(wrapped(&format!("{words} {words}")), format!("{words} word\n{}", ["word"; 28].join(" ")));
        let code = format!("    {words} {words}");
        assert_eq!(wrapped(&code), code);
    }

    #[test]
    fn every_code_has_a_heading_of_its_own() {
        let page = page();
        let headings = page.lines().filter(|line| line.starts_with("## B")).count();
        assert_eq!(headings, CODES.len());
        assert!(headings > 0);
    }

    #[test]
    fn an_old_page_is_found() {
        assert_eq!(check(Some(&page())), Vec::<String>::new());
        assert_eq!(check(Some("# Diagnostics\n")).len(), 1);
        assert_eq!(check(None).len(), 1);
    }
}
