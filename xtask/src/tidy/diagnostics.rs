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
        write!(page, "\n## {}: {}{lint}\n\n{}\n", explanation.code, explanation.title, explanation.text.trim())
            .expect("writing to a string succeeds");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

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
