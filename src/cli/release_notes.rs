//! What changed between two releases, as Markdown for release notes.

use std::fmt::Write as _;

use crate::inspect::{Change, Difference, Item, Status};

use super::difference::{common, groups, sections, shown, status_word};

/// A heading for the releases, one for each group of environments, one for each kind of thing.
pub(super) fn markdown(difference: &Difference) -> String {
    let Difference { project, platform, from, to, release, base, .. } = difference;
    let mut text = format!("# {project} {} → {} ({platform})\n", from.version, to.version);
    let _ = write!(text, "\n{} → {}\n", code(&from.reference), code(&to.reference));
    if difference.is_empty() {
        text.push_str("\nNo difference.\n");
    }
    for (names, environment) in groups(difference) {
        let added_or_removed = match environment.status {
            Status::Changed => String::new(),
            status => format!(": {}", status_word(status)),
        };
        let _ = write!(text, "\n## {names}{added_or_removed}\n");
        let must_be_given: Vec<_> = environment.body.must_be_given.iter().map(|name| code(name)).collect();
        if !must_be_given.is_empty() {
            let _ = write!(text, "\n**Now required:** {}\n", must_be_given.join(", "));
        }
        sections(&environment.body).for_each(|(title, items)| text.push_str(&section("###", title, items)));
    }
    common(difference).for_each(|(title, items)| text.push_str(&section("##", title, items)));
    for (title, changes) in [("Release", release), ("Base", base)] {
        if !changes.is_empty() {
            let _ =
                write!(text, "\n## {title}\n\n{}", changes.iter().map(|change| line("", change)).collect::<String>());
        }
    }
    text
}

fn section(level: &str, title: &str, items: &[Item]) -> String {
    let items: String = items.iter().map(item).collect();
    let (first, rest) = title.split_at(1);
    format!("\n{level} {}{rest}\n\n{items}", first.to_uppercase())
}

fn item(Item { name, status, note, changes }: &Item) -> String {
    if !changes.is_empty() {
        let changes: String = changes.iter().map(|change| line("  ", change)).collect();
        return format!("- {}\n{changes}", code(name));
    }
    let note = if note.is_empty() { String::new() } else { format!(": {}", code(&shown(Some(note)))) };
    format!("- {} {}{note}\n", code(name), status_word(*status))
}

fn line(indent: &str, Change { what, from, to }: &Change) -> String {
    let value =
        |value: &Option<String>| value.as_ref().map_or_else(|| "none".to_owned(), |text| code(&shown(Some(text))));
    format!("{indent}- {what}: {} → {}\n", value(from), value(to))
}

/// Verbatim: in as many backquotes as the text needs (`CommonMark`, 6.1 Code spans).
fn code(text: &str) -> String {
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_survives_backquotes() {
        for (text, shown) in [("a", "`a`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("", "(empty)")] {
            assert_eq!(code(text), shown);
        }
    }
}
