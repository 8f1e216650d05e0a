//! The seam to the network: one request, one response.
//!
//! Takes in and gives out values; what is behind it is chosen at the edge. Follows no redirect, adds no credentials, repeats nothing:
//! all of that is decided above.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use super::{RegistryError, Secret, TransportError, TransportFault, Url};

/// Exchanges requests for responses, and passes the time.
///
/// An implementation sends a request as it is: no header of its own that carries a secret, no redirect, no second try. It gives up on an
/// idle connection. A status that says no is a response like any other.
pub trait Transport: Sync {
    /// Sends a request and waits for the head of the response; its body is read by the caller.
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError>;

    /// How much time has passed since some fixed moment; never less than the last time it was asked.
    fn elapsed(&self) -> Duration;

    /// Lets time pass.
    fn pause(&self, time: Duration);
}

/// The verbs that the protocol uses here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Ask whether it is there.
    Head,
    /// Begin an upload, or ask for a token.
    Post,
    /// Store.
    Put,
}

/// A request.
pub struct Request<'a> {
    /// The verb.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Names in lower case, and values that may be shown.
    pub headers: Vec<(&'static str, String)>,
    /// The value of the header `authorization`.
    pub authorization: Option<Secret>,
    /// What is sent.
    pub body: Body<'a>,
}

/// What is sent with a request.
pub enum Body<'a> {
    /// Nothing.
    Empty,
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// Exactly `size` bytes of a reader; when reading fails, the request is broken off.
    Stream {
        /// Where the bytes come from.
        reader: &'a mut dyn Read,
        /// How many there are.
        size: u64,
    },
}

/// A response.
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The bytes, which nobody has limited yet.
    pub body: Box<dyn Read>,
}

impl Response {
    /// The first header of a name that is written in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every header of a name that is written in lower case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The whole body of a response that must be small.
    pub(super) fn document(mut self, what: &str, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let mut bytes = Vec::new();
        self.body
            .by_ref()
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| broken(format!("read {what}"), &error))?;
        if bytes.len() as u64 > limit {
            return Err(RegistryError::Limit { what: what.to_owned(), limit });
        }
        Ok(bytes)
    }
}

/// A transfer that an implementation of [`Transport`] gives up; as the inner error of an [`io::Error`], it comes out of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes in {seconds} s, where {least} a second is the least")]
pub struct TooSlow {
    /// How many bytes there were.
    pub bytes: u64,
    /// In so many seconds.
    pub seconds: u64,
    /// How many there must be, a second.
    pub least: u64,
}

impl TooSlow {
    /// Whether that is why reading or writing failed.
    pub fn is_cause_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
    }
}

/// A connection that was lost while the response was read.
pub(super) fn broken(what: String, error: &io::Error) -> RegistryError {
    let fault = match error.kind() {
        _ if TooSlow::is_cause_of(error) => TransportFault::TooSlow,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => TransportFault::TimedOut,
        _ => TransportFault::Reset,
    };
    RegistryError::Transport { what, error: TransportError { fault, reason: error.to_string() } }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
        })
    }
}
