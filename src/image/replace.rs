//! An image with another layer in the place of one of its own.
//!
//! Takes in an image as it was written and a layer; gives out the documents that follow from it. Everything that does not speak of the layer
//! is as it was.

use serde_json::{Value, json};

use super::json::canonical;
use super::{ArchitectureImage, Document, Image};
use crate::layer::Layer;

/// The image has no such layer, or its documents are not as this library writes them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the image has no layer `{0}` that could be replaced")]
pub struct NoSuchLayer(String);

impl Image {
    /// The image on every architecture with `layer` where its layer of the same role was.
    pub fn with_layer(&self, layer: &Layer) -> Result<Self, NoSuchLayer> {
        let images = self.images.iter().map(|image| replaced(image, layer)).collect::<Result<Vec<_>, _>>()?;
        let index = match &self.index {
            Some(index) => Some(with_manifests(index, &images).ok_or_else(|| NoSuchLayer(layer.role.clone()))?),
            None => None,
        };
        Ok(Self { images, index, annotations: self.annotations.clone(), epoch: self.epoch })
    }
}

fn replaced(image: &ArchitectureImage, layer: &Layer) -> Result<ArchitectureImage, NoSuchLayer> {
    let at = image.layers.iter().position(|other| other.role == layer.role);
    at.and_then(|at| try_replace(image, layer, at)).ok_or_else(|| NoSuchLayer(layer.role.clone()))
}

fn try_replace(image: &ArchitectureImage, layer: &Layer, at: usize) -> Option<ArchitectureImage> {
    let mut config: Value = serde_json::from_slice(&image.config.bytes).ok()?;
    *config.pointer_mut(&format!("/rootfs/diff_ids/{at}"))? = json!(layer.packed.diff_id());
    let config = Document::new(canonical(&config));
    let mut manifest: Value = serde_json::from_slice(&image.manifest.bytes).ok()?;
    describe(manifest.get_mut("config")?, config.descriptor)?;
    describe(manifest.pointer_mut(&format!("/layers/{at}"))?, layer.packed.blob)?;
    let mut layers = image.layers.clone();
    layers[at] = layer.clone();
    let architecture = image.architecture.clone();
    Some(ArchitectureImage { architecture, config, manifest: Document::new(canonical(&manifest)), layers })
}

/// The entries of an index are in the order of its images.
fn with_manifests(index: &Document, images: &[ArchitectureImage]) -> Option<Document> {
    let mut index: Value = serde_json::from_slice(&index.bytes).ok()?;
    let entries = index.get_mut("manifests")?.as_array_mut()?;
    if entries.len() != images.len() {
        return None;
    }
    for (entry, image) in entries.iter_mut().zip(images) {
        describe(entry, image.manifest.descriptor)?;
    }
    Some(Document::new(canonical(&index)))
}

/// Digest and size of what an entry describes.
fn describe(entry: &mut Value, what: crate::digest::Descriptor) -> Option<()> {
    let entry = entry.as_object_mut()?;
    entry.insert("digest".to_owned(), json!(what.digest));
    entry.insert("size".to_owned(), json!(what.size));
    Some(())
}
