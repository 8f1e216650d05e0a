//! Library entry points for locking: write `bootstrap.lock`, check it against its spec, and find images that have changed since.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::unknown_name_hint;
use crate::digest::Digest;
use crate::document::Context;
use crate::image::Architecture;
use crate::lock::{self, Lock, Locked, Name};
use crate::pipeline::{self, PrepareError};
use crate::plan::{self, Pinning, Plan, Selection};
use crate::reference::RegistryReference;
use crate::registry::Events;
use crate::source::{SourceFault, Sources};
use crate::store::{BaseReference, NamedImage, StoreError, disk, find_base, named_images};

use super::registry::{PullFailure, RegistrySettings, resolve};
use super::{Failure, lock_path, project_folder, read_sources};

/// What to lock, and where digests come from.
#[derive(Clone, Debug, Default)]
pub struct LockSettings {
    /// The spec file; the lock file is next to it.
    pub file: PathBuf,
    /// Which images that are locked are asked for again.
    pub update: Update,
    /// Layouts whose images need not be asked for: `oci:PATH`, or `IMAGE=oci:PATH[:TAG]` where the layout does not say the name.
    pub layouts: Vec<String>,
    /// Whether no registry is asked.
    pub offline: bool,
    /// How to talk to registries.
    pub registry: RegistrySettings,
}

/// Which images that are locked are asked for again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// None: what is locked stays.
    #[default]
    Missing,
    /// All.
    All,
    /// Those of these services, or of these names; `base` for bases.
    Some(Vec<String>),
}

/// One image of a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedImage {
    /// Its normalised name; of a base in a file, as it is written.
    pub name: String,
    /// The services that use it, and `base`.
    pub used_by: BTreeSet<String>,
    /// What it is.
    pub locked: Locked,
    /// What became of its entry.
    pub change: LockChange,
}

/// What became of an entry of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockChange {
    /// It is as it was.
    Kept,
    /// It is new.
    Added,
    /// It was this before.
    Updated(Digest),
    /// No image of the release has this name any more: the entry is gone.
    Removed,
}

/// What a registry, or a file, has now of an image that is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentImage {
    /// Its normalised name; of a base in a file, as it is written.
    pub name: String,
    /// The services that use it, and `base`.
    pub used_by: BTreeSet<String>,
    /// What is locked.
    pub locked: Digest,
    /// What is there.
    pub current: Digest,
}

/// Why nothing was locked. A lock that was there is as it was.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The release, or the lock that is there, cannot be read.
    #[error(transparent)]
    Release(#[from] Failure),
    /// The lock does not say what the spec needs.
    #[error("`{}` does not match the spec", path.display())]
    Stale {
        /// The file.
        path: PathBuf,
        /// Images that are not in it.
        missing: Vec<String>,
        /// Images that are in it and not in the release.
        superfluous: Vec<String>,
    },
    /// No service and no image has the name.
    #[error("the release has no service or image `{name}`")]
    UnknownImage {
        /// The name.
        name: String,
        /// The near one, and all that there are.
        hint: String,
    },
    /// No layout has the image, and no registry may be asked.
    #[error("no given layout contains {}", .0.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))]
    Offline(Vec<String>),
    /// A text names no layout, or none that says which image is meant.
    #[error("`{layout}` {reason}")]
    Layout {
        /// The layout as it is written.
        layout: String,
        /// Why nothing can be taken from it.
        reason: String,
    },
    /// A layout cannot be read, or the lock not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A registry does not say it.
    #[error(transparent)]
    Pull(Box<PullFailure>),
}

impl From<PullFailure> for LockError {
    fn from(error: PullFailure) -> Self {
        Self::Pull(Box::new(error))
    }
}

/// An image of the release, and who uses it.
type Images = BTreeMap<Name, BTreeSet<String>>;

/// Writes the lock of a release: what is missing is added, what nothing uses is removed, what is there stays unless it is to be updated.
pub fn lock(settings: &LockSettings, events: Events<'_>) -> Result<Vec<LockedImage>, LockError> {
    let (sources, images) = read_images(&settings.file)?;
    let is_first = sources.lock.text == Err(SourceFault::NotFound);
    let before = if is_first { Lock::default() } else { read_lock(&sources)? };
    let updated = selected(&settings.update, &images)?;
    let wanted = images.keys().filter(|image| before.get(image).is_none() || updated.contains(image));
    let found = find(&wanted.cloned().collect::<Vec<_>>(), settings, events)?;
    let mut lock = Lock::default();
    let mut entries = Vec::new();
    for (image, used_by) in images {
        let old = before.get(&image);
        let locked = found.get(&image).or(old).expect("what was not there was found").clone();
        let change = match old {
            None => LockChange::Added,
            Some(old) if *old == locked => LockChange::Kept,
            Some(old) => LockChange::Updated(old.digest),
        };
        lock.insert(&image, locked.clone());
        entries.push(LockedImage { name: image.to_string(), used_by, locked, change });
    }
    let gone = before.entries().filter(|(name, _)| lock.get(name).is_none()).map(|(name, locked)| LockedImage {
        name: name.to_string(),
        used_by: BTreeSet::new(),
        locked: locked.clone(),
        change: LockChange::Removed,
    });
    let gone: Vec<_> = gone.collect();
    entries.extend(gone);
    disk::replace(&lock_path(&settings.file), lock.to_string().as_bytes())?;
    Ok(entries)
}

/// Checks the lock against the spec, without a registry; gives out how many images are locked.
pub fn check_lock(file: &Path) -> Result<usize, LockError> {
    let (sources, images) = read_images(file)?;
    let path = lock_path(file);
    let lock = read_lock(&sources)?;
    let missing: Vec<_> = images.keys().filter(|image| lock.get(image).is_none()).map(ToString::to_string).collect();
    let superfluous = lock.entries().filter(|(name, _)| !images.contains_key(name)).map(|(name, _)| name.to_string());
    let superfluous: Vec<_> = superfluous.collect();
    if missing.is_empty() && superfluous.is_empty() {
        return Ok(images.len());
    }
    Err(LockError::Stale { path, missing, superfluous })
}

/// Asks the registries what the images of the lock are now, and looks at the files.
pub fn outdated(file: &Path, registry: &RegistrySettings, events: Events<'_>) -> Result<Vec<CurrentImage>, LockError> {
    let (sources, mut images) = read_images(file)?;
    let lock = read_lock(&sources)?;
    // What is pinned in the spec stays what it is.
    let is_pinned = |image: &Name| matches!(image, Name::Image(reference) if reference.digest().is_some());
    images.retain(|image, _| !is_pinned(image) && lock.get(image).is_some());
    let mut found = read_files(images.keys(), file)?;
    found.extend(ask(images.keys(), registry, events)?);
    let current = images.into_iter().filter_map(|(image, used_by)| {
        let (locked, current) = (lock.get(&image)?.digest, found.get(&image)?.digest);
        Some(CurrentImage { name: image.to_string(), used_by, locked, current })
    });
    Ok(current.collect())
}

/// The images of every environment on every platform, whatever they are today.
fn read_images(file: &Path) -> Result<(Sources, Images), LockError> {
    let sources = read_sources(file).map_err(Failure::Host)?;
    let selection = Selection { pinning: Pinning::Unlocked, ..Selection::default() };
    match pipeline::plan(&sources, &selection) {
        Ok(plan) => {
            let images = images_of(&plan);
            Ok((sources, images))
        }
        Err(error) => Err(Failure::Prepare { sources: Box::new(sources), error }.into()),
    }
}

fn images_of(plan: &Plan) -> Images {
    let mut images = Images::new();
    for (text, used_by) in plan.images() {
        let name = lock::name(text).expect("a plan has images that can be read");
        images.entry(Name::Image(name)).or_default().extend(used_by.into_iter().map(str::to_owned));
    }
    images.extend(plan.local_bases().map(|base| (Name::Base(base.to_owned()), BTreeSet::from(["base".to_owned()]))));
    images
}

/// The lock; what is wrong with it is shown where it is wrong.
fn read_lock(sources: &Sources) -> Result<Lock, LockError> {
    let mut context = Context::new(Arc::clone(&sources.spec_file));
    plan::read_lock(&sources.lock, &mut context).ok_or_else(|| {
        let error = PrepareError::Input(context.diagnostics);
        Failure::Prepare { sources: Box::new(sources.clone()), error }.into()
    })
}

/// The images that are to be asked for again.
fn selected(update: &Update, images: &Images) -> Result<BTreeSet<Name>, LockError> {
    match update {
        Update::Missing => Ok(BTreeSet::new()),
        Update::All => Ok(images.keys().cloned().collect()),
        Update::Some(names) => {
            let of_name = |name: &String| {
                let named = [lock::name(name).map(Name::Image), Some(Name::Base(name.clone()))];
                let is_meant = |(image, used_by): &(&Name, &BTreeSet<String>)| {
                    used_by.contains(name) || named.iter().flatten().any(|named| named == *image)
                };
                let meant: Vec<_> = images.iter().filter(is_meant).map(|(image, _)| image.clone()).collect();
                if meant.is_empty() { Err(unknown(name, images)) } else { Ok(meant) }
            };
            Ok(names.iter().map(of_name).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        }
    }
}

fn unknown(name: &str, images: &Images) -> LockError {
    let known: BTreeSet<_> = images.values().flatten().map(String::as_str).collect();
    LockError::UnknownImage { name: name.to_owned(), hint: unknown_name_hint(name, "services", known) }
}

/// What images are.
type Found = BTreeMap<Name, Locked>;

/// What images are: as their file or a layout says, else as their registry says.
fn find(wanted: &[Name], settings: &LockSettings, events: Events<'_>) -> Result<Found, LockError> {
    let mut found = read_files(wanted, &settings.file)?;
    for layout in &settings.layouts {
        let images = read_layout(layout)?.into_iter().map(|(image, locked)| (Name::Image(image), locked));
        found.extend(images.filter(|(image, _)| wanted.contains(image)));
    }
    let rest: Vec<_> = wanted.iter().filter(|image| !found.contains_key(image)).collect();
    if settings.offline && !rest.is_empty() {
        return Err(LockError::Offline(rest.iter().map(ToString::to_string).collect()));
    }
    found.extend(ask(rest, &settings.registry, events)?);
    Ok(found)
}

/// What bases in files are; their paths start where the spec is.
fn read_files<'a>(wanted: impl IntoIterator<Item = &'a Name>, spec: &Path) -> Result<Found, LockError> {
    let mut found = Found::new();
    for name in wanted {
        if let Name::Base(written) = name {
            let base = BaseReference::parse(written).map_err(|fault| Failure::Build(fault.into()))?;
            let base = find_base(&base.from_folder(project_folder(spec)))?;
            found.extend(base.map(|base| (name.clone(), locked(base.digest(), base.architectures()))));
        }
    }
    Ok(found)
}

/// What images of registries are.
fn ask<'a>(
    wanted: impl IntoIterator<Item = &'a Name>,
    registry: &RegistrySettings,
    events: Events<'_>,
) -> Result<Found, LockError> {
    let reference = |name: &Name| match name {
        Name::Image(reference) => Some(reference.clone()),
        Name::Base(_) => None,
    };
    let references: Vec<_> = wanted.into_iter().filter_map(reference).collect();
    let resolved = resolve(&references, registry, events)?;
    let resolved = resolved.into_iter().map(|resolved| locked(resolved.digest, resolved.architectures));
    Ok(references.into_iter().map(Name::Image).zip(resolved).collect())
}

/// `oci:PATH`, or `IMAGE=oci:PATH[:TAG]`.
fn read_layout(written: &str) -> Result<Vec<(RegistryReference, Locked)>, LockError> {
    let refuse = |reason: String| Err(LockError::Layout { layout: written.to_owned(), reason });
    // A path may hold `=` too, but behind its transport.
    let named = written.split_once('=').filter(|(name, _)| lock::name(name).is_some());
    let (name, layout) = named.map_or((None, written), |(name, layout)| (lock::name(name), layout));
    let Ok(BaseReference::OciLayout(place)) = BaseReference::parse(layout) else {
        return refuse(
            "is not a layout: expected `oci:PATH`, `oci-archive:PATH`, or `IMAGE=oci:PATH[:TAG]`".to_owned(),
        );
    };
    let images = named_images(&place.path)?;
    let has_tag = |image: &&NamedImage| place.tag.is_none() || image.tag == place.tag;
    let images: Vec<_> = images.iter().filter(has_tag).collect();
    let Some(name) = name else {
        let named = images.into_iter().filter_map(|image| Some((image.name.clone()?, locked_of(image))));
        return Ok(named.collect());
    };
    match images.as_slice() {
        [only] => Ok(vec![(name, locked_of(only))]),
        several => refuse(format!("has {} images: name one by its tag, as `IMAGE=oci:PATH:TAG`", several.len())),
    }
}

fn locked(digest: Digest, architectures: impl IntoIterator<Item = (Architecture, Digest)>) -> Locked {
    let architectures = architectures.into_iter().map(|(architecture, digest)| (architecture.to_string(), digest));
    Locked { digest, architectures: architectures.collect() }
}

fn locked_of(image: &NamedImage) -> Locked {
    locked(image.digest, image.architectures.clone())
}
