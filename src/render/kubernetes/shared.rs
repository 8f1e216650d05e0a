//! What services of an environment share: volumes, and names that resolve.
//!
//! Found once for all of them: to ask every service about every other takes a time that grows with the square of their number.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::Label;
use crate::plan::{Environment, Service};

use super::volumes;

/// Volumes and names, with the services that use them.
pub(super) struct Shared<'a> {
    volumes: BTreeMap<Label, Vec<&'a Service>>,
    services: BTreeSet<&'a str>,
    aliases: BTreeMap<String, &'a Label>,
}

impl<'a> Shared<'a> {
    /// Finds them.
    pub(super) fn of(environment: &'a Environment) -> Self {
        let services = environment.services.iter().map(|service| service.name.as_str()).collect();
        let mut shared = Self { volumes: BTreeMap::new(), services, aliases: BTreeMap::new() };
        for service in &environment.services {
            for name in volumes::named(service) {
                shared.volumes.entry(name).or_default().push(service);
            }
            for alias in written_aliases(service) {
                shared.aliases.entry(alias).or_insert(&service.name);
            }
        }
        shared
    }

    /// The services that use a volume.
    pub(super) fn users(&self, volume: &Label) -> &[&'a Service] {
        self.volumes.get(volume).map_or(&[], Vec::as_slice)
    }

    /// Whether a name is that of a service, or an alias of one.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.services.contains(name) || self.aliases.contains_key(name)
    }

    /// The aliases of a service that resolve to it: names of the DNS that neither a service has nor one before it as an alias.
    pub(super) fn own_aliases(&self, service: &Service) -> Vec<String> {
        let is_own = |alias: &String| {
            !self.services.contains(alias.as_str())
                && self.aliases.get(alias).is_some_and(|first| **first == service.name)
        };
        written_aliases(service).into_iter().filter(is_own).collect()
    }
}

fn written_aliases(service: &Service) -> BTreeSet<String> {
    let aliases = service.compose.aliases.iter().map(|alias| &alias.value);
    aliases.filter(|alias| Label::parse(alias).is_some()).cloned().collect()
}
