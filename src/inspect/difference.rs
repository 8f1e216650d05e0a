//! What one release changes of another: for the operator who is about to upgrade, and for release notes.
//!
//! Takes in two open tarballs of one product and one platform; gives out what differs, item by item, by environment. Of a file that is no
//! manifest only that it changed: nothing of what is in a config is shown. Knows no terminal.

mod definition;
mod overview;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::contents::{CONTENTS_PATH, ContentsEntry};
use crate::digest::Digest;
use crate::render::{EnvironmentOverview, OVERVIEW_PATH, Overview, PORTABILITY_PATH};
use crate::store::StoreError;

use super::BootstrapArchive;
use definition::{Definitions, Facts};

/// Why two tarballs cannot be held against each other.
#[derive(Debug, thiserror::Error)]
pub enum DifferenceError {
    /// A tarball cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An image of something else.
    #[error("`{0}` is no bootstrap image, or one of a format that this bootsmith does not know")]
    NoRelease(PathBuf),
    /// They have nothing to do with each other.
    #[error("these are {0}, and {1}")]
    Unlike(String, String),
}

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

/// Holds a release against the one that follows it.
pub fn difference(old: &BootstrapArchive, new: &BootstrapArchive) -> Result<Difference, DifferenceError> {
    let (old, new) = (Release::read(old)?, Release::read(new)?);
    let title = |release: &Release| format!("{} for {}", release.overview.project, release.overview.platform);
    if title(&old) != title(&new) {
        return Err(DifferenceError::Unlike(title(&old), title(&new)));
    }
    let is_entrypoint = |path: &str| ["bootstrap/bin/", "bootstrap/lib/"].iter().any(|folder| path.starts_with(folder));
    let is_file =
        |path: &str| ["bootstrap/scripts/", "bootstrap/migrations/"].iter().any(|folder| path.starts_with(folder));
    Ok(Difference {
        project: new.overview.project.clone(),
        platform: new.overview.platform.clone(),
        base: changes(&old.base, &new.base),
        entrypoint: changed_files(&old, &new, "bootstrap/", is_entrypoint),
        files: changed_files(&old, &new, "bootstrap/", is_file),
        environments: environments(&old, &new),
        from: old.side,
        to: new.side,
    })
}

impl Difference {
    /// Whether the releases do the same: apart from their versions.
    pub fn is_empty(&self) -> bool {
        self.base.is_empty() && self.entrypoint.is_empty() && self.files.is_empty() && self.environments.is_empty()
    }
}

/// What is read of a tarball.
struct Release {
    overview: Overview,
    side: Side,
    base: BTreeMap<String, String>,
    contents: BTreeMap<String, String>,
    definitions: BTreeMap<String, Definitions>,
    features: BTreeMap<String, Vec<Feature>>,
}

#[derive(Deserialize)]
struct Portability {
    environments: Vec<PortabilityOf>,
}

#[derive(Deserialize)]
struct PortabilityOf {
    name: String,
    features: Vec<Feature>,
}

/// What the platform makes of a feature.
#[derive(Deserialize)]
struct Feature {
    #[serde(rename = "feature")]
    name: String,
    verdict: String,
    reason: Option<String>,
    allowed: Option<String>,
}

/// Below it every environment has its folder.
const ENVIRONMENTS: &str = "bootstrap/environments/";
const BASE_ANNOTATIONS: [(&str, &str); 2] =
    [("name", "org.opencontainers.image.base.name"), ("digest", "org.opencontainers.image.base.digest")];

impl Release {
    fn read(archive: &BootstrapArchive) -> Result<Self, DifferenceError> {
        let files = archive.payload_files(is_read)?;
        let (manifests, documents): (BTreeMap<_, _>, _) =
            files.into_iter().partition(|(path, _)| path.starts_with(ENVIRONMENTS));
        let no_release = || DifferenceError::NoRelease(archive.path().to_owned());
        let mut release = Self::of(archive, documents).ok_or_else(no_release)?;
        for (path, bytes) in manifests {
            let environment = path[ENVIRONMENTS.len()..].split('/').next().unwrap_or_default().to_owned();
            let definitions = release.definitions.entry(environment).or_default();
            definitions.add(&bytes).map_err(|message| archive.bad_file(&path, message))?;
        }
        Ok(release)
    }

    /// All but the definitions; nothing of an image that is none of ours.
    fn of(archive: &BootstrapArchive, mut files: BTreeMap<String, Vec<u8>>) -> Option<Self> {
        let overview: Overview = serde_json::from_slice(&files.remove(OVERVIEW_PATH)?).ok()?;
        let contents: Vec<ContentsEntry> = serde_json::from_slice(&files.remove(CONTENTS_PATH)?).ok()?;
        let portability: Portability = serde_json::from_slice(&files.remove(PORTABILITY_PATH)?).ok()?;
        let (version, reference) = (overview.version.clone(), overview.reference.clone());
        let base =
            |(name, annotation): (&str, &str)| Some((name.to_owned(), archive.annotations.get(annotation)?.clone()));
        Some(Self {
            overview,
            side: Side { version, reference, digest: archive.root.digest },
            base: BASE_ANNOTATIONS.into_iter().filter_map(base).collect(),
            contents: contents.into_iter().map(|entry| (entry.path, entry.sha256)).collect(),
            definitions: BTreeMap::new(),
            features: portability.environments.into_iter().map(|of| (of.name, of.features)).collect(),
        })
    }

    fn environment(&self, name: &str) -> Option<&EnvironmentOverview> {
        self.overview.environments.iter().find(|environment| environment.name == name)
    }

    /// What the manifests of an environment say, all of them together.
    fn definitions_of(&self, environment: &str) -> &Definitions {
        static NOTHING: Definitions = Definitions::EMPTY;
        self.definitions.get(environment).unwrap_or(&NOTHING)
    }
}

/// What is told of is in the documents and in the manifests; not in those that only carry the image's own name.
fn is_read(path: &str) -> bool {
    let is_manifest = path.starts_with(ENVIRONMENTS) && path.rsplit_once('.').is_some_and(|(_, end)| end == "yaml");
    let is_told =
        !["/configs/", "/in-cluster.yaml", "/namespace.yaml", "/run.yaml"].iter().any(|part| path.contains(part));
    [OVERVIEW_PATH, CONTENTS_PATH, PORTABILITY_PATH].contains(&path) || is_manifest && is_told
}

fn environments(old: &Release, new: &Release) -> Vec<EnvironmentDifference> {
    let names = |release: &Release| release.overview.environments.iter().map(|of| of.name.clone()).collect::<Vec<_>>();
    let all: BTreeSet<_> = names(old).into_iter().chain(names(new)).collect();
    let difference = |name: String| {
        let (status, body) = match (old.environment(&name), new.environment(&name)) {
            (Some(before), Some(after)) => (Status::Changed, body(old, before, new, after)),
            (None, _) => (Status::Added, Body::default()),
            (_, None) => (Status::Removed, Body::default()),
        };
        EnvironmentDifference { name, status, body }
    };
    let differs = |of: &EnvironmentDifference| of.status != Status::Changed || of.body != Body::default();
    all.into_iter().map(difference).filter(differs).collect()
}

fn body(old: &Release, before: &EnvironmentOverview, new: &Release, after: &EnvironmentOverview) -> Body {
    let name = after.name.as_str();
    let (earlier, later) = (old.definitions_of(name), new.definitions_of(name));
    let configs = format!("bootstrap/environments/{name}/configs/");
    Body {
        must_be_given: overview::must_be_given(before, after),
        services: overview::services(before, earlier, after, later),
        migrations: overview::migrations(before, after),
        parameters: overview::parameters(before, after),
        configs: changed_files(old, new, &configs, |path| path.starts_with(&configs)),
        objects: definition::objects(earlier, later),
        scripts: overview::scripts(before, after),
        portability: portability(old.features.get(name), new.features.get(name)),
    }
}

/// A feature that the platform does by itself needs no word.
fn portability(old: Option<&Vec<Feature>>, new: Option<&Vec<Feature>>) -> Vec<Item> {
    let facts = |features: Option<&Vec<Feature>>| {
        let told = features.into_iter().flatten().filter(|of| of.verdict != "native");
        by_name(told, |of| (&of.name, feature_facts(of)))
    };
    items(&facts(old), &facts(new), |facts| {
        let reason = facts.get("reason").map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{}{reason}", facts["verdict"])
    })
}

fn feature_facts(of: &Feature) -> Facts {
    let some = |name: &str, value: &Option<String>| value.as_ref().map(|value| (name.to_owned(), value.clone()));
    let verdict = Some(("verdict".to_owned(), of.verdict.clone()));
    [verdict, some("reason", &of.reason), some("accepted", &of.allowed)].into_iter().flatten().collect()
}

/// Files by their hashes; what they are called below a folder. A text with parameters has the name of the text.
fn changed_files(old: &Release, new: &Release, folder: &str, is_meant: impl Fn(&str) -> bool) -> Vec<Item> {
    let hashes = |release: &Release| -> BTreeMap<String, Facts> {
        let meant = release.contents.iter().filter(|(path, _)| is_meant(path));
        let name = |path: &str| path.strip_prefix(folder).unwrap_or(path).trim_end_matches(".pieces").to_owned();
        meant.map(|(path, hash)| (name(path), BTreeMap::from([(String::new(), hash.clone())]))).collect()
    };
    let mut items = items(&hashes(old), &hashes(new), |_| String::new());
    for item in &mut items {
        item.changes.clear(); // a hash says nothing to a reader
    }
    items
}

/// Things by name, each with its facts.
fn by_name<'a, T: 'a>(
    things: impl IntoIterator<Item = &'a T>,
    read: impl Fn(&'a T) -> (&'a String, Facts),
) -> BTreeMap<String, Facts> {
    things.into_iter().map(read).map(|(name, facts)| (name.clone(), facts)).collect()
}

/// What differs of things by name, each with its facts by name.
fn items(old: &BTreeMap<String, Facts>, new: &BTreeMap<String, Facts>, note: impl Fn(&Facts) -> String) -> Vec<Item> {
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let item = |name: &String| {
        let (status, note, changes) = match (old.get(name), new.get(name)) {
            (Some(before), Some(after)) => (Status::Changed, String::new(), changes(before, after)),
            (Some(before), None) => (Status::Removed, note(before), Vec::new()),
            (None, after) => (Status::Added, after.map(&note).unwrap_or_default(), Vec::new()),
        };
        Item { name: name.clone(), status, note, changes }
    };
    names.into_iter().map(item).filter(|item| item.status != Status::Changed || !item.changes.is_empty()).collect()
}

/// What differs of a thing.
fn changes(old: &Facts, new: &Facts) -> Vec<Change> {
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let change = |key: &String| Change { what: key.clone(), from: old.get(key).cloned(), to: new.get(key).cloned() };
    keys.into_iter().map(change).filter(|change| change.from != change.to).collect()
}
