//! Secrets that mask themselves, and credentials.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Text that no message shows: `Debug` and `Display` print stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps text from being shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for those who send it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text in which the secret does not stand.
    pub(super) fn mask(&self, text: &str) -> String {
        // What is this short stands in texts by chance.
        const MIN_BYTES: usize = 4;
        if self.0.len() < MIN_BYTES { text.to_owned() } else { text.replace(&self.0, STARS) }
    }
}

const STARS: &str = "***";

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(STARS)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(STARS)
    }
}

/// A credential for a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A name and its password.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// What a token service gives tokens for, instead of a password.
    IdentityToken(Secret),
    /// A token for the registry itself.
    RegistryToken(Secret),
}

impl Credential {
    /// The value of the header `authorization` in the scheme Basic; nothing for a credential without a password.
    pub(super) fn basic(&self) -> Option<Secret> {
        match self {
            Self::Password { username, password } => {
                let pair = format!("{username}:{}", password.expose());
                Some(Secret::new(format!("Basic {}", STANDARD.encode(pair))))
            }
            Self::IdentityToken(_) | Self::RegistryToken(_) => None,
        }
    }

    /// Every text that must not be shown.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let own = match self {
            Self::Password { password, .. } => password,
            Self::IdentityToken(token) | Self::RegistryToken(token) => token,
        };
        let encoded = self.basic().map(|basic| Secret::new(basic.expose().trim_start_matches("Basic ")));
        encoded.into_iter().chain([own.clone()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let credential = Credential::Password { username: "anna".to_owned(), password: Secret::new("hunter2") };
        assert_eq!(format!("{credential:?}"), "Password { username: \"anna\", password: *** }");
        assert_eq!(Secret::new("hunter2").to_string(), "***");
        let basic = credential.basic().expect("a password");
        assert_eq!(basic.expose(), "Basic YW5uYTpodW50ZXIy");
        let said = credential
            .secrets()
            .iter()
            .fold("no hunter2, no YW5uYTpodW50ZXIy".to_owned(), |text, secret| secret.mask(&text));
        assert_eq!(said, "no ***, no ***");
    }
}
