//! `ports` and `expose`.

use serde_json::{Map, Value as Json, json};

use super::definition::{Definition, text_of};
use super::object::{map, set};

/// A port that a service is known to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Port {
    /// In the container.
    pub(super) target: u16,
    /// Outside.
    pub(super) published: Option<u16>,
    /// `TCP`, `UDP` or `SCTP`.
    pub(super) protocol: String,
    app_protocol: Option<String>,
}

impl Port {
    /// A TCP port.
    pub(super) fn tcp(target: u16) -> Self {
        Self { target, published: None, protocol: "TCP".to_owned(), app_protocol: None }
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
pub(super) fn published(definition: &Definition) -> Vec<Port> {
    let mut all: Vec<Port> = Vec::new();
    for port in definition.list(&["ports"]).into_iter().flat_map(read) {
        if !all.iter().any(|known| known.has_target_of(&port) && known.collides_with(&port)) {
            all.push(port);
        }
    }
    all
}

/// All ports of the container that are known.
pub(super) fn known(definition: &Definition) -> Vec<Port> {
    let exposed =
        definition.list(&["expose"]).into_iter().filter_map(text_of).flat_map(|text| read_target(&text, None));
    by_target(published(definition).into_iter().chain(exposed))
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

/// Whether an entry of `ports` is one.
pub(super) fn is_port(entry: &Json) -> bool {
    are_ports(&read(entry))
}

/// Whether an entry of `expose` is one.
pub(super) fn is_exposed(entry: &Json) -> bool {
    text_of(entry).is_some_and(|text| are_ports(&read_target(&text, None)))
}

fn are_ports(ports: &[Port]) -> bool {
    !ports.is_empty() && ports.iter().all(|port| ["TCP", "UDP", "SCTP"].contains(&port.protocol.as_str()))
}

/// `ports` of the container: they say what is known, and open nothing.
pub(super) fn of_container(definition: &Definition) -> Vec<Json> {
    let entry = |port: Port| json!({ "name": port.name(), "containerPort": port.target, "protocol": port.protocol });
    known(definition).into_iter().map(entry).collect()
}

fn read(entry: &Json) -> Vec<Port> {
    match entry {
        Json::Object(_) => read_long(entry).into_iter().collect(),
        _ => text_of(entry).map(|text| read_short(&text)).unwrap_or_default(),
    }
}

/// `[[ip:]published:]target[/protocol]`
fn read_short(text: &str) -> Vec<Port> {
    let (published, target) = match text.rsplit_once(':') {
        Some((before, target)) => (before.rsplit_once(':').map_or(before, |(_, published)| published), target),
        None => ("", text),
    };
    read_target(target, range(published).map(|(first, _)| first))
}

fn read_long(entry: &Json) -> Option<Port> {
    let target = entry.get("target").and_then(text_of)?.parse().ok()?;
    let published = entry.get("published").and_then(text_of).and_then(|text| range(&text)).map(|(first, _)| first);
    let protocol = entry.get("protocol").and_then(text_of).unwrap_or_else(|| "tcp".to_owned()).to_ascii_uppercase();
    Some(Port { target, published, protocol, app_protocol: entry.get("app_protocol").and_then(text_of) })
}

/// `target[/protocol]`, where the target may be a range whose first port is published as `published`.
fn read_target(text: &str, published: Option<u16>) -> Vec<Port> {
    let (target, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let Some((first, last)) = range(target) else { return Vec::new() };
    let port = |target: u16| Port {
        target,
        published: published.and_then(|published| published.checked_add(target - first)),
        protocol: protocol.to_ascii_uppercase(),
        app_protocol: None,
    };
    (first..=last).map(port).collect()
}

/// `80` or `8080-8089`.
fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && first > 0).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(text: &str) -> Vec<(u16, Option<u16>, String)> {
        read_short(text).into_iter().map(|port| (port.target, port.published, port.protocol)).collect()
    }

    #[test]
    fn short_ports_are_read() {
        let tcp = || "TCP".to_owned();
        assert_eq!(short("80"), [(80, None, tcp())]);
        assert_eq!(short("127.0.0.1:8080:80/udp"), [(80, Some(8080), "UDP".to_owned())]);
        assert_eq!(short("8080-8089:80"), [(80, Some(8080), tcp())]);
        assert_eq!(short("[::1]:9000-9001:90-91"), [(90, Some(9000), tcp()), (91, Some(9001), tcp())]);
    }
}
