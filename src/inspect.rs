//! Reading a bootstrap tarball back.
//!
//! Takes in a path; gives out what is inside (`open`, then `summary` and `payload_file`) or everything that is wrong with it
//! (`verify`). Trusts nothing in the file: documents and layers of the payload are checked by digest, all by limit, and garbage gives an error.

mod load;
mod payload;
mod verify;

use std::collections::BTreeMap;
use std::path::Path;

use oci_spec::image::ImageConfiguration;
use serde::Serialize;

use crate::contents::ContentsEntry;
use crate::digest::{Descriptor, Digest};
use crate::image::{Architecture, ROLE_BASE};
use crate::layer::content::FileSlice;
use crate::store::StoreError;
use crate::store::container::Container;
use crate::store::layer_check::compare;

pub use verify::{Fault, Verification, verify};

/// A tarball that was opened and whose documents hold together.
#[derive(Debug)]
pub struct BootstrapArchive {
    container: Container,
    /// As `index.json` has it, unless it is no reference at all.
    reference: Option<String>,
    size: u64,
    root: Descriptor,
    index: Option<Vec<u8>>,
    annotations: BTreeMap<String, String>,
    images: Vec<ArchivedImage>,
}

#[derive(Debug)]
struct ArchivedImage {
    architecture: Architecture,
    manifest: Descriptor,
    manifest_bytes: Vec<u8>,
    config: Descriptor,
    config_bytes: Vec<u8>,
    configuration: ImageConfiguration,
    layers: Vec<ArchivedLayer>,
}

#[derive(Debug)]
struct ArchivedLayer {
    role: String,
    blob: Descriptor,
    diff_id: Digest,
    slice: FileSlice,
}

/// What is in a tarball.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The normalised reference.
    pub reference: Option<String>,
    /// The size of the tarball.
    pub size_bytes: u64,
    /// The digest of the index, or with one architecture of the manifest.
    pub digest: Digest,
    /// The digest of the index, when there are several architectures.
    pub index: Option<Digest>,
    /// The annotations of the index or the manifest.
    pub annotations: BTreeMap<String, String>,
    /// The image on every architecture.
    pub images: Vec<ImageSummary>,
}

/// What is in an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageSummary {
    /// The architecture.
    pub architecture: Architecture,
    /// The digest of the manifest.
    pub manifest: Digest,
    /// The digest of the configuration.
    pub config: Digest,
    /// When the image was created, as the configuration says.
    pub created: Option<String>,
    /// The program a container starts.
    pub entrypoint: Vec<String>,
    /// Its default arguments.
    pub command: Vec<String>,
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// The layers from the lowest.
    pub layers: Vec<LayerSummary>,
}

/// What is in a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerSummary {
    /// `base`, or what the layer was packed for.
    pub role: String,
    /// The digest of the blob.
    pub digest: Digest,
    /// The digest of the uncompressed tar, as the configuration has it.
    pub diff_id: Digest,
    /// The size of the blob.
    pub size_bytes: u64,
    /// The files, sorted by path; those of the base are not listed.
    pub files: Vec<ContentsEntry>,
}

/// Opens a tarball and reads its documents.
pub fn open(path: &Path) -> Result<BootstrapArchive, StoreError> {
    load::load(Container::open(path)?)
}

impl BootstrapArchive {
    /// What is inside.
    pub fn summary(&self) -> Result<Summary, StoreError> {
        Ok(Summary {
            reference: self.reference.clone(),
            size_bytes: self.size,
            digest: self.root.digest,
            index: self.index.is_some().then_some(self.root.digest),
            annotations: self.annotations.clone(),
            images: self.images.iter().map(|image| self.summarise(image)).collect::<Result<_, _>>()?,
        })
    }

    /// The bytes of a payload file, by its path in the image without a leading slash. The payload is the same on every
    /// architecture; of several layers the uppermost counts.
    pub fn payload_file(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let payload = self.images[0].layers.iter().rev().filter(|layer| layer.role != ROLE_BASE);
        for layer in payload {
            let found = payload::file(self.verified(layer)?, path).map_err(|fault| self.container.fault(fault))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// A layer of the payload that has its digest; it is small, and what is in it is believed.
    fn verified<'a>(&self, layer: &'a ArchivedLayer) -> Result<&'a FileSlice, StoreError> {
        let expected = layer.blob.digest;
        let actual = layer.slice.digest().map_err(StoreError::disk("read", self.container.path()))?;
        compare(&format!("the layer {expected}"), expected, actual).map_err(|fault| self.container.fault(fault))?;
        Ok(&layer.slice)
    }

    fn summarise(&self, image: &ArchivedImage) -> Result<ImageSummary, StoreError> {
        let process = image.configuration.config().clone().unwrap_or_default();
        Ok(ImageSummary {
            architecture: image.architecture.clone(),
            manifest: image.manifest.digest,
            config: image.config.digest,
            created: image.configuration.created().clone(),
            entrypoint: process.entrypoint().clone().unwrap_or_default(),
            command: process.cmd().clone().unwrap_or_default(),
            labels: process.labels().clone().unwrap_or_default().into_iter().collect(),
            layers: image.layers.iter().map(|layer| self.summarise_layer(layer)).collect::<Result<_, _>>()?,
        })
    }

    fn summarise_layer(&self, layer: &ArchivedLayer) -> Result<LayerSummary, StoreError> {
        let files = match layer.role.as_str() {
            ROLE_BASE => Vec::new(),
            _ => payload::list(self.verified(layer)?).map_err(|fault| self.container.fault(fault))?.files,
        };
        Ok(LayerSummary {
            role: layer.role.clone(),
            digest: layer.blob.digest,
            diff_id: layer.diff_id,
            size_bytes: layer.blob.size,
            files,
        })
    }
}
