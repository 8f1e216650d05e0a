//! Which proxy leads to a host, as the environment says.
//!
//! Takes in `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, each in capitals or not; gives out the proxies, and the hosts that are reached
//! without. What is in a variable is not shown: a proxy may have a login.

use std::net::IpAddr;

use ureq::{Proxy, ProxyProtocol};

use crate::registry::Origin;

/// What the environment says of proxies.
#[derive(Debug)]
pub(super) struct Proxies {
    pub(super) https: Option<Result<NamedProxy, ProxyFault>>,
    pub(super) http: Option<Result<NamedProxy, ProxyFault>>,
    pub(super) exceptions: Exceptions,
}

/// A proxy, and what messages call it.
#[derive(Clone, Debug)]
pub(super) struct NamedProxy {
    pub(super) proxy: Proxy,
    /// Host and port.
    pub(super) name: String,
}

/// A variable names no proxy: a fault of those who need it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable `{variable}` {what}")]
pub(super) struct ProxyFault {
    variable: String,
    what: &'static str,
}

/// The hosts that are reached without a proxy.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Exceptions(Vec<Exception>);

#[derive(Debug, PartialEq, Eq)]
enum Exception {
    Everything,
    /// A host and all below it, on one port or on all.
    Host(String, Option<u16>),
    /// Addresses that begin with so many of the same bits.
    Network(IpAddr, u32),
}

impl Proxies {
    /// Reads the environment by a function that knows it.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        // A variable that is empty is as good as none.
        let value = |name: &str| variable(name).filter(|value| !value.is_empty()).map(|value| (name.to_owned(), value));
        let first = |name: &str| value(name).or_else(|| value(&name.to_ascii_lowercase()));
        let proxy = |name: &str| first(name).or_else(|| first("ALL_PROXY")).map(NamedProxy::parse);
        let exceptions = first("NO_PROXY").map_or_else(Exceptions::default, |(_, list)| Exceptions::parse(&list));
        Self { https: proxy("HTTPS_PROXY"), http: proxy("HTTP_PROXY"), exceptions }
    }
}

impl NamedProxy {
    fn parse((variable, value): (String, String)) -> Result<Self, ProxyFault> {
        let fault = |what| ProxyFault { variable: variable.clone(), what };
        let proxy = Proxy::new(&value).map_err(|_| fault("is not a valid proxy address"))?;
        if !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
            return Err(fault("names a proxy that is neither http nor https"));
        }
        let name = format!("{}:{}", proxy.host(), proxy.port());
        Ok(Self { proxy, name })
    }
}

impl Exceptions {
    /// Separated by commas or spaces; what is neither a host nor a network is left out.
    fn parse(list: &str) -> Self {
        let entries = list.split(|character: char| character == ',' || character.is_whitespace());
        Self(entries.filter(|entry| !entry.is_empty()).filter_map(Exception::parse).collect())
    }

    /// Whether an origin is reached without a proxy.
    pub(super) fn include(&self, origin: &Origin) -> bool {
        self.0.iter().any(|exception| exception.includes(origin))
    }
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        let entry = entry.to_ascii_lowercase();
        if entry == "*" {
            return Some(Self::Everything);
        }
        if let Some((address, bits)) = entry.split_once('/') {
            return Some(Self::Network(address.parse().ok()?, bits.parse().ok()?));
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (entry.as_str(), None),
        };
        let host = bare(host).trim_start_matches('*').trim_start_matches('.');
        (!host.is_empty()).then(|| Self::Host(host.to_owned(), port))
    }

    fn includes(&self, origin: &Origin) -> bool {
        let host = bare(origin.host());
        match self {
            Self::Everything => true,
            Self::Host(name, port) => {
                let is_below = || host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.'));
                port.is_none_or(|port| port == origin.port()) && (host == name || is_below())
            }
            Self::Network(network, bits) => host.parse().is_ok_and(|address| is_in(address, *network, *bits)),
        }
    }
}

/// An IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let (address, network, size) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (u128::from(address.to_bits()), u128::from(network.to_bits()), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    // What is left of both after as many bits as do not count is nothing when none counts.
    bits <= size && (address ^ network).checked_shr(size - bits).is_none_or(|rest| rest == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Proxies {
        Proxies::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    fn names(variables: &[(&str, &str)]) -> [Option<String>; 2] {
        let proxies = read(variables);
        [proxies.https, proxies.http].map(|proxy| proxy.map(|proxy| proxy.expect("a proxy").name))
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let proxy = |name: &str| Some(name.to_owned());
        for (variables, https, http) in [
            (&[][..], None, None),
            (&[("HTTPS_PROXY", "http://a:1")][..], proxy("a:1"), None),
            (&[("https_proxy", "a:1"), ("HTTP_PROXY", "https://b")], proxy("a:1"), proxy("b:443")),
            (&[("ALL_PROXY", "http://c"), ("http_proxy", "http://b:2")], proxy("c:80"), proxy("b:2")),
            (&[("HTTPS_PROXY", "a:1"), ("https_proxy", "b:2")], proxy("a:1"), None),
            (&[("HTTPS_PROXY", ""), ("all_proxy", "http://anna:hunter2@c:3")], proxy("c:3"), proxy("c:3")),
        ] {
            assert_eq!(names(variables), [https, http], "{variables:?}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_said_and_not_shown() {
        for (value, what) in [
            ("http://anna:hunter2@", "is not a valid proxy address"),
            ("http://", "is not a valid proxy address"),
            ("ftp://anna:hunter2@a", "is not a valid proxy address"),
            ("socks5://anna:hunter2@a:1080", "names a proxy that is neither http nor https"),
        ] {
            let fault = read(&[("all_proxy", value)]).https.expect("a variable").expect_err("no proxy");
            assert_eq!(fault, ProxyFault { variable: "all_proxy".to_owned(), what }, "{value}");
        }
    }

    #[test]
    fn hosts_are_reached_without() {
        let cases = [
            ("*", "a.example", true),
            ("example.com", "example.com", true),
            ("example.com", "a.b.Example.com", true),
            ("example.com", "badexample.com", false),
            (".example.com", "example.com", true),
            ("*.example.com", "a.example.com", true),
            ("x, EXAMPLE.com ,y", "example.com", true),
            ("x y", "y", true),
            ("example.com:5000", "example.com:5000", true),
            ("example.com:5000", "example.com", false),
            ("10.0.0.0/8", "10.1.2.3:5000", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.0.0.1/32,0.0.0.0/33", "10.0.0.2", false),
            ("0.0.0.0/0", "10.0.0.2", true),
            ("10.0.0.0/8", "10.example.com", false),
            ("::/0", "10.0.0.2", false),
            ("fd00::/8", "[fd12::1]:5000", true),
            ("fd12::1", "[fd12::1]", true),
            ("[fd12::1]:443", "[fd12::1]", true),
            ("", "example.com", false),
            (",,.,*.,:", "example.com", false),
        ];
        for (list, host, expected) in cases {
            let origin = Origin::of_registry(host, true).expect("a host");
            assert_eq!(Exceptions::parse(list).include(&origin), expected, "{list} {host}");
        }
    }
}
