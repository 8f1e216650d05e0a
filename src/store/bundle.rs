//! A bundle: one tarball with a bootstrap image and the images of its services, every blob once.
//!
//! Takes in images under the names that an engine is to know them by; gives out a file that `docker load` takes, and the images back from such a
//! file. It is laid out as the tarball of one image is, with an entry for each.

use std::collections::BTreeMap;
use std::path::Path;

use oci_spec::image as oci;

use super::archive::write;
use super::cache::Cache;
use super::container::Container;
use super::oci_layout::{CONTAINERD_NAME, annotation, blob, descriptor, parse, verified_bytes};
use super::tarball::Tarball;
use super::{ContentFault, Progress, StoreError};
use crate::digest::Descriptor;
use crate::epoch::Epoch;
use crate::image::media_type::INDEXES;
use crate::image::replica::{Replica, TypedDocument};
use crate::image::{Document, ImageReference};
use crate::layer::content::Content;

/// The annotation on an entry of `index.json` that says what the image is for.
pub const ANNOTATION_ROLE: &str = "io.bootsmith.bundle";
/// The image that operates the others.
pub const ROLE_BOOTSTRAP: &str = "bootstrap";
/// An image of a service.
pub const ROLE_SERVICE: &str = "service";

/// An image of a bundle.
#[derive(Clone, Debug)]
pub struct BundledImage {
    /// What an engine calls it.
    pub name: ImageReference,
    /// Everything that it consists of.
    pub replica: Replica,
    /// Whether it is the bootstrap image.
    pub is_bootstrap: bool,
}

/// Writes a bundle, whole or not at all; gives out its size in bytes.
pub fn write_bundle(
    images: &[BundledImage],
    epoch: Epoch,
    path: &Path,
    cache: &Cache,
    progress: Progress<'_>,
) -> Result<u64, StoreError> {
    let tarball = Tarball::bundle(images, epoch)?;
    write(&tarball, path, cache, progress)?;
    Ok(tarball.size())
}

/// The images of a bundle, in the order in which they are there; `None` when the layout is no bundle.
pub(crate) fn bundled_images(container: &Container) -> Result<Option<Vec<BundledImage>>, StoreError> {
    let index: oci::ImageIndex = parse(container, "index.json", &container.document("index.json")?)?;
    if !index.manifests().iter().any(|entry| annotation(entry, ANNOTATION_ROLE).is_some()) {
        return Ok(None);
    }
    let images = index.manifests().iter().map(|entry| {
        let is_bootstrap = annotation(entry, ANNOTATION_ROLE) == Some(ROLE_BOOTSTRAP);
        Ok(BundledImage { name: name(container, entry)?, replica: replica(container, entry)?, is_bootstrap })
    });
    images.collect::<Result<_, StoreError>>().map(Some)
}

fn name(container: &Container, entry: &oci::Descriptor) -> Result<ImageReference, StoreError> {
    let name = annotation(entry, CONTAINERD_NAME).unwrap_or_default();
    ImageReference::parse(name).map_err(|fault| {
        container.fault(ContentFault::Document { document: "index.json".to_owned(), message: fault.to_string() })
    })
}

fn replica(container: &Container, entry: &oci::Descriptor) -> Result<Replica, StoreError> {
    let (mut documents, mut blobs) = (Vec::new(), BTreeMap::new());
    add(container, entry, 0, &mut documents, &mut blobs)?;
    Ok(Replica::new(documents, blobs).expect("the root is a document"))
}

fn add(
    container: &Container,
    entry: &oci::Descriptor,
    depth: usize,
    documents: &mut Vec<TypedDocument>,
    blobs: &mut BTreeMap<Descriptor, Content>,
) -> Result<(), StoreError> {
    /// Indexes in indexes: real ones have one level.
    const MAX_DEPTH: usize = 4;
    if depth > MAX_DEPTH {
        let what = "indexes in indexes".to_owned();
        return Err(container.fault(ContentFault::Limit { what, limit: MAX_DEPTH as u64 }));
    }
    let expected = descriptor(container, entry)?;
    let bytes = verified_bytes(container, "document", expected)?;
    let from = expected.digest.to_string();
    let media_type = entry.media_type().to_string();
    if INDEXES.contains(&media_type.as_str()) {
        let index: oci::ImageIndex = parse(container, &from, &bytes)?;
        index.manifests().iter().try_for_each(|entry| add(container, entry, depth + 1, documents, blobs))?;
    } else {
        let manifest: oci::ImageManifest = parse(container, &from, &bytes)?;
        for part in std::iter::once(manifest.config()).chain(manifest.layers()).filter(|part| part.urls().is_none()) {
            let part = descriptor(container, part)?;
            blobs.insert(part, Content::File(blob(container, part)?));
        }
    }
    documents.push(TypedDocument { document: Document::new(bytes), media_type });
    Ok(())
}
