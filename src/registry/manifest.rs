//! Manifests, indexes and tags.
//!
//! Takes in documents; gives out that a registry has them under their digest, and that a tag names the one it should. What the registry
//! says of a tag is read back.

use crate::digest::Digest;
use crate::image::Document;

use super::blob::push_scope;
use super::session::{Question, Session};
use super::transport::{Method, Response};
use super::{RegistryError, Url};

/// No manifest or index comes near this size.
const MAX_MANIFEST_BYTES: u64 = 8 * 1024 * 1024;

/// A repository of a registry.
pub(super) struct Repository<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) name: &'a str,
}

impl Repository<'_> {
    /// Stores a manifest or index under its digest.
    pub(super) fn store(&self, document: &Document, media_type: &str) -> Result<(), RegistryError> {
        let digest = document.descriptor.digest;
        let what = format!("store the manifest {digest}");
        let scope = [push_scope(self.name)];
        let question = self.put(what, &digest.to_string(), document, media_type, &scope);
        let response = self.session.ask(&question)?;
        self.session.check_digest(&format!("the manifest {digest}"), digest, &response)
    }

    /// Gives a name to what is stored, and reads it back. An answer that was lost is not a reason to do it twice.
    pub(super) fn tag(&self, tag: &str, document: &Document, media_type: &str) -> Result<(), RegistryError> {
        let digest = document.descriptor.digest;
        let scope = [push_scope(self.name)];
        let mut is_again = false;
        self.session.repeat(|| {
            if is_again && self.named(tag, media_type)?.as_deref() == Some(&*digest.to_string()) {
                return Ok(());
            }
            is_again = true;
            let question = self.put(format!("set the tag `{tag}`"), tag, document, media_type, &scope);
            let response = self.session.ask_once(&question)?;
            self.session.check_digest(&format!("the tag `{tag}`"), digest, &response)
        })?;
        let actual = self.session.repeat(|| self.named(tag, media_type))?;
        if actual.as_deref() == Some(&*digest.to_string()) {
            return Ok(());
        }
        Err(RegistryError::WrongDigest {
            what: format!("the tag `{tag}`"),
            registry: self.session.name().to_owned(),
            expected: digest,
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
        let question = Question {
            what: format!("read the tag `{tag}` back"),
            method,
            url: self.url(tag),
            headers: vec![("accept", media_type.to_owned())],
            body: &[],
            scope: &scope,
            good: &[200, 404],
        };
        self.session.ask_once(&question)
    }

    fn put<'q>(
        &self,
        what: String,
        name: &str,
        document: &'q Document,
        media_type: &str,
        scope: &'q [String],
    ) -> Question<'q> {
        let headers = vec![("content-type", media_type.to_owned())];
        Question { what, method: Method::Put, url: self.url(name), headers, body: &document.bytes, scope, good: &[201] }
    }

    fn url(&self, name: &str) -> Url {
        self.session.origin().url(&format!("/v2/{}/manifests/{name}", self.name))
    }
}
