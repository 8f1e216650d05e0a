//! What a comparison of two releases gives out.

use serde::Serialize;

use crate::digest::Digest;

/// What differs between two releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The project.
    pub project: String,
    /// The platform of both images.
    pub platform: String,
    /// The release that is left.
    pub from: Side,
    /// The release that is taken.
    pub to: Side,
    /// What holds for the release as a whole.
    pub release: Vec<Change>,
    /// What the images stand on.
    pub base: Vec<Change>,
    /// Files of the entrypoint itself.
    pub entrypoint: Vec<Item>,
    /// Files of scripts and migrations, which belong to no single environment.
    pub files: Vec<Item>,
    /// The environments that differ, sorted by name.
    pub environments: Vec<EnvironmentDifference>,
}

/// One of two releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The version.
    pub version: String,
    /// How an operator calls the image.
    pub reference: String,
    /// The digest of the image.
    pub digest: Digest,
}

/// What differs in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnvironmentDifference {
    /// The name.
    pub name: String,
    /// Whether it is new, gone, or another one.
    pub status: Status,
    /// What differs in it; of one that is new or gone, nothing.
    #[serde(flatten)]
    pub body: Body,
}

/// What differs, by kind; sorted by name, migrations in the order in which they run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Body {
    /// Parameters without which the new release is refused, and which the old one did not ask for.
    pub must_be_given: Vec<String>,
    /// Services: images, numbers, and what the manifest says of them.
    pub services: Vec<Item>,
    /// Migrations.
    pub migrations: Vec<Item>,
    /// Parameters.
    pub parameters: Vec<Item>,
    /// Configs: only that they changed.
    pub configs: Vec<Item>,
    /// Networks, volumes and whatever else the manifest has.
    pub objects: Vec<Item>,
    /// Scripts.
    pub scripts: Vec<Item>,
    /// Hooks, scripts behind commands, rules for upgrades, the name of the target.
    pub rules: Vec<Item>,
    /// What the platform makes of features, where it does not do them by itself.
    pub portability: Vec<Item>,
}

/// A thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// Whether it is new, gone, or another one.
    pub status: Status,
    /// What there is to know of one that is new or gone.
    pub note: String,
    /// What changed of one that is another.
    pub changes: Vec<Change>,
}

/// Whether a thing is new, gone, or another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The new release alone has it.
    Added,
    /// The old release alone has it.
    Removed,
    /// Both have it, and it differs.
    Changed,
}

/// A value that differs; absent where the release does not have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is the value of.
    pub what: String,
    /// The old value.
    pub from: Option<String>,
    /// The new value.
    pub to: Option<String>,
}

impl Difference {
    /// Whether the releases do the same: apart from their versions.
    pub fn is_empty(&self) -> bool {
        let Self { project: _, platform: _, from: _, to: _, release, base, entrypoint, files, environments } = self;
        release.is_empty() && base.is_empty() && entrypoint.is_empty() && files.is_empty() && environments.is_empty()
    }
}
