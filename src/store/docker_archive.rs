//! Images in docker-archives: `docker save` of every version, podman's and skopeo's.
//!
//! Takes in a container with `manifest.json`; gives out the images in it: bases verified, others found. Docker up to 24 names the configuration by its
//! digest and stores a shared layer once, with links to it; the layers are checked against the configuration's diffIDs.

use oci_spec::image as oci;
use serde::Deserialize;

use super::cache::Cache;
use super::container::Container;
use super::layer_check::{Candidate, check, compare, is_gzip};
use super::oci_layout::{architecture, parse};
use super::{ContentFault, StoreError};
use crate::digest::Digest;
use crate::image::{Architecture, BaseImage};
use crate::layer::Layer;
use crate::parallel::in_parallel;

/// An image that was found, its configuration verified where its name says the digest, its layers not yet.
pub(super) struct Found {
    /// Of its configuration: what docker calls the image's ID.
    pub(super) id: Digest,
    pub(super) architecture: Architecture,
    pub(super) config: oci::ImageConfiguration,
    config_name: String,
    layers: Vec<String>,
}

/// What `manifest.json` says of an image.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Item {
    /// Where the configuration is.
    pub(crate) config: String,
    repo_tags: Option<Vec<String>>,
    /// Where the layers are, from the lowest.
    pub(crate) layers: Vec<String>,
}

/// The only image of an archive, its configuration verified where its name says the digest.
pub(crate) struct Only {
    /// Where the configuration is.
    pub(crate) config_name: String,
    /// Its bytes.
    pub(crate) config: Vec<u8>,
    /// Where the layers are, from the lowest.
    pub(crate) layers: Vec<String>,
    /// What the image is called.
    pub(crate) names: Vec<String>,
}

/// Reads the documents of an archive with one image, whatever it is called.
pub(crate) fn only(container: &Container) -> Result<Only, StoreError> {
    let mut items: Vec<Item> = parse(container, "manifest.json", &container.document("manifest.json")?)?;
    items.dedup_by(|left, right| left.config == right.config && left.layers == right.layers);
    if items.len() != 1 {
        let (document, message) = ("manifest.json".to_owned(), format!("it has {} images instead of one", items.len()));
        return Err(container.fault(ContentFault::Document { document, message }));
    }
    let item = items.remove(0);
    let config = config_bytes(container, &item)?;
    Ok(Only { config_name: item.config, config, layers: item.layers, names: item.repo_tags.unwrap_or_default() })
}

/// Reads the documents of an archive: the image with the tag, or all.
pub(super) fn read(container: &Container, tag: Option<&str>) -> Result<Vec<Found>, StoreError> {
    let items: Vec<Item> = parse(container, "manifest.json", &container.document("manifest.json")?)?;
    let has_tag = |item: &&Item| tag.is_none_or(|tag| item.repo_tags.iter().flatten().any(|known| known == tag));
    let mut wanted: Vec<_> = items.iter().filter(has_tag).collect();
    if wanted.is_empty() {
        let known = items.iter().flat_map(|item| item.repo_tags.iter().flatten()).cloned().collect::<Vec<_>>();
        let known = if known.is_empty() { "none with a tag".to_owned() } else { known.join(", ") };
        return Err(container.fault(ContentFault::NoImage { tag: tag.map(str::to_owned), known }));
    }
    wanted.sort_by_key(|item| &item.config);
    wanted.dedup_by_key(|item| &item.config);
    wanted.into_iter().map(|item| read_item(container, item)).collect()
}

fn config_bytes(container: &Container, item: &Item) -> Result<Vec<u8>, StoreError> {
    let bytes = container.document(&item.config)?;
    if let Some(expected) = digest_in_name(&item.config) {
        compare(&format!("`{}`", item.config), expected, Digest::of(&bytes)).map_err(|fault| container.fault(fault))?;
    }
    Ok(bytes)
}

fn read_item(container: &Container, item: &Item) -> Result<Found, StoreError> {
    let bytes = config_bytes(container, item)?;
    let config: oci::ImageConfiguration = parse(container, &item.config, &bytes)?;
    let architecture = architecture(&config).map_err(|fault| container.fault(fault))?;
    let id = Digest::of(&bytes);
    Ok(Found { id, architecture, config, config_name: item.config.clone(), layers: item.layers.clone() })
}

/// `<hex>.json` of Docker up to 24 and podman, `blobs/sha256/<hex>` of Docker 25 and later.
fn digest_in_name(name: &str) -> Option<Digest> {
    let name = name.strip_prefix("blobs/sha256/").unwrap_or(name);
    Digest::from_hex(name.strip_suffix(".json").unwrap_or(name)).ok()
}

/// Verifies the layers of an image.
pub(super) fn verify(container: &Container, found: Found, cache: &Cache) -> Result<BaseImage, StoreError> {
    let diff_ids = found.config.rootfs().diff_ids();
    if diff_ids.len() != found.layers.len() {
        let message = format!("it names {} layers, the archive {}", diff_ids.len(), found.layers.len());
        return Err(container.fault(ContentFault::Document { document: found.config_name, message }));
    }
    let layers: Vec<_> = found.layers.iter().zip(diff_ids).collect();
    let layers = in_parallel(&layers, |(name, diff_id)| verify_layer(container, name, diff_id, cache));
    let layers = layers.into_iter().collect::<Result<_, _>>()?;
    Ok(BaseImage { layers, architecture: found.architecture, config: found.config })
}

/// A plain tar is verified by its diffID; of a compressed one the blob's own digest says what to remember it by.
fn verify_layer(container: &Container, name: &str, diff_id: &str, cache: &Cache) -> Result<Layer, StoreError> {
    let slice = container.file(name)?;
    let checked = (|| {
        let diff_id = Digest::parse(diff_id)?;
        let origin = container.origin(format!("`{name}`"));
        let blob = if is_gzip(&slice)? { slice.digest()? } else { diff_id };
        check(Candidate { slice: &slice, origin: &origin, blob, diff_id }, cache)
            .map_err(|fault| fault.in_layer(&origin.what))
    })();
    checked.map_err(|fault| container.fault(fault))
}
