//! Checked names: a name that exists is valid.
//!
//! Takes in text; gives out names of projects, environments, scripts … (DNS labels), of what a Compose file declares (services, volumes …), and of
//! parameters and variables (environment variables). Knows no file.

use std::fmt;

use serde::Serialize;

/// A lower-case DNS label: `[a-z]([a-z0-9-]{0,61}[a-z0-9])?`, as RFC 1123 has it with a letter first, so that it is also an RFC 1035 label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Label(String);

/// The name of a service, volume, network, config or secret, as the Compose Specification has it: `[a-zA-Z0-9][a-zA-Z0-9._-]*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DeclaredName(String);

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
}

impl DeclaredName {
    /// Checks `text`.
    pub fn parse(text: &str) -> Option<Self> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let valid = text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.bytes().all(inner);
        valid.then(|| Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as part of a variable of a manifest, which no other name has: `web-conf` is `WEB_CONF`. What the names of DNS do not have is marked by
    /// small letters: `c` stands before a capital, `d` for a dot, `u` for `_`. The entrypoint writes the same (`read_service_variable`).
    pub fn to_variable(&self) -> String {
        let written = |letter: char| match letter {
            '-' => "_".to_owned(),
            '.' => "d".to_owned(),
            '_' => "u".to_owned(),
            capital if capital.is_ascii_uppercase() => format!("c{capital}"),
            other => other.to_ascii_uppercase().to_string(),
        };
        self.0.chars().map(written).collect()
    }

    /// The same in capitals alone, which names may have in common: `Web.conf` and `web-conf` are `WEB_CONF`.
    pub fn to_capitals(&self) -> String {
        self.0.to_ascii_uppercase().replace(['-', '.'], "_")
    }

    /// The nearest name of a host (RFC 1123): in small letters, with `-` for what is neither letter nor digit. Names may have it in common.
    pub fn to_host_name(&self) -> String {
        self.0.to_ascii_lowercase().replace(['_', '.'], "-").trim_end_matches('-').to_owned()
    }

    /// The nearest name of a service of a swarm, which has no dots and ends in a letter or digit. Names may have it in common.
    pub fn to_swarm_name(&self) -> String {
        self.0.replace('.', "-").trim_end_matches(['-', '_']).to_owned()
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

impl fmt::Display for DeclaredName {
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
    use proptest::prelude::*;

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
    fn objects_have_the_names_of_the_compose_specification() {
        for good in ["a", "web-2", "My_Web.1", "2web", "1.0", "web-", "a..b__c--", &"a".repeat(99)] {
            assert!(DeclaredName::parse(good).is_some(), "{good}");
        }
        for bad in ["", "-web", "_web", ".web", "we b", "web/1", "wéb", "a:b", "a\n"] {
            assert!(DeclaredName::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn names_are_mapped_to_what_a_platform_takes() {
        let name = |text| DeclaredName::parse(text).expect("a name");
        assert_eq!(name("My_Web.1").to_host_name(), "my-web-1");
        assert_eq!(name("web._-").to_host_name(), "web");
        assert_eq!(name("My_Web.1").to_swarm_name(), "My_Web-1");
        assert_eq!(name("web._-").to_swarm_name(), "web");
        assert_eq!(name("web-conf").to_variable(), "WEB_CONF");
        assert_eq!(name("My_Web.1").to_variable(), "cMYucWEBd1");
        assert_eq!(name("My_Web.1").to_capitals(), "MY_WEB_1");
    }

    proptest! {
        #[test]
        fn no_two_names_have_one_variable(left in "[a-cA-Cdu0-1][a-cA-Cdu0-1._-]{0,4}", right in "[a-cA-Cdu0-1][a-cA-Cdu0-1._-]{0,4}") {
            let variable = |text: &str| DeclaredName::parse(text).expect("a name").to_variable();
            prop_assert_eq!(left == right, variable(&left) == variable(&right));
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
