//! Writing the tarball of an image.
//!
//! Takes in an image, its reference and a path; gives out the file, whole or not at all, and its receipt. A file that is already
//! there with these very bytes is left alone.

use std::io;
use std::path::Path;

use super::cache::{Cache, Kind};
use super::disk::{AtomicFile, Stamp};
use super::receipt::Receipt;
use super::tarball::Tarball;
use super::{Progress, StoreError};
use crate::image::{Image, ImageReference};

/// Writes the tarball of an image, calling `progress` with the size of each piece.
pub fn write_archive(
    image: &Image,
    reference: &ImageReference,
    path: &Path,
    cache: &Cache,
    progress: Progress<'_>,
) -> Result<Receipt, StoreError> {
    let tarball = Tarball::new(image, reference);
    let mut receipt = Receipt::new(image, reference, tarball.size());
    let key = tarball.key(path);
    if cache.get(Kind::Output, key).is_some_and(|stamp: Stamp| Stamp::of_path(path).is_ok_and(|now| now == stamp)) {
        receipt.unchanged = true;
        return Ok(receipt);
    }
    let mut file = AtomicFile::create(path)?;
    file.write(|file, written| {
        let both = |bytes| {
            written(bytes);
            progress(bytes);
        };
        tarball.write(file, &both)
    })
    .map_err(|error| write_error(error, path))?;
    file.complete()?;
    if let Ok(stamp) = Stamp::of_path(path) {
        cache.put(Kind::Output, key, &stamp);
    }
    Ok(receipt)
}

/// How many bytes the tarball of an image has.
pub fn archive_size(image: &Image, reference: &ImageReference) -> u64 {
    Tarball::new(image, reference).size()
}

/// A base that changes while it is copied is another matter than a disk that is full.
fn write_error(error: io::Error, path: &Path) -> StoreError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => StoreError::SourceChanged,
        _ => StoreError::disk("write", path)(error),
    }
}
