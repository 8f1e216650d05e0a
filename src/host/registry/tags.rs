//! Library entry point for listing tags.

use crate::reference::RepositoryReference;
use crate::registry::{self, Events};

use super::RegistrySettings;
use super::pull::{PullFailure, with_session};

/// Every tag of a repository: versions from the lowest, then other tags.
pub fn list_tags(
    repository: &RepositoryReference,
    settings: &RegistrySettings,
    events: Events<'_>,
) -> Result<Vec<String>, PullFailure> {
    let (registry, path) = (repository.registry(), repository.repository());
    with_session(registry, path, settings, events, |session| {
        registry::tags(session, path).map_err(|error| PullFailure::Pull(error.into()))
    })
}
