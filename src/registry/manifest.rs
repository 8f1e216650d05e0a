//! Manifests, indexes and tags.
//!
//! Takes in documents; gives out that a registry has them under their digest, and that a tag names the one it should. What the registry
//! says of a tag is read back, and so is what it took in with another answer than 201: some answer 200 or 202.

use crate::digest::Digest;
use crate::image::Document;

use super::blob::push_scope;
use super::operation::Operation;
use super::session::Session;
use super::transport::{Method, Response};
use super::{RegistryError, Url};

/// No manifest or index comes near this size.
const MAX_MANIFEST_BYTES: u64 = 8 * 1024 * 1024;

/// A repository of a registry.
pub(super) struct Repository<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) name: &'a str,
}

/// A document under a name: a tag, or its digest.
struct Put<'a> {
    /// What messages call it.
    shown: String,
    name: &'a str,
    document: &'a Document,
    media_type: &'a str,
}

impl Repository<'_> {
    /// Stores a manifest or index under its digest.
    pub(super) fn store(&self, document: &Document, media_type: &str) -> Result<(), RegistryError> {
        let digest = document.descriptor.digest;
        let put = Put { shown: format!("the manifest {digest}"), name: &digest.to_string(), document, media_type };
        let is_created = self.session.repeat(|| self.put(&put, format!("store {}", put.shown)))?;
        if is_created { Ok(()) } else { self.read_back(&put) }
    }

    /// Gives a name to what is stored, and reads it back. An answer that was lost is not a reason to do it twice.
    pub(super) fn tag(&self, tag: &str, document: &Document, media_type: &str) -> Result<(), RegistryError> {
        let put = Put { shown: format!("the tag `{tag}`"), name: tag, document, media_type };
        let mut is_again = false;
        self.session.repeat(|| {
            if is_again && self.has(&put)? {
                return Ok(());
            }
            is_again = true;
            self.put(&put, format!("set {}", put.shown)).map(drop)
        })?;
        self.read_back(&put)
    }

    /// Stores a document under a name; says whether the registry says without doubt that it did. A name that cannot be changed, because the
    /// repository is immutable, and that names this very document already is as good.
    fn put(&self, put: &Put<'_>, what: String) -> Result<bool, RegistryError> {
        let Put { shown, name, document, media_type } = put;
        let scope = [push_scope(self.name)];
        let operation = Operation {
            what,
            method: Method::Put,
            url: self.url(name),
            headers: vec![("content-type", (*media_type).to_owned())],
            body: &document.bytes,
            scope: &scope,
            good: &[200, 201, 202],
        };
        match self.session.ask_once(&operation) {
            Ok(response) => {
                self.session.check_digest(shown, document.descriptor.digest, &response)?;
                Ok(response.status == 201)
            }
            Err(RegistryError::Refused(refusal)) if refusal.is_final() && self.has(put).unwrap_or(false) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn has(&self, put: &Put<'_>) -> Result<bool, RegistryError> {
        let named = self.named(put.name, put.media_type)?;
        Ok(named.as_deref() == Some(&*put.document.descriptor.digest.to_string()))
    }

    fn read_back(&self, put: &Put<'_>) -> Result<(), RegistryError> {
        let actual = self.session.repeat(|| self.named(put.name, put.media_type))?;
        let expected = put.document.descriptor.digest;
        if actual.as_deref() == Some(&*expected.to_string()) {
            return Ok(());
        }
        Err(RegistryError::WrongDigest {
            what: put.shown.clone(),
            registry: self.session.name().to_owned(),
            expected,
            actual: actual.unwrap_or_else(|| "that it is not there".to_owned()),
        })
    }

    /// The digest that a tag names; the registry's word is taken for it, and where it says none, its bytes.
    fn named(&self, tag: &str, media_type: &str) -> Result<Option<String>, RegistryError> {
        let head = self.read(Method::Head, tag, media_type)?;
        if head.status == 404 {
            return Ok(None);
        }
        if let Some(digest) = head.header("docker-content-digest") {
            return Ok(Some(digest.to_owned()));
        }
        let response = self.read(Method::Get, tag, media_type)?;
        if response.status == 404 {
            return Ok(None);
        }
        let bytes = response.document(&format!("the manifest of the tag `{tag}`"), MAX_MANIFEST_BYTES)?;
        Ok(Some(Digest::of(&bytes).to_string()))
    }

    fn read(&self, method: Method, tag: &str, media_type: &str) -> Result<Response, RegistryError> {
        let scope = [push_scope(self.name)];
        let operation = Operation {
            what: format!("read `{tag}` back"),
            method,
            url: self.url(tag),
            headers: vec![("accept", media_type.to_owned())],
            body: &[],
            scope: &scope,
            good: &[200, 404],
        };
        self.session.ask_once(&operation)
    }

    fn url(&self, name: &str) -> Url {
        self.session.origin().url(&format!("/v2/{}/manifests/{name}", self.name))
    }
}
