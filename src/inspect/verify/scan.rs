//! One pass over a layer: its digest, and everything about its paths.
//!
//! Takes in the bytes of a layer, compressed or not; gives out what is compared with the rest of the image. Memory grows with the number
//! of paths, never with their contents.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use crate::contents::ContentsEntry;
use crate::digest::{Descriptor, Digest, Hasher, HashingReader};
use crate::epoch::Epoch;
use crate::layer::slice::FileSlice;
use crate::layer::tar_header::{self, END, Kind, padding};
use crate::render::ROOT;
use crate::store::layer_check::{ListedKind, ListedPath, MAX_PATHS, listed_path, unpack_limit};
use crate::store::{ContentFault, LayerPaths, PathFault};
use crate::tree::Mode;

use super::super::payload::tar_of;

/// What is in a layer.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    /// The digest of the uncompressed tar; `None` where it could not be read to its end.
    pub(super) tar: Option<Digest>,
    /// Paths that an engine refuses.
    pub(super) faults: Vec<PathFault>,
    /// The paths of a payload; of a base those that lie where the payload goes, or hide what does.
    pub(super) listing: Vec<ListedPath>,
    /// The files among them, of a payload alone.
    pub(super) files: BTreeMap<String, ContentsEntry>,
    /// How a payload differs from what bootsmith packs.
    pub(super) unlike: Option<String>,
}

/// What a layer is looked at as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// A layer of the base, which may hold anything.
    Base,
    /// A layer that bootsmith packed.
    Payload,
}

/// Reads a layer.
pub(super) fn scan(slice: &FileSlice, purpose: Purpose, epoch: Epoch) -> Result<Scan, ContentFault> {
    let limit = unpack_limit(slice.size());
    let mut tar = HashingReader::new(tar_of(slice)?.take(limit + 1));
    let mut scan = Scan::default();
    let walked = match purpose {
        Purpose::Base => scan_base(&mut tar, &mut scan),
        Purpose::Payload => scan_payload(&mut tar, &mut scan, epoch),
    };
    let drained = io::copy(&mut tar, &mut io::sink());
    if tar.inner().limit() == 0 {
        return Err(ContentFault::Limit { what: "its unpacked size".to_owned(), limit });
    }
    let repacked = walked?;
    drained?;
    let Descriptor { digest, .. } = tar.complete();
    scan.tar = Some(digest);
    if repacked.is_some_and(|repacked| repacked != digest) && scan.unlike.is_none() {
        scan.unlike = Some("an owner, a time or another part of a header is not as bootsmith writes it".to_owned());
    }
    Ok(scan)
}

fn scan_base(tar: &mut impl Read, scan: &mut Scan) -> Result<Option<Digest>, ContentFault> {
    let mut paths = LayerPaths::default();
    for entry in tar::Archive::new(tar).entries()? {
        let entry = entry?;
        add(&mut paths, &entry, scan)?;
        scan.listing.extend(listed_path(&entry).filter(|listed| concerns_payload(&listed.path)));
    }
    Ok(None)
}

/// What lies where the payload goes, and whiteouts of it.
fn concerns_payload(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    first == ROOT || first.starts_with(".wh.")
}

fn add<R: Read>(paths: &mut LayerPaths, entry: &tar::Entry<'_, R>, scan: &mut Scan) -> Result<(), ContentFault> {
    scan.faults.extend(paths.add(entry));
    if paths.len() > MAX_PATHS {
        return Err(ContentFault::Limit { what: "its number of paths".to_owned(), limit: MAX_PATHS as u64 });
    }
    Ok(())
}

/// Reads what bootsmith packed, and writes the tar again that it would pack of it: gives out the digest of that.
fn scan_payload(tar: &mut impl Read, scan: &mut Scan, epoch: Epoch) -> Result<Option<Digest>, ContentFault> {
    let (mut paths, mut packer) = (LayerPaths::default(), Packer::new(epoch));
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        add(&mut paths, &entry, scan)?;
        let Some(listed) = listed_path(&entry) else {
            packer.complain("it has an entry for the root");
            continue;
        };
        if let ListedKind::File { .. } = listed.kind {
            let content = packer.file(&mut entry)?;
            scan.files.insert(listed.path.clone(), content);
        } else {
            packer.other(&entry);
        }
        scan.listing.push(listed);
    }
    let (digest, complaint) = packer.complete();
    scan.unlike = complaint;
    Ok(Some(digest))
}

/// Packs again what was read.
struct Packer {
    epoch: Epoch,
    tar: Hasher,
    last: String,
    folders: BTreeSet<String>,
    needed: BTreeSet<String>,
    complaint: Option<String>,
}

impl Packer {
    fn new(epoch: Epoch) -> Self {
        let (folders, needed) = (BTreeSet::new(), BTreeSet::new());
        Self { epoch, tar: Hasher::default(), last: String::new(), folders, needed, complaint: None }
    }

    fn complain(&mut self, reason: &str) {
        self.complaint.get_or_insert_with(|| reason.to_owned());
    }

    fn header(&mut self, path: &str, kind: Kind, size: u64) {
        if *path <= *self.last {
            self.complain(&format!("`{path}` comes after `{}`", self.last));
        }
        path.clone_into(&mut self.last);
        self.tar.update(&tar_header::encode(path, kind, size, self.epoch));
    }

    fn file<R: Read>(&mut self, entry: &mut tar::Entry<'_, R>) -> Result<ContentsEntry, ContentFault> {
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let (size, bits) = (entry.size(), entry.header().mode()?);
        let mode = [Mode::Plain, Mode::Executable].into_iter().find(|mode| mode.bits() == bits);
        if mode.is_none() {
            self.complain(&format!("`{path}` has the mode {bits:04o}"));
        }
        self.header(&path, Kind::File(mode.unwrap_or(Mode::Plain)), size);
        self.needed.extend(path.match_indices('/').map(|(at, _)| path[..=at].to_owned()));
        let mut content = Hasher::default();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match entry.read(&mut buffer)? {
                0 => break,
                read => {
                    content.update(&buffer[..read]);
                    self.tar.update(&buffer[..read]);
                }
            }
        }
        self.tar.update(padding(size));
        Ok(ContentsEntry::new(&path, bits, size, content.complete().digest))
    }

    fn other<R: Read>(&mut self, entry: &tar::Entry<'_, R>) {
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type() != tar::EntryType::Directory {
            self.complain(&format!("`{path}` is neither a file nor a folder"));
        }
        self.header(&path, Kind::Folder, 0);
        self.folders.insert(path);
    }

    fn complete(mut self) -> (Digest, Option<String>) {
        if let Some(folder) = self.folders.symmetric_difference(&self.needed).next().cloned() {
            self.complain(&format!("`{folder}` is a folder without a file, or one that is not listed"));
        }
        self.tar.update(&END);
        (self.tar.complete().digest, self.complaint)
    }
}
