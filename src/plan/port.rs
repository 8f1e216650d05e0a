//! Entries of `ports`, read once from both forms of the Compose Specification (section "ports" of a service).
//!
//! Takes in a node in normal form; gives out its parts as texts, and what it publishes on the host.

use std::net::IpAddr;

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::{Node, Table, Value};
use crate::name::Label;

use super::portability::plain;
use super::{PublishedPorts, Service};

/// The parts of an entry, as they are written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PortEntry {
    /// The address of the host.
    pub(super) address: Option<String>,
    /// A port of the host or a range of them; absent when the engine chooses one.
    pub(super) published: Option<String>,
    /// A port of the container or a range of them.
    pub(super) target: String,
    /// `tcp` when nothing is written.
    pub(super) protocol: String,
    /// Whether a swarm opens it on the nodes of the replicas alone.
    pub(super) is_of_host: bool,
}

const PROTOCOLS: &[&str] = &["tcp", "udp", "sctp"];

impl PortEntry {
    /// Reads either form; `None` when it is neither, or a parameter takes part.
    pub(super) fn read(node: &Node) -> Option<Self> {
        match &node.value {
            Value::Table(table) => Self::read_long(table),
            _ => Some(Self::read_short(&plain(node)?)),
        }
    }

    /// `[[address:]published:]target[/protocol]`; an IPv6 address stands in brackets, or bare before two ports.
    fn read_short(text: &str) -> Self {
        let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (before, target) = ports.rsplit_once(':').map_or((None, ports), |(before, target)| (Some(before), target));
        let (address, published) = match before.map(|before| before.rsplit_once(':')) {
            None => (None, None),
            Some(None) => (None, before),
            Some(Some((address, published))) => (Some(address), Some(published)),
        };
        Self {
            address: address.map(|address| address.trim_start_matches('[').trim_end_matches(']').to_owned()),
            published: published.filter(|published| !published.is_empty()).map(str::to_owned),
            target: target.to_owned(),
            protocol: protocol.to_ascii_lowercase(),
            is_of_host: false,
        }
    }

    fn read_long(table: &Table) -> Option<Self> {
        let text = |key: &str| table.get(key).map(plain);
        Some(Self {
            address: text("host_ip").unwrap_or_default().filter(|address| !address.is_empty()),
            published: text("published").unwrap_or_default().filter(|published| !published.is_empty()),
            target: text("target")??,
            protocol: text("protocol").flatten().unwrap_or_else(|| "tcp".to_owned()).to_ascii_lowercase(),
            is_of_host: text("mode").flatten().as_deref() == Some("host"),
        })
    }

    /// What it publishes; `None` when the engine chooses the port, or the entry is invalid.
    fn published_ports(&self) -> Option<PublishedPorts> {
        let (first, last) = range(self.published.as_deref()?)?;
        let (first_target, last_target) = range(&self.target)?;
        Some(PublishedPorts {
            address: self.address.clone(),
            first,
            last,
            is_choice: first_target == last_target && first != last,
            protocol: self.protocol.clone(),
            is_of_host: self.is_of_host,
        })
    }

    /// The part that is invalid, and why.
    fn fault(&self) -> Option<(&str, &'static str)> {
        let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
        let ports = "ports are numbers from 1 to 65535, as in `8080:80` or `8080-8089:80`";
        if let Some(published) = self.published.as_deref().filter(|published| range(published).is_none()) {
            return Some((published, ports));
        }
        if range(&self.target).is_none() {
            return Some((&self.target, ports));
        }
        if !PROTOCOLS.contains(&self.protocol.as_str()) {
            return Some((&self.protocol, "the protocol is `tcp`, `udp` or `sctp`, as in `53:53/udp`"));
        }
        let address = self.address.as_deref().filter(|address| !is_address(address))?;
        Some((address, "write an address of the host, as in `127.0.0.1:8080:80` or `[::1]:8080:80`"))
    }
}

impl PublishedPorts {
    /// How many they are.
    fn count(&self) -> u32 {
        u32::from(self.last - self.first) + 1
    }

    /// Whether two containers cannot have both: an address that is not named is every address.
    fn collides_with(&self, other: &Self) -> bool {
        let is_every =
            |address: &Option<String>| address.as_deref().is_none_or(|text| text == "0.0.0.0" || text == "::");
        let is_fixed = !self.is_choice && !other.is_choice;
        let share_a_port = self.first <= other.last && other.first <= self.last;
        let share_an_address = is_every(&self.address) || is_every(&other.address) || self.address == other.address;
        is_fixed && share_a_port && share_an_address && self.protocol == other.protocol
    }
}

/// `8080` or `8080-8089`: the first and the last.
fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (first, last) = (is_number(first).then_some(first)?, is_number(last).then_some(last)?);
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && first <= last).then_some((first, last))
}

/// Reads what a service publishes, and checks every entry. On one engine a published port belongs to one container: there must be enough for
/// `on_compose` replicas, when the release is built for Compose. A swarm and a cluster publish a port once, for all replicas.
pub(super) fn read(
    service: &Label,
    entries: &[Node],
    on_compose: Option<u32>,
    context: &mut Context,
) -> Vec<PublishedPorts> {
    let mut all: Vec<PublishedPorts> = Vec::new();
    for node in entries {
        let Some(entry) = PortEntry::read(node) else { continue };
        if let Some((part, hint)) = entry.fault() {
            context.error(
                Code::INVALID_VALUE,
                node.span,
                format!("invalid `{part}` in a port of service `{service}`"),
                hint,
            );
            continue;
        }
        let Some(published) = entry.published_ports() else { continue };
        check_count(service, node, &entry, &published, on_compose.unwrap_or(0), context);
        if all.iter().any(|other| other.collides_with(&published)) {
            let message = format!("service `{service}` publishes {published} twice");
            context.error(
                Code::INVALID_VALUE,
                node.span,
                message,
                "a port of the host leads to one port of one service",
            );
        }
        all.push(published);
    }
    all
}

fn check_count(
    service: &Label,
    node: &Node,
    entry: &PortEntry,
    published: &PublishedPorts,
    replicas: u32,
    context: &mut Context,
) {
    let (count, text) = (published.count(), entry.published.as_deref().unwrap_or_default());
    if count < replicas {
        let message = format!(
            "service `{service}` has {replicas} replicas, but on one engine `{text}` can be published by {count} of them"
        );
        let hint = "publish a range (`8080-8089:80`), or put one proxy in front of the replicas";
        context.error(Code::INVALID_VALUE, node.span, message, hint);
    }
}

/// For how many replicas the published ports are enough on one engine; `None` when nothing limits them.
pub(super) fn max_replicas(published: &[PublishedPorts]) -> Option<u32> {
    published.iter().map(PublishedPorts::count).min()
}

/// On an engine and in a swarm all services share the ports of the hosts: finds what two of them publish.
pub(super) fn check_services(services: &[Service], written: &Table, context: &mut Context) {
    for (position, service) in services.iter().enumerate() {
        for other in &services[..position] {
            let Some(ports) = collision(service, other) else { continue };
            let span = written.table(service.name.as_str()).and_then(|table| table.get("ports")).map(|node| node.span);
            let message = format!("services `{}` and `{}` both publish {ports}", other.name, service.name);
            context.error(
                Code::INVALID_VALUE,
                span,
                message,
                "a port of the host leads to one service: give one of them another",
            );
        }
    }
}

fn collision<'a>(service: &'a Service, other: &Service) -> Option<&'a PublishedPorts> {
    service.published.iter().find(|ports| other.published.iter().any(|of_other| of_other.collides_with(ports)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::node::Span;

    fn text(text: &str) -> Node {
        Node::text(Span::default(), text)
    }

    fn published(entry: &str) -> Option<PublishedPorts> {
        PortEntry::read(&text(entry)).expect("a text").published_ports()
    }

    fn faults(entries: &[&str], on_compose: Option<u32>) -> Vec<String> {
        let mut context = Context::new("bootstrap.toml".into());
        let web = Label::parse("web").expect("a label");
        read(&web, &entries.iter().map(|entry| text(entry)).collect::<Vec<_>>(), on_compose, &mut context);
        context.diagnostics.errors().map(|diagnostic| diagnostic.message.clone()).collect()
    }

    #[test]
    fn the_short_form_is_taken_apart() {
        for (entry, address, published, target, protocol) in [
            ("80", None, None, "80", "tcp"),
            ("8080:80", None, Some("8080"), "80", "tcp"),
            ("8080-8089:80/udp", None, Some("8080-8089"), "80", "udp"),
            ("127.0.0.1:8080:80/UDP", Some("127.0.0.1"), Some("8080"), "80", "udp"),
            ("127.0.0.1::80", Some("127.0.0.1"), None, "80", "tcp"),
            ("[::1]:8080:80", Some("::1"), Some("8080"), "80", "tcp"),
            ("::1:8080:80", Some("::1"), Some("8080"), "80", "tcp"),
        ] {
            let own = |text: Option<&str>| text.map(str::to_owned);
            let wanted = PortEntry {
                address: own(address),
                published: own(published),
                target: target.to_owned(),
                protocol: protocol.to_owned(),
                is_of_host: false,
            };
            assert_eq!(PortEntry::read(&text(entry)), Some(wanted), "{entry}");
        }
    }

    #[test]
    fn what_no_engine_takes_is_an_error() {
        for (entry, part) in [
            ("80:99999", "99999"),
            ("0:80", "0"),
            ("9-8:80", "9-8"),
            ("+80:80", "+80"),
            ("http:80", "http"),
            ("80:80/icmp", "icmp"),
            ("999.1.1.1:80:80", "999.1.1.1"),
            ("localhost:80:80", "localhost"),
            ("", ""),
        ] {
            assert_eq!(faults(&[entry], None), [format!("invalid `{part}` in a port of service `web`")], "{entry}");
        }
        assert_eq!(faults(&["53:53", "53:53/udp", "[::1]:80:80", "127.0.0.1:80:80", "3000"], Some(1)), [""; 0]);
    }

    #[test]
    fn a_port_is_published_once() {
        for (first, second, is_twice) in [
            ("8080:80", "8080:81", true),
            ("8080:80", "127.0.0.1:8080:81", true),
            ("8080-8082:80-82", "8081:90", true),
            ("8080-8082:80", "8081:90", false),
            ("127.0.0.1:8080:80", "127.0.0.2:8080:80", false),
            ("53:53", "53:53/udp", false),
        ] {
            let seen = faults(&[first, second], None);
            assert_eq!(!seen.is_empty(), is_twice, "{first} {second}: {seen:?}");
        }
    }

    #[test]
    fn the_scarcest_port_decides() {
        let ports = |entries: &[&str]| entries.iter().filter_map(|entry| published(entry)).collect::<Vec<_>>();
        assert_eq!(max_replicas(&ports(&["8080-8089:80", "127.0.0.1:9000-9002:90/udp"])), Some(3));
        assert_eq!(max_replicas(&ports(&["80", "8080-8089:80"])), Some(10));
        assert_eq!(max_replicas(&ports(&["80"])), None);
        assert_eq!(faults(&["8080:80"], Some(2)).len(), 1);
    }
}
