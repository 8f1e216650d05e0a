//! `ports` and `expose` (Compose Specification, 05-services, "ports" and "expose").

use std::fmt;
use std::net::IpAddr;

use crate::document::Context;
use crate::document::node::{Node, Span, Value as Written};

use super::value::{self, fields, one, required, value, words};

/// An entry of `ports`, whichever way it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Where it is written.
    pub span: Span,
    /// The address of the host; absent: every address.
    pub address: Option<IpAddr>,
    /// Ports of the host; absent when the engine chooses.
    pub published: Option<PortRange>,
    /// Ports of the container.
    pub target: PortRange,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Whether a swarm opens it on the nodes of the replicas alone.
    pub is_of_host: bool,
    /// What is spoken over it, as in `http`.
    pub app_protocol: Option<String>,
}

/// An entry of `expose`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// Ports of the container.
    pub target: PortRange,
    /// How they are spoken to.
    pub protocol: Protocol,
}

/// `8080` or `8080-8089`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// The first, at least 1.
    pub first: u16,
    /// The last; the first itself for a single port.
    pub last: u16,
}

words! {
    /// A transport protocol.
    Protocol, "protocol", {
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// SCTP.
        Sctp = "sctp",
    }
}

/// How a swarm publishes a port.
#[derive(PartialEq)]
enum Mode {
    Ingress,
    Host,
}

/// A single port.
struct Number(u16);

/// An address without a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address(pub(super) IpAddr);

/// The same before a port.
struct ShortAddress(IpAddr);

value!(PortRange, "port", "ports are numbers from 1 to 65535, as in `8080:80` or `8080-8089:80`", PortRange::read);
value!(Mode, "mode of a port", "write `ingress` or `host`", |text| match text {
    "ingress" => Some(Self::Ingress),
    "host" => Some(Self::Host),
    _ => None,
});
value!(Number, "port", "write one number from 1 to 65535", |text| {
    PortRange::read(text).filter(|range| range.is_one()).map(|range| Self(range.first))
});
value!(Address, "address", "write an IP address, as in `127.0.0.1` or `[::1]`", |text| {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().map(Self)
});
value!(ShortAddress, "address", "write an IP address, as in `127.0.0.1`; IPv6 in brackets, as in `[::1]`", |text| {
    let Address(address) = Address::parse(text)?;
    (address.is_ipv4() || text.starts_with('[')).then_some(Self(address))
});
value!(Exposed, "port", "write a port from 1 to 65535, as in `80` or `53/udp`", |text| {
    let (target, protocol) = with_protocol(text);
    Some(Self { target: PortRange::read(target)?, protocol: Protocol::parse(&protocol)? })
});

impl PortRange {
    fn read(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let (first, last) = (number(first)?, number(last)?);
        (first > 0 && first <= last).then_some(Self { first, last })
    }

    /// Whether it is a single port.
    pub fn is_one(self) -> bool {
        self.first == self.last
    }

    /// How many they are.
    pub fn count(self) -> u32 {
        u32::from(self.last - self.first) + 1
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_one() {
            write!(formatter, "{}", self.first)
        } else {
            write!(formatter, "{}-{}", self.first, self.last)
        }
    }
}

impl Port {
    /// Every port of the container, with the one of the host that leads to it: of a choice the first.
    pub fn each(&self) -> impl Iterator<Item = (u16, Option<u16>)> {
        let (PortRange { first, last }, published) = (self.target, self.published);
        let of_host = move |target: u16| published.and_then(|published| published.first.checked_add(target - first));
        (first..=last).map(move |target| (target, of_host(target)))
    }

    /// Reads either form.
    pub(super) fn read(node: &Node, context: &mut Context) -> Option<Self> {
        let port = match &node.value {
            Written::Table(_) => Self::read_long(node, context),
            _ => Self::read_short(node, context),
        }?;
        if let Some(published) = port.published.filter(|_| !port.target.is_one())
            && published.count() != port.target.count()
        {
            let hint = "a range of ports leads to one port, or to a range of the same length";
            value::invalid("port", &format!("{published}:{}", port.target), node.span, hint, context);
            return None;
        }
        Some(port)
    }

    /// `[[address:]published:]target[/protocol]`; an IPv6 address stands in brackets: older versions of Compose read no other.
    fn read_short(node: &Node, context: &mut Context) -> Option<Self> {
        let text = value::scalar::<PortRange>(node, context)?;
        let (ports, protocol) = with_protocol(&text);
        let (before, target) = ports.rsplit_once(':').map_or((None, ports), |(before, target)| (Some(before), target));
        let (address, published) = match before.map(|before| before.rsplit_once(':')) {
            None => (None, None),
            Some(None) => (None, before),
            Some(Some((address, published))) => (Some(address), Some(published)),
        };
        let part = |text: Option<&str>, context: &mut Context| match text.filter(|text| !text.is_empty()) {
            Some(text) => value::part(text, node.span, context).map(Some),
            None => Some(None),
        };
        let published = part(published, context);
        let target = value::part(target, node.span, context);
        let protocol = value::part(&protocol, node.span, context);
        let address = match address {
            Some(text) => Some(value::part::<ShortAddress>(text, node.span, context)?.0),
            None => None,
        };
        Some(Self {
            span: node.span,
            address,
            published: published?,
            target: target?,
            protocol: protocol?,
            is_of_host: false,
            app_protocol: None,
        })
    }

    fn read_long(node: &Node, context: &mut Context) -> Option<Self> {
        let mut fields = fields(node, "a port", context)?;
        let target = required::<Number>("target", &mut fields, context);
        // An empty text says nothing, as in the short form.
        let said = |node: &&Node| node.as_text() != Some("");
        let published = fields.node("published").filter(said);
        let address = fields.node("host_ip").filter(said);
        let published = published.map(|node| value::spanned::<PortRange>(node, context));
        let address = address.map(|node| value::spanned::<Address>(node, context));
        let protocol = fields.node("protocol").map(|node| read_protocol(node, context));
        let is_of_host = one(fields.node("mode"), context) == Some(Mode::Host);
        fields.node("name");
        let app_protocol = fields.node("app_protocol").and_then(value::plain);
        fields.finish(context);
        // What is written and invalid makes the whole invalid.
        if matches!(published, Some(None)) || matches!(address, Some(None)) || matches!(protocol, Some(None)) {
            return None;
        }
        let Number(target) = target?;
        Some(Self {
            span: node.span,
            address: address.flatten().map(|address| address.value.0),
            published: published.flatten().map(|published| published.value),
            target: PortRange { first: target, last: target },
            protocol: protocol.flatten().unwrap_or(Protocol::Tcp),
            is_of_host,
            app_protocol,
        })
    }
}

/// In any case, as Compose takes it.
fn read_protocol(node: &Node, context: &mut Context) -> Option<Protocol> {
    let text = value::scalar::<Protocol>(node, context)?;
    value::part(&text.to_ascii_lowercase(), node.span, context)
}

/// The text before `/`, and the protocol behind it in lower case.
fn with_protocol(text: &str) -> (&str, String) {
    let (before, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    (before, protocol.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Port> {
        Port::read(&Node::text(Span::default(), text), &mut Context::new("bootstrap.toml".into()))
    }

    #[test]
    fn the_short_form_is_taken_apart() {
        for (entry, address, published, target, protocol) in [
            ("80", None, None, "80", Protocol::Tcp),
            ("8080:80", None, Some("8080"), "80", Protocol::Tcp),
            ("8080-8089:80/udp", None, Some("8080-8089"), "80", Protocol::Udp),
            ("8080-8081:80-81/sctp", None, Some("8080-8081"), "80-81", Protocol::Sctp),
            ("127.0.0.1:8080:80/UDP", Some("127.0.0.1"), Some("8080"), "80", Protocol::Udp),
            ("127.0.0.1::80", Some("127.0.0.1"), None, "80", Protocol::Tcp),
            ("[::1]:8080:80", Some("::1"), Some("8080"), "80", Protocol::Tcp),
        ] {
            let port = read(entry).expect(entry);
            let seen = (port.address.map(|address| address.to_string()), port.published.map(|range| range.to_string()));
            assert_eq!(seen, (address.map(str::to_owned), published.map(str::to_owned)), "{entry}");
            assert_eq!((port.target.to_string().as_str(), port.protocol), (target, protocol), "{entry}");
        }
    }

    #[test]
    fn what_no_engine_takes_is_invalid() {
        for entry in [
            "80:99999",
            "0:80",
            "9-8:80",
            "+80:80",
            "http:80",
            "80:80/icmp",
            "999.1.1.1:80:80",
            "localhost:80:80",
            "::1:8080:80",
            "",
            "80-82:80-81",
        ] {
            assert_eq!(read(entry), None, "{entry}");
        }
    }
}
