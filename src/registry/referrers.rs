//! What refers to an image: signatures, SBOMs, provenance (OCI distribution-spec 1.1, "Listing Referrers").
//!
//! Takes in the digest of an image; gives out what the registry has for it. A registry without that list may have what refers to an image under
//! the tag `sha256-…` instead, where those who push it then keep a list.

use serde::{Deserialize, Serialize};

use super::RegistryError;
use super::operation::{Operation, no_sense, shorten};
use super::pages::pages;
use super::pull::Source;
use super::session::Session;
use super::transport::{Method, Response};
use crate::digest::Digest;
use crate::image::media_type::INDEX;

/// Something that refers to an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Referrer {
    /// What kind of thing it is.
    pub artifact_type: String,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The size of its manifest.
    pub size_bytes: u64,
}

/// A list, as the protocol has it.
#[derive(Deserialize)]
struct Listed {
    manifests: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    media_type: String,
    digest: String,
    size: u64,
    artifact_type: Option<String>,
}

/// What registries answer that do not support the request: 404 by the protocol, the others by experience.
const UNKNOWN: [u16; 4] = [400, 404, 405, 501];

/// Everything that refers to an image, sorted by its kind.
pub fn referrers(session: &Session<'_>, repository: &str, image: Digest) -> Result<Vec<Referrer>, RegistryError> {
    let mut referrers = match listed(session, repository, image)? {
        Some(referrers) => referrers,
        None => tagged(session, repository, image)?,
    };
    referrers.sort();
    referrers.dedup();
    Ok(referrers)
}

/// What the registry itself says; `None` when it does not support the request.
fn listed(session: &Session<'_>, repository: &str, image: Digest) -> Result<Option<Vec<Referrer>>, RegistryError> {
    let list = format!("what refers to `{}/{repository}@{image}`", session.name());
    let what = format!("list {list}");
    let operation = Operation {
        what: what.clone(),
        method: Method::Get,
        url: session.origin().url(&format!("/v2/{repository}/referrers/{image}")),
        headers: vec![("accept", INDEX.to_owned())],
        body: &[],
        scope: &[format!("repository:{repository}:pull")],
        good: &[&[200], &UNKNOWN[..]].concat(),
    };
    pages(session, &format!("the list of {list}"), operation, may_be_list, |page| read(&what, page))
}

/// A page for people is not a list, whatever its status.
fn may_be_list(response: &Response) -> bool {
    let is_json = |kind: &str| kind.split(';').next().unwrap_or_default().ends_with("json");
    response.status == 200 && response.header("content-type").is_none_or(is_json)
}

/// The list that those keep who push where the registry keeps none.
fn tagged(session: &Session<'_>, repository: &str, image: Digest) -> Result<Vec<Referrer>, RegistryError> {
    let tag = format!("sha256-{}", image.hex());
    match Source::new(session, repository).manifest(&tag, None) {
        Ok(list) => read(&format!("read the tag `{tag}`"), &list),
        Err(RegistryError::Refused(refusal)) if refusal.status == 404 => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn read(what: &str, list: &[u8]) -> Result<Vec<Referrer>, RegistryError> {
    let listed: Listed = serde_json::from_slice(list).map_err(|_| no_sense(what, "it is not a list of referrers"))?;
    listed.manifests.into_iter().map(|entry| referrer(what, entry)).collect()
}

fn referrer(what: &str, entry: Entry) -> Result<Referrer, RegistryError> {
    let Entry { media_type, digest, size, artifact_type } = entry;
    let digest = Digest::parse(&digest).map_err(|_| no_sense(what, "it contains an invalid digest"))?;
    let artifact_type = shorten(&artifact_type.filter(|kind| !kind.is_empty()).unwrap_or(media_type));
    Ok(Referrer { artifact_type, digest, size_bytes: size })
}
