//! Who we are to a registry.

use std::fmt;
use std::sync::Arc;

use super::{Credential, KeyringError, RegistryError};

/// How a registry is to be talked to.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// What proves to this registry who we are.
    pub credential: Option<Credential>,
    /// Where to look for a credential, once the registry wants one, when none is given.
    pub keyring: Option<Keyring>,
    /// Other hosts that may be shown the credential to get a token from them.
    pub token_hosts: Vec<String>,
    /// Without encryption, wherever the registry is.
    pub plain_http: bool,
}

/// Looks for a credential: nobody is asked for a secret that nobody wants.
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
