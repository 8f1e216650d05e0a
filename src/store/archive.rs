//! The tarball that every image tool takes: an OCI layout and a docker-archive in one uncompressed tar.
//!
//! Takes in an image, its reference and a path; gives out the file, whole or not at all, and its receipt. Blobs are copied as they
//! are. A file that is already there with these very bytes is left alone.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::cache::{Cache, Kind};
use super::disk::{AtomicFile, Stamp};
use super::oci_layout::blob_name;
use super::receipt::Receipt;
use super::{ContentFault, Progress, StoreError};
use crate::digest::{Descriptor, Digest};
use crate::epoch::Epoch;
use crate::image::json::canonical;
use crate::image::{Document, Image, ImageReference};
use crate::layer::content::Content;
use crate::layer::tar_header::{self, BLOCK_SIZE, END, padding};
use crate::tree::Mode;

/// Writes the tarball of an image, calling `progress` with the size of each piece.
pub fn write_archive(
    image: &Image,
    reference: &ImageReference,
    path: &Path,
    cache: &Cache,
    progress: Progress<'_>,
) -> Result<Receipt, StoreError> {
    let plan = Plan::new(image, reference);
    let mut receipt = Receipt::new(image, reference, plan.size());
    let key = plan.key(path);
    if cache
        .get(Kind::Output, key)
        .is_some_and(|stamp: Stamp| Stamp::of_path(path).is_ok_and(|now| now == stamp))
    {
        receipt.unchanged = true;
        return Ok(receipt);
    }
    let mut file = AtomicFile::create(path)?;
    plan.write(file.as_file(), progress)
        .map_err(|error| write_error(error, path))?;
    file.complete()?;
    if let Ok(stamp) = Stamp::of_path(path) {
        cache.put(Kind::Output, key, &stamp);
    }
    Ok(receipt)
}

/// How many bytes the tarball of an image has.
pub fn archive_size(image: &Image, reference: &ImageReference) -> u64 {
    Plan::new(image, reference).size()
}

/// A base that is cut off while it is copied is another matter than a disk that is full.
fn write_error(error: io::Error, path: &Path) -> StoreError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => StoreError::content(path)(ContentFault::Changed),
        _ => StoreError::disk("write", path)(error),
    }
}

/// Everything in the tarball, in order.
struct Plan {
    items: Vec<Item>,
    epoch: Epoch,
}

enum Item {
    Folder(&'static str),
    File {
        name: String,
        content: Content,
        expected: Descriptor,
    },
}

impl Plan {
    fn new(image: &Image, reference: &ImageReference) -> Self {
        let mut items = vec![
            document("oci-layout", &json!({ "imageLayoutVersion": "1.0.0" })),
            document("index.json", &index(image, reference)),
            document("manifest.json", &docker_manifest(image, reference)),
            Item::Folder("blobs/"),
            Item::Folder("blobs/sha256/"),
        ];
        let mut names = BTreeSet::new();
        let blobs = blobs(image)
            .into_iter()
            .filter(|(expected, _)| names.insert(expected.digest));
        items.extend(blobs.map(|(expected, content)| Item::File {
            name: blob_name(expected.digest),
            content,
            expected,
        }));
        Self {
            items,
            epoch: image.epoch(),
        }
    }

    /// Two plans with one key write the same bytes to the same place.
    fn key(&self, path: &Path) -> Digest {
        let place = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut text = format!("{} {}\n", self.epoch.seconds(), place.display());
        for item in &self.items {
            match item {
                Item::Folder(name) => text.extend([name, "\n"]),
                Item::File { name, expected, .. } => {
                    text.extend([name.as_str(), " ", &expected.digest.to_string(), "\n"])
                }
            }
        }
        Digest::of(text.as_bytes())
    }

    fn size(&self) -> u64 {
        let size = |item: &Item| match item {
            Item::Folder(_) => BLOCK_SIZE,
            Item::File { expected, .. } => {
                BLOCK_SIZE + expected.size + padding(expected.size).len() as u64
            }
        };
        self.items.iter().map(size).sum::<u64>() + END.len() as u64
    }

    fn write(&self, file: &mut File, progress: Progress<'_>) -> io::Result<()> {
        for item in &self.items {
            match item {
                Item::Folder(name) => file.write_all(&tar_header::encode(
                    name,
                    tar_header::Kind::Folder,
                    0,
                    self.epoch,
                ))?,
                Item::File {
                    name,
                    content,
                    expected,
                } => {
                    file.write_all(&tar_header::encode(
                        name,
                        tar_header::Kind::File(Mode::Plain),
                        expected.size,
                        self.epoch,
                    ))?;
                    copy(content, expected.size, file, progress)?;
                    file.write_all(padding(expected.size))?;
                }
            }
        }
        file.write_all(&END)
    }
}

fn copy(content: &Content, size: u64, file: &mut File, progress: Progress<'_>) -> io::Result<()> {
    match content.copy_to(file, progress)? {
        copied if copied == size => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn document(name: &str, value: &serde_json::Value) -> Item {
    let bytes = canonical(value);
    Item::File {
        name: name.to_owned(),
        expected: Descriptor::of(&bytes),
        content: Content::from(bytes),
    }
}

/// One descriptor with both names: containerd and Docker 25+ read the first, skopeo and podman the second.
fn index(image: &Image, reference: &ImageReference) -> serde_json::Value {
    let kind = if image.index().is_some() {
        "index"
    } else {
        "manifest"
    };
    let Descriptor { digest, size } = image.root().descriptor;
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": format!("application/vnd.oci.image.{kind}.v1+json"),
            "digest": digest,
            "size": size,
            "annotations": {
                "io.containerd.image.name": reference.to_string(),
                "org.opencontainers.image.ref.name": reference.tag(),
            },
        }],
    })
}

/// What Docker up to 24 reads, and `docker-archive:` of skopeo and podman.
fn docker_manifest(image: &Image, reference: &ImageReference) -> serde_json::Value {
    let image = image.preferred();
    let layers: Vec<_> = image
        .layers
        .iter()
        .map(|layer| blob_name(layer.packed.blob.digest))
        .collect();
    json!([{
        "Config": blob_name(image.config.descriptor.digest),
        "Layers": layers,
        "RepoTags": [reference.familiar()],
    }])
}

/// Documents before layers, so that a reader of a stream knows early what comes.
fn blobs(image: &Image) -> Vec<(Descriptor, Content)> {
    let of_image = image
        .images()
        .iter()
        .flat_map(|image| [&image.manifest, &image.config]);
    let documents = image.index().into_iter().chain(of_image);
    let layers = image.images().iter().flat_map(|image| &image.layers);
    documents
        .map(|Document { bytes, descriptor }| (*descriptor, Content::from(bytes.clone())))
        .chain(layers.map(|layer| (layer.packed.blob, layer.content.clone())))
        .collect()
}
