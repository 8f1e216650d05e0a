//! A layer of a base: verified, looked through, and brought into the one compression that our images have.
//!
//! Takes in the part of a file that holds the layer; gives out a [`Layer`] whose bytes are verified now or while they are copied. What was
//! found in a layer is recorded by the digest of its blob, so that the next build unpacks nothing: it hashes what it copies, and that is all.

use std::io::{self, Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use super::cache::{Cache, Kind};
use super::{ContentFault, LayerPaths, StoreError};
use crate::digest::{Descriptor, Digest};
use crate::image::ROLE_BASE;
use crate::layer::concurrent::hash_concurrently;
use crate::layer::content::Content;
use crate::layer::gzip::LayerWriter;
use crate::layer::slice::FileSlice;
use crate::layer::unverified::{Origin, Unverified};
use crate::layer::{Layer, Packed};

/// One path in a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedPath {
    /// From the root, without a leading slash.
    pub(crate) path: String,
    /// What is there.
    pub(crate) kind: ListedKind,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ListedKind {
    /// A file that can be executed by somebody, or not.
    File { executable: bool },
    /// Another name of a file in the same layer.
    HardLink(String),
    /// A symbolic link.
    Link(String),
    /// A folder.
    Folder,
    /// Anything else.
    Other,
}

/// A layer larger than this when unpacked is refused.
const MAX_TAR_SIZE: u64 = 64 << 30;
/// Beyond this size, a layer that grows by more than [`MAX_RATIO`] is treated as a decompression bomb.
const UNSUSPICIOUS_SIZE: u64 = 256 << 20;
/// Real layers stay below 30.
const MAX_RATIO: u64 = 200;
/// A blob up to this size is hashed at once: it is done before another thread would be of use, and a fault is reported early.
const SMALL_SIZE: u64 = 1 << 20;
/// What a layer may hold; a full distribution has some hundred thousand paths.
pub(crate) const MAX_PATHS: usize = 2_000_000;

/// What should be a layer.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    /// The bytes.
    pub(crate) slice: &'a FileSlice,
    /// What they are called when they are not what they should be.
    pub(crate) origin: &'a Origin,
    /// The promised digest of the blob; of a tar that is not compressed, that of the tar.
    pub(crate) blob: Digest,
    /// The promised digest of the tar.
    pub(crate) diff_id: Digest,
}

/// Verifies a layer and gives it the role `base`.
pub(crate) fn check(candidate: Candidate<'_>, cache: &Cache) -> Result<Layer, ContentFault> {
    if !is_gzip(candidate.slice)? {
        return check_tar(candidate, cache);
    }
    // A record that disagrees with the image's configuration is damaged, or the image is: the layer itself decides.
    let known = cache.get(Kind::Layer, candidate.blob).map(|packed: Packed| packed.tar);
    match known.filter(|tar| tar.digest == candidate.diff_id) {
        Some(tar) => known_gzip(candidate, tar),
        None => check_gzip(candidate, cache),
    }
}

/// Whether the bytes start as a gzip stream does.
pub(crate) fn is_gzip(slice: &FileSlice) -> Result<bool, ContentFault> {
    let mut magic = [0; 2];
    let Some(start) = slice.part(0, 2) else {
        return Ok(false);
    };
    start.reader().read_exact(&mut magic).map_err(|error| read_fault(&error))?;
    Ok(magic == [0x1f, 0x8b])
}

/// A blob whose digest says what is in it. Whether it has that digest is seen when it is copied.
fn known_gzip(candidate: Candidate<'_>, tar: Descriptor) -> Result<Layer, ContentFault> {
    let Candidate { slice, origin, blob, .. } = candidate;
    if slice.size() <= SMALL_SIZE {
        compare(&origin.what, blob, slice.digest().map_err(|error| read_fault(&error))?)?;
    }
    Ok(gzip_layer(candidate, tar))
}

/// A blob that nobody has looked into: it is hashed while it is unpacked, and what is unpacked is hashed too.
fn check_gzip(candidate: Candidate<'_>, cache: &Cache) -> Result<Layer, ContentFault> {
    let Candidate { slice, origin, blob, diff_id } = candidate;
    let (looked, actual) = hash_concurrently(slice.reader(), |mut reader| {
        let looked = look_through_gzip(&mut reader, slice.size(), &origin.what);
        // Whatever is wrong inside: other bytes than promised are the fault that counts.
        io::copy(&mut reader, &mut io::sink()).map_err(|error| read_fault(&error))?;
        Ok::<_, ContentFault>(looked)
    });
    let looked = looked?;
    compare(&origin.what, blob, actual.digest)?;
    let (tar, listing) = looked?;
    compare(&format!("the unpacked form of {}", origin.what), diff_id, tar.digest)?;
    let layer = gzip_layer(candidate, tar);
    cache.put(Kind::Listing, tar.digest, &listing);
    cache.put(Kind::Layer, blob, &layer.packed);
    Ok(layer)
}

fn gzip_layer(Candidate { slice, origin, blob, .. }: Candidate<'_>, tar: Descriptor) -> Layer {
    let packed = Packed { tar, blob: Descriptor { digest: blob, size: slice.size() } };
    let content = Content::File(Unverified::new(slice.clone(), blob, origin.clone()));
    Layer { role: ROLE_BASE.to_owned(), packed, content }
}

fn look_through_gzip(
    reader: &mut dyn Read,
    size: u64,
    what: &str,
) -> Result<(Descriptor, Vec<ListedPath>), ContentFault> {
    let limit = unpack_limit(size);
    let decoder = MultiGzDecoder::new(io::BufReader::with_capacity(128 * 1024, reader));
    let (listing, tar) = hash_concurrently(decoder.take(limit + 1), |mut tar| list(&mut tar));
    if tar.size > limit {
        return Err(ContentFault::Limit { what: format!("the unpacked size of {what}"), limit });
    }
    Ok((tar, listing?))
}

/// How far a blob of some size may grow.
pub(crate) fn unpack_limit(size: u64) -> u64 {
    MAX_TAR_SIZE.min(UNSUSPICIOUS_SIZE.max(size.saturating_mul(MAX_RATIO)))
}

/// A tar is compressed once, by us, and then comes from the cache: our images have gzip layers only.
fn check_tar(Candidate { slice, origin, blob, diff_id }: Candidate<'_>, cache: &Cache) -> Result<Layer, ContentFault> {
    let actual = slice.digest().map_err(|error| read_fault(&error))?;
    compare(&origin.what, blob, actual)?;
    compare(&origin.what, diff_id, actual)?;
    let tar = Descriptor { digest: actual, size: slice.size() };
    let (packed, content) = match cache.compressed(tar) {
        Some(compressed) => compressed,
        None => cache.compress(|sink| compress_and_list(slice, sink, cache))?,
    };
    compare(&origin.what, diff_id, packed.diff_id())?;
    Ok(Layer { role: ROLE_BASE.to_owned(), packed, content })
}

fn compress_and_list(slice: &FileSlice, sink: &mut dyn Write, cache: &Cache) -> Result<Packed, ContentFault> {
    let mut tee = Tee { reader: slice.reader(), writer: LayerWriter::new(sink) };
    let listing = list(&mut tee)?;
    let packed = tee.writer.complete()?;
    cache.put(Kind::Listing, packed.diff_id(), &listing);
    Ok(packed)
}

/// The paths of a layer of a base, from the cache or by looking through it.
pub(super) fn listing(layer: &Layer, base: &Path, cache: &Cache) -> Result<Vec<ListedPath>, StoreError> {
    if let Some(listing) = cache.get(Kind::Listing, layer.packed.diff_id()) {
        return Ok(listing);
    }
    let reader = layer.content.reader().map_err(|error| StoreError::reading(error, "read", base))?;
    let listing = list(&mut MultiGzDecoder::new(reader)).map_err(StoreError::content(base))?;
    cache.put(Kind::Listing, layer.packed.diff_id(), &listing);
    Ok(listing)
}

/// Reads a tar to the very end, also what lies behind its last entry.
fn list(tar: &mut impl Read) -> Result<Vec<ListedPath>, ContentFault> {
    let (mut listing, mut paths) = (Vec::new(), LayerPaths::default());
    let mut archive = tar::Archive::new(&mut *tar);
    for entry in archive.entries().map_err(|error| ContentFault::layer_tar(&error))? {
        let entry = entry.map_err(|error| ContentFault::layer_tar(&error))?;
        if let Some(fault) = paths.add(&entry) {
            return Err(ContentFault::LayerPath { layer: "a layer".to_owned(), fault });
        }
        if let Some(listed) = listed_path(&entry) {
            listing.push(listed);
        }
        if listing.len() > MAX_PATHS {
            return Err(ContentFault::Limit {
                what: "the number of paths in a layer".to_owned(),
                limit: MAX_PATHS as u64,
            });
        }
    }
    io::copy(tar, &mut io::sink()).map_err(|error| ContentFault::layer_tar(&error))?;
    Ok(listing)
}

/// `None` for the root, and for names that are not UTF-8: no tool has one.
pub(crate) fn listed_path<R: Read>(entry: &tar::Entry<'_, R>) -> Option<ListedPath> {
    let path = clean(&entry.path_bytes())?;
    let target = || entry.link_name_bytes().and_then(|target| String::from_utf8(target.into_owned()).ok());
    let kind = match entry.header().entry_type() {
        tar::EntryType::Regular | tar::EntryType::Continuous => {
            ListedKind::File { executable: entry.header().mode().unwrap_or(0) & 0o111 != 0 }
        }
        tar::EntryType::Link => ListedKind::HardLink(clean(target()?.as_bytes())?),
        tar::EntryType::Symlink => ListedKind::Link(target()?),
        tar::EntryType::Directory => ListedKind::Folder,
        _ => ListedKind::Other,
    };
    Some(ListedPath { path, kind })
}

fn clean(path: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(path).ok()?;
    let segments: Vec<_> = path.split('/').filter(|segment| !matches!(*segment, "" | ".")).collect();
    (!segments.is_empty()).then(|| segments.join("/"))
}

/// Compares a digest with the promised one.
pub(crate) fn compare(what: &str, expected: Digest, actual: Digest) -> Result<(), ContentFault> {
    if expected == actual { Ok(()) } else { Err(ContentFault::WrongDigest { what: what.to_owned(), expected, actual }) }
}

fn read_fault(error: &io::Error) -> ContentFault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ContentFault::Changed,
        _ => ContentFault::tar(error),
    }
}

impl From<io::Error> for ContentFault {
    fn from(error: io::Error) -> Self {
        ContentFault::layer_tar(&error)
    }
}

/// Gives what it reads to a writer too.
struct Tee<R, W> {
    reader: R,
    writer: W,
}

impl<R: Read, W: Write> Read for Tee<R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.writer.write_all(&buffer[..read])?;
        Ok(read)
    }
}
