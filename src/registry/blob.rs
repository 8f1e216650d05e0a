//! Uploads a blob to a registry.
//!
//! Takes in a blob and the repository where it should be; gives out how it came there. It is checked for first, mounted from another
//! repository where possible, and else sent in one piece. A body is never sent twice into the same upload: what failed begins again.

use crate::digest::{Descriptor, Digest};
use crate::layer::content::Content;

use super::error::SourceFault;
use super::event::{BlobOutcome, Event};
use super::operation::{Operation, location, no_sense};
use super::session::{Sent, Session};
use super::transport::{Body, Method};
use super::verifying::VerifyingReader;
use super::{RegistryError, Url};

/// Where blobs go.
pub(super) struct Target<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) repository: &'a str,
    /// Repositories of the same registry that may have the blobs.
    pub(super) mount_from: &'a [String],
}

/// One blob to one place.
struct Delivery<'a> {
    target: &'a Target<'a>,
    blob: Descriptor,
    content: &'a Content,
    scope: Vec<String>,
    /// A token that ends, or an upload that the registry has forgotten, is answered with a new upload, once.
    has_restarted: bool,
    was_sent: bool,
}

/// Where an upload stands after it was begun.
enum Begun {
    Mounted,
    At(Url),
}

/// A body of this size is announced, so that a registry that does not want it can say so before it is sent.
const ANNOUNCED_SIZE: u64 = 1024 * 1024;

/// The scope of a token for a push to a repository.
pub(super) fn push_scope(repository: &str) -> String {
    format!("repository:{repository}:pull,push")
}

impl Target<'_> {
    /// Sees to it that a blob is there.
    pub(super) fn deliver(&self, blob: Descriptor, content: &Content) -> Result<BlobOutcome, RegistryError> {
        let scope = vec![push_scope(self.repository)];
        let mut delivery = Delivery { target: self, blob, content, scope, has_restarted: false, was_sent: false };
        let outcome = self.session.repeat(|| delivery.attempt())?;
        self.session.tell(Event::Blob { blob, outcome });
        Ok(outcome)
    }

    fn url(&self, repository: &str, below: &str) -> Url {
        self.session.origin().url(&format!("/v2/{repository}/blobs/{below}"))
    }
}

impl Delivery<'_> {
    fn attempt(&mut self) -> Result<BlobOutcome, RegistryError> {
        loop {
            if self.is_in(self.target.repository, &self.scope)? == Some(true) {
                return Ok(if self.was_sent { BlobOutcome::Sent } else { BlobOutcome::Present });
            }
            let place = match self.begin()? {
                Begun::Mounted => return Ok(BlobOutcome::Mounted),
                Begun::At(place) => place,
            };
            if self.store(place)? {
                return Ok(BlobOutcome::Sent);
            }
        }
    }

    /// Whether a repository has the blob, by its digest and, where the registry says it, by its size; `None` where the registry does not
    /// say. A login that is not good enough is reported when the blob is sent.
    fn is_in(&self, repository: &str, scope: &[String]) -> Result<Option<bool>, RegistryError> {
        let what = format!("check `{}/{repository}` for {}", self.target.session.name(), self.name());
        let url = self.target.url(repository, &self.blob.digest.to_string());
        let good = &[200, 403, 404, 405];
        let operation = Operation { what, method: Method::Head, url, headers: Vec::new(), body: &[], scope, good };
        let response = match self.target.session.ask_once(&operation) {
            // A 401 that does not say what is wanted.
            Err(RegistryError::Protocol { .. }) => return Ok(None),
            response => response?,
        };
        match response.status {
            403 | 405 => return Ok(None),
            404 => return Ok(Some(false)),
            _ => {}
        }
        self.target.session.check_digest(&self.name(), self.blob.digest, &response)?;
        Ok(Some(response.header("content-length").is_none_or(|size| size.parse() == Ok(self.blob.size))))
    }

    /// Begins an upload, which a mount may make unnecessary.
    fn begin(&self) -> Result<Begun, RegistryError> {
        for from in self.target.mount_from {
            match self.mount(from) {
                Ok(Some(begun)) => return Ok(begun),
                // Whatever that repository is, the blob can be sent.
                Ok(None) | Err(RegistryError::Unauthorized { .. }) => {}
                Err(RegistryError::Refused(refusal)) if refusal.is_final() => {}
                Err(error) => return Err(error),
            }
        }
        let url = self.target.url(self.target.repository, "uploads/");
        self.post(url, &self.scope, &[202])
    }

    fn mount(&self, from: &str) -> Result<Option<Begun>, RegistryError> {
        let scope = [format!("repository:{from}:pull"), push_scope(self.target.repository)];
        if self.is_in(from, &scope)? != Some(true) {
            return Ok(None);
        }
        let url = self.target.url(self.target.repository, "uploads/");
        let url = url.with_parameter("mount", &self.blob.digest.to_string()).with_parameter("from", from);
        self.post(url, &scope, &[201, 202]).map(Some)
    }

    fn post(&self, url: Url, scope: &[String], good: &[u16]) -> Result<Begun, RegistryError> {
        let what = format!("begin the upload of {}", self.name());
        let headers = vec![("content-length", "0".to_owned())];
        let operation = Operation { what, method: Method::Post, url, headers, body: &[], scope, good };
        let response = self.target.session.ask_once(&operation)?;
        if response.status == 201 {
            self.target.session.check_digest(&self.name(), self.blob.digest, &response)?;
            return Ok(Begun::Mounted);
        }
        location(&operation.what, &operation.url, &response).map(Begun::At)
    }

    /// Sends the blob; `false` when all has to begin again.
    fn store(&mut self, place: Url) -> Result<bool, RegistryError> {
        let operation = Operation {
            what: format!("store {}", self.name()),
            method: Method::Put,
            url: place.with_parameter("digest", &self.blob.digest.to_string()),
            headers: self.headers(),
            body: &[],
            scope: &self.scope,
            good: &[200, 201, 202, 203, 204],
        };
        match self.send(&operation) {
            Ok(Sent::Stored(response)) => {
                self.target.session.check_digest(&self.name(), self.blob.digest, &response)?;
                return self.read_back(&operation.what, response.status).map(|()| true);
            }
            Ok(Sent::Unauthorized) if self.has_restarted => {
                return Err(self.target.session.unauthorized(&operation.what));
            }
            Ok(Sent::Unauthorized) => {}
            // The registry knows nothing of the upload that it has just begun.
            Err(RegistryError::Refused(refusal)) if refusal.status == 404 && !self.has_restarted => {}
            Err(error) => {
                self.was_sent = true;
                return Err(error);
            }
        }
        self.has_restarted = true;
        Ok(false)
    }

    /// 201 says that the blob is there; after any other success the registry is asked.
    fn read_back(&self, what: &str, status: u16) -> Result<(), RegistryError> {
        if status != 201 && self.is_in(self.target.repository, &self.scope)? == Some(false) {
            return Err(no_sense(what, &format!("the registry answers {status}, and does not have it")));
        }
        Ok(())
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![("content-type", "application/octet-stream".to_owned())];
        if self.blob.size >= ANNOUNCED_SIZE {
            headers.push(("expect", "100-continue".to_owned()));
        }
        headers
    }

    fn send(&self, operation: &Operation<'_>) -> Result<Sent, RegistryError> {
        let (session, blob, size) = (self.target.session, self.blob.digest, self.blob.size);
        let broken = |fault: SourceFault| RegistryError::Source { blob, fault };
        if size == 0 && blob != Digest::of(b"") {
            return Err(broken(SourceFault::Short(0)));
        }
        let tell = |bytes| session.tell(Event::Sent { blob, bytes });
        let mut reader = VerifyingReader::new(self.content.raw_reader(), self.blob, &tell);
        let result = session.send(operation, Body::Stream { reader: &mut reader, size });
        let bytes = reader.position();
        if let Some(fault) = reader.into_fault() {
            return Err(broken(fault));
        }
        if !matches!(result, Ok(Sent::Stored(_))) {
            session.tell(Event::Lost { blob, bytes });
        } else if bytes != size {
            return Err(no_sense(&operation.what, "the registry reports it as stored before it was sent"));
        }
        result
    }

    fn name(&self) -> String {
        format!("the blob {}", self.blob.digest)
    }
}
