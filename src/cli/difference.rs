//! What `diff` and release notes have in common: groups, sections and words of a difference.

use crate::inspect::{Body, Difference, EnvironmentDifference, Item, Status};

/// Environments with the same differences are shown once. Each with its status, which is the same for all of a group.
pub(super) fn groups(difference: &Difference) -> Vec<(String, &EnvironmentDifference)> {
    let mut groups: Vec<(String, &EnvironmentDifference)> = Vec::new();
    for environment in &difference.environments {
        let same = |of: &&mut (String, &EnvironmentDifference)| {
            of.1.status == environment.status && of.1.body == environment.body
        };
        match groups.iter_mut().find(same) {
            Some((names, _)) => *names = format!("{names}, {}", environment.name),
            None => groups.push((environment.name.clone(), environment)),
        }
    }
    groups
}

/// The kinds of things that differ in an environment, as a reader wants them: what needs a hand first.
pub(super) fn sections(body: &Body) -> impl Iterator<Item = (&'static str, &[Item])> {
    let Body { must_be_given: _, services, migrations, parameters, configs, objects, scripts, rules, portability } =
        body;
    let sections: [(&str, &[Item]); 8] = [
        ("services", services),
        ("migrations", migrations),
        ("parameters", parameters),
        ("configs", configs),
        ("networks, volumes and other objects", objects),
        ("scripts", scripts),
        ("hooks and rules", rules),
        ("portability", portability),
    ];
    sections.into_iter().filter(|(_, items)| !items.is_empty())
}

/// What differs whatever the environment.
pub(super) fn common(difference: &Difference) -> impl Iterator<Item = (&'static str, &[Item])> {
    let sections: [(&str, &[Item]); 2] =
        [("files of scripts and migrations", &difference.files), ("entrypoint", &difference.entrypoint)];
    sections.into_iter().filter(|(_, items)| !items.is_empty())
}

/// `added`, or what there is to say of the whole thing.
pub(super) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Added => "added",
        Status::Removed => "removed",
        Status::Changed => "changed",
    }
}

/// A value on one line, as long as one can read it.
pub(super) fn shown(value: Option<&String>) -> String {
    const LONGEST: usize = 100;
    let Some(value) = value else { return "(none)".to_owned() };
    let line: String = value.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 3).chain("...".chars()).collect()
}
