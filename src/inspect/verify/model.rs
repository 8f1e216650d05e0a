//! What a verification gives out.

use serde::Serialize;

use crate::digest::Digest;

/// What was checked, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// How many blobs were hashed.
    pub blobs: usize,
    /// How many bytes of blobs were hashed.
    pub blob_bytes: u64,
    /// How many payload files were compared with `contents.json`.
    pub payload_files: usize,
    /// Who wrote what is around the content.
    pub frame: Frame,
    /// What the base brought, for each architecture: unchanged since the image was built, and not to be proven beyond that.
    pub base: Vec<BaseBrought>,
    /// Everything that is wrong; empty for a good tarball.
    pub faults: Vec<Fault>,
}

/// Who wrote manifests, headers and documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frame {
    /// Bootsmith: every byte is as it would be written.
    #[default]
    Bootsmith,
    /// An engine, a registry or another tool that took the image over.
    Other,
}

/// What the base brought into an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BaseBrought {
    /// For which architecture.
    pub architecture: String,
    /// How many layers.
    pub layers: usize,
    /// Settings of the configuration, each as `KEY VALUE`.
    pub settings: Vec<String>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Not even the documents can be read.
    #[error("it {0}")]
    Unreadable(String),
    /// A blob's name is a promise about its bytes.
    #[error("the blob `{name}` has the digest {actual}")]
    Blob {
        /// The name of the entry.
        name: String,
        /// What its bytes hash to.
        actual: Digest,
    },
    /// An entry that belongs to nothing.
    #[error("the entry `{0}` does not belong to an image")]
    Extra(String),
    /// A byte outside the blobs is not as it would be written.
    #[error("the tarball differs at `{0}` from what bootsmith would write for this image")]
    Frame(String),
    /// The image has no valid name.
    #[error("the image has no valid reference: {0}")]
    Reference(String),
    /// A layer is not what the configuration says.
    #[error("the layer {layer} unpacks to {actual} instead of {expected}")]
    DiffId {
        /// The digest of the blob.
        layer: Digest,
        /// What the configuration says.
        expected: Digest,
        /// What it is.
        actual: Digest,
    },
    /// A layer that cannot be read.
    #[error("the layer {layer} {reason}")]
    Layer {
        /// The digest of the blob.
        layer: Digest,
        /// Why.
        reason: String,
    },
    /// A layer with a path that engines refuse, or put elsewhere.
    #[error("the layer {layer} {reason}")]
    Path {
        /// The digest of the blob.
        layer: Digest,
        /// Which path, and why.
        reason: String,
    },
    /// A manifest of bootsmith that is not what bootsmith writes for its configuration and layers.
    #[error("the manifest {0} is not as bootsmith writes it for its configuration and layers")]
    Manifest(Digest),
    /// Two readers of one file get different images.
    #[error("`manifest.json` leads to another image than `index.json`")]
    Entrance,
    /// A payload file is not what `contents.json` says.
    #[error("`{path}` {reason}")]
    Payload {
        /// The path in the image.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A rule of image tools is broken.
    #[error("the image for {architecture} {reason}")]
    Image {
        /// Which one.
        architecture: String,
        /// What is wrong.
        reason: String,
    },
}
