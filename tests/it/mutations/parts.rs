//! An image as parts that can be changed, and put together again with every digest right.

use std::fs;
use std::path::Path;

use bootsmith::digest::{Descriptor, Digest};
use bootsmith::epoch::Epoch;
use bootsmith::inspect;
use bootsmith::layer::tar_header::{END, Kind, encode, padding};
use bootsmith::tree::Mode;
use serde_json::{Value, json};

use crate::fixture::write_tar;

/// Everything that makes an image for one architecture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parts {
    pub(super) config: Value,
    pub(super) layers: Vec<PartLayer>,
    /// Of the manifest.
    pub(super) annotations: Value,
}

/// A layer; its diffID follows from its tar.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PartLayer {
    pub(super) tar: Vec<u8>,
    pub(super) annotations: Value,
}

/// Who seems to have written the tarball.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// Bootsmith, to the byte.
    Bootsmith,
    /// A program that took the manifest over as it was.
    Wrapped,
    /// A program that rewrote the manifest, and so lost its annotations.
    Rewritten,
}

impl Frame {
    pub(super) const ALL: [Self; 3] = [Self::Bootsmith, Self::Wrapped, Self::Rewritten];
}

impl Parts {
    pub(super) fn of(tarball: &Path) -> Self {
        let image = inspect::open(tarball).and_then(|archive| archive.to_image()).expect("a tarball");
        let image = &image.images()[0];
        let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON");
        let (config, manifest) = (parse(&image.config.bytes), parse(&image.manifest.bytes));
        let layer = |(at, layer)| PartLayer {
            tar: crate::fixture::tar_of(layer),
            annotations: manifest["layers"][at]["annotations"].clone(),
        };
        let layers = image.layers.iter().enumerate().map(layer).collect();
        Self { config, layers, annotations: manifest["annotations"].clone() }
    }

    /// Writes the tarball.
    pub(super) fn write(&self, path: &Path, frame: Frame) {
        let mut config = self.config.clone();
        config["rootfs"]["diff_ids"] = self.layers.iter().map(|layer| json!(Digest::of(&layer.tar))).collect();
        let config = config.to_string().into_bytes();
        let blobs: Vec<_> = self.layers.iter().map(|layer| compressed(&layer.tar)).collect();
        let manifest = self.manifest(&config, &blobs, frame).to_string().into_bytes();
        let name = |bytes: &[u8]| format!("blobs/sha256/{}", Digest::of(bytes).hex());
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [with(described(&manifest, "application/vnd.oci.image.manifest.v1+json"), &json!({
                "io.containerd.image.name": "registry.example.com/shop/bootstrap:1.4.2",
                "org.opencontainers.image.ref.name": "1.4.2",
            }))],
        });
        let names: Vec<_> = blobs.iter().map(|blob| name(blob)).collect();
        let for_docker = json!([{
            "Config": name(&config), "Layers": names, "RepoTags": ["registry.example.com/shop/bootstrap:1.4.2"],
        }]);
        let mut entries = vec![
            ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
            ("index.json".to_owned(), index.to_string().into_bytes()),
            ("manifest.json".to_owned(), for_docker.to_string().into_bytes()),
        ];
        for blob in [manifest, config].into_iter().chain(blobs) {
            if !entries.iter().any(|(other, _)| *other == name(&blob)) {
                entries.push((name(&blob), blob));
            }
        }
        if frame == Frame::Bootsmith {
            fs::write(path, self.with_our_headers(&entries)).expect("room");
        } else {
            let entries: Vec<_> = entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
            write_tar(path, &entries);
        }
    }

    fn manifest(&self, config: &[u8], blobs: &[Vec<u8>], frame: Frame) -> Value {
        let annotated = |value, annotations| if frame == Frame::Rewritten { value } else { with(value, annotations) };
        let layers: Vec<_> = blobs
            .iter()
            .zip(&self.layers)
            .map(|(blob, layer)| {
                annotated(described(blob, "application/vnd.oci.image.layer.v1.tar+gzip"), &layer.annotations)
            })
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": described(config, "application/vnd.oci.image.config.v1+json"),
            "layers": layers,
        });
        annotated(manifest, &self.annotations)
    }

    fn with_our_headers(&self, entries: &[(String, Vec<u8>)]) -> Vec<u8> {
        let created = self.config["created"].as_str().unwrap_or_default();
        let epoch = Epoch::parse_rfc_3339(created).unwrap_or_default();
        let mut bytes = Vec::new();
        for (at, (name, content)) in entries.iter().enumerate() {
            if at == 3 {
                bytes.extend(["blobs/", "blobs/sha256/"].map(|folder| encode(folder, Kind::Folder, 0, epoch)).concat());
            }
            bytes.extend(encode(name, Kind::File(Mode::Plain), content.len() as u64, epoch));
            bytes.extend(content);
            bytes.extend(padding(content.len() as u64));
        }
        bytes.extend(END);
        bytes
    }
}

fn compressed(tar: &[u8]) -> Vec<u8> {
    let mut blob = Vec::new();
    bootsmith::layer::compress(tar, &mut blob).expect("memory");
    blob
}

fn described(bytes: &[u8], kind: &str) -> Value {
    let Descriptor { digest, size } = Descriptor::of(bytes);
    json!({ "mediaType": kind, "digest": digest, "size": size })
}

fn with(mut value: Value, annotations: &Value) -> Value {
    if !annotations.is_null() {
        value["annotations"] = annotations.clone();
    }
    value
}
