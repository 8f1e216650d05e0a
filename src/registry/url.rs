//! Addresses: where a request goes, and what a `Location` relative to it means.
//!
//! Takes in text of registries, which is untrusted; gives out addresses without user information and without characters that could
//! break a request apart (RFC 3986, as far as http and https need it).

use std::fmt;

/// An absolute http or https address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    origin: Origin,
    /// Path and query, from the slash.
    target: String,
}

/// Scheme, host and port: what credentials are bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    is_secure: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of a registry, as image references name it: `host` or `host:port`.
    pub fn of_registry(name: &str, is_secure: bool) -> Option<Self> {
        Self::parse(name, is_secure)
    }

    fn parse(authority: &str, is_secure: bool) -> Option<Self> {
        let (host, port) = match authority.rsplit_once(':') {
            // An IPv6 address without a port ends with its bracket.
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, if is_secure { HTTPS_PORT } else { HTTP_PORT }),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let is_host = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.bytes().all(is_name),
        };
        is_host.then(|| Self { is_secure, host: host.to_ascii_lowercase(), port })
    }

    /// The host alone.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is reached by https.
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// An address here; `target` starts with a slash.
    pub fn url(&self, target: &str) -> Url {
        Url { origin: self.clone(), target: target.to_owned() }
    }
}

const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

impl Url {
    /// Reads an absolute address; `None` when no request should go to it.
    pub fn parse(text: &str) -> Option<Self> {
        // Scheme names are case-insensitive; nobody writes them in capitals.
        let (is_secure, rest) = match text.split_once("://")? {
            ("https", rest) => (true, rest),
            ("http", rest) => (false, rest),
            _ => return None,
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let origin = Origin::parse(&rest[..end], is_secure)?;
        let target = rest[end..].split('#').next().unwrap_or_default();
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        is_target(&target).then_some(Self { origin, target })
    }

    /// What a `Location` in an answer from here means.
    pub fn join(&self, location: &str) -> Option<Self> {
        if location.contains("://") && !location.starts_with(['/', '?']) {
            return Self::parse(location);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.origin.scheme()));
        }
        let reference = location.split('#').next().unwrap_or_default();
        let (path, query) = reference.split_once('?').map_or((reference, None), |(path, query)| (path, Some(query)));
        let path = match path {
            "" => self.path().to_owned(),
            absolute if absolute.starts_with('/') => without_dots(absolute),
            relative => {
                without_dots(&format!("{}/{relative}", self.path().rsplit_once('/').map_or("", |(folder, _)| folder)))
            }
        };
        let target = query.map_or(path.clone(), |query| format!("{path}?{query}"));
        is_target(&target).then(|| Self { origin: self.origin.clone(), target })
    }

    /// The same with one more parameter, whose value is encoded.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: &str) -> Self {
        let separator = if self.target.contains('?') { '&' } else { '?' };
        self.target.push_str(&format!("{separator}{name}={}", encode(value)));
        self
    }

    /// Where it is.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The address as a request needs it. For messages there is `Display`, which leaves the query out: it may hold a signature.
    pub fn whole(&self) -> String {
        format!("{}{}", self.origin, self.target)
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

impl Origin {
    fn scheme(&self) -> &'static str {
        if self.is_secure { "https" } else { "http" }
    }

    fn is_default_port(&self) -> bool {
        self.port == if self.is_secure { HTTPS_PORT } else { HTTP_PORT }
    }
}

/// Visible ASCII: nothing that could end a line of the request.
fn is_target(target: &str) -> bool {
    target.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `.` and `..` resolved (RFC 3986, 5.2.4).
fn without_dots(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        segments.push("");
    }
    format!("/{}", segments.join("/"))
}

/// Percent-encodes all but unreserved characters.
fn encode(value: &str) -> String {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let encoded = |byte: u8| if is_unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    value.bytes().map(encoded).collect()
}

/// What stands in the body of a form.
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme(), self.host)?;
        if self.is_default_port() { Ok(()) } else { write!(formatter, ":{}", self.port) }
    }
}

/// Without the query.
impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.origin, self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_resolved_from_where_it_was_found() {
        let here = Url::parse("https://r.example:5000/v2/a/blobs/uploads/?mount=x").expect("an address");
        for (location, expected) in [
            ("/v2/a/blobs/uploads/1?_state=%3D", "https://r.example:5000/v2/a/blobs/uploads/1?_state=%3D"),
            ("1?state=2", "https://r.example:5000/v2/a/blobs/uploads/1?state=2"),
            ("../../x/./y", "https://r.example:5000/v2/a/x/y"),
            ("?state=2", "https://r.example:5000/v2/a/blobs/uploads/?state=2"),
            ("//other/p", "https://other/p"),
            ("http://R.example/p#part", "http://r.example/p"),
            ("https://r.example:443", "https://r.example/"),
            ("/up?next=https://other/", "https://r.example:5000/up?next=https://other/"),
        ] {
            assert_eq!(here.join(location).map(|url| url.whole()).as_deref(), Some(expected), "{location}");
        }
    }

    #[test]
    fn what_no_request_should_go_to_is_refused() {
        for text in [
            "",
            "x",
            "ftp://a/",
            "https://user:pass@a/",
            "https://a:x/",
            "https:///p",
            "https://a/b c",
            "https://[::g]/",
        ] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
        let here = Url::parse("https://a/").expect("an address");
        for text in ["/a\r\nb", "/ä", "https://u@b/"] {
            assert_eq!(here.join(text), None, "{text:?}");
        }
    }

    #[test]
    fn origins_are_equal_when_scheme_host_and_port_are() {
        let origin = |text| Url::parse(text).expect("an address").origin().clone();
        assert_eq!(origin("https://A.example/x"), origin("https://a.example:443/y"));
        for other in ["http://a.example:443/", "https://a.example:444/", "https://b.a.example/"] {
            assert_ne!(origin("https://a.example/"), origin(other), "{other}");
        }
    }

    #[test]
    fn loopback_is_this_machine_alone() {
        for (name, is_loopback) in [
            ("localhost:5000", true),
            ("127.0.0.1:1", true),
            ("[::1]:1", true),
            ("127.0.0.1.example.com", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(
                Origin::of_registry(name, false).map(|origin| origin.is_loopback()),
                Some(is_loopback),
                "{name}"
            );
        }
    }

    #[test]
    fn parameters_are_encoded_and_left_out_of_messages() {
        let url = Url::parse("https://a/t?x=1").expect("an address").with_parameter("digest", "sha256:0/&");
        assert_eq!(
            (url.whole().as_str(), url.to_string().as_str()),
            ("https://a/t?x=1&digest=sha256%3A0%2F%26", "https://a/t")
        );
        assert_eq!(form(&[("a", "x y"), ("b", "ä")]), "a=x%20y&b=%C3%A4");
    }
}
