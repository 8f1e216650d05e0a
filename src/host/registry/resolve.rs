//! What images of registries are now.

use crate::reference::RegistryReference;
use crate::registry::{self, Events, PullError, Resolved, Session, each};

use super::client::Client;
use super::{PullFailure, RegistrySettings};

/// Asks for several images at once; gives out what they are, in the order in which they are given.
pub fn resolve(
    images: &[RegistryReference],
    settings: &RegistrySettings,
    events: Events<'_>,
) -> Result<Vec<Resolved>, PullFailure> {
    settings.check_login(images.iter().map(RegistryReference::registry))?;
    let client = Client::new(&settings.client)?;
    each(images, |image| {
        let (registry, repository) = (image.registry(), image.repository());
        let access = settings.access(registry, repository);
        let session = Session::open(&client, registry, &access, events).map_err(PullError::from)?;
        Ok(registry::resolve(&session, repository, &image.name())?)
    })
}
