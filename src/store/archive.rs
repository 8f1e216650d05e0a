//! Writing the tarball of an image.
//!
//! Takes in an image, its reference and a path; gives out the file, whole or not at all, and its receipt. A file that is already
//! there with these very bytes is left alone. Either way, what was unverified before is verified after.

use std::path::Path;

use super::cache::{Cache, Kind, Sight};
use super::disk::{AtomicFile, Stamp};
use super::receipt::Receipt;
use super::tarball::Tarball;
use super::{Progress, StoreError};
use crate::digest::Digest;
use crate::image::{Image, ImageReference};
use crate::layer::unverified::{ReadError, Unverified};
use crate::parallel::in_parallel;

/// Writes the tarball of an image, calling `progress` with the size of each piece.
pub fn write_archive(
    image: &Image,
    reference: &ImageReference,
    path: &Path,
    cache: &Cache,
    progress: Progress<'_>,
) -> Result<Receipt, StoreError> {
    let tarball = Tarball::new(image, reference);
    let doubts = Doubts::about(&tarball)?;
    let mut receipt = Receipt::new(image, reference, tarball.size());
    receipt.unchanged = is_there(tarball.key(path), path, cache);
    if receipt.unchanged {
        doubts.verify()?;
    } else {
        write(&tarball, path, cache, progress)?;
    }
    doubts.settle(cache);
    Ok(receipt)
}

fn is_there(key: Digest, path: &Path, cache: &Cache) -> bool {
    cache.get(Kind::Output, key).is_some_and(|stamp: Stamp| Stamp::of_path(path).is_ok_and(|now| now == stamp))
}

/// The file gets its name when every blob in it is verified, and not before.
pub(super) fn write(tarball: &Tarball, path: &Path, cache: &Cache, progress: Progress<'_>) -> Result<(), StoreError> {
    let mut file = AtomicFile::create(path)?;
    file.write(tarball.size(), |file, written| {
        let both = |bytes| {
            written(bytes);
            progress(bytes);
        };
        tarball.write(file, &both)
    })
    .map_err(|error: ReadError| StoreError::reading(error, "write", path))?;
    file.complete()?;
    if let Ok(stamp) = Stamp::of_path(path) {
        cache.put(Kind::Output, tarball.key(path), &stamp);
    }
    Ok(())
}

/// The blobs that nobody has verified, as their files were before anybody read them.
struct Doubts<'a> {
    blobs: Vec<(&'a Unverified, Sight)>,
}

impl<'a> Doubts<'a> {
    fn about(tarball: &'a Tarball) -> Result<Self, StoreError> {
        let see = |blob: &'a Unverified| {
            let state = blob.state().map_err(StoreError::disk("read", &blob.origin().path))?;
            Ok((blob, Sight::of(&state)))
        };
        Ok(Self { blobs: tarball.unverified().map(see).collect::<Result<_, StoreError>>()? })
    }

    /// Verifies what nothing copies.
    fn verify(&self) -> Result<(), StoreError> {
        let verify = |(blob, _): &(&Unverified, Sight)| {
            let read = |error| StoreError::reading(error, "read", &blob.origin().path);
            blob.verify().map(drop).map_err(read)
        };
        in_parallel(&self.blobs, verify).into_iter().collect()
    }

    /// Everything turned out right: who finds a file in the same state again need not hash it.
    fn settle(&self, cache: &Cache) {
        for (blob, before) in &self.blobs {
            if let Ok(after) = blob.state() {
                cache.trust(before, &after, blob.expected());
            }
        }
    }
}
