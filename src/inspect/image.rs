//! From a tarball back to the image that was written.
//!
//! Takes in an archive whose documents hold together; gives out the image as a value, whose layers are parts of the open file. Their
//! bytes are not verified here: whoever uses them holds them against their digests.

use super::{ArchivedImage, ArchivedLayer, BootstrapArchive};
use crate::digest::Descriptor;
use crate::epoch::Epoch;
use crate::image::{ArchitectureImage, Document, Image};
use crate::layer::{Layer, Packed};
use crate::store::StoreError;
use crate::store::oci_layout::unverified_blob;

impl BootstrapArchive {
    /// The image that was written, as far as its tarball depends on it. Every layer has to be there.
    pub fn to_image(&self) -> Result<Image, StoreError> {
        let images = self.images.iter().map(|image| self.architecture_image(image)).collect::<Result<_, _>>()?;
        let created = self.images[0].configuration.created().as_deref().unwrap_or_default();
        let epoch = Epoch::parse_rfc_3339(created).unwrap_or_default();
        Ok(Image::from_parts(images, self.index.clone().map(Document::new), self.annotations.clone(), epoch))
    }

    fn architecture_image(&self, image: &ArchivedImage) -> Result<ArchitectureImage, StoreError> {
        Ok(ArchitectureImage {
            architecture: image.architecture.clone(),
            config: Document::new(image.config_bytes.clone()),
            manifest: Document::new(image.manifest_bytes.clone()),
            layers: image.layers.iter().map(|layer| self.layer(layer)).collect::<Result<_, _>>()?,
        })
    }

    fn layer(&self, layer: &ArchivedLayer) -> Result<Layer, StoreError> {
        let tar = Descriptor { digest: layer.diff_id, size: 0 };
        let packed = Packed { tar, blob: layer.blob };
        Ok(Layer { role: layer.role.clone(), packed, content: unverified_blob(&self.container, layer.blob)? })
    }
}
