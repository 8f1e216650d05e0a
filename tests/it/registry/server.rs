//! A registry in memory that fails on demand: scripted by (method, part of the path, which of those requests) → fault.
//!
//! Without faults it does what distribution does: it verifies every digest, knows what a manifest needs, and takes a body into an upload
//! once. When it is dropped it holds what it has against the digests again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use bootsmith::digest::Digest;
use bootsmith::image::media_type::{INDEX, MANIFEST};
use serde_json::{Value, json};

use super::http::{Answer, Head};

/// What happens instead of the right answer.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// This answer, before a body was read.
    Answer(Answer),
    /// The connection breaks off before the body.
    Reset,
    /// The connection breaks off in the body.
    ResetInBody,
    /// It is done, but the connection breaks off instead of the answer.
    ResetAfter,
    /// It is done, and the answer has this header.
    Header(&'static str, String),
    /// It is done, and the answer has this status and no body.
    Status(u16),
    /// It is done, but the answer lacks this header.
    Without(&'static str),
    /// Nothing is answered.
    Hang,
    /// An answer that begins, and does not go on.
    HangInBody,
    /// The right answer, a byte now and then.
    Drip,
    /// An answer that never ends.
    Endless,
    /// A redirect to where the request came to.
    Round,
    /// A mount becomes an upload.
    NoMount,
    /// The right answer, whose body breaks off after so many bytes.
    Cut(usize),
    /// The right answer with another body.
    Body(Vec<u8>),
    /// The whole, although a part was asked for.
    Whole,
}

/// Which requests a fault is for: the first is number 1, and 0 is all of them.
pub(super) struct Rule {
    method: &'static str,
    part: String,
    number: usize,
    seen: usize,
    fault: Fault,
}

/// How the registry wants to be convinced.
#[derive(Clone, Debug, Default)]
pub(super) enum Login {
    #[default]
    Nobody,
    /// The value of the header.
    Basic(String),
    /// The challenge, what the token service wants to see, and what it says of a token's life.
    Bearer { challenge: String, basic: Option<String>, expires_in: Option<u64> },
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) head: Head,
    /// How much of the body was read.
    pub(super) body: Vec<u8>,
}

/// What a registry has, and what it was asked.
#[derive(Default)]
pub(super) struct State {
    pub(super) blobs: BTreeMap<(String, String), Vec<u8>>,
    pub(super) manifests: BTreeMap<(String, String), Vec<u8>>,
    pub(super) tags: BTreeMap<(String, String), String>,
    pub(super) log: Vec<Seen>,
    pub(super) rules: Vec<Rule>,
    pub(super) login: Login,
    /// With this status a tag that is there is not set again.
    pub(super) immutable: Option<u16>,
    /// Whether it says what refers to an image.
    pub(super) lists_referrers: bool,
    /// No page has more entries.
    pub(super) page_size: Option<usize>,
    /// Where the next page is said to be: nothing, or an origin.
    pub(super) pages_at: String,
    uploads: BTreeMap<String, bool>,
    tokens: BTreeSet<String>,
    granted: usize,
}

/// What a registry is, shared by its connections.
#[derive(Clone, Default)]
pub(super) struct Registry {
    state: Arc<Mutex<State>>,
}

impl Registry {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with a registry in hand")
    }
}

impl State {
    pub(super) fn rule(&mut self, method: &'static str, part: &str, number: usize, fault: Fault) {
        self.rules.push(Rule { method, part: part.to_owned(), number, seen: 0, fault });
    }

    /// The fault that a request meets.
    pub(super) fn fault(&mut self, head: &Head) -> Option<Fault> {
        let mut found = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.method == head.method && head.path.contains(&rule.part)) {
            rule.seen += 1;
            if found.is_none() && (rule.number == 0 || rule.number == rule.seen) {
                found = Some(rule.fault.clone());
            }
        }
        found
    }

    /// Ends every token.
    pub(super) fn forget_tokens(&mut self) {
        self.tokens.clear();
    }

    /// How many requests of a kind came.
    pub(super) fn count(&self, method: &str, part: &str) -> usize {
        self.log.iter().filter(|seen| seen.head.method == method && seen.head.path.contains(part)).count()
    }

    /// The right answer.
    pub(super) fn answer(&mut self, head: &Head, body: &[u8]) -> Answer {
        if head.path == "/token" {
            return self.grant(head, body);
        }
        if !self.is_allowed(head) {
            let challenge = match &self.login {
                Login::Bearer { challenge, .. } => challenge.clone(),
                _ => "Basic realm=\"registry\"".to_owned(),
            };
            return refuse(401, "UNAUTHORIZED", "authentication required").with("www-authenticate", challenge);
        }
        let below = head.path.strip_prefix("/v2/").unwrap_or_default();
        if below.is_empty() {
            return Answer::new(200);
        }
        if let Some(repository) = below.strip_suffix("/tags/list") {
            return self.tags(head, repository);
        }
        if let Some((repository, digest)) = below.split_once("/referrers/") {
            return self.referrers(repository, digest);
        }
        for (kind, answer) in [
            ("/blobs/uploads/", Self::upload as fn(&mut Self, &Head, &str, &str, &[u8]) -> Answer),
            ("/blobs/", Self::blob),
            ("/manifests/", Self::manifest),
        ] {
            if let Some((repository, name)) = below.split_once(kind) {
                return answer(self, head, repository, name, body);
            }
        }
        refuse(404, "UNSUPPORTED", "there is nothing here")
    }

    fn is_allowed(&self, head: &Head) -> bool {
        let given = head.header("authorization").unwrap_or_default();
        match &self.login {
            Login::Nobody => true,
            Login::Basic(header) => given == header,
            Login::Bearer { .. } => given.strip_prefix("Bearer ").is_some_and(|token| self.tokens.contains(token)),
        }
    }

    fn grant(&mut self, head: &Head, body: &[u8]) -> Answer {
        let Login::Bearer { basic, expires_in, .. } = &self.login else { return Answer::new(404) };
        let is_refresh = String::from_utf8_lossy(body).contains("grant_type=refresh_token");
        if !is_refresh && basic.as_deref().is_some_and(|basic| head.header("authorization") != Some(basic)) {
            return refuse(401, "UNAUTHORIZED", "who are you?");
        }
        self.granted += 1;
        let token = format!("token-{}", self.granted);
        self.tokens.insert(token.clone());
        let answer = match expires_in {
            Some(seconds) => json!({ "token": token, "expires_in": seconds }),
            None => json!({ "access_token": token }),
        };
        Answer::new(200).json(&answer)
    }

    fn blob(&mut self, head: &Head, repository: &str, digest: &str, _: &[u8]) -> Answer {
        match self.blobs.get(&(repository.to_owned(), digest.to_owned())) {
            Some(bytes) if matches!(head.method.as_str(), "GET" | "HEAD") => {
                part(head, bytes).with("docker-content-digest", digest)
            }
            _ => refuse(404, "BLOB_UNKNOWN", "blob unknown to registry"),
        }
    }

    fn upload(&mut self, head: &Head, repository: &str, id: &str, body: &[u8]) -> Answer {
        if head.method == "POST" {
            return self.begin(head, repository);
        }
        let Some(is_used) = self.uploads.get_mut(id) else {
            return refuse(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
        };
        assert!(!*is_used, "a body is sent twice into the upload {id}");
        *is_used = true;
        assert_eq!(head.parameter("state"), Some("a/b="), "what the location says is kept");
        let wanted = head.parameter("digest").unwrap_or_default().to_owned();
        if Digest::of(body).to_string() != wanted {
            return refuse(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
        }
        self.blobs.insert((repository.to_owned(), wanted.clone()), body.to_vec());
        Answer::new(201).with("docker-content-digest", wanted)
    }

    fn begin(&mut self, head: &Head, repository: &str) -> Answer {
        if let (Some(digest), Some(from)) = (head.parameter("mount"), head.parameter("from"))
            && let Some(bytes) = self.blobs.get(&(from.to_owned(), digest.to_owned())).cloned()
        {
            self.blobs.insert((repository.to_owned(), digest.to_owned()), bytes);
            return Answer::new(201).with("docker-content-digest", digest);
        }
        self.accept(repository)
    }

    /// Begins an upload.
    pub(super) fn accept(&mut self, repository: &str) -> Answer {
        let id = format!("upload-{}", self.uploads.len());
        self.uploads.insert(id.clone(), false);
        Answer::new(202).with("location", format!("/v2/{repository}/blobs/uploads/{id}?state=a%2Fb%3D"))
    }

    /// How many uploads were begun.
    pub(super) fn uploads(&self) -> usize {
        self.uploads.len()
    }

    fn manifest(&mut self, head: &Head, repository: &str, name: &str, body: &[u8]) -> Answer {
        let key = |name: &str| (repository.to_owned(), name.to_owned());
        if head.method == "PUT" {
            let digest = Digest::of(body).to_string();
            if name.starts_with("sha256:") && name != digest {
                return refuse(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
            }
            if let Some(missing) = self.missing(repository, body) {
                return refuse(400, "MANIFEST_BLOB_UNKNOWN", &missing);
            }
            if let Some(status) = self.immutable.filter(|_| self.tags.contains_key(&key(name))) {
                return refuse(status, "TAG_IMMUTABLE", "the tag is there and cannot be set again");
            }
            self.manifests.insert(key(&digest), body.to_vec());
            if name != digest {
                self.tags.insert(key(name), digest.clone());
            }
            return Answer::new(201).with("docker-content-digest", digest);
        }
        let digest = self.tags.get(&key(name)).map_or(name, String::as_str).to_owned();
        match self.manifests.get(&key(&digest)) {
            Some(bytes) => Answer { body: bytes.clone(), ..Answer::new(200).with("docker-content-digest", digest) },
            None => refuse(404, "MANIFEST_UNKNOWN", "manifest unknown"),
        }
    }

    /// So many tags on a page as the registry likes, or as were asked for; after them where the rest is.
    fn tags(&self, head: &Head, repository: &str) -> Answer {
        let own = self.tags.keys().filter(|(of, _)| of == repository).map(|(_, tag)| tag.as_str());
        if !self.manifests.keys().any(|(of, _)| of == repository) {
            return refuse(404, "NAME_UNKNOWN", "repository name not known to registry");
        }
        let asked: usize = head.parameter("n").and_then(|number| number.parse().ok()).unwrap_or(usize::MAX);
        let size = self.page_size.map_or(asked, |size| size.min(asked));
        let rest: Vec<_> = own.filter(|tag| head.parameter("last").is_none_or(|last| *tag > last)).collect();
        let page = &rest[..size.min(rest.len())];
        let answer = Answer::new(200).json(&json!({ "name": repository, "tags": page }));
        match page.last() {
            Some(last) if page.len() < rest.len() => {
                let next = format!("/v2/{repository}/tags/list?last={last}&n={size}");
                answer.with("link", format!("<{}{next}>; rel=\"next\"", self.pages_at))
            }
            _ => answer,
        }
    }

    fn referrers(&self, repository: &str, image: &str) -> Answer {
        if !self.lists_referrers {
            return refuse(404, "UNSUPPORTED", "there is nothing here");
        }
        let own = self.manifests.iter().filter(|((of, _), _)| of == repository);
        let entries = own.filter_map(|((_, digest), bytes)| {
            let manifest: Value = serde_json::from_slice(bytes).ok()?;
            let kind = &manifest["artifactType"];
            let entry = json!({ "mediaType": MANIFEST, "digest": digest, "size": bytes.len(), "artifactType": kind });
            (manifest["subject"]["digest"] == image).then_some(entry)
        });
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries.collect::<Vec<_>>() });
        Answer::new(200).with("content-type", INDEX).json(&index)
    }

    /// What a manifest names and the repository does not have.
    fn missing(&self, repository: &str, manifest: &[u8]) -> Option<String> {
        let manifest: Value = serde_json::from_slice(manifest).expect("a manifest is JSON");
        let entries = |key: &str| manifest[key].as_array().cloned().unwrap_or_default();
        let has = |known: &BTreeMap<(String, String), Vec<u8>>, entry: &Value| {
            let digest = entry["digest"].as_str().expect("a digest").to_owned();
            known.get(&(repository.to_owned(), digest)).is_some_and(|bytes| entry["size"] == bytes.len())
        };
        let config = manifest.get("config").cloned();
        let blobs = entries("layers").into_iter().chain(config).filter(|entry| !has(&self.blobs, entry));
        let children = entries("manifests").into_iter().filter(|entry| !has(&self.manifests, entry));
        blobs.chain(children).next().map(|entry| entry["digest"].to_string())
    }

    /// Everything that is here is what its digest says, and every tag names something.
    pub(super) fn hold(&self) {
        for ((repository, digest), bytes) in self.blobs.iter().chain(&self.manifests) {
            assert_eq!(Digest::of(bytes).to_string(), *digest, "in {repository}");
        }
        for ((repository, tag), digest) in &self.tags {
            assert!(self.manifests.contains_key(&(repository.clone(), digest.clone())), "{repository}:{tag}");
        }
        assert_eq!(self.count("PATCH", ""), 0, "a blob of a known size is sent in one piece");
    }
}

/// A refusal as the protocol has it.
pub(super) fn refuse(status: u16, code: &str, message: &str) -> Answer {
    Answer::new(status).json(&json!({ "errors": [{ "code": code, "message": message }] }))
}

/// What of some bytes was asked for.
fn part(head: &Head, bytes: &[u8]) -> Answer {
    let range = head.header("range").and_then(|range| range.strip_prefix("bytes="));
    let Some(start) = range.and_then(|range| range.strip_suffix('-')?.parse::<usize>().ok()) else {
        return Answer { body: bytes.to_vec(), ..Answer::new(200) };
    };
    match bytes.get(start..) {
        Some(rest) if !rest.is_empty() => {
            let (end, size) = (bytes.len() - 1, bytes.len());
            let answer = Answer::new(206).with("content-range", format!("bytes {start}-{end}/{size}"));
            Answer { body: rest.to_vec(), ..answer }
        }
        _ => Answer::new(416),
    }
}
