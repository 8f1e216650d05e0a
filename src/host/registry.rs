//! Registries, from this machine: the network, the logins that are kept here, and one call each to push, to pull and to look at images.

mod bundle;
mod client;
mod copy;
mod copy_error;
mod credentials;
mod open;
mod pace;
mod proxy;
mod pull;
mod push;
mod resolve;
mod supply;
mod tags;
mod tls;

pub use bundle::{BundleSettings, Bundled, bundle};
pub use client::{Client, ClientError, ClientSettings};
pub use copy::{CopiedImage, CopySettings, copy};
pub use copy_error::CopyError;
pub use credentials::{CredentialError, find as find_credential};
pub use open::{ImageName, Needed, OpenedImage, open_images};
pub use pull::{PullFailure, PullSettings, PulledImage, pull, pull_bases};
pub use push::{PushError, PushSettings, PushedImage, push};
pub use resolve::resolve;
pub use tags::list_tags;

use std::collections::BTreeSet;

use crate::registry::{Access, Credential, Keyring, KeyringError, Secret};

/// How to talk to registries.
#[derive(Clone, Debug, Default)]
pub struct RegistrySettings {
    /// User name and password, instead of the logins on this machine.
    pub login: Option<Login>,
    /// Further hosts to which the credentials may be sent for a token.
    pub token_hosts: Vec<String>,
    /// Without encryption.
    pub plain_http: bool,
    /// How to reach the registries.
    pub client: ClientSettings,
}

/// A name and a password.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// One login is given, and it would go to several registries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("one login was given for several registries: {}", registries.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and "))]
pub struct OneLogin {
    /// The registries.
    pub registries: BTreeSet<String>,
}

impl RegistrySettings {
    /// A login that is given is for one registry.
    fn check_login<'a>(&self, registries: impl IntoIterator<Item = &'a str>) -> Result<(), OneLogin> {
        let registries: BTreeSet<_> = registries.into_iter().map(str::to_owned).collect();
        if self.login.is_some() && registries.len() > 1 { Err(OneLogin { registries }) } else { Ok(()) }
    }

    /// The access to a repository of a registry. The logins of this machine are looked into when the registry wants one.
    fn access(&self, registry: &str, repository: &str) -> Access {
        let credential = self.login.as_ref().map(|Login { username, password }| Credential::Password {
            username: username.clone(),
            password: password.clone(),
        });
        let (registry, repository, timeout) = (registry.to_owned(), repository.to_owned(), self.client.timeout);
        let keyring =
            Keyring::new(move || credentials::find(&registry, &repository, timeout).map_err(KeyringError::from));
        let token_hosts = self.token_hosts.clone();
        Access { credential, keyring: Some(keyring), token_hosts, plain_http: self.plain_http }
    }
}
