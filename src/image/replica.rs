//! A complete image: index, manifests and blobs, byte for byte.
//!
//! Takes in documents and contents; gives out what has to be where the image is to be as well. Signatures and provenance that an index names
//! belong to it: without them it would have another digest.

use std::collections::BTreeMap;
use std::io::Read as _;

use oci_spec::image as oci;
use serde::de::DeserializeOwned;

use super::media_type::{self, INDEX, MANIFEST, MANIFESTS};
use super::{Architecture, Document, Image};
use crate::digest::{Descriptor, Digest};
use crate::layer::content::Content;

/// Everything that an image consists of.
#[derive(Clone, Debug)]
pub struct Replica {
    documents: Vec<TypedDocument>,
    blobs: BTreeMap<Descriptor, Content>,
}

/// A manifest or an index, and what it calls itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedDocument {
    /// The bytes, and their digest.
    pub document: Document,
    /// The media type.
    pub media_type: String,
}

/// What an engine runs of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineImage {
    /// The configuration.
    pub config: Digest,
    /// The layers from the lowest.
    pub layers: Vec<Digest>,
}

impl Replica {
    /// Puts an image together: each document after those that it names, and so the root last; `None` without any.
    pub fn new(documents: Vec<TypedDocument>, blobs: BTreeMap<Descriptor, Content>) -> Option<Self> {
        (!documents.is_empty()).then_some(Self { documents, blobs })
    }

    /// Manifests and indexes, each after those that it names.
    pub fn documents(&self) -> &[TypedDocument] {
        &self.documents
    }

    /// What everything else is below.
    pub fn root(&self) -> &TypedDocument {
        &self.documents[self.documents.len() - 1]
    }

    /// The digest by which the image is known.
    pub fn digest(&self) -> Digest {
        self.root().document.descriptor.digest
    }

    /// What a reader gets who understands one architecture alone: linux/amd64 when it is there, else the first.
    pub fn engine_image(&self) -> Result<EngineImage, String> {
        let manifests = self.documents.iter().filter(|typed| MANIFESTS.contains(&typed.media_type.as_str()));
        let mut first = None;
        for typed in manifests {
            let manifest: oci::ImageManifest = read(&typed.document.bytes)?;
            if !media_type::is_image(&manifest) {
                continue;
            }
            let config = digest(manifest.config())?;
            let layers = manifest.layers().iter().map(digest).collect::<Result<_, _>>()?;
            let image = EngineImage { config, layers };
            if self.architecture(config)?.to_string() == COMMON {
                return Ok(image);
            }
            first = first.or(Some(image));
        }
        first.ok_or_else(|| "it has no configuration that an engine understands".to_owned())
    }

    fn architecture(&self, config: Digest) -> Result<Architecture, String> {
        let content = self.blobs.iter().find(|(blob, _)| blob.digest == config).map(|(_, content)| content);
        let mut bytes = Vec::new();
        let reader = content.ok_or("its configuration is not there")?.reader().map_err(|error| error.to_string())?;
        reader.take(MAX_CONFIG_BYTES).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        let config: oci::ImageConfiguration = read(&bytes)?;
        let (os, processor) = (config.os().to_string(), config.architecture().to_string());
        Architecture::new(&os, &processor, config.variant().as_deref()).map_err(|fault| fault.to_string())
    }

    /// Configurations and layers, each once, the largest first: the last to arrive is a small one.
    pub fn blobs(&self) -> Vec<(Descriptor, &Content)> {
        let mut blobs: Vec<_> = self.blobs.iter().map(|(blob, content)| (*blob, content)).collect();
        blobs.sort_by_key(|(blob, _)| std::cmp::Reverse(blob.size));
        blobs
    }
}

/// What most machines are, and what a reader is given who takes one architecture alone.
const COMMON: &str = "linux/amd64";
/// No configuration comes near this size.
const MAX_CONFIG_BYTES: u64 = 8 * 1024 * 1024;

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

fn digest(entry: &oci::Descriptor) -> Result<Digest, String> {
    Digest::parse(entry.digest().as_ref()).map_err(|fault| fault.to_string())
}

impl From<&Image> for Replica {
    fn from(image: &Image) -> Self {
        let typed = |document: &Document, otherwise: &str| TypedDocument {
            document: document.clone(),
            media_type: document.media_type(otherwise),
        };
        let manifests = image.images().iter().map(|image| typed(&image.manifest, MANIFEST));
        let documents = manifests.chain(image.index().map(|index| typed(index, INDEX))).collect();
        let mut blobs = BTreeMap::new();
        for image in image.images() {
            blobs.insert(image.config.descriptor, Content::from(image.config.bytes.clone()));
            blobs.extend(image.layers.iter().map(|layer| (layer.packed.blob, layer.content.clone())));
        }
        Self { documents, blobs }
    }
}
