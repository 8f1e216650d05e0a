//! An image of a registry as it is: every document below its root, and every blob.
//!
//! Takes in a name in a repository and a place to keep content; gives out everything that has to be in another registry for the image to have
//! its digest there.

use std::collections::BTreeMap;

use crate::digest::{Descriptor, Digest};
use crate::image::media_type::{INDEXES, MANIFESTS};
use crate::image::replica::{Replica, TypedDocument};
use crate::image::{Architecture, Document};
use crate::store::Pulled;

use super::event::Event;
use super::parallel::each;
use super::pull::{PullError, Source, digest_of, is_manifest, media_type, parse};
use super::resolve::resolve_index;
use super::session::Session;

use oci_spec::image as oci;

/// Indexes in indexes: real ones have one level.
const MAX_DEPTH: usize = 4;
/// Images for every architecture, with their attestations.
const MAX_DOCUMENTS: usize = 500;

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
    let mut walk = Walk { source: &source, pulled, documents: Vec::new(), blobs: Vec::new() };
    let mut root = walk.document(name, digest)?;
    if let Some(architecture) = architecture {
        root = walk.of_architecture(root, architecture)?;
    }
    walk.descend(root, 0)?;
    walk.blobs.sort_by_key(|blob| (std::cmp::Reverse(blob.size), blob.digest));
    walk.blobs.dedup();
    let Walk { documents, blobs, .. } = walk;
    session.tell(Event::Planned { blobs: blobs.len(), bytes: blobs.iter().map(|blob| blob.size).sum() });
    each(&blobs, |blob| source.fetch(*blob, pulled))?;
    let contents = blobs.into_iter().map(|blob| Ok((blob, pulled.content(blob)?)));
    let contents: BTreeMap<_, _> = contents.collect::<Result<_, PullError>>()?;
    Ok(Replica::new(documents, contents).expect("the root is a document"))
}

/// Collects what is below a document.
struct Walk<'a> {
    source: &'a Source<'a>,
    pulled: &'a Pulled<'a>,
    documents: Vec<TypedDocument>,
    blobs: Vec<Descriptor>,
}

impl Walk<'_> {
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

    fn descend(&mut self, bytes: Vec<u8>, depth: usize) -> Result<(), PullError> {
        let document = Document::new(bytes);
        let digest = document.descriptor.digest;
        if self.documents.iter().any(|other| other.document.descriptor.digest == digest) {
            return Ok(());
        }
        if depth > MAX_DEPTH || self.documents.len() >= MAX_DOCUMENTS {
            return Err(PullError::Image { image: digest, reason: "it has too many images in it".to_owned() });
        }
        let media_type = media_type(&document.bytes, digest)?;
        if INDEXES.contains(&media_type.as_str()) {
            let index: oci::ImageIndex = parse(&document.bytes, digest)?;
            for entry in index.manifests() {
                let image = digest_of(entry, digest)?;
                let bytes = self.document(&image.to_string(), Some(image))?;
                self.descend(bytes, depth + 1)?;
            }
        } else {
            debug_assert!(MANIFESTS.contains(&media_type.as_str()), "`media_type` knows nothing else");
            let manifest: oci::ImageManifest = parse(&document.bytes, digest)?;
            for entry in std::iter::once(manifest.config()).chain(manifest.layers()) {
                // What must not be given away is nowhere but where its address says.
                if entry.urls().is_none() {
                    self.blobs.push(Descriptor { digest: digest_of(entry, digest)?, size: entry.size() });
                }
            }
        }
        self.documents.push(TypedDocument { document, media_type });
        Ok(())
    }
}
