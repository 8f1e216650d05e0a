//! What services of an environment share on Kubernetes: volumes, and names that resolve.
//!
//! Takes in an environment; gives out which claims, names and workloads follow from it. Found once for all services: to ask every service about
//! every other takes a time that grows with the square of their number.

use std::collections::{BTreeMap, BTreeSet};

use crate::compose;
use crate::document::node::{Node, Value};
use crate::document::text::unescaped;
use crate::name::{DeclaredName, Label, MAX_LABEL_CHARACTERS};

use super::{Environment, Object, Service, ServiceKind, ServiceType};

/// The network of services that name none.
const DEFAULT_NETWORK: &str = "default";

/// Volumes and names, with the services that use them.
pub struct Shared<'a> {
    environment: &'a Environment,
    volumes: BTreeMap<DeclaredName, Vec<&'a Service>>,
    services: BTreeSet<String>,
    aliases: BTreeMap<String, &'a DeclaredName>,
}

/// What runs a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Replicas that are all alike.
    Deployment,
    /// Replicas with volumes of their own.
    StatefulSet,
    /// One replica on every node.
    DaemonSet,
    /// Runs until it ends.
    Job,
}

impl Workload {
    /// As the API calls it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
        }
    }
}

impl<'a> Shared<'a> {
    /// Finds them.
    pub fn of(environment: &'a Environment) -> Self {
        let services = environment.services.iter().map(Service::name_in_cluster).collect();
        let mut shared = Self { environment, volumes: BTreeMap::new(), services, aliases: BTreeMap::new() };
        for service in &environment.services {
            for name in named_volumes(service) {
                shared.volumes.entry(name).or_default().push(service);
            }
            for alias in written_aliases(service) {
                shared.aliases.entry(alias).or_insert(&service.name);
            }
        }
        shared
    }

    /// The services that use a volume.
    fn users(&self, volume: &DeclaredName) -> &[&'a Service] {
        self.volumes.get(volume).map_or(&[], Vec::as_slice)
    }

    /// Whether each replica of the service has a volume of its own.
    pub fn is_own(&self, service: &Service, name: &DeclaredName) -> bool {
        let stays = service.kind == ServiceKind::Service && !service.is_global;
        let is_claimed = |volume: &Object| !volume.external && !volume.kubernetes.is_for_many();
        stays && self.environment.volumes.get(name).is_some_and(is_claimed) && self.users(name).len() == 1
    }

    /// The volumes of a service that each of its replicas has for itself.
    pub fn own_volumes(&self, service: &Service) -> Vec<DeclaredName> {
        named_volumes(service).into_iter().filter(|name| self.is_own(service, name)).collect()
    }

    /// The volumes of which there is one claim, which services share.
    pub fn shared_volumes(&self) -> impl Iterator<Item = (&'a DeclaredName, &'a Object)> {
        let is_shared = |name: &DeclaredName| {
            let users = self.users(name);
            !users.is_empty() && !users.iter().any(|service| self.is_own(service, name))
        };
        self.environment.volumes.iter().filter(move |(name, volume)| !volume.external && is_shared(name))
    }

    /// What runs a service.
    pub fn workload(&self, service: &Service) -> Workload {
        match (service.kind, service.is_global) {
            (ServiceKind::Job, _) => Workload::Job,
            (ServiceKind::Service, true) => Workload::DaemonSet,
            (ServiceKind::Service, false) if self.own_volumes(service).is_empty() => Workload::Deployment,
            (ServiceKind::Service, false) => Workload::StatefulSet,
        }
    }

    /// The names under which a service is reached inside: its own, and its aliases. A job that listens on nothing is nobody's partner.
    pub fn names_inside(&self, service: &Service) -> Vec<String> {
        let is_reached = service.kind == ServiceKind::Service || listens(service);
        if !is_reached || text(service, "network_mode").as_deref() == Some("none") {
            return Vec::new();
        }
        std::iter::once(service.name_in_cluster()).chain(self.own_aliases(service)).collect()
    }

    /// The name under which its published ports are reached from outside, when the spec opens them: `web-published`, or what is free.
    pub fn published_name(&self, service: &Service) -> Option<String> {
        /// With room for a number.
        const SUFFIX: &str = "-published";
        if service.kubernetes.service_type == ServiceType::ClusterIp {
            return None;
        }
        let name = service.name_in_cluster();
        let short = name[..name.len().min(MAX_LABEL_CHARACTERS - SUFFIX.len() - 2)].trim_end_matches('-');
        let first = format!("{short}{SUFFIX}");
        let numbered = (2..).map(|number| format!("{short}{SUFFIX}{number}"));
        std::iter::once(first).chain(numbered).find(|name| !self.is_taken(name))
    }

    /// Whether a name is that of a service, or an alias of one.
    fn is_taken(&self, name: &str) -> bool {
        self.services.contains(name) || self.aliases.contains_key(name)
    }

    /// The aliases of a service that resolve to it: names of the DNS that neither a service has nor one before it as an alias.
    fn own_aliases(&self, service: &Service) -> Vec<String> {
        let is_own = |alias: &String| {
            !self.services.contains(alias) && self.aliases.get(alias).is_some_and(|first| **first == service.name)
        };
        written_aliases(service).into_iter().filter(is_own).collect()
    }

    /// The services on each network.
    pub fn members(&self) -> BTreeMap<String, Vec<&'a Service>> {
        let mut members: BTreeMap<String, Vec<&Service>> = BTreeMap::new();
        for service in &self.environment.services {
            for network in networks_of(service) {
                members.entry(network).or_default().push(service);
            }
        }
        members
    }
}

/// The named volumes that a service uses.
pub fn named_volumes(service: &Service) -> BTreeSet<DeclaredName> {
    service.compose.mounts.iter().filter_map(compose::Mount::volume).filter_map(DeclaredName::parse).collect()
}

fn written_aliases(service: &Service) -> BTreeSet<String> {
    let aliases = service.compose.aliases.iter().map(|alias| &alias.value);
    aliases.filter(|alias| Label::parse(alias).is_some()).cloned().collect()
}

/// Whether a port of the container is known.
fn listens(service: &Service) -> bool {
    let by_ingress = service.kubernetes.ingress.as_ref().is_some_and(|ingress| ingress.port.is_some());
    !service.compose.ports.is_empty() || !service.compose.exposed.is_empty() || by_ingress
}

/// Whether a port of a service is open to all: published, or led to by its ingress.
pub(super) fn is_open(service: &Service) -> bool {
    !service.compose.ports.is_empty() || (service.kubernetes.ingress.is_some() && listens(service))
}

/// The networks that a service is on.
fn networks_of(service: &Service) -> BTreeSet<String> {
    match (service.definition.get("networks").map(|node| &node.value), service.definition.get("network_mode")) {
        (Some(Value::Table(networks)), _) => networks.keys().map(str::to_owned).collect(),
        (Some(Value::List(names)), _) => names.iter().filter_map(Node::as_text).filter_map(unescaped).collect(),
        (Some(_), _) | (None, Some(_)) => BTreeSet::new(),
        (None, None) => BTreeSet::from([DEFAULT_NETWORK.to_owned()]),
    }
}

fn text(service: &Service, key: &str) -> Option<String> {
    service.definition.get(key).and_then(Node::as_text).and_then(unescaped)
}
