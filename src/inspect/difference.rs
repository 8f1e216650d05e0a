//! Compares two releases, for the operator who is about to upgrade, and for release notes.
//!
//! Takes in two open tarballs of one product and one platform; gives out what differs, item by item, by environment. Of a file that is not a
//! manifest only that it changed: nothing of what is in a config is shown. Compares everything that the entrypoint and the platform read:
//! the overview, the manifests, the records, the hashes of all other files. Knows no terminal.

mod definition;
mod facts;
mod model;
mod overview;
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;

use crate::contents::{CONTENTS_PATH, ContentsEntry};
use crate::render::{EnvironmentOverview, OVERVIEW_PATH, Overview, PORTABILITY_PATH, read_assignments};
use crate::store::StoreError;

use super::archive::BootstrapArchive;
use definition::Definitions;
use facts::{Fact, Facts, by_name, changes, items};
pub use model::{Body, Change, Difference, EnvironmentDifference, Item, Side, Status};
use overview::Known;
use records::Records;

/// Why two tarballs cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DifferenceError {
    /// A tarball cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An image of something else.
    #[error("`{0}` is not a bootstrap image, or has a format that this version of bootsmith does not support")]
    NoRelease(PathBuf),
    /// They have nothing to do with each other.
    #[error("cannot compare {0} with {1}")]
    Unlike(String, String),
}

/// Compares a release with the one that follows it.
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
        release: changes(&old.facts, &new.facts),
        base: changes(&old.base, &new.base),
        entrypoint: changed_files(&old, &new, "bootstrap/", is_entrypoint),
        files: changed_files(&old, &new, "bootstrap/", is_file),
        environments: environments(&old, &new),
        from: old.side,
        to: new.side,
    })
}

/// What is read of a tarball.
struct Release {
    overview: Overview,
    side: Side,
    facts: Facts,
    base: Facts,
    contents: BTreeMap<String, String>,
    definitions: BTreeMap<String, Definitions>,
    records: BTreeMap<String, Records>,
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
/// The facts of the whole release, and those of them that decide something; the others are the version again, or in the overview.
const RELEASE: &str = "bootstrap/release";
const RELEASE_FACTS: [&str; 3] = ["format", "description", "default_environment"];
const BASE_ANNOTATIONS: [(&str, &str); 2] =
    [("name", "org.opencontainers.image.base.name"), ("digest", "org.opencontainers.image.base.digest")];

impl Release {
    fn read(archive: &BootstrapArchive) -> Result<Self, DifferenceError> {
        let files = archive.payload_files(is_read)?;
        let (of_environments, documents): (BTreeMap<_, _>, _) =
            files.into_iter().partition(|(path, _)| path.starts_with(ENVIRONMENTS));
        let no_release = || DifferenceError::NoRelease(archive.path().to_owned());
        let mut release = Self::of(archive, documents).ok_or_else(no_release)?;
        for (path, bytes) in of_environments {
            release.add(&path, &bytes).map_err(|message| archive.bad_file(&path, message))?;
        }
        Ok(release)
    }

    /// All but what is said of environments; nothing of an image that bootsmith did not build.
    fn of(archive: &BootstrapArchive, mut files: BTreeMap<String, Vec<u8>>) -> Option<Self> {
        let overview: Overview = serde_json::from_slice(&files.remove(OVERVIEW_PATH)?).ok()?;
        let contents: Vec<ContentsEntry> = serde_json::from_slice(&files.remove(CONTENTS_PATH)?).ok()?;
        let portability: Portability = serde_json::from_slice(&files.remove(PORTABILITY_PATH)?).ok()?;
        let facts = read_assignments(std::str::from_utf8(&files.remove(RELEASE)?).ok()?)?;
        let (version, reference) = (overview.version.clone(), overview.reference.clone());
        let base = |(name, annotation): (&str, &str)| {
            Some((name.to_owned(), Fact::from(archive.annotations.get(annotation)?.clone())))
        };
        let told = facts.into_iter().filter(|(name, _)| RELEASE_FACTS.contains(&name.as_str()));
        Some(Self {
            overview,
            side: Side { version, reference, digest: archive.root.digest },
            facts: told.map(|(name, value)| (name.replace('_', " "), Fact::from(value))).collect(),
            base: BASE_ANNOTATIONS.into_iter().filter_map(base).collect(),
            contents: contents.into_iter().map(|entry| (entry.path, entry.sha256)).collect(),
            definitions: BTreeMap::new(),
            records: BTreeMap::new(),
            features: portability.environments.into_iter().map(|of| (of.name, of.features)).collect(),
        })
    }

    /// Adds a file of an environment: its records, or a manifest.
    fn add(&mut self, path: &str, bytes: &[u8]) -> Result<(), String> {
        let below = path.strip_prefix(ENVIRONMENTS).unwrap_or_default();
        let (environment, name) = below.split_once('/').unwrap_or_default();
        if name == "release" {
            let folder = format!("{ENVIRONMENTS}{environment}/");
            let hash = |(path, hash): (&String, &String)| Some((path.strip_prefix(&folder)?.to_owned(), hash.clone()));
            let hashes = self.contents.iter().filter_map(hash).collect();
            self.records.insert(environment.to_owned(), Records::read(bytes, hashes)?);
            return Ok(());
        }
        let definitions = self.definitions.entry(environment.to_owned()).or_default();
        definitions.add(bytes, name == IN_CLUSTER)
    }

    fn environment(&self, name: &str) -> Option<&EnvironmentOverview> {
        self.overview.environments.iter().find(|environment| environment.name == name)
    }

    /// All that is said of an environment.
    fn known<'a>(&'a self, overview: &'a EnvironmentOverview) -> Known<'a> {
        static NO_DEFINITIONS: Definitions = Definitions::EMPTY;
        static NO_RECORDS: Records = Records::EMPTY;
        let definitions = self.definitions.get(&overview.name).unwrap_or(&NO_DEFINITIONS);
        Known { overview, definitions, records: self.records.get(&overview.name).unwrap_or(&NO_RECORDS) }
    }
}

/// For whoever runs the bootstrap image inside of the cluster.
const IN_CLUSTER: &str = "kubernetes/in-cluster.yaml";

/// What is shown is in the documents, the records and the manifests. Services that run by themselves are those of the stack again.
fn is_read(path: &str) -> bool {
    let in_environment = path.strip_prefix(ENVIRONMENTS).and_then(|path| Some(path.split_once('/')?.1));
    let is_manifest = |name: &str| {
        let is_yaml = name.rsplit_once('.').is_some_and(|(_, end)| end == "yaml");
        is_yaml && !name.starts_with("configs/") && name != "run.yaml"
    };
    in_environment.is_some_and(|name| name == "release" || is_manifest(name))
        || [OVERVIEW_PATH, CONTENTS_PATH, PORTABILITY_PATH, RELEASE].contains(&path)
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
    let (earlier, later) = (old.known(before), new.known(after));
    let configs = format!("{ENVIRONMENTS}{name}/configs/");
    Body {
        must_be_given: overview::must_be_given(before, after),
        services: overview::services(earlier, later),
        migrations: overview::migrations(earlier, later),
        parameters: overview::parameters(earlier, later),
        configs: changed_files(old, new, &configs, |path| path.starts_with(&configs)),
        objects: overview::objects(earlier, later),
        scripts: overview::scripts(earlier, later),
        rules: overview::rules(earlier, later),
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
        let reason = facts.get("reason").map(|reason| format!(": {}", reason.text())).unwrap_or_default();
        format!("{}{reason}", facts["verdict"].text())
    })
}

fn feature_facts(of: &Feature) -> Facts {
    let some = |name: &str, value: &Option<String>| Some((name.to_owned(), Fact::from(value.clone()?)));
    let verdict = Some(("verdict".to_owned(), Fact::from(of.verdict.clone())));
    [verdict, some("reason", &of.reason), some("accepted", &of.allowed)].into_iter().flatten().collect()
}

/// Files by their hashes; what they are called below a folder. A text with parameters has the name of the text.
fn changed_files(old: &Release, new: &Release, folder: &str, is_meant: impl Fn(&str) -> bool) -> Vec<Item> {
    let hashes = |release: &Release| -> BTreeMap<String, Facts> {
        let meant = release.contents.iter().filter(|(path, _)| is_meant(path));
        let name = |path: &str| path.strip_prefix(folder).unwrap_or(path).trim_end_matches(".pieces").to_owned();
        meant.map(|(path, hash)| (name(path), Facts::from([(String::new(), Fact::from(hash.clone()))]))).collect()
    };
    let mut items = items(&hashes(old), &hashes(new), |_| String::new());
    for item in &mut items {
        item.changes.clear(); // a hash says nothing to a reader
    }
    items
}
