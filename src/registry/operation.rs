//! One operation on a registry: its request, the redirects of the response, and what a refusal says.
//!
//! Takes in an operation; gives out the final response. A redirect to another host is followed without credentials, one from https to
//! http not at all.

use std::time::Duration;

use serde::Deserialize;

use super::retry::retry_after;
use super::transport::{Body, Method, Request, Response, Transport};
use super::{Refusal, RegistryError, Secret, Url};

/// An operation that can be repeated: its body is in memory.
pub(super) struct Operation<'a> {
    /// What is tried, as a verb.
    pub(super) what: String,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: &'a [u8],
    /// What the token has to allow.
    pub(super) scope: &'a [String],
    /// The statuses that are a success.
    pub(super) good: &'a [u16],
}

const MAX_REDIRECTS: usize = 10;
/// What a registry says about a fault.
const MAX_SAID_BYTES: u64 = 64 * 1024;
const MAX_SAID_CHARACTERS: usize = 300;

/// What was asked, and who refuses it.
pub(super) struct Asked<'a> {
    pub(super) what: &'a str,
    pub(super) host: &'a str,
    /// The registry, when there is no login for it.
    pub(super) without_login: Option<String>,
}

/// A status that is not a success, with what the registry says about it.
pub(super) fn refusal(asked: Asked<'_>, response: Response, mask: impl Fn(&str) -> String) -> RegistryError {
    let status = response.status;
    let retry_after = response.header("retry-after").and_then(|value| retry_after(value, response.header("date")));
    let body = response.document("the answer", MAX_SAID_BYTES).unwrap_or_default();
    let said = said(&body).iter().map(|text| shorten(&mask(text))).collect();
    RegistryError::Refused(Box::new(Refusal {
        what: asked.what.to_owned(),
        host: asked.host.to_owned(),
        status,
        said,
        retry_after,
        without_login: asked.without_login,
    }))
}

/// Sends an operation and follows redirects, without the authorization when that is another origin.
pub(super) fn follow(
    transport: &dyn Transport,
    operation: &Operation<'_>,
    authorization: Option<&Secret>,
) -> Result<Response, RegistryError> {
    let what = operation.what.as_str();
    let mut url = operation.url.clone();
    let mut authorization = authorization.cloned();
    for _ in 0..=MAX_REDIRECTS {
        let body = if operation.body.is_empty() { Body::Empty } else { Body::Bytes(operation.body) };
        let (headers, method) = (operation.headers.clone(), operation.method);
        let request = Request { method, url: url.clone(), headers, authorization: authorization.clone(), body };
        let failed = |error| RegistryError::Transport { what: what.to_owned(), error };
        let response = transport.send(request).map_err(failed)?;
        let Some(location) = redirect(operation, &response) else {
            return Ok(response);
        };
        let next = lead(what, &url, location)?;
        if next.origin() != url.origin() {
            authorization = None;
        }
        url = next;
    }
    Err(RegistryError::Redirects { what: what.to_owned(), limit: MAX_REDIRECTS })
}

/// Where an answer leads, from where it was found.
pub(super) fn location(what: &str, from: &Url, response: &Response) -> Result<Url, RegistryError> {
    let location = response.header("location").ok_or_else(|| no_sense(what, "the response has no `Location`"))?;
    lead(what, from, location)
}

/// Only what reads may be led elsewhere.
fn redirect<'r>(operation: &Operation<'_>, response: &'r Response) -> Option<&'r str> {
    let reads = matches!(operation.method, Method::Get | Method::Head);
    let leads = reads && matches!(response.status, 301 | 302 | 303 | 307 | 308);
    if leads { response.header("location") } else { None }
}

fn lead(what: &str, from: &Url, location: &str) -> Result<Url, RegistryError> {
    let next = from.join(location).ok_or_else(|| no_sense(what, "invalid `Location`"))?;
    stay_encrypted(what, from, &next)?;
    Ok(next)
}

/// From https to http nothing is followed.
pub(super) fn stay_encrypted(what: &str, from: &Url, next: &Url) -> Result<(), RegistryError> {
    if from.origin().is_secure() && !next.origin().is_secure() {
        let (from, to) = (from.origin().to_string(), next.origin().to_string());
        return Err(RegistryError::Downgrade { what: what.to_owned(), from, to });
    }
    Ok(())
}

pub(super) fn no_sense(what: &str, reason: &str) -> RegistryError {
    RegistryError::Protocol { what: what.to_owned(), reason: reason.to_owned() }
}

/// The body of a refusal, as the protocol has it.
#[derive(Deserialize)]
struct Errors {
    errors: Vec<SaidError>,
}

#[derive(Deserialize)]
struct SaidError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

fn said(body: &[u8]) -> Vec<String> {
    let errors = serde_json::from_slice::<Errors>(body).map(|errors| errors.errors).unwrap_or_default();
    let text = |error: SaidError| [error.code, error.message].join(": ");
    errors.into_iter().take(MAX_SAID).map(text).collect()
}

/// More errors than this say nothing new.
const MAX_SAID: usize = 3;

/// What a registry says, fit for a terminal.
pub(super) fn shorten(text: &str) -> String {
    let shown = text.chars().take(MAX_SAID_CHARACTERS);
    shown.map(|character| if character.is_control() { ' ' } else { character }).collect::<String>().trim().to_owned()
}

/// A duration in whole seconds of the protocol.
pub(super) const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}
