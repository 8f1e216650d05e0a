//! `docs/reference/portability.md`: what each platform makes of each feature, written from the table that judges specs.

use std::fmt::Write as _;

use bootsmith::plan::{CHAPTERS, Platform, Row};

/// Where the page is.
pub(super) const PAGE: &str = "docs/reference/portability.md";

const HEAD: &str = "# Portability

Written by `cargo xtask tidy --write` from the table by which `bootsmith check` judges what a spec uses
([src/plan/portability/table.rs](../../src/plan/portability/table.rs)); `bootsmith explain portability` prints it.

- **native**: the platform does it.
- **emulated**: it is done for the platform, at build or by the entrypoint; the meaning is the same.
- **lossy**: the platform takes the release, but the meaning changes: error [B037](diagnostics.md), unless it is accepted with a reason.
- **impossible**: error [B038](diagnostics.md).
- **from** a version: older programs refuse it, or ignore it. What the base brings is compared when the image is built, what the target has before
  anything changes on it; both end with 3.

```toml
[bootstrap]
allow = [{ code = \"B037\", feature = \"services.*.logging\", platform = \"kubernetes\", reason = \"the cluster collects logs\" }]
```

`feature` is a key of the first column, with or without what follows it, and may be left out, as may `platform`: then all are accepted. The image
says what was accepted and why: its `explain`, and [`portability.json`](payload.md). Only what an environment uses is judged; what
`patch` puts in for one platform is not.

`*` is any name, or any item of a list.
";

/// Whether the page says what the program does.
pub(super) fn check(page: Option<&str>) -> Vec<String> {
    let is_current = page == Some(&self::page());
    if is_current { Vec::new() } else { vec![format!("{PAGE}: old or absent; run `cargo xtask tidy --write`")] }
}

/// The page as it should be.
pub(super) fn page() -> String {
    let mut page = String::from(HEAD);
    for (title, rows) in CHAPTERS.iter().map(|chapter| (chapter.title, chapter.rows)) {
        let platforms: Vec<_> = Platform::ALL.iter().map(|platform| platform.title()).collect();
        write!(
            page,
            "\n## {title}\n\n| feature | {} |\n|{}\n",
            platforms.join(" | "),
            "---|".repeat(platforms.len() + 1)
        )
        .expect("writing to a string succeeds");
        page.extend(rows.iter().map(line));
    }
    page
}

fn line(row: &Row) -> String {
    let cells = Platform::ALL.iter().map(|platform| cell(row, *platform));
    let feature = match row.feature().strip_prefix(row.path) {
        Some(condition) => format!("`{}`{}", row.path, condition),
        None => row.feature(),
    };
    let cells: Vec<_> = std::iter::once(escaped(&feature)).chain(cells).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn cell(row: &Row, platform: Platform) -> String {
    let verdict = row.verdict(platform);
    let minimums: Vec<_> = row.minimums(platform).iter().map(ToString::to_string).collect();
    let since = if minimums.is_empty() { String::new() } else { format!(" (from {})", minimums.join(", ")) };
    let text = match (verdict.reason(), verdict.instead()) {
        (None, _) => format!("{}{since}", verdict.word()),
        (Some(reason), None) => format!("{}{since}: {reason}", verdict.word()),
        (Some(reason), Some(instead)) => format!("**{}**{since}: {reason}. {}", verdict.word(), capitalised(instead)),
    };
    escaped(&text)
}

/// A bar ends a cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_line_with_all_its_cells() {
        let page = page();
        let rows = || CHAPTERS.iter().flat_map(|chapter| chapter.rows);
        let lines: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(lines.len(), rows().count());
        for line in lines {
            let bars = line.replace("\\|", "").matches('|').count();
            assert_eq!(bars, Platform::ALL.len() + 2, "{line}");
        }
    }

    #[test]
    fn an_old_page_is_found() {
        assert_eq!(check(Some(&page())), Vec::<String>::new());
        assert_eq!(check(Some("# Portability\n")).len(), 1);
        assert_eq!(check(None).len(), 1);
    }
}
