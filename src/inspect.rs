//! Reads a bootstrap image from a tarball or from the local image store.
//!
//! Takes in a path; gives out what is inside (`open`, then `summary` and `payload_file`), everything that is wrong with it
//! (`verify`), or what changed between two releases (`difference`). Trusts nothing in the file: documents and layers of the payload are checked by digest, all by limit, and garbage gives an error.

mod archive;
mod difference;
mod image;
mod load;
mod payload;
mod verify;

use std::path::Path;

use crate::store::StoreError;
use crate::store::container::Container;

pub use archive::{BootstrapArchive, ImageSummary, LayerSummary, Summary};
pub use difference::{
    Body, Change, Difference, DifferenceError, EnvironmentDifference, Item, Side, Status, difference,
};
pub use verify::{BaseBrought, Fault, Frame, Verification, unreadable, verify, verify_archive};

/// Opens a tarball and reads its documents.
pub fn open(path: &Path) -> Result<BootstrapArchive, StoreError> {
    load::load(Container::open(path)?)
}

/// Opens an image that was pulled, by its layout in the content store and by how it was asked for. Of its layers those of the payload have
/// to be there.
pub fn open_pulled(layout: &Path, reference: &str) -> Result<BootstrapArchive, StoreError> {
    let mut archive = load::load_layout(Container::open(layout)?.called(reference))?;
    archive.reference = Some(reference.to_owned());
    Ok(archive)
}
