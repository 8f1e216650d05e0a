//! Where the images of services come from when a release moves: registries, or the bundle that holds them all.

use std::collections::BTreeMap;

use crate::image::{Architecture, Replica};
use crate::reference::RegistryReference;
use crate::registry::{self, Events};
use crate::store::{BundledImage, Cache};

use super::RegistrySettings;
use super::copy_error::CopyError;
use super::pull::with_session;

/// A source of images.
pub(super) enum Supply<'a> {
    Registries {
        settings: &'a RegistrySettings,
        /// Of this architecture; of all without one.
        architecture: Option<&'a Architecture>,
        cache: &'a Cache,
        events: Events<'a>,
    },
    Bundle(BTreeMap<RegistryReference, Replica>),
}

impl Supply<'_> {
    /// The images of a bundle.
    pub(super) fn bundle(images: Vec<BundledImage>) -> Self {
        Self::Bundle(images.into_iter().map(|image| (RegistryReference::from(&image.name), image.replica)).collect())
    }

    /// An image with everything that it consists of.
    pub(super) fn replica(&self, image: &RegistryReference) -> Result<Replica, CopyError> {
        match self {
            Self::Bundle(images) => {
                images.get(&image.unpinned()).cloned().ok_or_else(|| CopyError::NotBundled(image.to_string()))
            }
            Self::Registries { settings, architecture, cache, events } => {
                let (registry, repository) = (image.registry(), image.repository());
                let pulled = cache.pulled();
                let replica = with_session(registry, repository, settings, *events, |session| {
                    let (name, digest) = (image.name(), image.digest());
                    Ok(registry::replicate(session, repository, &name, digest, *architecture, &pulled)?)
                });
                Ok(replica?)
            }
        }
    }

    /// The registries that are asked for images, of all that they are in.
    pub(super) fn asked<'r>(&self, registries: impl Iterator<Item = &'r str>) -> Vec<&'r str> {
        match self {
            Self::Bundle(_) => Vec::new(),
            Self::Registries { .. } => registries.collect(),
        }
    }
}
