//! What is around the content of an image: its manifests, and in a tarball headers, padding and documents.
//!
//! Takes in an image; gives out whether bootsmith wrote the frame, or another tool did that took the image over. A frame that bootsmith wrote
//! must be right to the last byte. In another's only what leads to the content counts.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde_json::Value;

use super::super::archive::{ArchivedLayer, BootstrapArchive};
use super::super::image::rewritten;
use super::model::{Fault, Frame};
use crate::digest::{Digest, HashingReader};
use crate::epoch::Epoch;
use crate::image::{ANNOTATION_ROLE, Document, Image, ImageReference, label};
use crate::layer::slice::FileSlice;
use crate::layer::tar_header::{self, Kind};
use crate::store::bundle::BundledImage;
use crate::store::container::{Container, TarIndex};
use crate::store::docker_archive;
use crate::store::tarball::Tarball;
use crate::tree::Mode;

/// What is known of a frame.
pub(super) struct Checked {
    /// Who wrote it.
    pub(super) frame: Frame,
    /// Whether a tarball has the headers of bootsmith: nothing belongs into it then that no document names.
    pub(super) is_our_tarball: bool,
    /// What is wrong with it.
    pub(super) faults: Vec<Fault>,
}

/// Looks at the frame of an image, or of a bundle.
pub(super) fn check(
    archive: &BootstrapArchive,
    image: Option<&Image>,
    bundle: Option<&[BundledImage]>,
) -> io::Result<Checked> {
    let tar = archive.container.tar().map(TarIndex::whole);
    let is_our_tarball = match tar {
        Some(tar) => has_our_headers(tar)?,
        None => false,
    };
    let others = image.map(rewritten).unwrap_or_default();
    let claimed = others.iter().filter(|document| is_claimed(document, &archive.annotations));
    let mut faults: Vec<_> = claimed.map(|document| Fault::Manifest(document.descriptor.digest)).collect();
    let is_ours = (is_our_tarball || tar.is_none()) && others.len() == faults.len();
    match (tar, image) {
        (Some(tar), Some(image)) if is_our_tarball => faults.extend(differs(archive, image, bundle, tar)?),
        (Some(_), _) => faults.extend(other_entrance(archive)),
        (None, _) => {}
    }
    Ok(Checked { frame: if is_ours { Frame::Bootsmith } else { Frame::Other }, is_our_tarball, faults })
}

/// Whether a manifest or an index that differs is bootsmith's all the same, and was changed since. Tools that write a manifest again take over no
/// annotation of a layer; some, as podman, take over those of the image, which then say what the labels say.
fn is_claimed(document: &Document, annotations: &BTreeMap<String, String>) -> bool {
    let value: Value = serde_json::from_slice(&document.bytes).unwrap_or_default();
    let layers = value["layers"].as_array();
    let has_role = layers.into_iter().flatten().any(|layer| layer["annotations"].get(ANNOTATION_ROLE).is_some());
    let written = |key: &&str| value["annotations"].get(*key).map(|value| value.as_str().map(str::to_owned));
    let contradicts = |key: &&str| written(key).is_some_and(|value| value != annotations.get(*key).cloned());
    let is_our_index = layers.is_none() && label::REQUIRED.iter().any(|key| written(key).is_some());
    has_role || is_our_index || label::REQUIRED.iter().any(contradicts)
}

/// Whether any header of a tar is, to the byte, one that bootsmith writes. No other tool's is; and whoever damages a tarball leaves some.
fn has_our_headers(tar: &FileSlice) -> io::Result<bool> {
    let mut archive = tar::Archive::new(tar.reader());
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = match entry.header().entry_type() {
            tar::EntryType::Directory => Kind::Folder,
            _ => Kind::File(Mode::Plain),
        };
        let time = entry.header().mtime().ok().and_then(|seconds| Epoch::parse(&seconds.to_string()).ok());
        let ours = time.map(|epoch| tar_header::encode(&path, kind, entry.size(), epoch));
        if ours.is_some_and(|ours| ours == entry.header().as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn differs(
    archive: &BootstrapArchive,
    image: &Image,
    bundle: Option<&[BundledImage]>,
    tar: &FileSlice,
) -> io::Result<Option<Fault>> {
    let reference = archive.reference.clone().unwrap_or_default();
    let reference = match ImageReference::parse(&reference) {
        Ok(reference) => reference,
        Err(fault) => return Ok(Some(Fault::Reference(fault.to_string()))),
    };
    let tarball = match bundle {
        None => Tarball::new(image, &reference),
        Some(images) => match Tarball::bundle(images, image.epoch()) {
            Ok(tarball) => tarball,
            Err(error) => return Ok(Some(Fault::Unreadable(error.to_string()))),
        },
    };
    Ok(tarball.first_difference(tar)?.map(Fault::Frame))
}

/// A tarball may be entered by two doors, `index.json` and `manifest.json`: behind both must be the same image.
fn other_entrance(archive: &BootstrapArchive) -> Option<Fault> {
    let container = &archive.container;
    if !container.has("manifest.json") || !archive.has_manifests() {
        return None;
    }
    let is_same = docker_archive::only(container).ok().and_then(|only| {
        let image = archive.images.iter().find(|image| image.config.bytes == only.config)?;
        let same = |(name, layer): (&String, &ArchivedLayer)| {
            digest(container, name).is_some_and(|digest| [layer.blob.digest, layer.diff_id].contains(&digest))
        };
        Some(only.layers.len() == image.layers.len() && only.layers.iter().zip(&image.layers).all(same))
    });
    (is_same != Some(true)).then_some(Fault::Entrance)
}

fn digest(container: &Container, name: &str) -> Option<Digest> {
    let slice = container.file(name).ok()?;
    let mut reader = HashingReader::new(slice.reader());
    io::copy(&mut reader.by_ref(), &mut io::sink()).ok()?;
    Some(reader.complete().digest)
}
