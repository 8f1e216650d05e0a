//! Everything that can be wrong with a bootstrap tarball, or with an image of a registry.
//!
//! Takes in a path, or an image that was pulled; gives out a list of faults, empty for a good one. Every byte counts: blobs are held against their digests, layers
//! against the configuration, payload files against `contents.json`, and all that is left (tar headers, padding, `oci-layout`,
//! `index.json`, `manifest.json`) against what would be written for this image. A registry has none of the latter, and names an image as it
//! was asked for: of its images the rest is checked, each byte of them hashed again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde::Serialize;

use super::payload::{self, PayloadList};
use super::{ArchivedImage, ArchivedLayer, BootstrapArchive, load};
use crate::contents::{CONTENTS_PATH, ContentsEntry};
use crate::digest::{Descriptor, Digest, HashingReader};
use crate::image::assemble::MAX_LAYERS;
use crate::image::{Image, ImageReference, ROLE_BASE};
use crate::layer::content::FileSlice;
use crate::store::bundle::BundledImage;
use crate::store::container::{Container, TarIndex};
use crate::store::layer_check::unpack_limit;
use crate::store::oci_layout::blob_name;
use crate::store::tarball::Tarball;
use crate::store::{ContentFault, StoreError};

/// What was checked, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// How many blobs were hashed.
    pub blobs: usize,
    /// How many bytes of blobs were hashed.
    pub blob_bytes: u64,
    /// How many payload files were held against `contents.json`.
    pub payload_files: usize,
    /// Everything that is wrong; empty for a good tarball.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Not even the documents can be read.
    #[error("it {0}")]
    Unreadable(String),
    /// A blob's name is a promise about its bytes.
    #[error("the blob `{name}` has the digest {actual}")]
    Blob {
        /// The name of the entry.
        name: String,
        /// What its bytes hash to.
        actual: Digest,
    },
    /// An entry that belongs to nothing.
    #[error("the entry `{0}` belongs to no image")]
    Extra(String),
    /// A byte outside the blobs is not as it would be written.
    #[error("the tarball differs at `{0}` from what would be written for this image")]
    Frame(String),
    /// The image has no valid name.
    #[error("the image has no valid reference: {0}")]
    Reference(String),
    /// A layer is not what the configuration says.
    #[error("the layer {layer} unpacks to {actual} instead of {expected}")]
    DiffId {
        /// The digest of the blob.
        layer: Digest,
        /// What the configuration says.
        expected: Digest,
        /// What it is.
        actual: Digest,
    },
    /// A layer that cannot be read.
    #[error("the layer {layer} {reason}")]
    Layer {
        /// The digest of the blob.
        layer: Digest,
        /// Why.
        reason: String,
    },
    /// Which of the two would count differs from engine to engine.
    #[error("the layer {layer} has the path `{path}` twice")]
    PathTwice {
        /// The digest of the blob.
        layer: Digest,
        /// The path.
        path: String,
    },
    /// A payload file is not what `contents.json` says.
    #[error("`{path}` {reason}")]
    Payload {
        /// The path in the image.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A rule of image tools is broken.
    #[error("the image for {architecture} {reason}")]
    Image {
        /// Which one.
        architecture: String,
        /// What is wrong.
        reason: String,
    },
}

/// Checks everything. An `Err` means that the file could not be read at all.
pub fn verify(path: &Path) -> Result<Verification, StoreError> {
    let container = match Container::open(path) {
        Err(StoreError::Content { fault, .. }) => return Ok(unreadable(&fault)),
        other => other?,
    };
    match load::load(container) {
        Err(StoreError::Content { fault, .. }) => Ok(unreadable(&fault)),
        Err(other) => Err(other),
        Ok(archive) => verify_archive(&archive),
    }
}

/// The same of what was opened; all layers have to be there.
pub fn verify_archive(archive: &BootstrapArchive) -> Result<Verification, StoreError> {
    let image = archive.to_image()?;
    let layers = archive.images.iter().flat_map(|image| &image.layers);
    let slices = layers.map(|layer| Ok((layer.blob.digest, archive.slice(layer)?)));
    let slices = slices.collect::<Result<_, StoreError>>()?;
    let bundle = archive.bundled_images()?;
    let verifier = Verifier { archive, image, bundle, slices, result: Verification::default(), tars: BTreeMap::new() };
    verifier.run().map_err(StoreError::disk("read", archive.path()))
}

/// What is to be said of an image whose documents do not hold together.
pub fn unreadable(fault: &ContentFault) -> Verification {
    Verification { faults: vec![Fault::Unreadable(fault.to_string())], ..Verification::default() }
}

struct Verifier<'a> {
    archive: &'a BootstrapArchive,
    image: Image,
    /// With the images of its services, where it came with them.
    bundle: Option<Vec<BundledImage>>,
    /// The bytes of every layer.
    slices: BTreeMap<Digest, FileSlice>,
    result: Verification,
    /// What each layer unpacks to: architectures share the payload.
    tars: BTreeMap<Digest, Descriptor>,
}

impl Verifier<'_> {
    fn run(mut self) -> io::Result<Verification> {
        self.hash_blobs()?;
        for image in &self.archive.images {
            self.check_rules(image);
            for layer in &image.layers {
                self.check_layer(layer);
            }
        }
        self.check_payload();
        self.check_frame()?;
        Ok(self.result)
    }

    fn fault(&mut self, fault: Fault) {
        if !self.result.faults.contains(&fault) {
            self.result.faults.push(fault);
        }
    }

    /// Hashes every blob that the documents name, and reports every entry that they do not.
    fn hash_blobs(&mut self) -> io::Result<()> {
        let mut known: BTreeSet<_> = self.archive.descriptors().map(|blob| blob_name(blob.digest)).collect();
        for BundledImage { replica, .. } in self.bundle.iter().flatten() {
            known.extend(replica.blobs().iter().map(|(blob, _)| blob_name(blob.digest)));
            known.extend(replica.documents().iter().map(|typed| blob_name(typed.document.descriptor.digest)));
        }
        let entries = self.archive.container.tar().into_iter().flat_map(TarIndex::names);
        for name in entries.filter(|name| !DOCUMENTS.contains(name) && !known.contains(*name)) {
            self.fault(Fault::Extra(name.to_owned()));
        }
        for name in &known {
            if let Ok(slice) = self.archive.container.file(name) {
                self.hash_blob(name, &slice)?;
            }
        }
        Ok(())
    }

    fn hash_blob(&mut self, name: &str, slice: &FileSlice) -> io::Result<()> {
        let mut reader = HashingReader::new(slice.reader());
        io::copy(&mut reader, &mut io::sink())?;
        let actual = reader.complete().digest;
        self.result.blobs += 1;
        self.result.blob_bytes += slice.size();
        if !name.ends_with(&actual.hex()) {
            self.fault(Fault::Blob { name: name.to_owned(), actual });
        }
        Ok(())
    }

    fn check_rules(&mut self, image: &ArchivedImage) {
        let layers = image.layers.len();
        let history = image.configuration.history().as_ref().map_or(0, Vec::len);
        let mut broken = Vec::new();
        if layers > MAX_LAYERS {
            broken.push(format!("has {layers} layers, more than {MAX_LAYERS}"));
        }
        if history > layers {
            broken.push(format!("has {history} history entries, but {layers} layers"));
        }
        for reason in broken {
            self.fault(Fault::Image { architecture: image.architecture.to_string(), reason });
        }
    }

    fn check_layer(&mut self, layer: &ArchivedLayer) {
        let digest = layer.blob.digest;
        let tar = match self.tars.get(&digest) {
            Some(tar) => Ok(*tar),
            None => self.unpack(layer),
        };
        match tar {
            Err(fault) => self.fault(Fault::Layer { layer: digest, reason: fault.to_string() }),
            Ok(tar) => {
                self.tars.insert(digest, tar);
                if tar.digest != layer.diff_id {
                    self.fault(Fault::DiffId { layer: digest, expected: layer.diff_id, actual: tar.digest });
                }
            }
        }
    }

    fn unpack(&mut self, layer: &ArchivedLayer) -> Result<Descriptor, ContentFault> {
        let slice = &self.slices[&layer.blob.digest];
        if layer.role == ROLE_BASE {
            return hash_unpacked(slice);
        }
        let PayloadList { paths, tar, .. } = payload::list(slice)?;
        for pair in paths.windows(2).filter(|pair| pair[0] == pair[1]) {
            self.fault(Fault::PathTwice { layer: layer.blob.digest, path: pair[0].clone() });
        }
        Ok(tar)
    }

    /// Every payload file must be in `contents.json` as it is, and the other way round.
    fn check_payload(&mut self) {
        let mut actual = BTreeMap::new();
        for layer in self.archive.images[0].layers.iter().filter(|layer| layer.role != ROLE_BASE) {
            let files = payload::list(&self.slices[&layer.blob.digest]).map(|list| list.files).unwrap_or_default();
            actual.extend(files.into_iter().map(|entry| (entry.path.clone(), entry)));
        }
        let expected = match self.archive.payload_file(CONTENTS_PATH) {
            Ok(Some(bytes)) => serde_json::from_slice::<Vec<ContentsEntry>>(&bytes).map_err(|error| error.to_string()),
            Ok(None) => Err("is missing".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let expected = match expected {
            Ok(expected) => expected,
            Err(reason) => {
                return self.fault(Fault::Payload { path: CONTENTS_PATH.to_owned(), reason });
            }
        };
        actual.remove(CONTENTS_PATH);
        for entry in expected {
            self.result.payload_files += 1;
            match actual.remove(&entry.path) {
                None => {
                    self.payload_fault(&entry.path, "is listed in `contents.json`, but is missing");
                }
                Some(found) if found != entry => {
                    self.payload_fault(&entry.path, "is not as `contents.json` lists it");
                }
                Some(_) => {}
            }
        }
        for path in actual.keys() {
            self.payload_fault(path, "is not listed in `contents.json`");
        }
    }

    fn payload_fault(&mut self, path: &str, reason: &str) {
        self.fault(Fault::Payload { path: path.to_owned(), reason: reason.to_owned() });
    }

    /// What is around the blobs of a tarball; a registry has no such thing.
    fn check_frame(&mut self) -> io::Result<()> {
        let Some(tar) = self.archive.container.tar() else { return Ok(()) };
        let reference = self.archive.reference.clone().unwrap_or_default();
        let reference = match ImageReference::parse(&reference) {
            Ok(reference) => reference,
            Err(fault) => {
                self.fault(Fault::Reference(fault.to_string()));
                return Ok(());
            }
        };
        let tarball = match &self.bundle {
            None => Tarball::new(&self.image, &reference),
            Some(images) => match Tarball::bundle(images, self.image.epoch()) {
                Ok(tarball) => tarball,
                Err(error) => {
                    self.fault(Fault::Unreadable(error.to_string()));
                    return Ok(());
                }
            },
        };
        if let Some(name) = tarball.first_difference(tar.whole())? {
            self.fault(Fault::Frame(name));
        }
        Ok(())
    }
}

/// The entries that no digest proves.
const DOCUMENTS: [&str; 3] = ["index.json", "manifest.json", "oci-layout"];

fn hash_unpacked(slice: &FileSlice) -> Result<Descriptor, ContentFault> {
    let limit = unpack_limit(slice.size());
    let decoder = MultiGzDecoder::new(io::BufReader::with_capacity(128 * 1024, slice.reader()));
    let mut reader = HashingReader::new(decoder);
    let unpacked = io::copy(&mut io::Read::take(&mut reader, limit + 1), &mut io::sink())?;
    if unpacked > limit {
        return Err(ContentFault::Limit { what: "its unpacked size".to_owned(), limit });
    }
    Ok(reader.complete())
}
