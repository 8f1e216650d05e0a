//! Errors of registries, and what to do about them.

use std::fmt;
use std::time::Duration;

use crate::digest::Digest;
use crate::layer::unverified::ReadError;

/// Why a request to a registry failed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The name is not a host.
    #[error("invalid registry `{0}`: expected HOST or HOST:PORT")]
    Name(String),
    /// No answer came.
    #[error("cannot {what}")]
    Transport {
        /// What was tried, as a verb.
        what: String,
        /// Why.
        #[source]
        error: TransportError,
    },
    /// The registry refused the request.
    #[error("cannot {}: {}", .0.what, .0.answer())]
    Refused(Box<Refusal>),
    /// Authentication failed.
    #[error("cannot {what}: `{registry}` requires a login{}", if *.had_credential { ", and rejected the given credentials" } else { "" })]
    Unauthorized {
        /// What was tried, as a verb.
        what: String,
        /// The registry.
        registry: String,
        /// Whether credentials were sent.
        had_credential: bool,
    },
    /// A login that is kept on this machine cannot be read.
    #[error(transparent)]
    Keyring(KeyringError),
    /// Credentials would have gone to another host.
    #[error(
        "`{registry}` uses the token service `{realm}`, which is another host: the login for `{registry}` is not sent there"
    )]
    ForeignRealm {
        /// The registry.
        registry: String,
        /// The host of the token service.
        realm: String,
    },
    /// From https to http.
    #[error("cannot {what}: the registry redirects from `{from}` to `{to}`, which is not encrypted")]
    Downgrade {
        /// What was tried, as a verb.
        what: String,
        /// Where it was asked.
        from: String,
        /// Where it leads.
        to: String,
    },
    /// Too many redirects.
    #[error("cannot {what}: more than {limit} redirects")]
    Redirects {
        /// What was tried, as a verb.
        what: String,
        /// How often it was followed.
        limit: usize,
    },
    /// An answer that makes no sense.
    #[error("cannot {what}: {reason}")]
    Protocol {
        /// What was tried, as a verb.
        what: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// An answer beyond any sensible size.
    #[error("{what} is too large: more than {limit} bytes")]
    Limit {
        /// What it should have been.
        what: String,
        /// How much is allowed.
        limit: u64,
    },
    /// The registry has other content than it was given or promised.
    #[error("{what} should have the digest {expected}, but `{registry}` says {actual}")]
    WrongDigest {
        /// Which content.
        what: String,
        /// The registry.
        registry: String,
        /// What it is.
        expected: Digest,
        /// What the registry says, which may be no digest at all.
        actual: String,
    },
    /// What should be sent is not what it should be.
    #[error("cannot send the blob {blob}: {fault}")]
    Source {
        /// The blob.
        blob: Digest,
        /// What is wrong with it.
        fault: SourceFault,
    },
}

/// Why no credential can be looked for.
pub type KeyringError = Box<dyn std::error::Error + Send + Sync>;

/// No response came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}: {reason}")]
pub struct TransportError {
    /// What kind of fault it was.
    pub fault: TransportFault,
    /// What the system says.
    pub reason: String,
}

/// What happened to a request that got no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportFault {
    /// The host does not exist, or does not accept connections.
    Unreachable,
    /// The other side speaks no TLS.
    NoTls,
    /// The certificate is of an authority that is not known here.
    Certificate,
    /// The certificate is that of an authority, and no server's.
    AuthorityCertificate,
    /// The certificate itself is not good: expired, or for another name.
    BadCertificate,
    /// The connection was silent for too long.
    TimedOut,
    /// Bytes come, and too few of them.
    TooSlow,
    /// The connection broke off.
    Reset,
    /// The response is not HTTP.
    Protocol,
}

impl TransportFault {
    /// Whether the same may go well a moment later.
    pub fn passes(self) -> bool {
        matches!(self, Self::Unreachable | Self::TimedOut | Self::TooSlow | Self::Reset)
    }
}

impl fmt::Display for TransportFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unreachable => "it cannot be reached",
            Self::NoTls => "it does not speak TLS",
            Self::Certificate | Self::AuthorityCertificate | Self::BadCertificate => "its certificate is not trusted",
            Self::TimedOut => "the connection was idle for too long",
            Self::TooSlow => "the transfer is too slow",
            Self::Reset => "the connection was lost",
            Self::Protocol => "the response is not HTTP",
        })
    }
}

/// What is wrong with content that should be sent.
#[derive(Debug, thiserror::Error)]
pub enum SourceFault {
    /// Other bytes than promised.
    #[error("it is damaged: its bytes have the digest {0}")]
    Digest(Digest),
    /// Fewer bytes than promised.
    #[error("it is truncated to {0} bytes")]
    Short(u64),
    /// The bytes cannot be read.
    #[error("it cannot be read: {0}")]
    Read(String),
}

impl From<ReadError> for SourceFault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Wrong(wrong) => Self::Digest(wrong.actual),
            ReadError::Io(error) => Self::Read(error.to_string()),
        }
    }
}

/// A status that is not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was tried, as a verb.
    pub what: String,
    /// The registry, or the host that answered.
    pub host: String,
    /// The status.
    pub status: u16,
    /// What the registry says, one text an error, without secrets.
    pub said: Vec<String>,
    /// What `Retry-After` says.
    pub retry_after: Option<Duration>,
    /// The registry, when nobody gave a login that it could have refused.
    pub without_login: Option<String>,
}

fn login_hint(registry: &str) -> String {
    format!("log in with `docker login {registry}`, or use `--username` and `--password-stdin`")
}

impl Refusal {
    fn hint(&self) -> Option<String> {
        match (self.status, &self.without_login) {
            (403, Some(registry)) => Some(format!("it may require a login: {}", login_hint(registry))),
            (status, _) => status_hint(status).map(str::to_owned),
        }
    }

    /// Whether the registry would say the same to the same request again.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.status, 400..=499) && !matches!(self.status, 408 | 429)
    }

    fn answer(&self) -> String {
        let said: String = self.said.iter().map(|text| format!(", {text}")).collect();
        let later = self.retry_after.map(|time| format!("; retry after {} s", time.as_secs()));
        format!("`{}` answers {}{said}{}", self.host, self.status, later.unwrap_or_default())
    }
}

impl RegistryError {
    /// What to do about it, when there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Transport { error, .. } => transport_hint(error.fault).map(str::to_owned),
            Self::Refused(refusal) => refusal.hint(),
            Self::Unauthorized { registry, had_credential: false, .. } => Some(login_hint(registry)),
            Self::Unauthorized { registry, .. } => {
                Some(format!("log in again with `docker login {registry}`, or check the permissions of this user"))
            }
            Self::Keyring(_) => Some("fix it, or use `--username` and `--password-stdin`".to_owned()),
            Self::ForeignRealm { realm, .. } => {
                Some(format!("if `{realm}` belongs to the registry, add `--token-host {realm}`"))
            }
            Self::Downgrade { .. } => {
                Some("the proxy in front of the registry must send it the header `X-Forwarded-Proto: https`".to_owned())
            }
            Self::Source { .. } => Some("build the tarball again, or use another copy; nothing was tagged".to_owned()),
            Self::WrongDigest { .. } => {
                Some("something between this machine and the registry changes content".to_owned())
            }
            Self::Name(_) | Self::Redirects { .. } | Self::Protocol { .. } | Self::Limit { .. } => None,
        }
    }

    /// Whether the same may go well a moment later.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Transport { error, .. } => error.fault.passes(),
            // 501 and 505 are answers for ever.
            Self::Refused(refusal) => matches!(refusal.status, 408 | 429 | 500 | 502..=504 | 506..=599),
            _ => false,
        }
    }
}

fn transport_hint(fault: TransportFault) -> Option<&'static str> {
    match fault {
        TransportFault::Unreachable => Some(
            "check the name of the registry, whether it is running, and the proxy settings (`HTTPS_PROXY`, `NO_PROXY`)",
        ),
        TransportFault::NoTls => Some("if the registry has no TLS and you trust the network, add `--plain-http`"),
        TransportFault::Certificate => Some("add the certificate of its authority with `--ca-file FILE`"),
        TransportFault::AuthorityCertificate => Some(
            "add this certificate itself with `--ca-file FILE`, or create one that is not an authority (`openssl req -x509 … -addext basicConstraints=critical,CA:FALSE`)",
        ),
        TransportFault::BadCertificate => {
            Some("replace the certificate of the registry, or use a host name that the certificate contains")
        }
        TransportFault::TimedOut => Some("for a slow registry, increase `--timeout`"),
        TransportFault::TooSlow => {
            Some("try again when the network or the registry is faster; a pull resumes where it stopped")
        }
        TransportFault::Reset | TransportFault::Protocol => None,
    }
}

fn status_hint(status: u16) -> Option<&'static str> {
    match status {
        403 => Some("the credentials do not allow this, or the registry did not ask for them"),
        404 => Some("the registry does not have it; some registries require that a repository is created first"),
        413 => Some(
            "the registry, or a proxy in front of it, limits the size of uploads: raise the limit (nginx: client_max_body_size)",
        ),
        429 => Some("the registry limits the rate of requests: try again later, or log in"),
        _ => None,
    }
}
