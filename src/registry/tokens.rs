//! Registry authentication: basic auth, and bearer tokens that expire.
//!
//! Takes in a credential and what the registry asks for; gives out the value of the header `authorization` for a scope. A token is kept
//! until shortly before its end. The credential is sent to the registry's own host, and to token services that were named.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::access::Access;
use super::challenge::Challenge;
use super::operation::{Asked, Operation, follow, no_sense, refusal, seconds};
use super::transport::{Method, Response, Transport};
use super::url::form;
use super::{Credential, Origin, RegistryError, Secret, Url};

/// The authentication with one registry.
pub(super) struct Tokens {
    registry: String,
    origin: Origin,
    access: Access,
    /// The credential, once it was required.
    found: OnceLock<Option<Credential>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    challenge: Option<Challenge>,
    tokens: BTreeMap<String, Token>,
}

#[derive(Clone)]
struct Token {
    header: Secret,
    ends: Duration,
}

/// The token service of Docker Hub, which everybody's login there is for.
const DOCKER_HUB_TOKENS: (&str, &str) = ("docker.io", "auth.docker.io");
/// The life of a token that does not say how long it lives (Token Authentication Specification of distribution).
const DEFAULT_LIFE: u64 = 60;
/// A token is renewed this long before it expires: it has to be valid when the request arrives.
const MARGIN: Duration = Duration::from_secs(10);
const MAX_TOKEN_BYTES: u64 = 256 * 1024;

impl Tokens {
    pub(super) fn new(registry: &str, origin: &Origin, access: Access) -> Self {
        Self {
            registry: registry.to_owned(),
            origin: origin.clone(),
            access,
            found: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    /// Whether there is a login that was wanted.
    pub(super) fn has_credential(&self) -> bool {
        self.found().is_some()
    }

    /// Whether there is a login, wanted or not.
    pub(super) fn is_given(&self) -> bool {
        self.has_credential() || self.access.credential.is_some()
    }

    fn found(&self) -> Option<&Credential> {
        self.found.get().and_then(Option::as_ref)
    }

    /// The login, which is looked for now.
    fn credential(&self) -> Result<Option<&Credential>, RegistryError> {
        if self.found.get().is_none() {
            let found = match (&self.access.credential, &self.access.keyring) {
                (None, Some(keyring)) => keyring.find()?,
                (given, _) => given.clone(),
            };
            // Who was faster has found the same.
            let _ = self.found.set(found);
        }
        Ok(self.found())
    }

    /// Reads how the registry authenticates clients.
    pub(super) fn learn(&self, what: &str, response: &Response) -> Result<(), RegistryError> {
        if response.status == 401 {
            let challenge = Challenge::choose(response.all("www-authenticate"));
            let unknown = || no_sense(what, "the registry requires an unknown kind of authentication");
            self.state().challenge = Some(challenge.ok_or_else(unknown)?);
        }
        Ok(())
    }

    /// What to send with a request.
    pub(super) fn authorization(
        &self,
        transport: &dyn Transport,
        scope: &[String],
    ) -> Result<Option<Secret>, RegistryError> {
        // Locked while a token is fetched: the others wait for it instead of fetching theirs.
        let mut state = self.state();
        let Some(challenge) = state.challenge.clone() else { return Ok(None) };
        let credential = self.credential()?;
        if let Some(Credential::RegistryToken(token)) = credential {
            return Ok(Some(bearer(token.expose())));
        }
        match challenge {
            Challenge::Basic => Ok(credential.and_then(Credential::basic)),
            Challenge::Bearer { realm, service } => {
                let key = scope.join(" ");
                let now = transport.elapsed();
                if let Some(token) = state.tokens.get(&key).filter(|token| now < token.ends) {
                    return Ok(Some(token.header.clone()));
                }
                let token = self.fetch(transport, &realm, service.as_deref(), scope)?;
                state.tokens.insert(key, token.clone());
                Ok(Some(token.header))
            }
        }
    }

    /// The registry rejected what was sent: forget it, and read its new challenge.
    pub(super) fn reject(
        &self,
        scope: &[String],
        used: Option<&Secret>,
        what: &str,
        response: &Response,
    ) -> Result<(), RegistryError> {
        let key = scope.join(" ");
        {
            let mut state = self.state();
            // Another thread may have renewed it meanwhile.
            if state.tokens.get(&key).is_some_and(|token| Some(&token.header) == used) {
                state.tokens.remove(&key);
            }
        }
        self.learn(what, response)
    }

    /// A text in which no secret stands.
    pub(super) fn mask(&self, text: &str) -> String {
        let mut secrets: Vec<_> = self.found().into_iter().flat_map(Credential::secrets).collect();
        secrets.extend(
            self.state().tokens.values().map(|token| Secret::new(token.header.expose().trim_start_matches(BEARER))),
        );
        secrets.iter().fold(text.to_owned(), |text, secret| secret.mask(&text))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked has left a state that is whole: it is changed by single insertions.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fetch(
        &self,
        transport: &dyn Transport,
        realm: &str,
        service: Option<&str>,
        scope: &[String],
    ) -> Result<Token, RegistryError> {
        let what = format!("get a token for `{}`", self.registry);
        let url = Url::parse(realm)
            .ok_or_else(|| no_sense(&what, "the registry names a token service with an invalid address"))?;
        self.check_realm(&what, &url)?;
        let started = transport.elapsed();
        let response = match self.found() {
            Some(Credential::IdentityToken(token)) => self.exchange(transport, &what, url, service, scope, token),
            credential => {
                let basic = credential.and_then(Credential::basic);
                let url = service.iter().fold(url, |url, service| url.with_parameter("service", service));
                let url = scope.iter().fold(url, |url, scope| url.with_parameter("scope", scope));
                self.ask(transport, &what, Method::Get, url, &[], basic.as_ref())
            }
        }?;
        token(&what, started, &response)
    }

    /// A token for a token (OAuth 2.0, as registries have it).
    fn exchange(
        &self,
        transport: &dyn Transport,
        what: &str,
        url: Url,
        service: Option<&str>,
        scope: &[String],
        token: &Secret,
    ) -> Result<Vec<u8>, RegistryError> {
        let fields = form(&[
            ("grant_type", "refresh_token"),
            ("client_id", "bootsmith"),
            ("refresh_token", token.expose()),
            ("service", service.unwrap_or_default()),
            ("scope", &scope.join(" ")),
        ]);
        self.ask(transport, what, Method::Post, url, fields.as_bytes(), None)
    }

    fn ask(
        &self,
        transport: &dyn Transport,
        what: &str,
        method: Method,
        url: Url,
        body: &[u8],
        authorization: Option<&Secret>,
    ) -> Result<Vec<u8>, RegistryError> {
        let headers = if body.is_empty() { Vec::new() } else { vec![("content-type", FORM.to_owned())] };
        let host = url.origin().host().to_owned();
        let operation = Operation { what: what.to_owned(), method, url, headers, body, scope: &[], good: &[200] };
        let response = follow(transport, &operation, authorization)?;
        match response.status {
            200 => response.document("the response of the token service", MAX_TOKEN_BYTES),
            401 | 403 => Err(RegistryError::Unauthorized {
                what: what.to_owned(),
                registry: self.registry.clone(),
                had_credential: self.has_credential(),
            }),
            _ => {
                let secrets: Vec<_> = self.found().into_iter().flat_map(Credential::secrets).collect();
                let mask = |text: &str| secrets.iter().fold(text.to_owned(), |text, secret| secret.mask(&text));
                Err(refusal(Asked { what, host: &host, without_login: None }, response, mask))
            }
        }
    }

    /// A credential is sent only to the hosts that it was given for.
    fn check_realm(&self, what: &str, realm: &Url) -> Result<(), RegistryError> {
        let origin = realm.origin();
        if self.origin.is_secure() && !origin.is_secure() {
            let (from, to) = (self.origin.to_string(), origin.to_string());
            return Err(RegistryError::Downgrade { what: what.to_owned(), from, to });
        }
        let is_ours =
            origin.host() == self.origin.host() || (self.registry.as_str(), origin.host()) == DOCKER_HUB_TOKENS;
        let is_named = self.access.token_hosts.iter().any(|host| host == origin.host());
        if self.has_credential() && !is_ours && !is_named {
            let (registry, realm) = (self.registry.clone(), origin.host().to_owned());
            return Err(RegistryError::ForeignRealm { registry, realm });
        }
        Ok(())
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
const BEARER: &str = "Bearer ";

fn bearer(token: &str) -> Secret {
    Secret::new(format!("{BEARER}{token}"))
}

/// What a token service gives: the same token under one name or the other.
#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
    /// A number of seconds, or what some services make of it.
    expires_in: Option<serde_json::Value>,
}

impl Granted {
    /// How long the token lives; what cannot be read is as good as nothing.
    fn life(&self) -> Duration {
        let said = self.expires_in.as_ref();
        let read = said.and_then(|value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()));
        seconds(read.unwrap_or(DEFAULT_LIFE))
    }
}

fn token(what: &str, started: Duration, body: &[u8]) -> Result<Token, RegistryError> {
    let granted: Granted =
        serde_json::from_slice(body).map_err(|_| no_sense(what, "the token service did not return a token"))?;
    let life = granted.life();
    let text = [granted.token, granted.access_token].into_iter().flatten().find(|text| !text.is_empty());
    let text = text.ok_or_else(|| no_sense(what, "the token service did not return a token"))?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(no_sense(what, "the token service returned an invalid token"));
    }
    // A very short life is used to its half, not given up.
    let usable = life.checked_sub(MARGIN).unwrap_or_default().max(life / 2);
    Ok(Token { header: bearer(&text), ends: started.saturating_add(usable) })
}
