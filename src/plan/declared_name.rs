//! What a platform calls what a spec declares: as it is declared, unless the platform takes no such name.
//!
//! Takes in the names of an environment; gives out the names of their objects, and errors where two would be one or where one is too long.

use std::collections::BTreeMap;

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::{Span, Table};
use crate::name::DeclaredName;
use crate::spec::DECLARED_NAME_HINT;

use super::{Platform, Service};

/// What names of our own volumes and secrets begin with in a manifest.
const OWN_PREFIX: &str = "bootsmith.";

/// The longest name of a service of a swarm (swarmkit, manager/controlapi), and of a container that is to be found by its name (RFC 1035).
const MAX_NAME_CHARACTERS: usize = 63;

/// The longest name of a workload of Kubernetes: its controller adds a dash and ten digits, for a label of its pods.
const MAX_WORKLOAD_CHARACTERS: usize = 52;

impl Platform {
    /// What a service is called on it.
    pub fn service_name(self, name: &DeclaredName) -> String {
        match self {
            Self::Compose => name.to_string(),
            Self::Swarm => name.to_swarm_name(),
            Self::Kubernetes => letter_first(name.to_host_name()),
        }
    }

    /// What a network is called on it.
    pub fn network_name(self, name: &DeclaredName) -> String {
        match self {
            Self::Compose => name.to_string(),
            Self::Swarm => name.to_swarm_name(),
            Self::Kubernetes => name.to_host_name(),
        }
    }

    /// What a volume is called on it.
    pub fn volume_name(self, name: &DeclaredName) -> String {
        match self {
            Self::Compose | Self::Swarm => name.to_string(),
            Self::Kubernetes => name.to_host_name(),
        }
    }
}

impl Service {
    /// What the service is called on a platform.
    pub fn name_on(&self, platform: Platform) -> String {
        platform.service_name(&self.name)
    }

    /// What the service is called on Kubernetes.
    pub fn name_in_cluster(&self) -> String {
        self.name_on(Platform::Kubernetes)
    }
}

/// A Service of Kubernetes has a name of RFC 1035.
fn letter_first(name: String) -> String {
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("s{name}") } else { name }
}

/// Reads the name of what is called `what`.
pub(super) fn read(name: &str, span: Span, what: &str, context: &mut Context) -> Option<DeclaredName> {
    let Some(parsed) = DeclaredName::parse(name) else {
        context.error(Code::INVALID_NAME, span, format!("`{name}` cannot name a {what}"), DECLARED_NAME_HINT);
        return None;
    };
    if let Some(rest) = name.strip_prefix(OWN_PREFIX) {
        let message = format!("`{name}` cannot name a {what}: what the bootstrap image makes for itself is called so");
        let free = if DeclaredName::parse(rest).is_some() { rest } else { what };
        context.error(Code::RESERVED_NAME, span, message, format!("leave the beginning out: `{free}`"));
    }
    Some(parsed)
}

/// How a platform makes a name of an object out of a declared one.
type Mapping = fn(Platform, &DeclaredName) -> String;

/// The sections whose names become names of objects.
const SECTIONS: &[(&str, Mapping)] =
    &[("services", Platform::service_name), ("networks", Platform::network_name), ("volumes", Platform::volume_name)];

/// Refuses names that are one name on a platform, each once.
pub(super) fn check_apart(sections: &Table, platforms: &[Platform], context: &mut Context) {
    for (section, mapping) in SECTIONS {
        let mut taken: BTreeMap<(Platform, String), &str> = BTreeMap::new();
        for (name, entry) in sections.table(section).into_iter().flat_map(Table::iter) {
            let Some(parsed) = DeclaredName::parse(name) else { continue };
            let found = platforms.iter().map(|platform| (*platform, found_as(section, mapping(*platform, &parsed))));
            let found: Vec<_> = found.collect();
            let meeting = found.iter().find_map(|place| Some((place, *taken.get(place)?)));
            if let Some(((platform, object), first)) = meeting {
                report_meeting(section, (first, name), (*platform, object), entry.key_span, context);
            }
            for place in found {
                taken.entry(place).or_insert(name);
            }
        }
    }
}

/// Name servers do not look at case.
fn found_as(section: &str, object: String) -> String {
    if section == "services" { object.to_ascii_lowercase() } else { object }
}

fn report_meeting(
    section: &str,
    (first, second): (&str, &str),
    (platform, object): (Platform, &str),
    span: Span,
    context: &mut Context,
) {
    let title = platform.title();
    let message = format!("the {section} `{first}` and `{second}` would both be found as `{object}` on {title}");
    let hint = format!("give one of them a name that differs in more than case, `.`, `_` and `-`, as `{second}-2`");
    context.error(Code::DUPLICATE, span, message, hint);
}

/// Refuses the name of a service that is too long for what a platform makes of it.
pub(super) fn check_length(
    name: &DeclaredName,
    target: &str,
    span: Span,
    platforms: &[Platform],
    context: &mut Context,
) {
    for platform in platforms {
        let own = platform.service_name(name);
        let (longest, most) = match platform {
            Platform::Compose => (format!("{target}-{own}-999"), MAX_NAME_CHARACTERS),
            Platform::Swarm => (format!("{target}_{own}"), MAX_NAME_CHARACTERS),
            Platform::Kubernetes => (own, MAX_WORKLOAD_CHARACTERS),
        };
        if longest.len() > most {
            report_length(&longest, most, *platform, span, context);
        }
    }
}

fn report_length(longest: &str, most: usize, platform: Platform, span: Span, context: &mut Context) {
    let (what, whose) = match platform {
        Platform::Compose => ("names of containers have", "of the project, of the environment or of the service"),
        Platform::Swarm => {
            ("names of services of a swarm have", "of the project, of the environment or of the service")
        }
        Platform::Kubernetes => ("names of workloads on Kubernetes have", "of the service"),
    };
    let message = format!("`{longest}` has {} characters; {what} at most {most}", longest.len());
    context.error(Code::TOO_LONG, span, message, format!("shorten the name {whose}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_has_its_names() {
        let name = |text| DeclaredName::parse(text).expect("a name");
        let on = |platform: Platform, text| platform.service_name(&name(text));
        for text in ["web", "My_Web.1", "2web"] {
            assert_eq!(on(Platform::Compose, text), text);
        }
        assert_eq!(on(Platform::Swarm, "My_Web.1"), "My_Web-1");
        assert_eq!(on(Platform::Kubernetes, "My_Web.1"), "my-web-1");
        assert_eq!(on(Platform::Kubernetes, "2web"), "s2web");
        assert_eq!(Platform::Kubernetes.volume_name(&name("2_Data")), "2-data");
        assert_eq!(Platform::Swarm.volume_name(&name("2_Data.x")), "2_Data.x");
        assert_eq!(Platform::Swarm.network_name(&name("back.end")), "back-end");
    }
}
