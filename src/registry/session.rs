//! Talking to one registry: who we are, where its answers lead, what is tried again.
//!
//! Takes in questions; gives out answers that are a success, or why there are none. Credentials go to the origin of the registry and
//! nowhere else; a redirect to another host is followed without them, one from https to http not at all.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::digest::Digest;

use super::event::{Event, Events};
use super::retry::{pause_after, retry_after};
use super::tokens::Tokens;
use super::transport::{Body, Method, Request, Response, Transport, TransportFault};
use super::{Credential, Origin, Refusal, RegistryError, Secret, Url};

/// How a registry is to be talked to.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// What proves to this registry who we are.
    pub credential: Option<Credential>,
    /// Where to look for a credential, once the registry wants one, when none is given.
    pub keyring: Option<Keyring>,
    /// Other hosts that may be shown the credential to get a token from them.
    pub token_hosts: Vec<String>,
    /// Without encryption, wherever the registry is.
    pub plain_http: bool,
}

/// Looks for a credential: nobody is asked for a secret that nobody wants.
#[derive(Clone)]
pub struct Keyring(Arc<Find>);

type Find = dyn Fn() -> Result<Option<Credential>, KeyringError> + Send + Sync;

/// Why no credential can be looked for.
pub type KeyringError = Box<dyn std::error::Error + Send + Sync>;

impl Keyring {
    /// Looks by a function.
    pub fn new(find: impl Fn() -> Result<Option<Credential>, KeyringError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    pub(super) fn find(&self) -> Result<Option<Credential>, RegistryError> {
        self.0().map_err(RegistryError::Keyring)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keyring")
    }
}

/// A registry that answers.
pub struct Session<'a> {
    transport: &'a dyn Transport,
    events: Events<'a>,
    name: String,
    origin: Origin,
    tokens: Tokens,
}

/// A question that may be asked again: its body is in memory.
pub(super) struct Question<'a> {
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

/// Docker Hub is called by another name than its registry has.
const DOCKER_HUB: &str = "docker.io";
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";
const MAX_REDIRECTS: usize = 10;
/// What a registry says about a fault.
const MAX_SAID_BYTES: u64 = 64 * 1024;
const MAX_SAID_CHARACTERS: usize = 300;

impl<'a> Session<'a> {
    /// Finds out how a registry wants to be talked to. Without encryption only by request, or on this machine when it speaks no TLS.
    pub fn open(
        transport: &'a dyn Transport,
        name: &str,
        access: &Access,
        events: Events<'a>,
    ) -> Result<Self, RegistryError> {
        let host = if name == DOCKER_HUB { DOCKER_HUB_HOST } else { name };
        let origin = |is_secure| Origin::of_registry(host, is_secure).ok_or(RegistryError::Name(name.to_owned()));
        let session = |origin: Origin| {
            let tokens = Tokens::new(name, &origin, access.clone());
            Self { transport, events, name: name.to_owned(), origin, tokens }
        };
        let first = session(origin(!access.plain_http)?);
        match first.ping() {
            Err(error) if first.may_speak_plainly(&error) => {
                let second = session(origin(false)?);
                second.ping()?;
                Ok(second)
            }
            result => result.map(|()| first),
        }
    }

    /// On this machine nobody listens in.
    fn may_speak_plainly(&self, error: &RegistryError) -> bool {
        let speaks_no_tls =
            |fault| matches!(fault, TransportFault::NoTls | TransportFault::Reset | TransportFault::Protocol);
        let said_no_tls = matches!(error, RegistryError::Transport { error, .. } if speaks_no_tls(error.fault));
        self.origin.is_secure() && self.origin.is_loopback() && said_no_tls
    }

    /// Asks whether it is a registry, and learns what it wants to be convinced by. No credential is sent.
    fn ping(&self) -> Result<(), RegistryError> {
        let question = Question {
            what: format!("talk to the registry `{}`", self.name),
            method: Method::Get,
            url: self.origin.url("/v2/"),
            headers: Vec::new(),
            body: &[],
            scope: &[],
            good: &[200, 401],
        };
        let mut attempt = 1;
        loop {
            let result = follow(self.transport, &question, None).and_then(|response| self.check(&question, response));
            match result {
                Ok(response) => return self.tokens.learn(&question.what, &response),
                Err(error) => self.pause(attempt, error, |error| !is_unreachable(error))?,
            }
            attempt += 1;
        }
    }

    /// As image references name it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) fn tell(&self, event: Event<'_>) {
        (self.events)(event);
    }

    /// Does something, and does it again as long as that may help.
    pub(super) fn repeat<T>(&self, mut attempt: impl FnMut() -> Result<T, RegistryError>) -> Result<T, RegistryError> {
        let mut number = 1;
        loop {
            match attempt() {
                Ok(done) => return Ok(done),
                Err(error) => self.pause(number, error, |_| true)?,
            }
            number += 1;
        }
    }

    /// Waits when it makes sense to try again, else gives the error back.
    fn pause(
        &self,
        attempt: u32,
        error: RegistryError,
        may: impl Fn(&RegistryError) -> bool,
    ) -> Result<(), RegistryError> {
        let Some(pause) = pause_after(attempt, &error).filter(|_| may(&error)) else {
            return Err(error);
        };
        self.tell(Event::Again { error: &error, pause });
        self.transport.pause(pause);
        Ok(())
    }

    /// Asks once; a token that has expired is renewed, and a second 401 is the end.
    pub(super) fn ask_once(&self, question: &Question<'_>) -> Result<Response, RegistryError> {
        let mut response = None;
        for _ in 0..2 {
            let authorization = self.authorization(&question.url, question.scope)?;
            let answer = follow(self.transport, question, authorization.as_ref())?;
            if answer.status != 401 {
                response = Some(answer);
                break;
            }
            self.tokens.reject(question.scope, authorization.as_ref(), &question.what, &answer)?;
        }
        let response = response.ok_or_else(|| self.unauthorized(&question.what))?;
        self.check(question, response)
    }

    /// Sends a body that can be read only once, and follows no redirect with it. An answer of 401 says that the token was renewed and that
    /// all has to be done again.
    pub(super) fn send(&self, question: &Question<'_>, body: Body<'_>) -> Result<Sent, RegistryError> {
        let authorization = self.authorization(&question.url, question.scope)?;
        let request = Request {
            method: question.method,
            url: question.url.clone(),
            headers: question.headers.clone(),
            authorization: authorization.clone(),
            body,
        };
        let failed = |error| RegistryError::Transport { what: question.what.clone(), error };
        let response = self.transport.send(request).map_err(failed)?;
        if response.status == 401 {
            self.tokens.reject(question.scope, authorization.as_ref(), &question.what, &response)?;
            return Ok(Sent::Unauthorized);
        }
        self.check(question, response).map(Sent::Stored)
    }

    pub(super) fn unauthorized(&self, what: &str) -> RegistryError {
        let (what, registry) = (what.to_owned(), self.name.clone());
        RegistryError::Unauthorized { what, registry, had_credential: self.tokens.has_credential() }
    }

    /// What the registry says of its digest must be what it is.
    pub(super) fn check_digest(&self, what: &str, expected: Digest, response: &Response) -> Result<(), RegistryError> {
        match response.header("docker-content-digest") {
            Some(actual) if actual != expected.to_string() => Err(RegistryError::WrongDigest {
                what: what.to_owned(),
                registry: self.name.clone(),
                expected,
                actual: shorten(actual),
            }),
            _ => Ok(()),
        }
    }

    /// Only at home.
    fn authorization(&self, url: &Url, scope: &[String]) -> Result<Option<Secret>, RegistryError> {
        if *url.origin() == self.origin { self.tokens.authorization(self.transport, scope) } else { Ok(None) }
    }

    fn check(&self, question: &Question<'_>, response: Response) -> Result<Response, RegistryError> {
        if question.good.contains(&response.status) {
            return Ok(response);
        }
        let host = question.url.origin().host();
        let without_login = (!self.tokens.is_given()).then(|| self.name.clone());
        Err(refusal(Asked { what: &question.what, host, without_login }, response, |text| self.tokens.mask(text)))
    }
}

/// What became of a body that was sent.
pub(super) enum Sent {
    /// The registry took it.
    Stored(Response),
    /// The token had expired.
    Unauthorized,
}

/// What was asked, and who refuses it.
pub(super) struct Asked<'a> {
    pub(super) what: &'a str,
    pub(super) host: &'a str,
    /// The registry, when there is no login for it.
    pub(super) without_login: Option<String>,
}

/// A status that is no success, with what the registry says about it.
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

/// Sends a question, and follows where the answer leads, without the authorization when that is another origin.
pub(super) fn follow(
    transport: &dyn Transport,
    question: &Question<'_>,
    authorization: Option<&Secret>,
) -> Result<Response, RegistryError> {
    let what = question.what.as_str();
    let mut url = question.url.clone();
    let mut authorization = authorization.cloned();
    for _ in 0..=MAX_REDIRECTS {
        let body = if question.body.is_empty() { Body::Empty } else { Body::Bytes(question.body) };
        let (headers, method) = (question.headers.clone(), question.method);
        let request = Request { method, url: url.clone(), headers, authorization: authorization.clone(), body };
        let failed = |error| RegistryError::Transport { what: what.to_owned(), error };
        let response = transport.send(request).map_err(failed)?;
        let Some(location) = redirect(question, &response) else {
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
    let location = response.header("location").ok_or_else(|| no_sense(what, "the answer has no `Location`"))?;
    lead(what, from, location)
}

/// Only what reads may be led elsewhere.
fn redirect<'r>(question: &Question<'_>, response: &'r Response) -> Option<&'r str> {
    let reads = matches!(question.method, Method::Get | Method::Head);
    let leads = reads && matches!(response.status, 301 | 302 | 303 | 307 | 308);
    if leads { response.header("location") } else { None }
}

fn lead(what: &str, from: &Url, location: &str) -> Result<Url, RegistryError> {
    let next = from.join(location).ok_or_else(|| no_sense(what, "its `Location` is no address"))?;
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

fn is_unreachable(error: &RegistryError) -> bool {
    let fault = |fault| matches!(fault, TransportFault::Unreachable | TransportFault::Reset);
    matches!(error, RegistryError::Transport { error, .. } if fault(error.fault))
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
