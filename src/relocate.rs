//! Rewrites image references after service images were copied to another registry.
//!
//! Takes in a bootstrap image as it was built and the new name of every service image; gives out the same release with those names, by their
//! digests. What an operator runs is all that is touched: manifests, release data, overview and lock. The spec is left behind: it names the
//! old places, and builds another image.

mod documents;
mod places;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::contents::{self, CONTENTS_PATH, ContentsEntry};
use crate::image::Image;
use crate::image::replace::NoSuchLayer;
use crate::inspect::BootstrapArchive;
use crate::path::RelativePath;
use crate::store::{Cache, StoreError};
use crate::tree::{File, FileTree, Mode};

pub use places::Places;

/// Why an image was not relocated.
#[derive(Debug, thiserror::Error)]
pub enum RelocateError {
    /// The image cannot be read, or the new layer not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not a bootstrap image, or none that was written as this version writes them.
    #[error("`{image}` is not a bootstrap image: {reason}")]
    NoRelease {
        /// Its path, or its name.
        image: String,
        /// What it lacks.
        reason: String,
    },
    /// It has no layer of its own data.
    #[error(transparent)]
    Layer(#[from] NoSuchLayer),
    /// A file still names an image at its old place.
    #[error("`{path}` still names `{image}`")]
    LeftOver {
        /// The file of the image.
        path: String,
        /// The old name.
        image: String,
    },
}

/// The layer in which the names of images are.
const ROLE: &str = "environments";
const SPEC_PATH: &str = "bootstrap/spec/bootstrap.toml";

/// The images of the services, as the manifests write them; without those that are never pulled, which only the target has.
pub fn service_images(archive: &BootstrapArchive) -> Result<BTreeSet<String>, RelocateError> {
    let files = archive.payload_files(documents::is_environment_release)?;
    if files.is_empty() {
        return Err(no_release(archive, "it has no environments"));
    }
    let texts = files.values().map(|bytes| String::from_utf8_lossy(bytes));
    Ok(texts.flat_map(|text| documents::pulled_images(&text)).collect())
}

/// The release with its images at other places.
pub fn relocate(archive: &BootstrapArchive, places: &Places, cache: &Cache) -> Result<Image, RelocateError> {
    let image = archive.restored(cache)?;
    let listed = archive.payload_file(CONTENTS_PATH)?.ok_or_else(|| no_release(archive, "it lists no contents"))?;
    let listed: Vec<ContentsEntry> =
        serde_json::from_slice(&listed).map_err(|error| no_release(archive, &format!("its contents: {error}")))?;
    let mut tree = FileTree::default();
    let mut entries: BTreeMap<String, ContentsEntry> =
        listed.into_iter().map(|entry| (entry.path.clone(), entry)).collect();
    for (path, file) in archive.layer_files(ROLE)? {
        if path == CONTENTS_PATH {
            continue;
        }
        if path == SPEC_PATH {
            entries.remove(&path);
            continue;
        }
        let bytes = documents::rewrite(&path, file, places).map_err(|reason| no_release(archive, &reason))?;
        add(&mut tree, &path, bytes).map_err(|reason| no_release(archive, &reason))?;
    }
    check(&tree, places)?;
    entries.extend(contents::list(&tree).into_iter().map(|entry| (entry.path.clone(), entry)));
    let entries: Vec<_> = entries.into_values().collect();
    let bytes = contents::to_json(&entries).into_bytes();
    add(&mut tree, CONTENTS_PATH, bytes).map_err(|reason| no_release(archive, &reason))?;
    Ok(image.with_layer(&cache.layer(ROLE, &tree, image.epoch())?)?)
}

fn add(tree: &mut FileTree, path: &str, bytes: Vec<u8>) -> Result<(), String> {
    let place = RelativePath::parse(path).map_err(|fault| format!("the path `{path}` {fault}"))?;
    // Nothing in this layer is a program.
    tree.insert(place, File { mode: Mode::Plain, bytes: Arc::from(bytes) }).map_err(|error| error.to_string())
}

/// A name that was overlooked would be pulled from where it should not be.
fn check(tree: &FileTree, places: &Places) -> Result<(), RelocateError> {
    let moved: Vec<_> = places.images.iter().filter(|(old, new)| old != new).map(|(old, _)| old).collect();
    for (path, file) in tree.iter().filter(|(path, _)| documents::is_rewritten(path.as_str())) {
        let text = String::from_utf8_lossy(&file.bytes);
        if let Some(image) = moved.iter().find(|image| documents::names(&text, image)) {
            return Err(RelocateError::LeftOver { path: path.to_string(), image: (*image).clone() });
        }
    }
    Ok(())
}

fn no_release(archive: &BootstrapArchive, reason: &str) -> RelocateError {
    RelocateError::NoRelease { image: archive.path().display().to_string(), reason: reason.to_owned() }
}
