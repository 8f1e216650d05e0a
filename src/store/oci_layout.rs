//! Bases in OCI layouts, as a folder or as a tar.
//!
//! Takes in a container with `index.json`; gives out the images in it, every document and layer verified by digest and size.

use std::collections::{BTreeMap, BTreeSet};

use oci_spec::image as oci;
use serde::de::DeserializeOwned;

use super::cache::Cache;
use super::container::Container;
use super::layer_check::{Candidate, check, compare};
use super::{ContentFault, StoreError};
use crate::digest::{Descriptor, Digest};
use crate::image::media_type::{self, INDEXES, LAYERS, MANIFESTS};
use crate::image::{Architecture, BaseImage};
use crate::layer::Layer;
use crate::layer::content::Content;
use crate::layer::slice::FileSlice;
use crate::layer::unverified::Unverified;
use crate::parallel::in_parallel;

/// An image that was found, its configuration verified, its layers not yet.
pub(super) struct Found {
    /// Of its manifest.
    pub(super) digest: Digest,
    pub(super) architecture: Architecture,
    pub(super) config: oci::ImageConfiguration,
    layers: Vec<oci::Descriptor>,
}

/// The images of a layout, and the digest of the one thing they are all part of.
pub(super) struct Contents {
    pub(super) images: Vec<Found>,
    pub(super) digest: Option<Digest>,
}

/// Indexes in indexes: real ones have one level below `index.json`.
const MAX_DEPTH: usize = 4;
/// Images for every architecture and attestation there is.
const MAX_MANIFESTS: usize = 500;

/// Reads the documents of a layout: the images with the tag, or all.
pub(super) fn read(container: &Container, tag: Option<&str>) -> Result<Contents, StoreError> {
    container.file("oci-layout")?;
    let index: oci::ImageIndex = parse(container, "index.json", &container.document("index.json")?)?;
    let wanted: Vec<_> = index.manifests().iter().filter(|entry| tag.is_none_or(|tag| has_tag(entry, tag))).collect();
    let mut roots = BTreeSet::new();
    let mut walk = Walk { container, manifests: BTreeMap::new(), seen: BTreeSet::new() };
    for entry in &wanted {
        let before = walk.manifests.len();
        walk.descend(entry, 0)?;
        if walk.manifests.len() > before {
            roots.insert(descriptor(container, entry)?.digest);
        }
    }
    if walk.manifests.is_empty() {
        let known = index.manifests().iter().filter_map(|entry| annotation(entry, REF_NAME)).collect::<Vec<_>>();
        let known = if known.is_empty() { "none with a tag".to_owned() } else { known.join(", ") };
        return Err(container.fault(ContentFault::NoImage { tag: tag.map(str::to_owned), known }));
    }
    let digest = roots.pop_first().filter(|_| roots.is_empty());
    Ok(Contents { images: walk.manifests.into_values().collect(), digest })
}

/// The digest of what an entry of a layout names, and the images below it with their architectures.
pub(super) fn images_below(
    container: &Container,
    entry: &oci::Descriptor,
) -> Result<(Digest, Vec<(Architecture, Digest)>), StoreError> {
    let mut walk = Walk { container, manifests: BTreeMap::new(), seen: BTreeSet::new() };
    walk.descend(entry, 0)?;
    let images = walk.manifests.into_values().map(|found| (found.architecture, found.digest));
    Ok((descriptor(container, entry)?.digest, images.collect()))
}

/// Verifies the layers of an image.
pub(super) fn verify(container: &Container, found: Found, cache: &Cache) -> Result<BaseImage, StoreError> {
    let diff_ids = found.config.rootfs().diff_ids();
    if diff_ids.len() != found.layers.len() {
        let message = format!("it names {} layers, its manifest {}", diff_ids.len(), found.layers.len());
        return Err(container.fault(ContentFault::Document { document: "configuration".to_owned(), message }));
    }
    let layers: Vec<_> = found.layers.iter().zip(diff_ids).collect();
    let layers = in_parallel(&layers, |(layer, diff_id)| verify_layer(container, layer, diff_id, cache));
    let layers = layers.into_iter().collect::<Result<_, _>>()?;
    Ok(BaseImage { layers, architecture: found.architecture, config: found.config })
}

fn verify_layer(
    container: &Container,
    layer: &oci::Descriptor,
    diff_id: &str,
    cache: &Cache,
) -> Result<Layer, StoreError> {
    let kind = layer.media_type().as_ref();
    if !LAYERS.contains(&kind) {
        return Err(container.fault(ContentFault::Unsupported { what: "a layer".to_owned(), kind: kind.to_owned() }));
    }
    let expected = descriptor(container, layer)?;
    let slice = blob(container, expected)?;
    let checked = (|| {
        let origin = container.origin(format!("the layer {}", expected.digest));
        check(
            Candidate { slice: &slice, origin: &origin, blob: expected.digest, diff_id: Digest::parse(diff_id)? },
            cache,
        )
        .map_err(|fault| fault.in_layer(&origin.what))
    })();
    checked.map_err(|fault| container.fault(fault))
}

/// Collects manifests by digest: several tags may name one image.
struct Walk<'a> {
    container: &'a Container,
    manifests: BTreeMap<Digest, Found>,
    /// Manifests and indexes: one that is named again is not read again.
    seen: BTreeSet<Digest>,
}

impl Walk<'_> {
    fn descend(&mut self, entry: &oci::Descriptor, depth: usize) -> Result<(), StoreError> {
        if depth > MAX_DEPTH || self.seen.len() > MAX_MANIFESTS {
            return Err(self
                .container
                .fault(ContentFault::Limit { what: "the number of images".to_owned(), limit: MAX_MANIFESTS as u64 }));
        }
        let expected = descriptor(self.container, entry)?;
        let kind = entry.media_type().as_ref();
        if is_attestation(entry) || !self.seen.insert(expected.digest) {
            Ok(())
        } else if INDEXES.contains(&kind) {
            let index: oci::ImageIndex = document(self.container, "index", expected)?;
            index.manifests().iter().try_for_each(|entry| self.descend(entry, depth + 1))
        } else if MANIFESTS.contains(&kind) {
            self.add(expected)
        } else {
            let what = "a manifest".to_owned();
            Err(self.container.fault(ContentFault::Unsupported { what, kind: kind.to_owned() }))
        }
    }

    fn add(&mut self, expected: Descriptor) -> Result<(), StoreError> {
        let manifest: oci::ImageManifest = document(self.container, "manifest", expected)?;
        if !media_type::is_image(&manifest) {
            return Ok(());
        }
        let config: oci::ImageConfiguration =
            document(self.container, "configuration", descriptor(self.container, manifest.config())?)?;
        let architecture = architecture(&config).map_err(|fault| self.container.fault(fault))?;
        let (digest, layers) = (expected.digest, manifest.layers().clone());
        self.manifests.insert(digest, Found { digest, architecture, config, layers });
        Ok(())
    }
}

/// The architecture that a configuration names.
pub(crate) fn architecture(config: &oci::ImageConfiguration) -> Result<Architecture, ContentFault> {
    let (os, processor) = (config.os().to_string(), config.architecture().to_string());
    Architecture::new(&os, &processor, config.variant().as_deref())
        .map_err(|fault| ContentFault::Document { document: "configuration".to_owned(), message: fault.to_string() })
}

/// Parses a document.
pub(crate) fn parse<T: DeserializeOwned>(container: &Container, name: &str, bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| {
        container.fault(ContentFault::Document { document: name.to_owned(), message: error.to_string() })
    })
}

/// A document by its descriptor, verified and parsed.
fn document<T: DeserializeOwned>(container: &Container, what: &str, expected: Descriptor) -> Result<T, StoreError> {
    let bytes = verified_bytes(container, what, expected)?;
    parse(container, &format!("{what} {}", expected.digest), &bytes)
}

/// The bytes of a document by its descriptor, verified.
pub(crate) fn verified_bytes(container: &Container, what: &str, expected: Descriptor) -> Result<Vec<u8>, StoreError> {
    blob(container, expected)?;
    let bytes = container.document(&blob_name(expected.digest))?;
    let what = format!("the {what} {}", expected.digest);
    compare(&what, expected.digest, Digest::of(&bytes)).map_err(|fault| container.fault(fault))?;
    Ok(bytes)
}

/// A blob by its descriptor, its size verified.
pub(crate) fn blob(container: &Container, expected: Descriptor) -> Result<FileSlice, StoreError> {
    blob_at(container, &blob_name(expected.digest), expected)
}

/// The same of a blob that lies elsewhere.
pub(crate) fn blob_at(container: &Container, place: &str, expected: Descriptor) -> Result<FileSlice, StoreError> {
    let slice = container.file(place)?;
    if slice.size() == expected.size {
        return Ok(slice);
    }
    let what = format!("the blob {}", expected.digest);
    Err(container.fault(ContentFault::WrongSize { what, expected: expected.size, actual: slice.size() }))
}

/// A blob by its descriptor, its size verified; its bytes are verified when they are used.
pub(crate) fn unverified_blob(container: &Container, expected: Descriptor) -> Result<Content, StoreError> {
    unverified_blob_at(container, &blob_name(expected.digest), expected)
}

/// The same of a blob that lies elsewhere.
pub(crate) fn unverified_blob_at(
    container: &Container,
    place: &str,
    expected: Descriptor,
) -> Result<Content, StoreError> {
    let origin = container.origin(format!("the blob {}", expected.digest));
    Ok(Content::File(Unverified::new(blob_at(container, place, expected)?, expected.digest, origin)))
}

/// Where a layout keeps a blob.
pub(crate) fn blob_name(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Digest and size, the digest checked.
pub(crate) fn descriptor(container: &Container, entry: &oci::Descriptor) -> Result<Descriptor, StoreError> {
    let digest = Digest::parse(entry.digest().as_ref()).map_err(|fault| container.fault(fault.into()))?;
    Ok(Descriptor { digest, size: entry.size() })
}

pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
pub(crate) const CONTAINERD_NAME: &str = "io.containerd.image.name";

pub(crate) fn annotation<'a>(entry: &'a oci::Descriptor, key: &str) -> Option<&'a str> {
    entry.annotations().as_ref().and_then(|annotations| annotations.get(key)).map(String::as_str)
}

fn has_tag(entry: &oci::Descriptor, tag: &str) -> bool {
    [REF_NAME, CONTAINERD_NAME].iter().any(|key| annotation(entry, key) == Some(tag))
}

/// Provenance and SBOMs, which buildx stores next to images under an unknown architecture.
pub(crate) fn is_attestation(entry: &oci::Descriptor) -> bool {
    let unknown = entry.platform().as_ref().is_some_and(|platform| platform.os().to_string() == "unknown");
    unknown || annotation(entry, "vnd.docker.reference.type").is_some()
}
