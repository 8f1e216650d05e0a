//! A bootstrap image that was opened: what is inside, and its files.
//!
//! Takes in documents that hold together; gives out a summary, and the files of the payload, whose layers are verified when they are read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use oci_spec::image::ImageConfiguration;
use serde::Serialize;

use super::payload;
use crate::contents::ContentsEntry;
use crate::digest::{Descriptor, Digest};
use crate::image::{Architecture, Document, ROLE_BASE};
use crate::layer::slice::FileSlice;
use crate::store::bundle::{BundledImage, bundled_images};
use crate::store::container::Container;
use crate::store::layer_check::compare;
use crate::store::oci_layout::blob_at;
use crate::store::{ContentFault, StoreError};

/// A tarball, or an image of a registry, that was opened and whose documents hold together.
#[derive(Debug)]
pub struct BootstrapArchive {
    pub(super) container: Container,
    /// As `index.json` has it, unless it is not a reference at all; of an image of a registry, how it was asked for.
    pub(super) reference: Option<String>,
    /// The index, or with one architecture the manifest; of an archive of `docker save` the configuration.
    pub(super) root: Descriptor,
    pub(super) index: Option<Document>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) images: Vec<ArchivedImage>,
}

#[derive(Debug)]
pub(super) struct ArchivedImage {
    pub(super) architecture: Architecture,
    /// An archive of `docker save` has none.
    pub(super) manifest: Option<Document>,
    pub(super) config: Document,
    pub(super) configuration: ImageConfiguration,
    pub(super) layers: Vec<ArchivedLayer>,
}

#[derive(Debug)]
pub(super) struct ArchivedLayer {
    pub(super) role: String,
    /// The name of the entry, or of the file in a folder.
    pub(super) place: String,
    pub(super) blob: Descriptor,
    pub(super) diff_id: Digest,
}

/// What is in a tarball, or in an image of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The normalised reference.
    pub reference: Option<String>,
    /// The size of the tarball; of an image of a registry, that of everything that it consists of.
    pub size_bytes: u64,
    /// The digest of the index, or with one architecture of the manifest; of an archive of `docker save`, which has neither, that of the
    /// configuration.
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
    /// The digest of the manifest; an archive of `docker save` has none.
    pub manifest: Option<Digest>,
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

impl BootstrapArchive {
    /// The normalised reference, unless the tarball has none.
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// What is inside.
    pub fn summary(&self) -> Result<Summary, StoreError> {
        Ok(Summary {
            reference: self.reference.clone(),
            size_bytes: self.size(),
            digest: self.root.digest,
            index: self.index.is_some().then_some(self.root.digest),
            annotations: self.annotations.clone(),
            images: self.images.iter().map(|image| self.summarise(image)).collect::<Result<_, _>>()?,
        })
    }

    /// Where the tarball is, or how the image was asked for.
    pub fn path(&self) -> &Path {
        self.container.path()
    }

    /// The bootstrap image with the images of its services that came with it; `None` when it came alone.
    pub fn bundled_images(&self) -> Result<Option<Vec<BundledImage>>, StoreError> {
        bundled_images(&self.container)
    }

    /// The digest by which the image is known.
    pub fn digest(&self) -> Digest {
        self.root.digest
    }

    fn size(&self) -> u64 {
        let consists_of: BTreeSet<_> = self.descriptors().collect();
        let parts = || consists_of.iter().map(|part| part.size).sum();
        self.container.tar().map_or_else(parts, |tar| tar.whole().size())
    }

    /// Everything that the documents name, and the root.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = Descriptor> {
        let of_image = |image: &ArchivedImage| {
            let documents = image.manifest.iter().chain([&image.config]).map(|document| document.descriptor);
            documents.chain(image.layers.iter().map(|layer| layer.blob)).collect::<Vec<_>>()
        };
        std::iter::once(self.root).chain(self.images.iter().flat_map(of_image))
    }

    /// The bytes of a layer, which nobody has verified.
    pub(super) fn slice(&self, layer: &ArchivedLayer) -> Result<FileSlice, StoreError> {
        blob_at(&self.container, &layer.place, layer.blob)
    }

    /// The bytes of every payload file that is wanted, by its path in the image without a leading slash, in one pass; of several layers
    /// the uppermost counts.
    pub fn payload_files(&self, is_wanted: impl Fn(&str) -> bool) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
        let mut files = BTreeMap::new();
        for layer in self.images[0].layers.iter().filter(|layer| layer.role != ROLE_BASE) {
            let found = payload::files(&self.verified(layer)?, &is_wanted);
            files.extend(found.map_err(|fault| self.container.fault(fault))?);
        }
        Ok(files)
    }

    /// The bytes of a payload file, by its path in the image without a leading slash. The payload is the same on every
    /// architecture; of several layers the uppermost counts.
    pub fn payload_file(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.payload_file_of(&self.images[0], path)
    }

    pub(super) fn payload_file_of(&self, image: &ArchivedImage, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        for layer in image.layers.iter().rev().filter(|layer| layer.role != ROLE_BASE) {
            let found = payload::file(&self.verified(layer)?, path).map_err(|fault| self.container.fault(fault))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The files of the layer of a role, by their path in the image without a leading slash; none where it has no such layer.
    pub fn layer_files(&self, role: &str) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
        let Some(layer) = self.images[0].layers.iter().find(|layer| layer.role == role) else {
            return Ok(BTreeMap::new());
        };
        payload::files(&self.verified(layer)?, |_| true).map_err(|fault| self.container.fault(fault))
    }

    /// An error about a file of the payload.
    pub(super) fn bad_file(&self, path: &str, message: String) -> StoreError {
        self.container.fault(ContentFault::Document { document: path.to_owned(), message })
    }

    /// A layer of the payload that has its digest; it is small, and what is in it is believed.
    pub(super) fn verified(&self, layer: &ArchivedLayer) -> Result<FileSlice, StoreError> {
        let (expected, slice) = (layer.blob.digest, self.slice(layer)?);
        let actual = slice.digest().map_err(StoreError::disk("read", self.container.path()))?;
        compare(&format!("the layer {expected}"), expected, actual).map_err(|fault| self.container.fault(fault))?;
        Ok(slice)
    }

    fn summarise(&self, image: &ArchivedImage) -> Result<ImageSummary, StoreError> {
        let process = image.configuration.config().clone().unwrap_or_default();
        Ok(ImageSummary {
            architecture: image.architecture.clone(),
            manifest: image.manifest.as_ref().map(|manifest| manifest.descriptor.digest),
            config: image.config.descriptor.digest,
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
            _ => payload::list(&self.verified(layer)?).map_err(|fault| self.container.fault(fault))?,
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
