//! From an open tarball to its documents.
//!
//! Takes in a container: an OCI layout, or an archive of `docker save`, whoever wrote it; gives out a [`BootstrapArchive`] in which every
//! descriptor has been followed and every document verified by digest and size. The layers of a tarball are found, not read.

use std::collections::BTreeMap;

use oci_spec::image as oci;
use serde::de::DeserializeOwned;

use super::archive::{ArchivedImage, ArchivedLayer, BootstrapArchive};
use crate::digest::{Descriptor, Digest};
use crate::image::media_type::{self, INDEXES, LAYERS, MANIFESTS};
use crate::image::{Document, ImageReference, label, role};
use crate::store::bundle::{ANNOTATION_ROLE as ANNOTATION_BUNDLE, ROLE_BOOTSTRAP};
use crate::store::container::Container;
use crate::store::docker_archive::{self, Only};
use crate::store::layer_check::is_gzip;
use crate::store::oci_layout::{
    CONTAINERD_NAME, REF_NAME, annotation, architecture, blob_name, descriptor, is_attestation, parse, verified_bytes,
};
use crate::store::{ContentFault, StoreError};

pub(super) fn load(container: Container) -> Result<BootstrapArchive, StoreError> {
    if container.tar().is_none() {
        return Err(container.fault(ContentFault::Tar("it is a folder".to_owned())));
    }
    let archive = if container.has("index.json") || !container.has("manifest.json") {
        load_layout(container)?
    } else {
        load_docker_archive(container)?
    };
    archive.images.iter().flat_map(|image| &image.layers).try_for_each(|layer| archive.slice(layer).map(drop))?;
    Ok(archive)
}

/// The same of a layout, which may be a folder. Its layers are not looked for.
pub(super) fn load_layout(container: Container) -> Result<BootstrapArchive, StoreError> {
    let top: oci::ImageIndex = parse(&container, "index.json", &container.document("index.json")?)?;
    let entry = find_entry(&container, top.manifests())?;
    let root = descriptor(&container, entry)?;
    let kind = entry.media_type().as_ref();
    let (index, images) = if MANIFESTS.contains(&kind) {
        (None, vec![image(&container, root)?])
    } else if INDEXES.contains(&kind) {
        let bytes = verified_bytes(&container, "document", root)?;
        let index: oci::ImageIndex = parse_by(&container, root, &bytes)?;
        let entries = index.manifests().iter().filter(|entry| !is_attestation(entry));
        let images = entries.map(|entry| image(&container, descriptor(&container, entry)?));
        (Some(Document::new(bytes)), images.collect::<Result<Vec<_>, _>>()?)
    } else {
        let (what, kind) = ("an image".to_owned(), kind.to_owned());
        return Err(container.fault(ContentFault::Unsupported { what, kind }));
    };
    if images.is_empty() {
        return Err(bad(&container, "index", "it names no image".to_owned()));
    }
    let annotations = annotations(&images[0], index.as_ref());
    Ok(BootstrapArchive { reference: reference(entry), container, root, index, annotations, images })
}

/// The entry of the bootstrap image: the only image, under however many names, or the one that a bundle says it is.
fn find_entry<'a>(container: &Container, entries: &'a [oci::Descriptor]) -> Result<&'a oci::Descriptor, StoreError> {
    let is_bootstrap = |entry: &&oci::Descriptor| annotation(entry, ANNOTATION_BUNDLE) == Some(ROLE_BOOTSTRAP);
    if let Some(entry) = entries.iter().find(is_bootstrap) {
        return Ok(entry);
    }
    let mut images = Vec::new();
    for entry in entries {
        if entries.len() == 1 || is_image(container, entry)? {
            images.push(entry);
        }
    }
    match images.as_slice() {
        [first, others @ ..] if others.iter().all(|other| other.digest() == first.digest()) => Ok(first),
        several => Err(bad(container, "index.json", format!("it has {} entries instead of one", several.len()))),
    }
}

/// Signatures and attestations may be next to an image.
fn is_image(container: &Container, entry: &oci::Descriptor) -> Result<bool, StoreError> {
    if is_attestation(entry) || !MANIFESTS.contains(&entry.media_type().as_ref()) {
        return Ok(!is_attestation(entry));
    }
    let expected = descriptor(container, entry)?;
    let manifest: oci::ImageManifest =
        parse_by(container, expected, &verified_bytes(container, "manifest", expected)?)?;
    Ok(media_type::is_image(&manifest))
}

/// The whole name of an entry. Other tools may write only a tag, which is not a whole name.
fn reference(entry: &oci::Descriptor) -> Option<String> {
    let named = annotation(entry, CONTAINERD_NAME);
    let whole = || annotation(entry, REF_NAME).filter(|name| name.contains(':') && ImageReference::parse(name).is_ok());
    named.or_else(whole).map(str::to_owned)
}

fn image(container: &Container, expected: Descriptor) -> Result<ArchivedImage, StoreError> {
    let bytes = verified_bytes(container, "manifest", expected)?;
    let manifest: oci::ImageManifest = parse_by(container, expected, &bytes)?;
    let config = descriptor(container, manifest.config())?;
    let config = Document::new(verified_bytes(container, "configuration", config)?);
    let configuration: oci::ImageConfiguration = parse_by(container, config.descriptor, &config.bytes)?;
    let roles = role::of(&configuration, manifest.layers());
    let layers = manifest.layers().iter().map(|entry| blob_of(container, entry));
    let layers = layers.collect::<Result<Vec<_>, _>>()?;
    let layers = with_diff_ids(container, &configuration, "the manifest", layers, roles)?;
    let architecture = architecture(&configuration).map_err(|fault| container.fault(fault))?;
    Ok(ArchivedImage { architecture, manifest: Some(Document::new(bytes)), config, configuration, layers })
}

/// Where a layer is, and what it is.
type Blob = (String, Descriptor);

fn blob_of(container: &Container, entry: &oci::Descriptor) -> Result<Blob, StoreError> {
    let kind = entry.media_type().as_ref();
    if !LAYERS.contains(&kind) {
        return Err(container.fault(ContentFault::Unsupported { what: "a layer".to_owned(), kind: kind.to_owned() }));
    }
    let blob = descriptor(container, entry)?;
    Ok((blob_name(blob.digest), blob))
}

fn with_diff_ids(
    container: &Container,
    configuration: &oci::ImageConfiguration,
    other: &str,
    layers: Vec<Blob>,
    roles: Vec<String>,
) -> Result<Vec<ArchivedLayer>, StoreError> {
    let diff_ids = configuration.rootfs().diff_ids();
    if diff_ids.len() != layers.len() {
        let message = format!("it names {} layers, {other} {}", diff_ids.len(), layers.len());
        return Err(bad(container, "configuration", message));
    }
    let layer = |(((place, blob), diff_id), role): ((Blob, &String), String)| {
        let diff_id = Digest::parse(diff_id).map_err(|fault| container.fault(fault.into()))?;
        Ok(ArchivedLayer { role, place, blob, diff_id })
    };
    layers.into_iter().zip(diff_ids).zip(roles).map(layer).collect()
}

/// An archive of `docker save` up to version 24, of podman or skopeo: it has a configuration and layers, and no manifest of an image.
fn load_docker_archive(container: Container) -> Result<BootstrapArchive, StoreError> {
    let Only { config_name, config, layers, names } = docker_archive::only(&container)?;
    let configuration: oci::ImageConfiguration = parse(&container, &config_name, &config)?;
    let roles = role::of_history(&configuration, layers.len());
    let roles = roles.map_or_else(|| vec![role::BASE.to_owned(); layers.len()], owned);
    let diff_ids = configuration.rootfs().diff_ids().iter().map(String::as_str).chain(std::iter::repeat(""));
    let layers = layers.into_iter().zip(diff_ids).map(|(name, diff_id)| stored(&container, name, diff_id));
    let layers = layers.collect::<Result<Vec<_>, _>>()?;
    let layers = with_diff_ids(&container, &configuration, "the archive", layers, roles)?;
    let config = Document::new(config);
    let root = config.descriptor;
    let architecture = architecture(&configuration).map_err(|fault| container.fault(fault))?;
    let images = vec![ArchivedImage { architecture, manifest: None, config, configuration, layers }];
    let annotations = annotations(&images[0], None);
    let names = names.iter().filter_map(|name| ImageReference::parse(name).ok());
    let reference = names.map(|name| name.to_string()).next();
    Ok(BootstrapArchive { container, reference, root, index: None, annotations, images })
}

fn owned(roles: Vec<&'static str>) -> Vec<String> {
    roles.into_iter().map(str::to_owned).collect()
}

/// A layer as it is stored: a plain tar, whose digest is its diffID when it is right, or compressed.
fn stored(container: &Container, name: String, diff_id: &str) -> Result<Blob, StoreError> {
    let slice = container.file(&name)?;
    let digest = if is_gzip(&slice).map_err(|fault| container.fault(fault))? {
        slice.digest().map_err(StoreError::disk("read", container.path()))?
    } else {
        Digest::parse(diff_id).map_err(|fault| container.fault(fault.into()))?
    };
    Ok((name, Descriptor { digest, size: slice.size() }))
}

/// What the configuration says of the image; what the documents above it say alone is believed where it says nothing.
fn annotations(image: &ArchivedImage, index: Option<&Document>) -> BTreeMap<String, String> {
    let labels = image.configuration.config().as_ref().and_then(|process| process.labels().as_ref());
    let from_labels = label::annotations(labels.into_iter().flatten());
    if !from_labels.is_empty() {
        return from_labels;
    }
    let document = index.or(image.manifest.as_ref());
    let value: Option<serde_json::Value> = document.and_then(|document| serde_json::from_slice(&document.bytes).ok());
    let written = value.and_then(|value| serde_json::from_value(value["annotations"].clone()).ok());
    written.unwrap_or_default()
}

fn parse_by<T: DeserializeOwned>(container: &Container, from: Descriptor, bytes: &[u8]) -> Result<T, StoreError> {
    parse(container, &from.digest.to_string(), bytes)
}

fn bad(container: &Container, document: &str, message: String) -> StoreError {
    container.fault(ContentFault::Document { document: document.to_owned(), message })
}
