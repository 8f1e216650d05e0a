//! From a tarball back to the image that was written.
//!
//! Takes in an archive whose documents hold together; gives out the image as a value, as it is there or as bootsmith writes it. Where the layers
//! are parts of the open file their bytes are not verified here: whoever uses them compares them with their digests.

use super::archive::{ArchivedImage, ArchivedLayer, BootstrapArchive};
use crate::digest::Descriptor;
use crate::epoch::Epoch;
use crate::image::{ArchitectureImage, Document, Image, assemble};
use crate::layer::{Layer, Packed};
use crate::parallel::in_parallel;
use crate::store::layer_check::{Candidate, check};
use crate::store::oci_layout::unverified_blob_at;
use crate::store::{Cache, ContentFault, StoreError};

impl BootstrapArchive {
    /// The image that is there, manifest by manifest, whoever wrote it. Every layer has to be there. An archive of `docker save` has no manifests:
    /// it is refused.
    pub fn to_image(&self) -> Result<Image, StoreError> {
        let images = self.images.iter().map(|image| self.architecture_image(image)).collect::<Result<_, _>>()?;
        Ok(Image::from_parts(images, self.index.clone(), self.annotations.clone(), self.epoch()))
    }

    /// The image with the manifests and the compression of bootsmith, which another tool may have replaced.
    pub fn restored(&self, cache: &Cache) -> Result<Image, StoreError> {
        if self.has_manifests() {
            let image = self.to_image()?;
            if rewritten(&image).is_empty() {
                return Ok(image);
            }
        }
        let images = self.images.iter().map(|image| self.restore(image, cache)).collect::<Result<Vec<_>, _>>()?;
        let index = (images.len() > 1).then(|| assemble::index(&images, &self.annotations));
        Ok(Image::from_parts(images, index, self.annotations.clone(), self.epoch()))
    }

    /// Whether there is a manifest for every architecture, as everywhere but in an archive of `docker save`.
    pub fn has_manifests(&self) -> bool {
        self.images.iter().all(|image| image.manifest.is_some())
    }

    /// The instant of the image, as far as it can be read.
    pub(super) fn epoch(&self) -> Epoch {
        let created = self.images[0].configuration.created().as_deref().unwrap_or_default();
        Epoch::parse_rfc_3339(created).unwrap_or_default()
    }

    fn architecture_image(&self, image: &ArchivedImage) -> Result<ArchitectureImage, StoreError> {
        let manifest = image.manifest.clone();
        Ok(ArchitectureImage {
            architecture: image.architecture.clone(),
            config: image.config.clone(),
            manifest: manifest.ok_or_else(|| self.container.fault(ContentFault::Missing("index.json".to_owned())))?,
            layers: image.layers.iter().map(|layer| self.layer(layer)).collect::<Result<_, _>>()?,
        })
    }

    fn layer(&self, layer: &ArchivedLayer) -> Result<Layer, StoreError> {
        let tar = Descriptor { digest: layer.diff_id, size: 0 };
        let packed = Packed { tar, blob: layer.blob };
        Ok(Layer {
            role: layer.role.clone(),
            packed,
            content: unverified_blob_at(&self.container, &layer.place, layer.blob)?,
        })
    }

    fn restore(&self, image: &ArchivedImage, cache: &Cache) -> Result<ArchitectureImage, StoreError> {
        let layers = in_parallel(&image.layers, |layer| self.compressed(layer, cache));
        let layers = layers.into_iter().collect::<Result<Vec<_>, _>>()?;
        let manifest = assemble::manifest(image.config.descriptor, &layers, &self.annotations);
        let (architecture, config) = (image.architecture.clone(), image.config.clone());
        Ok(ArchitectureImage { architecture, config, manifest, layers })
    }

    /// A layer that is compressed as bootsmith compresses, unless it is compressed already; verified.
    fn compressed(&self, layer: &ArchivedLayer, cache: &Cache) -> Result<Layer, StoreError> {
        let (slice, origin) = (self.slice(layer)?, self.container.origin(format!("the layer `{}`", layer.place)));
        let candidate = Candidate { slice: &slice, origin: &origin, blob: layer.blob.digest, diff_id: layer.diff_id };
        let fault = |fault: ContentFault| self.container.fault(fault.in_layer(&origin.what));
        let checked = check(candidate, cache).map_err(fault)?;
        Ok(Layer { role: layer.role.clone(), ..checked })
    }
}

/// The manifests, and the index, that are not as bootsmith writes them for the configurations and layers.
pub(super) fn rewritten(image: &Image) -> Vec<&Document> {
    let manifests = image.images().iter().map(|one| {
        let expected = assemble::manifest(one.config.descriptor, &one.layers, image.annotations());
        (&one.manifest, expected)
    });
    let index = image.index().map(|index| (index, assemble::index(image.images(), image.annotations())));
    manifests.chain(index).filter(|(there, expected)| *there != expected).map(|(there, _)| there).collect()
}
