//! Why a release was not copied or bundled.

use crate::image::Architecture;
use crate::image::architecture::ArchitectureFault;
use crate::reference::ReferenceFault;
use crate::registry::RegistryError;
use crate::relocate::RelocateError;
use crate::store::StoreError;

use super::client::ClientError;
use super::{OneLogin, PullFailure};

/// Why a release was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A text names no image, or no place for images.
    #[error(transparent)]
    Reference(#[from] ReferenceFault),
    /// The tarball does not say what its image is called.
    #[error("the tarball has no image name that could be used")]
    NoReference,
    /// Two images would have one name.
    #[error("`{first}` and `{second}` would both be `{name}`")]
    Collision {
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// What they would be called.
        name: String,
    },
    /// The bundle lacks an image of a service.
    #[error("the bundle does not contain `{0}`")]
    NotBundled(String),
    /// A text names no architecture.
    #[error(transparent)]
    Architecture(#[from] ArchitectureFault),
    /// The bootstrap image is for other architectures.
    #[error("the bootstrap image is not for {0}")]
    NoArchitecture(Architecture),
    /// One password for several registries.
    #[error(transparent)]
    OneLogin(#[from] OneLogin),
    /// An image is not available, or the bootstrap image not be read.
    #[error(transparent)]
    Pull(Box<PullFailure>),
    /// The client cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The new registry does not take it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The bootstrap image cannot be rewritten.
    #[error(transparent)]
    Relocate(#[from] RelocateError),
}

impl From<StoreError> for CopyError {
    fn from(error: StoreError) -> Self {
        PullFailure::from(error).into()
    }
}

impl From<PullFailure> for CopyError {
    fn from(error: PullFailure) -> Self {
        Self::Pull(Box::new(error))
    }
}
