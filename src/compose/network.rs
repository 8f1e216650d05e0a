//! What a container is called, whom it reaches, and which namespaces it shares (Compose Specification, 05-services: `networks`, `network_mode`,
//! `extra_hosts`, `dns`, `mac_address`, `ipc`, `pid` …).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::fields::Spanned;
use crate::document::node::{Entry, Node, Span, Value as Written};

use super::amount::{Integer, Switch};
use super::port::Address;
use super::value::{self, Word, each, fields, items, keyword, one, value};

/// A name and an address of `extra_hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraHost {
    /// Where it is written.
    pub span: Span,
    /// The name.
    pub name: String,
    /// Its address; none for `host-gateway`, the engine's host.
    pub address: Option<IpAddr>,
}

/// What the address of the engine's host is called.
pub const HOST_GATEWAY: &str = "host-gateway";

/// The address of an extra host.
struct HostAddress(Option<IpAddr>);

value!(HostAddress, "address", "write an IP address, as in `10.0.0.1`, or `host-gateway`", |text| {
    if text == HOST_GATEWAY {
        Some(Self(None))
    } else {
        Address::parse(text).map(|Address(address)| Self(Some(address)))
    }
});

impl ExtraHost {
    /// Reads a list of `name:address` or `name=address`, or a table of addresses or of lists of them.
    pub(super) fn read_all(node: &Node, context: &mut Context) -> Vec<Self> {
        if let Some((name, entry)) = first_without_address(node) {
            value::invalid(
                "entry of `extra_hosts`",
                name,
                entry.node.span,
                "write an address, as in `10.0.0.1`",
                context,
            );
        }
        match &node.value {
            Written::Table(table) => table
                .iter()
                .flat_map(|(name, entry)| items(Some(&entry.node)).into_iter().map(move |node| (name, node)))
                .filter_map(|(name, node)| {
                    let HostAddress(address) = value::spanned(node, context)?.value;
                    Some(Self { span: node.span, name: name.to_owned(), address })
                })
                .collect(),
            _ => items(Some(node)).into_iter().flat_map(|node| Self::read_line(node, context)).collect(),
        }
    }

    /// `name:address[,address]`; an address of IPv6 may stand in brackets.
    fn read_line(node: &Node, context: &mut Context) -> Vec<Self> {
        const HINT: &str = "write a name and an address, as in `database:10.0.0.1`";
        let Some(text) = value::scalar::<HostAddress>(node, context) else { return Vec::new() };
        let Some((name, addresses)) = text.split_once('=').or_else(|| text.split_once(':')) else {
            value::invalid("entry of `extra_hosts`", &text, node.span, HINT, context);
            return Vec::new();
        };
        let addresses = addresses.split(',').filter_map(|address| value::part(address, node.span, context));
        addresses.map(|HostAddress(address)| Self { span: node.span, name: name.to_owned(), address }).collect()
    }
}

fn first_without_address(node: &Node) -> Option<(&str, &Entry)> {
    let is_empty = |entry: &Entry| matches!(&entry.node.value, Written::List(list) if list.is_empty());
    node.as_table()?.iter().find(|(_, entry)| is_empty(entry))
}

/// A namespace of another than the container itself (`network_mode`, `pid`, `ipc`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// One that the engine has a word for: `host`, `none`, `private` …
    Named(String),
    /// That of a service.
    Service(String),
    /// That of a container, whoever started it.
    Container(String),
}

impl Namespace {
    fn read(text: &str, words: &[&str]) -> Option<Self> {
        match text.split_once(':') {
            Some((_, "")) => None,
            Some(("service", name)) => Some(Self::Service(name.to_owned())),
            Some(("container", name)) => Some(Self::Container(name.to_owned())),
            _ => words.contains(&text).then(|| Self::Named(text.to_owned())),
        }
    }
}

/// `network_mode`
pub(super) struct NetworkMode(pub(super) Namespace);
/// `pid`
pub(super) struct PidMode(pub(super) Namespace);
/// `ipc`
pub(super) struct IpcMode(pub(super) Namespace);

value!(
    NetworkMode,
    "network mode",
    "write `bridge`, `host`, `none`, `service:NAME` or `container:NAME`; a network of the release belongs into `networks`",
    |text| Namespace::read(text, &["bridge", "host", "none"]).map(Self)
);
value!(PidMode, "process namespace", "write `host`, `service:NAME` or `container:NAME`", |text| {
    Namespace::read(text, &["host"]).map(Self)
});
value!(
    IpcMode,
    "namespace of shared memory",
    "write `private`, `shareable`, `host`, `none`, `service:NAME` or `container:NAME`",
    |text| Namespace::read(text, &["host", "none", "private", "shareable"]).map(Self)
);

keyword!(pub(super) HostNamespace, "namespace of host names", ["host"]);

// moby, `api/types/container`, `UsernsMode`: all but the host's own is the engine's matter.
keyword!(pub(super) UserNamespace, "namespace of users", ["host"]);

keyword!(pub(super) CgroupNamespace, "namespace of control groups", ["host", "private"]);

/// `02:42:ac:11:65:43`
pub(super) struct MacAddress;

value!(MacAddress, "hardware address", "write six pairs of hexadecimal digits, as in `02:42:ac:11:65:43`", |text| {
    let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_address = |separator| text.split(separator).count() == 6 && text.split(separator).all(is_pair);
    (is_address(':') || is_address('-')).then_some(Self)
});

/// A name of a host or domain, as the kernel takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostName(pub(super) String);

value!(HostName, "host name", "write letters, digits, dashes and dots, as in `web.example.com`", |text| {
    /// `HOST_NAME_MAX` of Linux is 64, a label of a domain 63, a name of a domain 253.
    const LONGEST: usize = 253;
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(is_inner)
    };
    (text.len() <= LONGEST && text.split('.').all(is_label)).then(|| Self(text.to_owned()))
});

struct Ipv4;
value!(Ipv4, "IPv4 address", "write an address, as in `172.16.238.10`", |text| {
    text.parse::<Ipv4Addr>().is_ok().then_some(Self)
});

struct Ipv6;
value!(Ipv6, "IPv6 address", "write an address, as in `2001:db8::10`", |text| {
    text.parse::<Ipv6Addr>().is_ok().then_some(Self)
});

/// Reads the settings of a service on its networks, when they are written as a table; gives out its other names.
pub(super) fn read_aliases(node: &Node, context: &mut Context) -> Vec<Spanned<String>> {
    let mut aliases = Vec::new();
    for (name, entry) in node.as_table().into_iter().flat_map(crate::document::node::Table::iter) {
        let Some(mut fields) = fields(&entry.node, &format!("network `{name}` of a service"), context) else {
            continue;
        };
        aliases.extend(each(fields.node("aliases"), context).into_iter().map(named));
        one::<Ipv4>(fields.node("ipv4_address"), context);
        one::<Ipv6>(fields.node("ipv6_address"), context);
        each::<Address>(fields.node("link_local_ips"), context);
        one::<MacAddress>(fields.node("mac_address"), context);
        one::<Integer<{ i64::MIN }, { i64::MAX }>>(fields.node("priority"), context);
        one::<Integer<{ i64::MIN }, { i64::MAX }>>(fields.node("gw_priority"), context);
        one::<Word>(fields.node("interface_name"), context);
        one::<Switch>(fields.node("use_service_name_alias"), context);
        fields.node("driver_opts");
        fields.finish(context);
    }
    aliases
}

fn named(Spanned { value: Word(name), span }: Spanned<Word>) -> Spanned<String> {
    Spanned { value: name, span }
}

/// Two ways to say where the network comes from: Compose refuses both together.
pub(super) fn check_network_mode(mode: Option<&Node>, networks: Option<&Node>, context: &mut Context) {
    if let (Some(mode), Some(_)) = (mode, networks) {
        let message = "`network_mode` and `networks` exclude each other";
        context.error(Code::INVALID_VALUE, mode.span, message, "leave one of them out");
    }
}
