//! What was released before: a migration that targets may have run stays what it was.
//!
//! Takes in what the release before says of itself; gives out faults for migrations that changed or are gone. Knows no tarball.

use std::collections::BTreeMap;

use semver::Version;

use crate::diagnostic::Code;
use crate::document::Context;
use crate::name::Label;
use crate::spec;

use super::migration::Migration;

/// A release that was built before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousRelease {
    /// The project.
    pub project: String,
    /// The version.
    pub version: Version,
    /// The migrations, by environment.
    pub migrations: BTreeMap<String, Vec<ReleasedMigration>>,
}

/// A migration of a release that was built before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleasedMigration {
    /// The name.
    pub name: String,
    /// The release that needs it.
    pub release: String,
    /// What it does: [`Migration::content`].
    pub content: String,
}

/// Whether this release can follow the previous one at all; the command line names that one.
pub(super) fn check_release(previous: &PreviousRelease, project: &Label, version: &Version, context: &mut Context) {
    if previous.project != project.as_str() {
        let message = format!("the previous release is one of `{}`, this is `{project}`", previous.project);
        context.error(Code::INVALID_VALUE, None, message, "`--previous` takes a tarball of the same project");
    } else if previous.version.cmp_precedence(version).is_gt() {
        let message = format!("the previous release is {}, which is newer than this one, {version}", previous.version);
        context.error(
            Code::VERSION,
            None,
            message,
            "`--previous` takes the release that was published before this one",
        );
    }
}

/// Holds the migrations of an environment against those that were released. One that could not be read was reported.
pub(super) fn check_migrations(
    previous: &PreviousRelease,
    environment: &Label,
    migrations: &[Migration],
    written: &[spec::Migration],
    context: &mut Context,
) {
    for released in previous.migrations.get(environment.as_str()).into_iter().flatten() {
        let Some(place) = written.iter().find(|written| written.name.value == released.name) else {
            report_gone(released, previous, context);
            continue;
        };
        let Some(now) = migrations.iter().find(|now| now.name.as_str() == released.name) else { continue };
        let change = if now.content != released.content {
            format!("does not do what it did in {}", previous.version)
        } else if now.release.to_string() != released.release {
            format!("was for release {} in {}, and is for {} now", released.release, previous.version, now.release)
        } else {
            continue;
        };
        let hint =
            "targets that have run it do not run it again: restore it, and write a new migration for what is new";
        let message = format!("the released migration `{}` {change}", released.name);
        context.error(Code::RELEASED_MIGRATION, place.name.span, message, hint);
    }
}

fn report_gone(released: &ReleasedMigration, previous: &PreviousRelease, context: &mut Context) {
    let message = format!(
        "the released migration `{}` of release {} is gone; {} has it",
        released.name, released.release, previous.version
    );
    let hint = "restore it: targets that are several releases behind need it. What it did is undone by a new migration";
    context.error(Code::RELEASED_MIGRATION, None, message, hint);
}
