//! The network: HTTP/1.1 and TLS, by ureq and rustls.
//!
//! Takes in requests; gives out responses. Follows no redirect and repeats nothing. Trusts the authorities of this machine and those it is
//! given. Proxies are those of the environment; this machine itself is never reached through one. Through one goes what is encrypted, and
//! what is not, by CONNECT: a proxy sees the name of a registry, and no login for it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use rustls::pki_types::CertificateDer;
use ureq::tls::{PemItem, parse_pem};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector as _, TcpConnector};
use ureq::{Agent, Proxy, SendBody};

use super::pace::{Network, Paced};
use super::proxy::{Exceptions, NamedProxy, Proxies, ProxyFault};
use super::tls::{Tls, certificate_fault};
use crate::registry::{Body, Method, Request, Response, TooSlow, Transport, TransportError, TransportFault, Url};

/// How to reach registries.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Certificates of authorities that are trusted in addition to those of this machine, as PEM.
    pub ca_files: Vec<PathBuf>,
    /// The idle timeout of a connection.
    pub timeout: Duration,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self { ca_files: Vec::new(), timeout: Duration::from_secs(120) }
    }
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A file of certificates cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no certificate.
    #[error("`{}` contains no PEM certificate", .0.display())]
    NoCertificate(PathBuf),
}

/// The network.
pub struct Client {
    direct: Agent,
    /// To where https leads, and http.
    https: Option<Result<Proxied, ProxyFault>>,
    http: Option<Result<Proxied, ProxyFault>>,
    exceptions: Exceptions,
    /// How long a transfer may be slow.
    window: Duration,
    started: Instant,
}

/// Through a proxy.
struct Proxied {
    agent: Agent,
    /// What messages call the proxy.
    name: String,
}

/// The timeout of a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// More connections than uploads run at once are never idle.
const MAX_IDLE: usize = 8;
const USER_AGENT: &str = concat!("bootsmith/", env!("CARGO_PKG_VERSION"));

impl Client {
    /// Prepares to reach registries; opens no connection.
    pub fn new(settings: &ClientSettings) -> Result<Self, ClientError> {
        let tls = Tls::trusting(trusted(&settings.ca_files)?);
        let variable = |name: &str| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let Proxies { https, http, exceptions } = Proxies::read(variable);
        let agent = |proxy| agent(settings.timeout, tls.clone(), proxy);
        let proxied = |NamedProxy { proxy, name }| Proxied { agent: agent(Some(proxy)), name };
        let (https, http) = (https.map(|https| https.map(proxied)), http.map(|http| http.map(proxied)));
        Ok(Self { direct: agent(None), https, http, exceptions, window: settings.timeout, started: Instant::now() })
    }

    fn clock(&self) -> impl Fn() -> Duration + 'static {
        let started = self.started;
        move || started.elapsed()
    }

    /// The proxy that leads to an address; none to this machine.
    fn proxied(&self, url: &Url) -> Result<Option<&Proxied>, TransportError> {
        let origin = url.origin();
        let proxied = if origin.is_secure() { &self.https } else { &self.http };
        let proxied = proxied.as_ref().filter(|_| !origin.is_loopback() && !self.exceptions.include(origin));
        let unreachable =
            |fault: &ProxyFault| TransportError { fault: TransportFault::Unreachable, reason: fault.to_string() };
        proxied.map(|proxied| proxied.as_ref().map_err(unreachable)).transpose()
    }
}

fn agent(timeout: Duration, tls: Tls, proxy: Option<Proxy>) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(USER_AGENT)
        .accept_encoding("identity")
        .timeout_connect(Some(CONNECT_TIMEOUT.min(timeout)))
        .timeout_per_read(Some(timeout))
        .timeout_per_write(Some(timeout))
        .timeout_recv_response(Some(timeout))
        .max_idle_connections_per_host(MAX_IDLE)
        .proxy(proxy);
    let connector = ().chain(ConnectProxyConnector::default()).chain(TcpConnector::default()).chain(tls);
    Agent::with_parts(config.build(), connector, DefaultResolver::default())
}

/// The certificates of this machine, or those in `SSL_CERT_FILE`, and those of files.
fn trusted(ca_files: &[PathBuf]) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let mut certificates = rustls_native_certs::load_native_certs().certs;
    for path in ca_files {
        certificates.extend(read_certificates(path)?);
    }
    Ok(certificates)
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let pem = fs::read(path).map_err(|source| ClientError::Read { path: path.to_owned(), source })?;
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(CertificateDer::from(certificate.der().to_vec())),
        _ => None,
    };
    let certificates: Vec<_> = parse_pem(&pem).filter_map(certificate).collect();
    if certificates.is_empty() { Err(ClientError::NoCertificate(path.to_owned())) } else { Ok(certificates) }
}

impl Transport for Client {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let proxied = self.proxied(&request.url)?;
        let agent = proxied.map_or(&self.direct, |proxied| &proxied.agent);
        let head = head(&request);
        let answer = match request.body {
            Body::Empty => agent.run(complete(head, SendBody::none())?),
            Body::Bytes(mut bytes) => agent.run(complete(head, SendBody::from_reader(&mut bytes))?),
            Body::Stream { reader, .. } => {
                let mut reader = Paced::new(reader, Network::Behind, self.window, self.clock());
                agent.run(complete(head, SendBody::from_reader(&mut reader))?)
            }
        };
        let response = |answer| response(answer, |body| Paced::new(body, Network::Before, self.window, self.clock()));
        answer.map(response).map_err(|error| match proxied {
            Some(Proxied { name, .. }) => failure_through(name, &error),
            None => failure(&error),
        })
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn pause(&self, time: Duration) {
        thread::sleep(time);
    }
}

fn head(request: &Request<'_>) -> ureq::http::request::Builder {
    let method = match request.method {
        Method::Get => ureq::http::Method::GET,
        Method::Head => ureq::http::Method::HEAD,
        Method::Post => ureq::http::Method::POST,
        Method::Put => ureq::http::Method::PUT,
    };
    let mut head = ureq::http::Request::builder().method(method).uri(request.url.whole());
    for (name, value) in &request.headers {
        head = head.header(*name, value);
    }
    if let Some(authorization) = &request.authorization {
        head = head.header("authorization", authorization.expose());
    }
    match &request.body {
        Body::Empty => head,
        Body::Bytes(bytes) => head.header("content-length", bytes.len()),
        Body::Stream { size, .. } => head.header("content-length", *size),
    }
}

fn complete(
    head: ureq::http::request::Builder,
    body: SendBody<'_>,
) -> Result<ureq::http::Request<SendBody<'_>>, TransportError> {
    // What the system says could hold the value of a header.
    let reason = "the address or a header contains characters that cannot be sent".to_owned();
    head.body(body).map_err(|_| TransportError { fault: TransportFault::Protocol, reason })
}

fn response<R: io::Read + 'static>(
    answer: ureq::http::Response<ureq::Body>,
    paced: impl FnOnce(AnswerBody<ureq::BodyReader<'static>>) -> R,
) -> Response {
    let (head, body) = answer.into_parts();
    let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
    let body = Box::new(paced(AnswerBody(body.into_reader())));
    Response { status: head.status.as_u16(), headers: headers.collect(), body }
}

/// The body of a response; an idle timeout is [`io::ErrorKind::TimedOut`].
struct AnswerBody<R>(R);

impl<R: io::Read> io::Read for AnswerBody<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            let fault = failure(&ureq::Error::from(error));
            let kind = match fault.fault {
                TransportFault::TimedOut => io::ErrorKind::TimedOut,
                _ => io::ErrorKind::ConnectionReset,
            };
            io::Error::new(kind, fault.reason)
        })
    }
}

/// Who cannot be reached is the proxy: the registry is reached by it alone.
fn failure_through(proxy: &str, error: &ureq::Error) -> TransportError {
    let TransportError { fault, reason } = failure(error);
    let reason = match (error, fault) {
        // `proxy server responded 407/407`, or that it did not.
        (ureq::Error::ConnectProxyFailed(said), _) => match said.rsplit_once('/') {
            Some((_, status)) => format!("the proxy `{proxy}` answers {status}"),
            None => format!("the proxy `{proxy}` does not answer"),
        },
        (_, TransportFault::Unreachable) => format!("the proxy `{proxy}`: {reason}"),
        _ => reason,
    };
    TransportError { fault, reason }
}

fn failure(error: &ureq::Error) -> TransportError {
    let fault = match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::InvalidProxyUrl
        | ureq::Error::ConnectProxyFailed(_)
        | ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => TransportFault::Unreachable,
        ureq::Error::Timeout(_) => TransportFault::TimedOut,
        ureq::Error::Rustls(error) => tls_fault(error),
        ureq::Error::Io(error) => io_fault(error),
        _ => TransportFault::Protocol,
    };
    TransportError { fault, reason: reason(error) }
}

fn io_fault(error: &io::Error) -> TransportFault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match (inner, error.kind()) {
        _ if TooSlow::is_cause_of(error) => TransportFault::TooSlow,
        (Some(error), _) => tls_fault(error),
        (
            None,
            io::ErrorKind::ConnectionRefused | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable,
        ) => TransportFault::Unreachable,
        (None, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => TransportFault::TimedOut,
        // The standard library has no kind for it.
        (None, _) if error.to_string().contains(NO_SUCH_HOST) => TransportFault::Unreachable,
        (None, _) => TransportFault::Reset,
    }
}

/// How the standard library starts what it says of a name that leads nowhere.
const NO_SUCH_HOST: &str = "failed to lookup address information";

fn tls_fault(error: &rustls::Error) -> TransportFault {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate_fault(error).0,
        rustls::Error::NoCertificatesPresented => TransportFault::Certificate,
        rustls::Error::InvalidMessage(_) => TransportFault::NoTls,
        _ => TransportFault::Protocol,
    }
}

/// What the system says, without what the fault says already.
fn reason(error: &ureq::Error) -> String {
    let rustls = match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()),
        _ => None,
    };
    match (rustls, error) {
        (Some(rustls::Error::InvalidCertificate(error)), _) => certificate_fault(error).1,
        (_, ureq::Error::Io(error)) => error.to_string(),
        _ => error.to_string(),
    }
}
