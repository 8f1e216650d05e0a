//! Writing the tarball of an image, or of several.
//!
//! Takes in an image, its reference and a path; gives out the file, whole or not at all, and its receipt. A file that is already
//! there with these very bytes is left alone. Either way every byte of the image was hashed, of the base and of a file that is left alone too.

use std::path::Path;

use super::bundle::BundledImage;
use super::disk::{self, AtomicFile};
use super::receipt::Receipt;
use super::tarball::Tarball;
use super::{Progress, StoreError};
use crate::digest::Digest;
use crate::epoch::Epoch;
use crate::image::{Image, ImageReference};
use crate::layer::slice::FileSlice;
use crate::layer::unverified::{ReadError, Unverified};
use crate::parallel::in_parallel;

/// Writes the tarball of an image, calling `progress` with the size of each piece.
pub fn write_archive(
    image: &Image,
    reference: &ImageReference,
    path: &Path,
    progress: Progress<'_>,
) -> Result<Receipt, StoreError> {
    let tarball = Tarball::new(image, reference);
    let mut receipt = Receipt::new(image, reference, tarball.size());
    receipt.unchanged = is_there(&tarball, path)?;
    if !receipt.unchanged {
        write(&tarball, path, progress)?;
    }
    Ok(receipt)
}

/// Writes a bundle, whole or not at all; gives out its size in bytes.
pub fn write_bundle(
    images: &[BundledImage],
    epoch: Epoch,
    path: &Path,
    progress: Progress<'_>,
) -> Result<u64, StoreError> {
    let tarball = Tarball::bundle(images, epoch)?;
    write(&tarball, path, progress)?;
    Ok(tarball.size())
}

/// The file gets its name when every blob in it is verified, and not before.
fn write(tarball: &Tarball, path: &Path, progress: Progress<'_>) -> Result<(), StoreError> {
    let mut file = AtomicFile::create(path)?;
    file.write(tarball.size(), |file, written| {
        let both = |bytes| {
            written(bytes);
            progress(bytes);
        };
        tarball.write(file, &both)
    })
    .map_err(|error: ReadError| StoreError::reading(error, "write", path))?;
    file.complete()
}

/// Whether a file has these very bytes. What they are made of is verified as well: a base that is damaged is reported, whatever was built
/// on it before.
fn is_there(tarball: &Tarball, path: &Path) -> Result<bool, StoreError> {
    match disk::open_no_link(path) {
        Ok(file) if matches!(tarball.first_difference(&file), Ok(None)) => verify(tarball, &file),
        _ => Ok(false),
    }
}

/// The blobs where they come from, and where they were written to.
fn verify(tarball: &Tarball, file: &FileSlice) -> Result<bool, StoreError> {
    let sources = tarball.unverified().map(Doubt::Source);
    let written = tarball.unverified_in(file).into_iter().map(|(slice, digest)| Doubt::Written(slice, digest));
    let doubts: Vec<_> = sources.chain(written).collect();
    in_parallel(&doubts, Doubt::is_right).into_iter().try_fold(true, |all, right| Ok(all && right?))
}

/// Bytes that are to be compared with their digest.
enum Doubt<'a> {
    Source(&'a Unverified),
    Written(FileSlice, Digest),
}

impl Doubt<'_> {
    /// What was written is written again when it is not right; what it is made of is an error then.
    fn is_right(&self) -> Result<bool, StoreError> {
        match self {
            Self::Source(blob) => {
                let read = |error| StoreError::reading(error, "read", &blob.origin().path);
                blob.verify().map(|_| true).map_err(read)
            }
            Self::Written(slice, digest) => Ok(slice.digest().is_ok_and(|actual| actual == *digest)),
        }
    }
}
