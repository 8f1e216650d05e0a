//! An image: an immutable value whose digests are known before a byte of it is written.
//!
//! Takes in a base, payload layers, settings and the epoch; gives out configurations, manifests and, with several architectures,
//! an index, as canonical JSON. Knows no platform, no disk and no registry.

pub mod architecture;
pub mod assemble;
pub mod base;
pub mod json;
pub mod label;
pub mod media_type;
pub mod parts;
pub mod replace;
pub mod replica;
pub mod role;
pub mod seal;

use std::collections::BTreeMap;

use crate::digest::{Descriptor, Digest};
use crate::epoch::Epoch;
use crate::layer::Layer;

pub use crate::reference::ImageReference;
pub use architecture::Architecture;
pub use assemble::{AssembleError, Settings, assemble};
pub use base::{Base, BaseImage};
pub use replica::Replica;

/// The annotation on a layer's descriptor that says what the layer holds; layers of the base have none. A hint: see [`role`].
pub const ANNOTATION_ROLE: &str = "io.bootsmith.layer";
/// The role of a layer that came with the base.
pub const ROLE_BASE: &str = "base";

/// A JSON document with its digest: configuration, manifest or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The canonical bytes.
    pub bytes: Vec<u8>,
    /// Their digest and size.
    pub descriptor: Descriptor,
}

impl Document {
    /// Names bytes by their digest.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { descriptor: Descriptor::of(&bytes), bytes }
    }

    /// What a manifest or an index calls itself; one that another tool wrote may have a kind of Docker.
    pub fn media_type(&self, otherwise: &str) -> String {
        media_type::of(&self.bytes).unwrap_or_else(|_| otherwise.to_owned())
    }
}

/// A bootstrap image, for one or several architectures.
#[derive(Clone, Debug)]
pub struct Image {
    images: Vec<ArchitectureImage>,
    index: Option<Document>,
    annotations: BTreeMap<String, String>,
    epoch: Epoch,
}

/// What an image is on one architecture.
#[derive(Clone, Debug)]
pub struct ArchitectureImage {
    /// The architecture.
    pub architecture: Architecture,
    /// The OCI image configuration.
    pub config: Document,
    /// The OCI image manifest.
    pub manifest: Document,
    /// The layers, from the lowest.
    pub layers: Vec<Layer>,
}

impl Image {
    /// An image as it was read back; `images` must not be empty.
    pub(crate) fn from_parts(
        images: Vec<ArchitectureImage>,
        index: Option<Document>,
        annotations: BTreeMap<String, String>,
        epoch: Epoch,
    ) -> Self {
        Self { images, index, annotations, epoch }
    }

    /// The image on every architecture, sorted by architecture; never empty.
    pub fn images(&self) -> &[ArchitectureImage] {
        &self.images
    }

    /// The OCI image index, when there are several architectures.
    pub fn index(&self) -> Option<&Document> {
        self.index.as_ref()
    }

    /// The document by whose digest the image is known: the index, or with one architecture its manifest.
    pub fn root(&self) -> &Document {
        self.index.as_ref().unwrap_or(&self.images[0].manifest)
    }

    /// The digest by which the image is known.
    pub fn digest(&self) -> Digest {
        self.root().descriptor.digest
    }

    /// The annotations of manifest and index.
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        &self.annotations
    }

    /// The instant of everything in the image.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The image on one architecture alone; `None` when it is for others.
    pub fn only(&self, architecture: &Architecture) -> Option<Self> {
        let image = self.images.iter().find(|image| image.architecture == *architecture)?.clone();
        Some(Self { images: vec![image], index: None, ..self.clone() })
    }

    /// The image that a reader gets who understands one architecture alone: linux/amd64 when there, else the first.
    pub fn preferred(&self) -> &ArchitectureImage {
        let common = self.images.iter().find(|image| image.architecture.to_string() == "linux/amd64");
        common.unwrap_or(&self.images[0])
    }
}
