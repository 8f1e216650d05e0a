//! From an open tarball to its documents.
//!
//! Takes in a container; gives out a [`BootstrapArchive`] in which every descriptor has been followed and every document verified by
//! digest and size. The layers of a tarball are found, not read.

use std::collections::{BTreeMap, HashMap};

use oci_spec::image as oci;
use serde::de::DeserializeOwned;

use super::{ArchivedImage, ArchivedLayer, BootstrapArchive};
use crate::digest::{Descriptor, Digest};
use crate::image::{ANNOTATION_ROLE, ROLE_BASE};
use crate::store::bundle::{ANNOTATION_ROLE as ANNOTATION_BUNDLE, ROLE_BOOTSTRAP};
use crate::store::container::Container;
use crate::store::oci_layout::{
    CONTAINERD_NAME, annotation, architecture, descriptor, is_attestation, parse, verified_bytes,
};
use crate::store::{ContentFault, StoreError};

pub(super) fn load(container: Container) -> Result<BootstrapArchive, StoreError> {
    if container.tar().is_none() {
        return Err(container.fault(ContentFault::Tar("it is a folder".to_owned())));
    }
    let archive = load_layout(container)?;
    archive.images.iter().flat_map(|image| &image.layers).try_for_each(|layer| archive.slice(layer).map(drop))?;
    Ok(archive)
}

/// The same of a layout, which may be a folder. Its layers are not looked for.
pub(super) fn load_layout(container: Container) -> Result<BootstrapArchive, StoreError> {
    let top: oci::ImageIndex = parse(&container, "index.json", &container.document("index.json")?)?;
    let is_bootstrap = |entry: &&oci::Descriptor| annotation(entry, ANNOTATION_BUNDLE) == Some(ROLE_BOOTSTRAP);
    let entry = match top.manifests().as_slice() {
        [entry] => entry,
        several => several
            .iter()
            .find(is_bootstrap)
            .ok_or_else(|| bad(&container, "index.json", format!("it has {} entries instead of one", several.len())))?,
    };
    let root = descriptor(&container, entry)?;
    let reference = annotation(entry, CONTAINERD_NAME).map(str::to_owned);
    let bytes = verified_bytes(&container, "document", root)?;
    let (index, annotations, images) = match entry.media_type() {
        oci::MediaType::ImageManifest => {
            let manifest: oci::ImageManifest = parse_by(&container, root, &bytes)?;
            (None, annotations(manifest.annotations().as_ref()), vec![image(&container, root)?])
        }
        oci::MediaType::ImageIndex => {
            let index: oci::ImageIndex = parse_by(&container, root, &bytes)?;
            let entries = index.manifests().iter().filter(|entry| !is_attestation(entry));
            let images = entries.map(|entry| image(&container, descriptor(&container, entry)?));
            (Some(bytes), annotations(index.annotations().as_ref()), images.collect::<Result<Vec<_>, _>>()?)
        }
        other => {
            let (what, kind) = ("an image".to_owned(), other.to_string());
            return Err(container.fault(ContentFault::Unsupported { what, kind }));
        }
    };
    if images.is_empty() {
        return Err(bad(&container, "index", "it names no image".to_owned()));
    }
    Ok(BootstrapArchive { container, reference, root, index, annotations, images })
}

fn image(container: &Container, expected: Descriptor) -> Result<ArchivedImage, StoreError> {
    let manifest_bytes = verified_bytes(container, "manifest", expected)?;
    let manifest: oci::ImageManifest = parse_by(container, expected, &manifest_bytes)?;
    let config = descriptor(container, manifest.config())?;
    let config_bytes = verified_bytes(container, "configuration", config)?;
    let configuration: oci::ImageConfiguration = parse_by(container, config, &config_bytes)?;
    let diff_ids = configuration.rootfs().diff_ids();
    if diff_ids.len() != manifest.layers().len() {
        let message = format!("it names {} layers, the manifest {}", diff_ids.len(), manifest.layers().len());
        return Err(bad(container, "configuration", message));
    }
    let layers = manifest.layers().iter().zip(diff_ids).map(|(entry, diff_id)| layer(container, entry, diff_id));
    Ok(ArchivedImage {
        architecture: architecture(&configuration).map_err(|fault| container.fault(fault))?,
        layers: layers.collect::<Result<_, _>>()?,
        manifest: expected,
        manifest_bytes,
        config,
        config_bytes,
        configuration,
    })
}

fn layer(container: &Container, entry: &oci::Descriptor, diff_id: &str) -> Result<ArchivedLayer, StoreError> {
    if *entry.media_type() != oci::MediaType::ImageLayerGzip {
        let (what, kind) = ("a layer".to_owned(), entry.media_type().to_string());
        return Err(container.fault(ContentFault::Unsupported { what, kind }));
    }
    let expected = descriptor(container, entry)?;
    Ok(ArchivedLayer {
        role: annotation(entry, ANNOTATION_ROLE).unwrap_or(ROLE_BASE).to_owned(),
        diff_id: Digest::parse(diff_id).map_err(|fault| container.fault(fault.into()))?,
        blob: expected,
    })
}

fn parse_by<T: DeserializeOwned>(container: &Container, from: Descriptor, bytes: &[u8]) -> Result<T, StoreError> {
    parse(container, &from.digest.to_string(), bytes)
}

fn annotations(annotations: Option<&HashMap<String, String>>) -> BTreeMap<String, String> {
    annotations.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn bad(container: &Container, document: &str, message: String) -> StoreError {
    container.fault(ContentFault::Document { document: document.to_owned(), message })
}
