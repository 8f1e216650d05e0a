//! `ports` and `expose`.

use serde_json::{Map, Value as Json, json};

use crate::compose::{self, Protocol};
use crate::plan::Service;

use super::object::{map, set};

/// A port that a service is known to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Port {
    /// In the container.
    pub(super) target: u16,
    /// Outside.
    pub(super) published: Option<u16>,
    /// `TCP`, `UDP` or `SCTP`.
    pub(super) protocol: &'static str,
    app_protocol: Option<String>,
}

impl Port {
    /// A TCP port.
    pub(super) fn tcp(target: u16) -> Self {
        Self { target, published: None, protocol: "TCP", app_protocol: None }
    }

    /// The port of a Service that is reached from outside: its own number where none is published.
    pub(super) fn outside(&self) -> u16 {
        self.published.unwrap_or(self.target)
    }

    /// `tcp-80`: unique among the ports of a container, because port and protocol are.
    fn name(&self) -> String {
        format!("{}-{}", self.protocol.to_ascii_lowercase(), self.target)
    }

    /// The port of a Service, which listens on the container's own.
    pub(super) fn of_service(&self) -> Map<String, Json> {
        self.listening_on(self.target, &self.name())
    }

    /// The port of a Service that is reached from outside. Several may lead to one port of the container, so that all but the first
    /// of them have both numbers in their names.
    pub(super) fn of_published(&self, is_first: bool) -> Map<String, Json> {
        let name = if is_first { self.name() } else { format!("{}-{}", self.name(), self.outside()) };
        self.listening_on(self.outside(), &name)
    }

    fn listening_on(&self, port: u16, name: &str) -> Map<String, Json> {
        let mut entry =
            map(json!({ "name": name, "port": port, "targetPort": self.target, "protocol": self.protocol }));
        set(&mut entry, "appProtocol", self.app_protocol.as_deref().map_or(Json::Null, Json::from));
        entry
    }

    /// Whether both lead to one port of the container.
    pub(super) fn has_target_of(&self, other: &Self) -> bool {
        self.target == other.target && self.protocol == other.protocol
    }

    /// Whether both would be one port of a Service that is reached from outside.
    pub(super) fn collides_with(&self, other: &Self) -> bool {
        self.outside() == other.outside() && self.protocol == other.protocol
    }
}

/// The ports that are reached from outside: several of them may lead to one port of the container.
pub(super) fn published(service: &Service) -> Vec<Port> {
    published_of(&service.compose.ports)
}

fn published_of(ports: &[compose::Port]) -> Vec<Port> {
    let mut all: Vec<Port> = Vec::new();
    for port in ports.iter().flat_map(each) {
        if !all.iter().any(|known| known.has_target_of(&port) && known.collides_with(&port)) {
            all.push(port);
        }
    }
    all
}

/// One for each port of the container.
fn each(written: &compose::Port) -> impl Iterator<Item = Port> {
    written.each().map(|(target, published)| Port {
        target,
        published,
        protocol: name(written.protocol),
        app_protocol: written.app_protocol.clone(),
    })
}

/// As Kubernetes writes it.
fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::Sctp => "SCTP",
    }
}

/// All ports of the container that are known.
pub(super) fn known(service: &Service) -> Vec<Port> {
    let exposed = service.compose.exposed.iter().flat_map(|exposed| {
        let protocol = name(exposed.protocol);
        (exposed.target.first..=exposed.target.last).map(move |target| Port { protocol, ..Port::tcp(target) })
    });
    by_target(published(service).into_iter().chain(exposed))
}

/// The first of those that lead to one port of the container.
pub(super) fn by_target(ports: impl IntoIterator<Item = Port>) -> Vec<Port> {
    let mut all: Vec<Port> = Vec::new();
    for port in ports {
        if !all.iter().any(|known| known.has_target_of(&port)) {
            all.push(port);
        }
    }
    all
}

/// `ports` of the container: they say what is known, and open nothing.
pub(super) fn of_container(service: &Service) -> Vec<Json> {
    let entry = |port: Port| json!({ "name": port.name(), "containerPort": port.target, "protocol": port.protocol });
    known(service).into_iter().map(entry).collect()
}

/// Ports of a service, as they are written.
#[cfg(test)]
pub(super) fn written(ports: &[&str]) -> Vec<compose::Port> {
    compose::Service::of_text(&format!("ports = {ports:?}")).ports
}

/// What is reached from outside by such ports.
#[cfg(test)]
pub(super) fn published_by(ports: &[&str]) -> Vec<Port> {
    published_of(&written(ports))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Targets, published ports and protocols of an entry.
    fn short(text: &str) -> Vec<(u16, Option<u16>, &'static str)> {
        published_of(&written(&[text])).into_iter().map(|port| (port.target, port.published, port.protocol)).collect()
    }

    #[test]
    fn a_range_of_the_container_is_several_ports() {
        assert_eq!(short("80"), [(80, None, "TCP")]);
        assert_eq!(short("127.0.0.1:8080:80/udp"), [(80, Some(8080), "UDP")]);
        assert_eq!(short("8080-8089:80"), [(80, Some(8080), "TCP")]);
        assert_eq!(short("[::1]:9000-9001:90-91"), [(90, Some(9000), "TCP"), (91, Some(9001), "TCP")]);
    }
}
