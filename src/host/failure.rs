//! Why a release was not built.

use super::HostError;
use super::registry::PullFailure;
use crate::pipeline::{BuildError, PrepareError};
use crate::source::Sources;
use crate::store::StoreError;

/// Why nothing was built. An existing tarball is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The project's files are wrong, or bootsmith is; the bytes are for drawing the diagnostics.
    #[error("{error}")]
    Prepare {
        /// What was read.
        sources: Box<Sources>,
        /// What is wrong with it.
        #[source]
        error: PrepareError,
    },
    /// A file cannot be read, or a variable is wrong.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The release before cannot be read.
    #[error(transparent)]
    Previous(Box<StoreError>),
    /// A base could not be pulled.
    #[error(transparent)]
    Pull(Box<PullFailure>),
    /// The image cannot be made or written.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Build(BuildError::Store(error))
    }
}
