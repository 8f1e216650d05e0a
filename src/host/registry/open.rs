//! Library entry point for opening images: tarballs, and images of registries, which are pulled into the content store first.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::inspect::{self, BootstrapArchive};
use crate::reference::{ReferenceFault, RegistryReference};
use crate::registry::{self, Events, PullError, Referrer, Session, WantedLayers, is_pulled};
use crate::store::Cache;

use super::super::with_cache;
use super::RegistrySettings;
use super::pull::{PullFailure, pull_with, with_session};

/// What an argument names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageName {
    /// A file that is there, or one that is not and that nothing else can be meant by.
    Tarball(PathBuf),
    /// An image of a registry.
    Registry(RegistryReference),
    /// A file that is not there, or an image of a registry without tag and digest.
    Unclear(PathBuf),
}

/// What is to be known of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// The documents, and what Bootsmith has put on the base.
    Payload,
    /// The same, and what refers to an image in its registry.
    PayloadAndReferrers,
    /// Every layer.
    Everything,
}

/// An image that was opened. What it was read from stays as long as this value.
#[derive(Debug)]
pub struct OpenedImage {
    archive: BootstrapArchive,
    referrers: Option<Vec<Referrer>>,
    /// Ends with this value where there is no place for a cache.
    _cache: Option<Arc<Cache>>,
}

impl ImageName {
    /// What is there is a file; what is not is an image of a registry, if it can be one.
    pub fn of(argument: &Path) -> Self {
        if argument.exists() {
            return Self::Tarball(argument.to_owned());
        }
        match argument.to_str().map(RegistryReference::parse) {
            Some(Ok(reference)) => Self::Registry(reference),
            Some(Err(ReferenceFault::NoTag(_))) => Self::Unclear(argument.to_owned()),
            _ => Self::Tarball(argument.to_owned()),
        }
    }
}

impl OpenedImage {
    /// What is in it.
    pub fn archive(&self) -> &BootstrapArchive {
        &self.archive
    }

    /// What refers to it, of an image of a registry and when it was asked for.
    pub fn referrers(&self) -> Option<&[Referrer]> {
        self.referrers.as_deref()
    }
}

impl Needed {
    fn layers(self) -> WantedLayers<'static> {
        match self {
            Self::Payload | Self::PayloadAndReferrers => WantedLayers::Payload,
            Self::Everything => WantedLayers::Of(&[]),
        }
    }
}

/// Opens images. Of those of registries what is needed is brought here, unless it is here; with a digest nobody is asked when
/// everything is, but for what refers to it.
pub fn open_images(
    names: &[ImageName],
    needed: Needed,
    settings: &RegistrySettings,
    events: Events<'_>,
) -> Result<Vec<OpenedImage>, PullFailure> {
    let references = names.iter().filter_map(|name| match name {
        ImageName::Registry(reference) => Some(reference),
        _ => None,
    });
    settings.check_login(references.map(RegistryReference::registry))?;
    let open = |name: &ImageName| match name {
        ImageName::Tarball(path) | ImageName::Unclear(path) => {
            Ok(OpenedImage { archive: inspect::open(path)?, referrers: None, _cache: None })
        }
        ImageName::Registry(reference) => {
            with_cache(events, |cache| open_pulled(reference, needed, settings, cache, events))
        }
    };
    names.iter().map(open).collect()
}

fn open_pulled(
    reference: &RegistryReference,
    needed: Needed,
    settings: &RegistrySettings,
    cache: &Arc<Cache>,
    events: Events<'_>,
) -> Result<OpenedImage, PullFailure> {
    let layers = needed.layers();
    let (registry, repository) = (reference.registry(), reference.repository());
    let here = reference.digest().filter(|digest| is_pulled(*digest, layers, &cache.pulled()));
    let ask = |session: &Session<'_>| {
        let digest = here.map_or_else(|| pull_with(session, reference, layers, cache), Ok)?;
        let referrers = match needed {
            Needed::PayloadAndReferrers => {
                Some(registry::referrers(session, repository, digest).map_err(PullError::from)?)
            }
            _ => None,
        };
        Ok((digest, referrers))
    };
    let (digest, referrers) = match here {
        Some(digest) if needed != Needed::PayloadAndReferrers => (digest, None),
        _ => with_session(registry, repository, settings, events, ask)?,
    };
    let archive = inspect::open_pulled(&cache.pulled().layout(digest), &reference.to_string())?;
    Ok(OpenedImage { archive, referrers, _cache: Some(Arc::clone(cache)) })
}
