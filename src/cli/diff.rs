//! `diff`: what changed between two releases, as text, JSON or Markdown.

use crate::host::registry::Needed;
use crate::inspect::{self, Change, Difference, EnvironmentDifference, Item, Status};

use super::arguments::Diff;
use super::branch::Branch;
use super::difference::{common, groups, sections, shown, status_word};
use super::failure::CommandFailure;
use super::release_notes;

/// Shows what differs; with `--exit-code` it also ends so.
pub(super) fn diff(arguments: &Diff) -> Result<(), CommandFailure> {
    let opened = super::image::open(&[&arguments.old, &arguments.new], Needed::Payload, &arguments.registry)?;
    let difference = inspect::difference(opened[0].archive(), opened[1].archive())?;
    if arguments.json {
        anstream::println!("{}", serde_json::to_string_pretty(&difference).expect("a difference has string keys"));
    } else if arguments.markdown {
        anstream::print!("{}", release_notes::markdown(&difference));
    } else {
        anstream::print!("{}", tree(&difference));
    }
    if arguments.exit_code && !difference.is_empty() { Err(CommandFailure::Differs) } else { Ok(()) }
}

fn tree(difference: &Difference) -> Branch {
    let Difference { project, platform, from, to, .. } = difference;
    let same = if difference.is_empty() { ": no difference" } else { "" };
    let mut root = Branch::new(format!("{project} {} -> {} for {platform}{same}", from.version, to.version));
    for (names, environment) in groups(difference) {
        root.push(environment_branch(&names, environment));
    }
    common(difference).for_each(|(title, items)| root.push(section_branch(title, items)));
    for (title, changes) in [("release", &difference.release), ("base", &difference.base)] {
        if !changes.is_empty() {
            root.push(Branch::table(title, changes.iter().map(change_row)));
        }
    }
    root
}

fn environment_branch(names: &str, EnvironmentDifference { name: _, status, body }: &EnvironmentDifference) -> Branch {
    if *status != Status::Changed {
        return Branch::new(format!("{names}: {}", status_word(*status)));
    }
    let mut branch = Branch::new(names.to_owned());
    if !body.must_be_given.is_empty() {
        branch.push(Branch::new(format!("now required: {}", body.must_be_given.join(", "))));
    }
    sections(body).for_each(|(title, items)| branch.push(section_branch(title, items)));
    branch
}

fn section_branch(title: &str, items: &[Item]) -> Branch {
    let mut branch = Branch::new(title.to_owned());
    for item in items {
        branch.push(item_branch(item));
    }
    branch
}

fn item_branch(Item { name, status, note, changes }: &Item) -> Branch {
    if !changes.is_empty() {
        return Branch::table(name, changes.iter().map(change_row));
    }
    let note = if note.is_empty() { String::new() } else { format!(" ({})", shown(Some(note))) };
    Branch::new(format!("{name}: {}{note}", status_word(*status)))
}

fn change_row(Change { what, from, to }: &Change) -> Vec<String> {
    vec![what.clone(), format!("{} -> {}", shown(from.as_ref()), shown(to.as_ref()))]
}
