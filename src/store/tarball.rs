//! The tarball that every image tool takes: an OCI layout and a docker-archive in one uncompressed tar.
//!
//! Takes in an image and its reference; gives out every byte of the file, in order, or compares a file with them. Blobs are copied
//! as they are. Tried with Docker 20.10 and 28, containerd, podman, skopeo, crane and umoci: each reads another part of it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde_json::json;

use super::bundle::{ANNOTATION_ROLE, BundledImage, ROLE_BOOTSTRAP, ROLE_SERVICE};
use super::oci_layout::{CONTAINERD_NAME, REF_NAME, blob_name};
use super::{ContentFault, Progress, StoreError};
use crate::digest::{Descriptor, Digest};
use crate::epoch::Epoch;
use crate::image::json::canonical;
use crate::image::media_type::{INDEX, MANIFEST};
use crate::image::replica::{EngineImage, TypedDocument};
use crate::image::{Document, Image, ImageReference};
use crate::layer::content::Content;
use crate::layer::slice::{FileSlice, SliceReader};
use crate::layer::tar_header::{self, END, Kind, padding};
use crate::layer::unverified::{ReadError, Unverified};
use crate::tree::Mode;

/// Everything in the tarball, in order.
pub(crate) struct Tarball {
    items: Vec<Item>,
    epoch: Epoch,
}

struct Item {
    name: String,
    kind: Kind,
    content: Content,
    expected: Descriptor,
}

impl Tarball {
    /// Plans the tarball of an image.
    pub(crate) fn new(image: &Image, reference: &ImageReference) -> Self {
        let mut items = vec![
            Item::document("oci-layout", &json!({ "imageLayoutVersion": "1.0.0" })),
            Item::document("index.json", &index(image, reference)),
            Item::document("manifest.json", &docker_manifest(image, reference)),
            Item::folder("blobs/"),
            Item::folder("blobs/sha256/"),
        ];
        let mut seen = BTreeSet::new();
        let is_new = |(expected, _): &(Descriptor, Content)| seen.insert(expected.digest);
        items.extend(blobs(image).into_iter().filter(is_new).map(Item::blob));
        Self { items, epoch: image.epoch() }
    }

    /// Plans the tarball of several images, each blob once.
    pub(crate) fn bundle(images: &[BundledImage], epoch: Epoch) -> Result<Self, StoreError> {
        let entries: Vec<_> = images.iter().map(bundle_entry).collect();
        let for_docker = images.iter().map(docker_entry).collect::<Result<Vec<_>, _>>()?;
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
        let mut items = vec![
            Item::document("oci-layout", &json!({ "imageLayoutVersion": "1.0.0" })),
            Item::document("index.json", &index),
            Item::document("manifest.json", &json!(for_docker)),
            Item::folder("blobs/"),
            Item::folder("blobs/sha256/"),
        ];
        let of_image = |image: &BundledImage| {
            let document =
                |typed: &TypedDocument| (typed.document.descriptor, Content::from(typed.document.bytes.clone()));
            let documents = image.replica.documents().iter().map(document);
            let blobs = image.replica.blobs().into_iter().map(|(blob, content)| (blob, content.clone()));
            documents.chain(blobs).collect::<Vec<_>>()
        };
        let mut seen = BTreeSet::new();
        let is_new = |(expected, _): &(Descriptor, Content)| seen.insert(expected.digest);
        items.extend(images.iter().flat_map(of_image).filter(is_new).map(Item::blob));
        Ok(Self { items, epoch })
    }

    /// How many bytes the tarball has.
    pub(super) fn size(&self) -> u64 {
        let size = |item: &Item| {
            let frame = item.header(self.epoch).len() + padding(item.expected.size).len();
            frame as u64 + item.expected.size
        };
        self.items.iter().map(size).sum::<u64>() + END.len() as u64
    }

    /// The blobs that come from files.
    pub(super) fn unverified(&self) -> impl Iterator<Item = &Unverified> {
        self.items.iter().filter_map(|item| match &item.content {
            Content::File(unverified) => Some(unverified),
            Content::Memory(_) => None,
        })
    }

    /// Where the same blobs are in a file that is laid out as this tarball, and which digest they should have.
    pub(super) fn unverified_in(&self, file: &FileSlice) -> Vec<(FileSlice, Digest)> {
        let mut position = 0;
        let mut found = Vec::new();
        for item in &self.items {
            let start = position + item.header(self.epoch).len() as u64;
            position = start + item.expected.size + padding(item.expected.size).len() as u64;
            if matches!(item.content, Content::File(_)) {
                let part = file.part(start, item.expected.size);
                found.extend(part.map(|part| (part, item.expected.digest)));
            }
        }
        found
    }

    /// Writes every byte. When this succeeds, every blob is what its digest says.
    pub(super) fn write(&self, file: &mut File, progress: Progress<'_>) -> Result<(), ReadError> {
        for item in &self.items {
            file.write_all(&item.header(self.epoch))?;
            if item.content.copy_to(file, progress)? != item.expected.size {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            file.write_all(padding(item.expected.size))?;
        }
        Ok(file.write_all(&END)?)
    }

    /// Compares a file with every byte it should have, blobs aside, whose digests prove them. Gives the name of the first entry
    /// that is not as it would be written: what is out of place shifts everything behind it.
    pub(crate) fn first_difference(&self, file: &FileSlice) -> io::Result<Option<String>> {
        let mut reader = file.reader();
        for item in &self.items {
            if !item.is_next(&mut reader, self.epoch)? {
                return Ok(Some(item.name.clone()));
            }
        }
        let ends = is_next(&mut reader, &END)? && reader.read(&mut [0])? == 0;
        Ok((!ends).then(|| "the end".to_owned()))
    }
}

impl Item {
    fn folder(name: &str) -> Self {
        let content = Content::from(Vec::new());
        Self { name: name.to_owned(), kind: Kind::Folder, content, expected: Descriptor::of(b"") }
    }

    fn document(name: &str, value: &serde_json::Value) -> Self {
        let bytes = canonical(value);
        let expected = Descriptor::of(&bytes);
        Self { name: name.to_owned(), kind: Kind::File(Mode::Plain), content: Content::from(bytes), expected }
    }

    fn blob((expected, content): (Descriptor, Content)) -> Self {
        Self { name: blob_name(expected.digest), kind: Kind::File(Mode::Plain), content, expected }
    }

    fn header(&self, epoch: Epoch) -> Vec<u8> {
        tar_header::encode(&self.name, self.kind, self.expected.size, epoch)
    }

    fn is_next(&self, reader: &mut SliceReader<'_>, epoch: Epoch) -> io::Result<bool> {
        if !is_next(reader, &self.header(epoch))? {
            return Ok(false);
        }
        let is_content_next = match &self.content {
            Content::Memory(bytes) => is_next(reader, bytes)?,
            Content::File(_) => reader.skip(self.expected.size),
        };
        Ok(is_content_next && is_next(reader, padding(self.expected.size))?)
    }
}

/// Whether these bytes come next.
fn is_next(reader: &mut SliceReader<'_>, expected: &[u8]) -> io::Result<bool> {
    let mut bytes = Vec::new();
    reader.take(expected.len() as u64).read_to_end(&mut bytes)?;
    Ok(bytes == expected)
}

/// One descriptor with both names: containerd and Docker 25+ read the first, skopeo and podman the second.
fn index(image: &Image, reference: &ImageReference) -> serde_json::Value {
    let Descriptor { digest, size } = image.root().descriptor;
    json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{
            "mediaType": image.root().media_type(if image.index().is_some() { INDEX } else { MANIFEST }),
            "digest": digest,
            "size": size,
            "annotations": {
                CONTAINERD_NAME: reference.to_string(),
                REF_NAME: reference.tag(),
            },
        }],
    })
}

/// What Docker up to 24 reads, and `docker-archive:` of skopeo and podman.
fn docker_manifest(image: &Image, reference: &ImageReference) -> serde_json::Value {
    let image = image.preferred();
    let layers: Vec<_> = image.layers.iter().map(|layer| blob_name(layer.packed.blob.digest)).collect();
    json!([{
        "Config": blob_name(image.config.descriptor.digest),
        "Layers": layers,
        "RepoTags": [reference.familiar()],
    }])
}

/// The same of one image of several.
fn bundle_entry(BundledImage { name, replica, is_bootstrap }: &BundledImage) -> serde_json::Value {
    let TypedDocument { document, media_type } = replica.root();
    json!({
        "mediaType": media_type,
        "digest": document.descriptor.digest,
        "size": document.descriptor.size,
        "annotations": {
            CONTAINERD_NAME: name.to_string(),
            // skopeo finds an image by this name alone, and the images of a release often share their tag.
            REF_NAME: if *is_bootstrap { name.tag().to_owned() } else { name.to_string() },
            ANNOTATION_ROLE: if *is_bootstrap { ROLE_BOOTSTRAP } else { ROLE_SERVICE },
        },
    })
}

fn docker_entry(BundledImage { name, replica, .. }: &BundledImage) -> Result<serde_json::Value, StoreError> {
    let fault = |message| {
        let fault = ContentFault::Document { document: "image".to_owned(), message };
        StoreError::content(Path::new(&name.to_string()))(fault)
    };
    let EngineImage { config, layers } = replica.engine_image().map_err(fault)?;
    let layers: Vec<_> = layers.into_iter().map(blob_name).collect();
    // With its registry: podman takes a name without one for an image of this machine, `localhost/…`.
    Ok(json!({ "Config": blob_name(config), "Layers": layers, "RepoTags": [name.to_string()] }))
}

/// Documents before layers, so that a reader of a stream knows early what comes.
fn blobs(image: &Image) -> Vec<(Descriptor, Content)> {
    let of_image = image.images().iter().flat_map(|image| [&image.manifest, &image.config]);
    let documents = image.index().into_iter().chain(of_image);
    let layers = image.images().iter().flat_map(|image| &image.layers);
    documents
        .map(|Document { bytes, descriptor }| (*descriptor, Content::from(bytes.clone())))
        .chain(layers.map(|layer| (layer.packed.blob, layer.content.clone())))
        .collect()
}
