//! What images of an OCI layout are called there.
//!
//! Takes in a layout; gives out digests by the whole name that it says of them. Layers are not looked at.

use std::collections::BTreeMap;
use std::path::Path;

use oci_spec::image as oci;

use super::StoreError;
use super::container::Container;
use super::oci_layout::{CONTAINERD_NAME, REF_NAME, annotation, images_below, parse};
use crate::digest::Digest;
use crate::image::Architecture;
use crate::reference::RegistryReference;

/// An image of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedImage {
    /// Its whole name, when the layout says one: a tag alone is not enough.
    pub name: Option<RegistryReference>,
    /// The tag, or whatever else it is called by.
    pub tag: Option<String>,
    /// The digest of the index, or of the manifest.
    pub digest: Digest,
    /// The digest of the manifest of every architecture.
    pub architectures: BTreeMap<Architecture, Digest>,
}

/// Reads the names in a layout, a folder or a tar.
pub fn named_images(path: &Path) -> Result<Vec<NamedImage>, StoreError> {
    let container = Container::open(path)?;
    container.file("oci-layout")?;
    let index: oci::ImageIndex = parse(&container, "index.json", &container.document("index.json")?)?;
    index.manifests().iter().map(|entry| read(&container, entry)).collect()
}

fn read(container: &Container, entry: &oci::Descriptor) -> Result<NamedImage, StoreError> {
    let names = [CONTAINERD_NAME, REF_NAME].map(|key| annotation(entry, key));
    // A tag alone would read like the name of an image without a tag.
    let whole = names.into_iter().flatten().find_map(|name| RegistryReference::parse(name).ok());
    let (digest, images) = images_below(container, entry)?;
    let architectures = images.into_iter().collect();
    Ok(NamedImage { name: whole, tag: names[1].map(str::to_owned), digest, architectures })
}
