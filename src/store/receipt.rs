//! The receipt of a written image: `OUT.json` next to the tarball.
//!
//! Takes in an image and its reference; gives out digests, sizes and layers for the pipeline that pushes, signs or compares.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::disk;
use crate::digest::Digest;
use crate::image::{Architecture, ArchitectureImage, Image, ImageReference};
use crate::layer::Layer;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The format of this document.
    pub format: u32,
    /// The normalised reference: `docker.io/library/app:1.0`.
    pub reference: String,
    /// `org.opencontainers.image.version`.
    pub version: Option<String>,
    /// `io.bootsmith.platform`.
    pub platform: Option<String>,
    /// The digest by which the image is known: of the index, or with one architecture of the manifest.
    pub digest: Digest,
    /// The digest of the index, when there are several architectures.
    pub index: Option<Digest>,
    /// The size of the tarball.
    pub size_bytes: u64,
    /// The image on every architecture.
    pub images: Vec<ReceiptImage>,
    /// Whether the tarball was there already, byte for byte.
    #[serde(skip)]
    pub unchanged: bool,
}

/// An image on one architecture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptImage {
    /// The architecture.
    pub architecture: Architecture,
    /// The digest of the manifest.
    pub manifest: Digest,
    /// The digest of the configuration, which survives a load and push through Docker.
    pub config: Digest,
    /// The layers from the lowest.
    pub layers: Vec<ReceiptLayer>,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLayer {
    /// What the layer holds.
    pub role: String,
    /// The digest of the blob.
    pub digest: Digest,
    /// The digest of the uncompressed tar.
    pub diff_id: Digest,
    /// The size of the blob.
    pub size_bytes: u64,
    /// The size of the uncompressed tar.
    pub tar_size_bytes: u64,
}

const FORMAT: u32 = 1;

impl Receipt {
    /// The receipt of an image in a tarball of the given size.
    pub fn new(image: &Image, reference: &ImageReference, size_bytes: u64) -> Self {
        let annotation = |key: &str| image.annotations().get(key).cloned();
        Self {
            format: FORMAT,
            reference: reference.to_string(),
            version: annotation("org.opencontainers.image.version"),
            platform: annotation("io.bootsmith.platform"),
            digest: image.digest(),
            index: image.index().map(|index| index.descriptor.digest),
            size_bytes,
            images: image.images().iter().map(receipt_image).collect(),
            unchanged: false,
        }
    }

    /// The document, for people and programs.
    ///
    /// # Panics
    ///
    /// Never: a receipt has string keys, and so is always writable as JSON.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("a receipt has string keys");
        format!("{text}\n")
    }

    /// Writes the document, atomically; an identical file is left alone.
    pub fn write(&self, path: &Path) -> Result<(), StoreError> {
        disk::replace(path, self.to_json().as_bytes())
    }
}

fn receipt_image(image: &ArchitectureImage) -> ReceiptImage {
    ReceiptImage {
        architecture: image.architecture.clone(),
        manifest: image.manifest.descriptor.digest,
        config: image.config.descriptor.digest,
        layers: image.layers.iter().map(receipt_layer).collect(),
    }
}

fn receipt_layer(layer: &Layer) -> ReceiptLayer {
    ReceiptLayer {
        role: layer.role.clone(),
        digest: layer.packed.blob.digest,
        diff_id: layer.packed.diff_id(),
        size_bytes: layer.packed.blob.size,
        tar_size_bytes: layer.packed.tar.size,
    }
}
