//! Library entry points for pulling: an image into a tarball, and the bases of a release into the content store.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::digest::Digest;
use crate::image::Architecture;
use crate::image::architecture::ArchitectureFault;
use crate::inspect;
use crate::plan::Plan;
use crate::reference::{ReferenceFault, RegistryReference};
use crate::registry::{self, Events, PullError, Session, Wanted, WantedLayers, is_pulled};
use crate::store::{self, BaseReference, Cache, Progress, StoreError};

use super::super::with_cache;
use super::client::{Client, ClientError};
use super::{OneLogin, RegistrySettings};

/// What to pull, and where to.
#[derive(Clone, Debug, Default)]
pub struct PullSettings {
    /// The image: `name:tag`, or `name:tag@digest`.
    pub reference: String,
    /// The tarball that is written, if one is.
    pub tarball: Option<PathBuf>,
    /// Of these architectures; of all when the list is empty. A tarball has all.
    pub architectures: Vec<String>,
    /// How to talk to the registry.
    pub registry: RegistrySettings,
}

/// What was pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PulledImage {
    /// The digest by which the image is known.
    pub digest: Digest,
}

/// Why an image was not pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullFailure {
    /// A text names no image.
    #[error(transparent)]
    Reference(#[from] ReferenceFault),
    /// One password for several registries.
    #[error(transparent)]
    OneLogin(#[from] OneLogin),
    /// A text names no architecture.
    #[error(transparent)]
    Architecture(#[from] ArchitectureFault),
    /// The client cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The registry, or what it has.
    #[error(transparent)]
    Pull(#[from] PullError),
    /// The content store or the tarball.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Pulls an image into the content store, and writes its tarball when one is wanted.
pub fn pull(settings: &PullSettings, events: Events<'_>, progress: Progress<'_>) -> Result<PulledImage, PullFailure> {
    let reference = RegistryReference::parse(&settings.reference)?;
    let name = || reference.tagged().ok_or_else(|| ReferenceFault::NoTag(settings.reference.clone()));
    let target = settings.tarball.as_ref().map(|path| Ok::<_, ReferenceFault>((path, name()?))).transpose()?;
    let architectures = settings.architectures.iter().map(|text| Architecture::parse(text));
    let architectures = architectures.collect::<Result<Vec<_>, _>>()?;
    with_cache(events, |cache| {
        let digest = fetch(&reference, WantedLayers::Of(&architectures), &settings.registry, cache, events)?;
        if let Some((path, name)) = &target {
            let image = inspect::open_pulled(&cache.pulled().layout(digest), &reference.to_string())?.to_image()?;
            store::write_archive(&image, name, path, progress)?;
        }
        Ok(PulledImage { digest })
    })
}

/// Sees to it that the bases of a release that are in registries are in the content store. What is there needs no network.
pub fn pull_bases(
    plan: &Plan,
    settings: &RegistrySettings,
    cache: &Cache,
    events: Events<'_>,
) -> Result<(), PullFailure> {
    let architectures: Vec<_> = plan.architectures.iter().filter_map(|text| Architecture::parse(text).ok()).collect();
    let bases = plan.base.values().filter_map(|base| match BaseReference::parse(&base.text) {
        Ok(BaseReference::Registry(reference, digest)) => Some((reference, digest)),
        _ => None,
    });
    let bases: BTreeSet<_> = bases.collect();
    settings.check_login(bases.iter().map(|(reference, _)| reference.registry()))?;
    for (reference, digest) in &bases {
        let layers = WantedLayers::Of(&architectures);
        if !is_pulled(*digest, layers, &cache.pulled()) {
            fetch(reference, layers, settings, cache, events)?;
        }
    }
    Ok(())
}

fn fetch(
    reference: &RegistryReference,
    layers: WantedLayers<'_>,
    settings: &RegistrySettings,
    cache: &Cache,
    events: Events<'_>,
) -> Result<Digest, PullFailure> {
    let (registry, repository) = (reference.registry(), reference.repository());
    with_session(registry, repository, settings, events, |session| pull_with(session, reference, layers, cache))
}

/// Talks to a registry about a repository.
pub(super) fn with_session<T>(
    registry: &str,
    repository: &str,
    settings: &RegistrySettings,
    events: Events<'_>,
    work: impl FnOnce(&Session<'_>) -> Result<T, PullFailure>,
) -> Result<T, PullFailure> {
    let client = Client::new(&settings.client)?;
    let access = settings.access(registry, repository);
    let session = Session::open(&client, registry, &access, events).map_err(PullError::from)?;
    work(&session)
}

/// Pulls an image into the content store.
pub(super) fn pull_with(
    session: &Session<'_>,
    reference: &RegistryReference,
    layers: WantedLayers<'_>,
    cache: &Cache,
) -> Result<Digest, PullFailure> {
    let (name, digest) = (reference.name(), reference.digest());
    let wanted = Wanted { repository: reference.repository(), name: &name, digest, layers };
    Ok(registry::pull(session, wanted, &cache.pulled())?)
}
