//! A bundle: one tarball with a bootstrap image and the images of its services, every blob once.
//!
//! Takes in images under the names that an engine is to know them by; gives out a file that `docker load` takes, and the images back from such a
//! file. It is laid out as the tarball of one image is, with an entry for each.

use oci_spec::image as oci;

use super::container::Container;
use super::oci_layout::{CONTAINERD_NAME, annotation, descriptor, parse, unverified_blob, verified_bytes};
use super::{ContentFault, StoreError};
use crate::digest::Descriptor;
use crate::image::ImageReference;
use crate::image::parts::{Parts, PartsFault, parts};
use crate::image::replica::Replica;

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

/// The images of a bundle, in the order in which they are there; `None` when the layout is not a bundle.
pub(crate) fn bundled_images(container: &Container) -> Result<Option<Vec<BundledImage>>, StoreError> {
    if !container.has("index.json") {
        return Ok(None);
    }
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
    let mut read = |entry: Descriptor| verified_bytes(container, "document", entry);
    let fault = |fault: PartsFault| {
        container.fault(ContentFault::Document { document: fault.document.to_string(), message: fault.reason })
    };
    let root = read(descriptor(container, entry)?)?;
    let Parts { documents, blobs } = parts(root, &mut read, &fault)?;
    let content = |part: Descriptor| Ok((part, unverified_blob(container, part)?));
    let blobs = blobs.into_iter().map(content).collect::<Result<_, StoreError>>()?;
    Ok(Replica::new(documents, blobs).expect("the root is a document"))
}
