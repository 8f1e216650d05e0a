//! Everything that can be wrong with a bootstrap tarball, or with an image of a registry.
//!
//! Takes in a path, or an image that was pulled; gives out a list of faults, empty for a good one. The image must be what bootsmith would have
//! written: blobs are compared with their digests, layers with the configuration and with what bootsmith packs, the configuration with
//! what it sets, what a container would see with `contents.json`. In a tarball of bootsmith all that is left (tar headers, padding,
//! documents) is compared with what would be written; what another tool wrote around an image is reported, and is not a fault.

mod configuration;
mod frame;
mod model;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::archive::{ArchivedImage, ArchivedLayer, BootstrapArchive};
use super::load;
use super::payload::role_of;
use crate::contents::{self, CONTENTS_PATH, ContentsEntry};
use crate::digest::{Digest, HashingReader};
use crate::image::{Image, ROLE_BASE};
use crate::layer::slice::FileSlice;
use crate::render::ROOT;
use crate::store::bundle::BundledImage;
use crate::store::container::{Container, TarIndex};
use crate::store::layer_check::ListedKind;
use crate::store::oci_layout::blob_name;
use crate::store::tools::Stack;
use crate::store::{ContentFault, StoreError};
pub use model::{BaseBrought, Fault, Frame, Verification};
use scan::{Purpose, Scan, scan};

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
    let image = if archive.has_manifests() { Some(archive.to_image()?) } else { None };
    let layers = archive.images.iter().flat_map(|image| &image.layers);
    let slices = layers.map(|layer| Ok((layer.blob.digest, archive.slice(layer)?)));
    let slices = slices.collect::<Result<_, StoreError>>()?;
    let bundle = archive.bundled_images()?;
    let (result, scans) = (Verification::default(), BTreeMap::new());
    let verifier = Verifier { archive, image, bundle, slices, result, scans };
    verifier.run().map_err(StoreError::disk("read", archive.path()))
}

/// What is to be said of an image whose documents do not hold together.
pub fn unreadable(fault: &ContentFault) -> Verification {
    Verification { faults: vec![Fault::Unreadable(fault.to_string())], ..Verification::default() }
}

struct Verifier<'a> {
    archive: &'a BootstrapArchive,
    /// With its manifests, where it has some.
    image: Option<Image>,
    /// With the images of its services, where it came with them.
    bundle: Option<Vec<BundledImage>>,
    /// The bytes of every layer.
    slices: BTreeMap<Digest, FileSlice>,
    result: Verification,
    /// What is in each layer: architectures share the payload.
    scans: BTreeMap<(Digest, Purpose), Scan>,
}

impl Verifier<'_> {
    fn run(mut self) -> io::Result<Verification> {
        self.hash_blobs()?;
        for image in &self.archive.images {
            self.check_image(image);
        }
        let frame::Checked { frame, is_our_tarball, faults } =
            frame::check(self.archive, self.image.as_ref(), self.bundle.as_deref())?;
        self.result.frame = frame;
        if is_our_tarball {
            self.check_extra();
        }
        for fault in faults {
            self.fault(fault);
        }
        Ok(self.result)
    }

    fn fault(&mut self, fault: Fault) {
        if !self.result.faults.contains(&fault) {
            self.result.faults.push(fault);
        }
    }

    /// Hashes every blob that the documents name.
    fn hash_blobs(&mut self) -> io::Result<()> {
        for name in self.blob_names() {
            if let Ok(slice) = self.archive.container.file(&name) {
                self.hash_blob(&name, &slice)?;
            }
        }
        // The documents of an archive of docker are known by their bytes, whatever the entries are called.
        if !self.archive.has_manifests() {
            for image in &self.archive.images {
                self.count(image.config.descriptor.size);
            }
        }
        Ok(())
    }

    fn blob_names(&self) -> BTreeSet<String> {
        let mut known: BTreeSet<_> = self.archive.descriptors().map(|blob| blob_name(blob.digest)).collect();
        for BundledImage { replica, .. } in self.bundle.iter().flatten() {
            known.extend(replica.blobs().iter().map(|(blob, _)| blob_name(blob.digest)));
            known.extend(replica.documents().iter().map(|typed| blob_name(typed.document.descriptor.digest)));
        }
        known
    }

    fn hash_blob(&mut self, name: &str, slice: &FileSlice) -> io::Result<()> {
        let mut reader = HashingReader::new(slice.reader());
        io::copy(&mut reader, &mut io::sink())?;
        let actual = reader.complete().digest;
        self.count(slice.size());
        if !name.ends_with(&actual.hex()) {
            self.fault(Fault::Blob { name: name.to_owned(), actual });
        }
        Ok(())
    }

    fn count(&mut self, bytes: u64) {
        self.result.blobs += 1;
        self.result.blob_bytes += bytes;
    }

    /// Reports every entry that no document names. Other tools have entries of their own.
    fn check_extra(&mut self) {
        let known = self.blob_names();
        let entries = self.archive.container.tar().into_iter().flat_map(TarIndex::names);
        for name in entries.filter(|name| !DOCUMENTS.contains(name) && !known.contains(*name)) {
            self.fault(Fault::Extra(name.to_owned()));
        }
    }

    fn check_image(&mut self, image: &ArchivedImage) {
        let architecture = image.architecture.to_string();
        for reason in configuration::faults(image) {
            self.fault(Fault::Image { architecture: architecture.clone(), reason });
        }
        for layer in &image.layers {
            self.check_layer(layer);
        }
        self.check_seen(image);
        let (layers, settings) = (configuration::base_layers(image), configuration::of_base(image));
        self.result.base.push(BaseBrought { architecture, layers, settings });
    }

    fn check_layer(&mut self, layer: &ArchivedLayer) {
        let digest = layer.blob.digest;
        let Scan { tar, faults, unlike, .. } = match self.scan(layer) {
            Ok(scan) => scan,
            Err(fault) => return self.fault(Fault::Layer { layer: digest, reason: fault.to_string() }),
        };
        if let Some(actual) = tar.filter(|tar| *tar != layer.diff_id) {
            self.fault(Fault::DiffId { layer: digest, expected: layer.diff_id, actual });
        }
        for fault in faults {
            self.fault(Fault::Path { layer: digest, reason: fault.to_string() });
        }
        if let Some(reason) = unlike {
            self.fault(Fault::Layer { layer: digest, reason: format!("is not as bootsmith packs it: {reason}") });
        }
    }

    /// What is in a layer; read once.
    fn scan(&mut self, layer: &ArchivedLayer) -> Result<Scan, ContentFault> {
        let purpose = if layer.role == ROLE_BASE { Purpose::Base } else { Purpose::Payload };
        let key = (layer.blob.digest, purpose);
        if let Some(scan) = self.scans.get(&key) {
            return Ok(scan.clone());
        }
        let slice = &self.slices[&layer.blob.digest];
        let scan = scan(slice, purpose, self.archive.epoch())?;
        if !self.archive.has_manifests() {
            self.count(slice.size());
        }
        self.scans.insert(key, scan.clone());
        Ok(scan)
    }

    /// What a container would see where the payload lies must be what `contents.json` lists: nothing more, nothing less, nothing else.
    fn check_seen(&mut self, image: &ArchivedImage) {
        let Some(mut actual) = self.seen(image) else { return };
        let listed = match self.archive.payload_file_of(image, CONTENTS_PATH) {
            Ok(Some(bytes)) => contents_of(&bytes),
            Ok(None) => Err("is missing".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let listed = match listed {
            Ok(listed) => listed,
            Err(reason) => return self.fault(Fault::Payload { path: CONTENTS_PATH.to_owned(), reason }),
        };
        actual.remove(CONTENTS_PATH);
        let mut checked = 0;
        for entry in listed {
            checked += 1;
            match actual.remove(&entry.path) {
                None => self.payload_fault(&entry.path, "is listed in `contents.json`, but is missing"),
                Some(found) if found != entry => {
                    self.payload_fault(&entry.path, "is not as `contents.json` lists it");
                }
                Some(_) => {}
            }
        }
        self.result.payload_files = self.result.payload_files.max(checked);
        for path in actual.keys() {
            self.payload_fault(path, "is not listed in `contents.json`");
        }
    }

    /// The files of the payload as a container sees them; `None` where a layer cannot be read, which is reported already.
    fn seen(&mut self, image: &ArchivedImage) -> Option<BTreeMap<String, ContentsEntry>> {
        let (mut stack, mut files) = (Stack::default(), BTreeMap::new());
        let below = configuration::base_layers(image);
        for (at, layer) in image.layers.iter().enumerate() {
            if at == below
                && let Some(path) = stack.occupied(ROOT)
            {
                self.payload_fault(path, "comes from the base, and lies where the payload goes");
            }
            let scan = self.scan(layer).ok()?;
            for path in scan.files.keys().filter(|path| layer.role != ROLE_BASE && role_of(path) != layer.role) {
                self.payload_fault(path, &format!("is in the layer `{}`, not in `{}`", layer.role, role_of(path)));
            }
            files.extend(scan.files);
            stack.add(scan.listing);
        }
        let is_seen = |path: &str| {
            stack
                .at_and_below(path)
                .next()
                .is_some_and(|(seen, kind)| seen == path && matches!(kind, ListedKind::File { .. }))
        };
        files.retain(|path, _| is_seen(path));
        Some(files)
    }

    fn payload_fault(&mut self, path: &str, reason: &str) {
        self.fault(Fault::Payload { path: path.to_owned(), reason: reason.to_owned() });
    }
}

/// The list, when it is written as bootsmith writes it.
fn contents_of(bytes: &[u8]) -> Result<Vec<ContentsEntry>, String> {
    let listed: Vec<ContentsEntry> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let is_sorted = listed.windows(2).all(|pair| pair[0].path < pair[1].path);
    let is_ours = is_sorted && contents::to_json(&listed).as_bytes() == bytes;
    is_ours.then_some(listed).ok_or_else(|| "is not written as bootsmith writes it".to_owned())
}

/// The entries that no digest proves.
const DOCUMENTS: [&str; 3] = ["index.json", "manifest.json", "oci-layout"];
