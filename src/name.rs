//! Checked names: a name that exists is valid.
//!
//! Takes in text; gives out names of services, environments, scripts … (DNS labels) and of parameters and variables
//! (environment variables). Knows no file.

use std::fmt;

use serde::Serialize;

/// A lower-case DNS label: `[a-z]([a-z0-9-]{0,61}[a-z0-9])?`, as RFC 1123 has it with a letter first, so that it is also an RFC 1035 label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Label(String);

/// The name of a parameter or variable: `[A-Za-z_][A-Za-z0-9_]*`, a POSIX environment variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EnvironmentKey(String);

/// The longest DNS label (RFC 1035, section 2.3.4).
pub const MAX_LABEL_CHARACTERS: usize = 63;

impl Label {
    /// Checks `text`.
    pub fn parse(text: &str) -> Option<Self> {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid = text.len() <= MAX_LABEL_CHARACTERS
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && !text.ends_with('-')
            && text.bytes().all(inner);
        valid.then(|| Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as part of an environment variable: `web-conf` is `WEB_CONF`.
    pub fn to_environment_key(&self) -> String {
        self.0.to_ascii_uppercase().replace('-', "_")
    }
}

impl EnvironmentKey {
    /// Checks `text`.
    pub fn parse(text: &str) -> Option<Self> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_first = |first: char| first.is_ascii_alphabetic() || first == '_';
        (text.starts_with(is_first) && text.bytes().all(inner)).then(|| Self(text.to_owned()))
    }

    /// The variable in which the entrypoint has the value: variables of its own are written in small letters.
    pub fn entrypoint_variable(&self) -> String {
        let is_ours = self.0.bytes().any(|byte| byte.is_ascii_lowercase());
        format!("{}{}", if is_ours { "BOOTSMITH_GIVEN_" } else { "" }, self.0)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the shell, Docker, Compose, Kubernetes or the entrypoint itself give the name a meaning.
    pub fn is_reserved(&self) -> bool {
        let names = RESERVED_NAMES.lines().filter(|line| !line.starts_with('#'));
        names.into_iter().any(|name| match name.strip_suffix('*') {
            Some(family) => self.0.starts_with(family),
            None => self.0 == name,
        })
    }
}

/// Names of variables that a shell or a tool of the bootstrap image reads, one a line; those of a family end in `*`. The entrypoint reads
/// the same table before it takes a recorded release.
const RESERVED_NAMES: &str = include_str!("../templates/entrypoint/lib/reserved-names");

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for EnvironmentKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_dns_labels_with_a_letter_first() {
        for good in ["a", "web", "web-2", &"a".repeat(63)] {
            assert!(Label::parse(good).is_some(), "{good}");
        }
        for bad in ["", "2web", "-web", "web-", "Web", "we_b", "wéb", "a.b", &"a".repeat(64)] {
            assert!(Label::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn variables_have_names_of_environment_variables() {
        for good in ["A", "DB_PASSWORD", "log_level", "logLevel2", "_TAG", "version", "_"] {
            assert!(EnvironmentKey::parse(good).is_some(), "{good}");
        }
        for bad in ["", "2A", "A-B", "a.b", "Ä", "A B", "A:-x"] {
            assert!(EnvironmentKey::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_has_small_letters_keeps_clear_of_the_entrypoint() {
        let variable = |name| EnvironmentKey::parse(name).expect("a name").entrypoint_variable();
        assert_eq!(variable("DB_PASSWORD"), "DB_PASSWORD");
        assert_eq!(variable("_TAG"), "_TAG");
        assert_eq!(variable("version"), "BOOTSMITH_GIVEN_version");
        assert_eq!(variable("logLevel"), "BOOTSMITH_GIVEN_logLevel");
    }

    #[test]
    fn what_the_tools_read_is_reserved() {
        let taken =
            ["PATH", "DOCKER_HOST", "KUBECONFIG", "TAR_OPTIONS", "BASH_ENV", "BOOTSTRAP_SECRETS", "_", "http_proxy"];
        let free = ["DB_PASSWORD", "SHELL_COLOR", "BASH_COLOR", "BOOTS_PRICE", "BOOTSTRAP", "PATHS", "path", "version"];
        let named = taken.map(|name| (name, true)).into_iter().chain(free.map(|name| (name, false)));
        for (name, reserved) in named {
            assert_eq!(EnvironmentKey::parse(name).expect("a name").is_reserved(), reserved, "{name}");
        }
    }
}
