//! Image sources and targets: OCI layouts, archives of Docker and podman, the content cache, pulled images, tarballs.
//!
//! Takes in paths and images; gives out bases, cached layers and a finished file. Everything that is read is untrusted and verified
//! before anything made of it gets a name; everything that is written appears whole or not at all. Knows no platform, prints nothing.
#![allow(clippy::disallowed_methods, reason = "this room keeps images in files; `disk` and `cache` open them")]

pub mod archive;
pub mod base;
pub mod bundle;
pub mod cache;
pub mod container;
pub mod disk;
pub(crate) mod docker_archive;
mod error;
pub(crate) mod layer_check;
mod layer_paths;
pub mod named;
pub(crate) mod oci_layout;
pub mod private;
pub mod pulled;
pub mod receipt;
pub(crate) mod tarball;
pub mod tools;

pub use archive::{write_archive, write_bundle};
pub use base::{BaseReference, FoundBase, find_base, open_base};
pub use bundle::BundledImage;
pub use cache::Cache;
pub use error::{ContentFault, MissingTools, NotPrivate, Occupied, StoreError};
pub(crate) use error::{KEEP, MAKE_TEMPORARY, disk_hint};
pub(crate) use layer_paths::LayerPaths;
pub use layer_paths::PathFault;
pub use named::{NamedImage, named_images};
pub use pulled::Pulled;
pub use receipt::Receipt;
pub use tools::{Place, Tool, require_free, require_tools};

/// Callback with the number of bytes that were just copied.
pub type Progress<'a> = &'a dyn Fn(u64);
