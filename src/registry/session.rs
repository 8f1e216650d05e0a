//! A session with one registry: authentication, redirects, retries.
//!
//! Takes in operations; gives out successful responses, or errors. Credentials go to the origin of the registry and
//! nowhere else; a redirect to another host is followed without them, one from https to http not at all.

use crate::digest::Digest;

use super::event::{Event, Events};
use super::operation::{Asked, Operation, follow, refusal, shorten};
use super::retry::pause_after;
use super::tokens::Tokens;
use super::transport::{Body, Method, Request, Response, Transport};
use super::{Access, Origin, RegistryError, Secret, TransportFault, Url};

/// A registry that answers.
pub struct Session<'a> {
    transport: &'a dyn Transport,
    events: Events<'a>,
    name: String,
    origin: Origin,
    tokens: Tokens,
}

/// Docker Hub is called by another name than its registry has.
const DOCKER_HUB: &str = "docker.io";
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";
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

    /// Asks whether it is a registry, and how it authenticates clients. No credential is sent.
    fn ping(&self) -> Result<(), RegistryError> {
        let operation = Operation {
            what: format!("connect to the registry `{}`", self.name),
            method: Method::Get,
            url: self.origin.url("/v2/"),
            headers: Vec::new(),
            body: &[],
            scope: &[],
            good: &[200, 401],
        };
        let mut attempt = 1;
        loop {
            let result = follow(self.transport, &operation, None).and_then(|response| self.check(&operation, response));
            match result {
                Ok(response) => return self.tokens.learn(&operation.what, &response),
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
    pub(super) fn ask_once(&self, operation: &Operation<'_>) -> Result<Response, RegistryError> {
        let mut response = None;
        for _ in 0..2 {
            let authorization = self.authorization(&operation.url, operation.scope)?;
            let answer = follow(self.transport, operation, authorization.as_ref())?;
            if answer.status != 401 {
                response = Some(answer);
                break;
            }
            self.tokens.reject(operation.scope, authorization.as_ref(), &operation.what, &answer)?;
        }
        let response = response.ok_or_else(|| self.unauthorized(&operation.what))?;
        self.check(operation, response)
    }

    /// Sends a body that can be read only once, and follows no redirect with it. An answer of 401 says that the token was renewed and that
    /// all has to be done again.
    pub(super) fn send(&self, operation: &Operation<'_>, body: Body<'_>) -> Result<Sent, RegistryError> {
        let authorization = self.authorization(&operation.url, operation.scope)?;
        let request = Request {
            method: operation.method,
            url: operation.url.clone(),
            headers: operation.headers.clone(),
            authorization: authorization.clone(),
            body,
        };
        let failed = |error| RegistryError::Transport { what: operation.what.clone(), error };
        let response = self.transport.send(request).map_err(failed)?;
        if response.status == 401 {
            self.tokens.reject(operation.scope, authorization.as_ref(), &operation.what, &response)?;
            return Ok(Sent::Unauthorized);
        }
        self.check(operation, response).map(Sent::Stored)
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

    fn check(&self, operation: &Operation<'_>, response: Response) -> Result<Response, RegistryError> {
        if operation.good.contains(&response.status) {
            return Ok(response);
        }
        let host = operation.url.origin().host();
        let without_login = (!self.tokens.is_given()).then(|| self.name.clone());
        Err(refusal(Asked { what: &operation.what, host, without_login }, response, |text| self.tokens.mask(text)))
    }
}

/// What became of a body that was sent.
pub(super) enum Sent {
    /// The registry took it.
    Stored(Response),
    /// The token had expired.
    Unauthorized,
}

fn is_unreachable(error: &RegistryError) -> bool {
    let fault = |fault| matches!(fault, TransportFault::Unreachable | TransportFault::Reset);
    matches!(error, RegistryError::Transport { error, .. } if fault(error.fault))
}
