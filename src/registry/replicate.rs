//! An image of a registry as it is: every document below its root, and every blob.
//!
//! Takes in a name in a repository and a place to keep content; gives out everything that has to be in another registry for the image to have
//! its digest there.

use std::collections::BTreeMap;

use crate::digest::{Descriptor, Digest};
use crate::image::Architecture;
use crate::image::parts::{Parts, PartsFault, parts};
use crate::image::replica::Replica;
use crate::store::Pulled;

use super::event::Event;
use super::parallel::each;
use super::pull::{PullError, Source, is_manifest};
use super::resolve::resolve_index;
use super::session::Session;

/// Brings an image into the content store, for one architecture or for all, and gives out everything that it consists of.
pub fn replicate(
    session: &Session<'_>,
    repository: &str,
    name: &str,
    digest: Option<Digest>,
    architecture: Option<&Architecture>,
    pulled: &Pulled<'_>,
) -> Result<Replica, PullError> {
    let source = Source::new(session, repository);
    let origin = Origin { source: &source, pulled };
    let mut root = origin.document(name, digest)?;
    if let Some(architecture) = architecture {
        root = origin.of_architecture(root, architecture)?;
    }
    let mut read = |entry: Descriptor| origin.document(&entry.digest.to_string(), Some(entry.digest));
    let fault = |fault: PartsFault| PullError::Image { image: fault.document, reason: fault.reason };
    let Parts { documents, blobs } = parts(root, &mut read, &fault)?;
    let mut blobs: Vec<_> = blobs.into_iter().collect();
    blobs.sort_by_key(|blob| (std::cmp::Reverse(blob.size), blob.digest));
    session.tell(Event::Planned { blobs: blobs.len(), bytes: blobs.iter().map(|blob| blob.size).sum() });
    each(&blobs, |blob| source.fetch(*blob, pulled))?;
    let contents = blobs.into_iter().map(|blob| Ok((blob, pulled.content(blob)?)));
    let contents: BTreeMap<_, _> = contents.collect::<Result<_, PullError>>()?;
    Ok(Replica::new(documents, contents).expect("the root is a document"))
}

/// Where documents come from.
struct Origin<'a> {
    source: &'a Source<'a>,
    pulled: &'a Pulled<'a>,
}

impl Origin<'_> {
    /// A document from the content store, else from the registry.
    fn document(&self, name: &str, digest: Option<Digest>) -> Result<Vec<u8>, PullError> {
        if let Some(bytes) = digest.and_then(|digest| self.pulled.document(digest)) {
            return Ok(bytes);
        }
        let bytes = self.source.manifest(name, digest)?;
        self.pulled.keep(&bytes)?;
        Ok(bytes)
    }

    /// The image of an index that is for an architecture; a manifest is for whatever it is for.
    fn of_architecture(&self, root: Vec<u8>, wanted: &Architecture) -> Result<Vec<u8>, PullError> {
        let digest = Digest::of(&root);
        if is_manifest(&root, digest)? {
            return Ok(root);
        }
        let resolved = resolve_index(self.source, &root)?;
        match resolved.get(wanted) {
            Some(image) => self.document(&image.to_string(), Some(*image)),
            None => {
                let known: Vec<_> = resolved.keys().map(Architecture::to_string).collect();
                let reason = format!("it is not for {wanted}, but for {}", known.join(", "));
                Err(PullError::Image { image: digest, reason })
            }
        }
    }
}
