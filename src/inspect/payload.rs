//! The files in a payload layer.
//!
//! Takes in the part of the tarball that holds the blob; gives out the list of files with their hashes, or the bytes of some.

use std::collections::BTreeMap;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use crate::contents::ContentsEntry;
use crate::digest::{Descriptor, HashingReader};
use crate::image::role;
use crate::layer::slice::FileSlice;
use crate::store::ContentFault;
use crate::store::layer_check::{is_gzip, unpack_limit};

/// What a reader wants to see at once fits in memory.
const MAX_FILE_SIZE: u64 = 64 << 20;

/// The files of a layer, sorted by path.
pub(super) fn list(slice: &FileSlice) -> Result<Vec<ContentsEntry>, ContentFault> {
    let mut tar = HashingReader::new(unpack(slice)?);
    let mut files = Vec::new();
    walk(&mut tar, |path, entry| {
        if entry.header().entry_type().is_file() {
            let mode = entry.header().mode()?;
            let mut content = HashingReader::new(entry);
            io::copy(&mut content, &mut io::sink())?;
            let Descriptor { digest, size } = content.complete();
            files.push(ContentsEntry::new(path, mode, size, digest));
        }
        Ok(true)
    })?;
    io::copy(&mut tar, &mut io::sink())?;
    refuse_grown(tar.inner(), slice)?;
    files.sort();
    Ok(files)
}

/// The role of the layer that a file of the payload lies in.
pub(super) fn role_of(path: &str) -> &'static str {
    let is_below = |folders: &[&str]| folders.iter().any(|folder| path.starts_with(folder));
    match path {
        _ if is_below(&["bootstrap/bin/", "bootstrap/lib/", "bootstrap/driver/"]) => role::ENTRYPOINT,
        _ if is_below(&["bootstrap/scripts/", "bootstrap/migrations/"]) => role::SCRIPTS,
        _ => role::ENVIRONMENTS,
    }
}

/// The bytes of one file, when it is there.
pub(super) fn file(slice: &FileSlice, wanted: &str) -> Result<Option<Vec<u8>>, ContentFault> {
    let mut found = None;
    walk(&mut unpack(slice)?, |path, entry| {
        if path == wanted {
            found = Some(read_limited(entry, MAX_FILE_SIZE)?);
        }
        Ok(found.is_none())
    })?;
    refuse_large(found.as_ref().map_or(0, Vec::len) as u64, wanted)?;
    Ok(found)
}

/// The bytes of all files that are wanted; together they are not larger than one may be.
pub(super) fn files(
    slice: &FileSlice,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>, ContentFault> {
    let (mut found, mut size, mut largest) = (BTreeMap::new(), 0, String::new());
    walk(&mut unpack(slice)?, |path, entry| {
        if entry.header().entry_type().is_file() && is_wanted(path) {
            let bytes = read_limited(entry, MAX_FILE_SIZE - size)?;
            size += bytes.len() as u64;
            path.clone_into(&mut largest);
            found.insert(path.to_owned(), bytes);
        }
        Ok(size <= MAX_FILE_SIZE)
    })?;
    refuse_large(size, &largest)?;
    Ok(found)
}

/// One byte more than the limit is enough to see that there is more.
fn read_limited(entry: &mut impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn refuse_large(size: u64, path: &str) -> Result<(), ContentFault> {
    if size <= MAX_FILE_SIZE {
        return Ok(());
    }
    Err(ContentFault::Limit { what: format!("the size of `{path}`"), limit: MAX_FILE_SIZE })
}

/// The tar of a layer, which is compressed or not.
pub(super) fn tar_of(slice: &FileSlice) -> Result<Box<dyn Read + '_>, ContentFault> {
    let reader = io::BufReader::with_capacity(128 * 1024, slice.reader());
    Ok(if is_gzip(slice)? { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) })
}

type Unpacked<'a> = io::Take<Box<dyn Read + 'a>>;

fn unpack(slice: &FileSlice) -> Result<Unpacked<'_>, ContentFault> {
    Ok(tar_of(slice)?.take(unpack_limit(slice.size()) + 1))
}

fn refuse_grown(tar: &Unpacked<'_>, slice: &FileSlice) -> Result<(), ContentFault> {
    if tar.limit() > 0 {
        return Ok(());
    }
    Err(ContentFault::Limit { what: "the unpacked size of a layer".to_owned(), limit: unpack_limit(slice.size()) })
}

/// Visits the entries of a tar until the visitor has seen enough.
fn walk<R: Read>(
    tar: &mut R,
    visit: impl FnMut(&str, &mut tar::Entry<'_, &mut R>) -> io::Result<bool>,
) -> Result<(), ContentFault> {
    try_walk(tar, visit).map_err(ContentFault::from)
}

fn try_walk<R: Read>(
    tar: &mut R,
    mut visit: impl FnMut(&str, &mut tar::Entry<'_, &mut R>) -> io::Result<bool>,
) -> io::Result<()> {
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !visit(path.trim_end_matches('/'), &mut entry)? {
            break;
        }
    }
    Ok(())
}
