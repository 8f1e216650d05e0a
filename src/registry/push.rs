//! An image to a registry: blobs, then manifests, then the index, then its names.
//!
//! Takes in an image and a session; gives out what was done. A tag is set last, when everything that it leads to is there.

use crate::digest::{Descriptor, Digest};
use crate::image::replica::{Replica, TypedDocument};

use super::blob::Target;
use super::event::{BlobOutcome, Event};
use super::manifest::Repository;
use super::parallel::each;
use super::{RegistryError, Session};

/// What goes where.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'a> {
    /// The image.
    pub image: &'a Replica,
    /// The repository, without its registry.
    pub repository: &'a str,
    /// The names that the image gets there.
    pub tags: &'a [&'a str],
    /// Repositories of the same registry that may have blobs of the image.
    pub mount_from: &'a [String],
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The digest by which the image is known.
    pub digest: Digest,
    /// How each blob came to be there, sorted by digest.
    pub blobs: Vec<(Descriptor, BlobOutcome)>,
}

/// Pushes an image.
pub fn push(session: &Session<'_>, upload: Upload<'_>) -> Result<Pushed, RegistryError> {
    let Upload { image, repository, tags, mount_from } = upload;
    let blobs = image.blobs();
    let bytes = blobs.iter().map(|(blob, _)| blob.size).sum();
    session.tell(Event::Planned { blobs: blobs.len(), bytes });
    let target = Target { session, repository, mount_from };
    let outcomes = each(&blobs, |(blob, content)| target.deliver(*blob, content))?;
    let place = Repository { session, name: repository };
    for TypedDocument { document, media_type } in image.documents() {
        place.store(document, media_type)?;
    }
    let TypedDocument { document, media_type } = image.root();
    for tag in tags {
        place.tag(tag, document, media_type)?;
        session.tell(Event::Tagged { repository: &format!("{}/{repository}", session.name()), tag });
    }
    let mut blobs: Vec<_> = blobs.iter().map(|(blob, _)| *blob).zip(outcomes).collect();
    blobs.sort();
    Ok(Pushed { digest: image.digest(), blobs })
}
