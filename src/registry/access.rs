//! How to reach and authenticate with one registry.

use std::fmt;
use std::sync::Arc;

use super::{Credential, KeyringError, RegistryError};

/// How a registry is to be talked to.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The credential for this registry.
    pub credential: Option<Credential>,
    /// Where to look for a credential, once the registry wants one, when none is given.
    pub keyring: Option<Keyring>,
    /// Other hosts to which the credential may be sent to get a token.
    pub token_hosts: Vec<String>,
    /// Without encryption, wherever the registry is.
    pub plain_http: bool,
}

/// Looks for a credential, only once a registry requires one.
#[derive(Clone)]
pub struct Keyring(Arc<Find>);

type Find = dyn Fn() -> Result<Option<Credential>, KeyringError> + Send + Sync;

impl Keyring {
    /// Looks by a function.
    pub fn new(find: impl Fn() -> Result<Option<Credential>, KeyringError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    pub(super) fn find(&self) -> Result<Option<Credential>, RegistryError> {
        self.0().map_err(RegistryError::Keyring)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keyring")
    }
}
