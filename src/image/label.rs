//! The labels by which bootsmith describes an image: in its configuration, whose digest survives every tool, and again as annotations.
//!
//! Takes in keys and labels; gives out which of them are bootsmith's, and so the annotations that belong to a configuration.

use std::collections::BTreeMap;

/// What every label of OCI starts with; those of a base are left out, since they describe the base.
pub const OCI: &str = "org.opencontainers.image.";
/// The version of the project.
pub const VERSION: &str = "org.opencontainers.image.version";
/// The instant of the image.
pub const CREATED: &str = "org.opencontainers.image.created";
/// The digest of the base's manifest or index.
pub const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
/// The platform that the image operates.
pub const PLATFORM: &str = "io.bootsmith.platform";
/// The environments in it, separated by blanks.
pub const ENVIRONMENTS: &str = "io.bootsmith.environments";
/// The digest of the spec.
pub const SPEC_DIGEST: &str = "io.bootsmith.spec-digest";
/// The format of the payload.
pub const FORMAT: &str = "io.bootsmith.format";
/// The digest of the rest of the configuration; see [`super::seal`]. A label alone: each architecture has its own.
pub const CONFIGURATION: &str = "io.bootsmith.configuration";

/// Labels that every bootstrap image has, and that are annotations too.
pub const REQUIRED: [&str; 6] = [VERSION, CREATED, PLATFORM, ENVIRONMENTS, SPEC_DIGEST, FORMAT];

/// Whether a label is an annotation of manifest and index as well.
pub fn is_annotation(key: &str) -> bool {
    key.starts_with(OCI) || REQUIRED.contains(&key)
}

/// The annotations of an image with these labels.
pub fn annotations<'a>(labels: impl IntoIterator<Item = (&'a String, &'a String)>) -> BTreeMap<String, String> {
    let ours = labels.into_iter().filter(|(key, _)| is_annotation(key));
    ours.map(|(key, value)| (key.clone(), value.clone())).collect()
}
