//! The base: what an image stands on.
//!
//! Takes in verified images, one an architecture; gives out a value that `assemble` adds layers to. Where it came from and how it
//! was verified is the business of the store.

use oci_spec::image::ImageConfiguration;

use super::Architecture;
use crate::digest::Digest;
use crate::layer::Layer;

/// A base, for one or several architectures.
#[derive(Clone, Debug)]
pub struct Base {
    name: String,
    digest: Option<Digest>,
    images: Vec<BaseImage>,
}

/// What a base is on one architecture.
#[derive(Clone, Debug)]
pub struct BaseImage {
    /// The architecture.
    pub architecture: Architecture,
    /// The configuration as the base has it.
    pub config: ImageConfiguration,
    /// The layers from the lowest, whose blobs are copied verbatim.
    pub layers: Vec<Layer>,
}

/// Why images cannot be a base.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseFault {
    /// No architecture at all.
    #[error("the base `{0}` holds no image")]
    Empty(String),
    /// Two images for one architecture.
    #[error("the base `{base}` holds two different images for {architecture}")]
    Ambiguous {
        /// The name of the base.
        base: String,
        /// The architecture that is there twice.
        architecture: Architecture,
    },
    /// An architecture that was asked for is not there.
    #[error("the base `{base}` has no image for {wanted}; it has {}", join(.known))]
    NoArchitecture {
        /// The name of the base.
        base: String,
        /// What was asked for.
        wanted: Architecture,
        /// What is there.
        known: Vec<Architecture>,
    },
}

fn join(architectures: &[Architecture]) -> String {
    architectures.iter().map(Architecture::to_string).collect::<Vec<_>>().join(", ")
}

impl Base {
    /// Puts images together, sorted by architecture. `name` is for messages, `digest` that of the base's manifest or index.
    pub fn new(name: &str, digest: Option<Digest>, mut images: Vec<BaseImage>) -> Result<Self, BaseFault> {
        images.sort_by(|left, right| left.architecture.cmp(&right.architecture));
        if let Some(pair) = images.windows(2).find(|pair| pair[0].architecture == pair[1].architecture) {
            return Err(BaseFault::Ambiguous { base: name.to_owned(), architecture: pair[0].architecture.clone() });
        }
        if images.is_empty() {
            return Err(BaseFault::Empty(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), digest, images })
    }

    /// Nothing below the payload, on the given architectures.
    pub fn scratch(architectures: &[Architecture]) -> Result<Self, BaseFault> {
        let empty = |architecture: &Architecture| {
            let mut config = ImageConfiguration::default();
            config.set_history(None);
            config.rootfs_mut().set_diff_ids(Vec::new());
            BaseImage { architecture: architecture.clone(), config, layers: Vec::new() }
        };
        Self::new("scratch", None, architectures.iter().map(empty).collect())
    }

    /// How messages call the base.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The digest of the base's manifest or index, when it has one; for `org.opencontainers.image.base.digest`.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The base on every architecture, sorted by architecture; never empty.
    pub fn images(&self) -> &[BaseImage] {
        &self.images
    }
}
