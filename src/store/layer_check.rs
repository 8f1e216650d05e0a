//! A layer of a base: verified, looked through, and brought into the one compression that our images have.
//!
//! Takes in the part of a file that holds the layer; gives out a [`Layer`] whose digests are proven. What was found is recorded by
//! the digest of the content, so that the next build reads nothing of it.

use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use super::cache::{Cache, Kind, Sight};
use super::{ContentFault, StoreError};
use crate::digest::{Descriptor, Digest};
use crate::image::ROLE_BASE;
use crate::layer::beside::hash_beside;
use crate::layer::content::{Content, FileSlice};
use crate::layer::gzip::{COMPRESSOR, LayerWriter};
use crate::layer::unverified::{Origin, Unverified};
use crate::layer::{Layer, Packed};

/// One path in a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListedPath {
    /// From the root, without a leading slash.
    pub(super) path: String,
    /// What is there.
    pub(super) kind: ListedKind,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ListedKind {
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
/// Beyond this size, a layer that grows by more than [`MAX_RATIO`] is taken for a decompression bomb.
const UNSUSPICIOUS_SIZE: u64 = 256 << 20;
/// Real layers stay below 30.
const MAX_RATIO: u64 = 200;
/// A blob up to this size is hashed at once: it is done before another thread would be of use, and a fault is reported early.
const SMALL_SIZE: u64 = 1 << 20;
/// What a layer may hold; a full distribution has some hundred thousand paths.
const MAX_PATHS: usize = 2_000_000;

/// Verifies a layer and gives it the role `base`. `expected` is the digest of the blob (or of the tar, when it is not compressed).
pub(super) fn check(
    slice: &FileSlice,
    origin: &Origin,
    expected: Digest,
    cache: &Cache,
) -> Result<Layer, ContentFault> {
    if !is_gzip(slice)? {
        return check_tar(slice, &origin.what, expected, cache);
    }
    match cache.get(Kind::Layer, expected) {
        Some(Packed { tar, .. }) => known_gzip(slice, origin, expected, tar, cache),
        None => check_gzip(slice, &origin.what, expected, cache),
    }
}

/// Whether the bytes start as a gzip stream does.
pub(super) fn is_gzip(slice: &FileSlice) -> Result<bool, ContentFault> {
    let mut magic = [0; 2];
    let Some(start) = slice.part(0, 2) else {
        return Ok(false);
    };
    start.reader().read_exact(&mut magic).map_err(|error| read_fault(&error))?;
    Ok(magic == [0x1f, 0x8b])
}

/// A blob whose digest says what is in it. Whether it has that digest is seen when it is copied, unless its file is trusted already.
fn known_gzip(
    slice: &FileSlice,
    origin: &Origin,
    expected: Digest,
    tar: Descriptor,
    cache: &Cache,
) -> Result<Layer, ContentFault> {
    let sight = Sight::of(&slice.state()?);
    let content = if slice.size() > SMALL_SIZE && cache.trusted_digest(&sight).is_none() {
        Content::Unverified(Unverified::new(slice.clone(), expected, origin.clone()))
    } else {
        let actual = cache.digest_of(slice).map_err(|error| read_fault(&error))?;
        compare(&origin.what, expected, actual)?;
        Content::File(slice.clone())
    };
    let packed = Packed { tar, blob: Descriptor { digest: expected, size: slice.size() } };
    Ok(Layer { role: ROLE_BASE.to_owned(), packed, content })
}

/// The blob is kept as it is. Hashing it and looking through it run side by side.
fn check_gzip(slice: &FileSlice, what: &str, expected: Digest, cache: &Cache) -> Result<Layer, ContentFault> {
    let (actual, looked) = thread::scope(|scope| {
        let hashing = scope.spawn(|| cache.digest_of(slice));
        let looked = look_through_gzip(slice, what);
        (hashing.join().expect("hashing does not panic"), looked)
    });
    compare(what, expected, actual.map_err(|error| read_fault(&error))?)?;
    let (tar, listing) = looked?;
    let packed = Packed { tar, blob: Descriptor { digest: expected, size: slice.size() } };
    cache.put(Kind::Listing, tar.digest, &listing);
    cache.put(Kind::Layer, expected, &packed);
    Ok(Layer { role: ROLE_BASE.to_owned(), packed, content: Content::File(slice.clone()) })
}

fn look_through_gzip(slice: &FileSlice, what: &str) -> Result<(Descriptor, Vec<ListedPath>), ContentFault> {
    let limit = unpack_limit(slice.size());
    let decoder = MultiGzDecoder::new(io::BufReader::with_capacity(128 * 1024, slice.reader()));
    let (listing, tar) = hash_beside(decoder.take(limit + 1), |mut tar| list(&mut tar));
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
fn check_tar(slice: &FileSlice, what: &str, expected: Digest, cache: &Cache) -> Result<Layer, ContentFault> {
    let actual = cache.digest_of(slice).map_err(|error| read_fault(&error))?;
    compare(what, expected, actual)?;
    let key = Digest::of(format!("{COMPRESSOR} {actual}").as_bytes());
    if let Some(packed) = cache.get::<Packed>(Kind::Layer, key)
        && let Some(content) = cache.blob(packed.blob)
    {
        return Ok(Layer { role: ROLE_BASE.to_owned(), packed, content });
    }
    let (packed, content) = cache.write_blob(|sink| compress_and_list(slice, sink, cache))?;
    compare(what, expected, packed.diff_id())?;
    cache.put(Kind::Layer, key, &packed);
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
    let mut listing = Vec::new();
    let mut archive = tar::Archive::new(&mut *tar);
    for entry in archive.entries().map_err(|error| ContentFault::layer_tar(&error))? {
        let entry = entry.map_err(|error| ContentFault::layer_tar(&error))?;
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

/// `None` for the root, and for names that are no UTF-8: no tool has one.
fn listed_path<R: Read>(entry: &tar::Entry<'_, R>) -> Option<ListedPath> {
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

/// Holds a digest against the promised one.
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
