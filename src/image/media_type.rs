//! What documents and layers of images are called: the names of OCI, which are written, and those of Docker, which are read too.

use oci_spec::image::ImageManifest;

/// A manifest, as it is written.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An index, as it is written.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// What an image on one architecture is made of.
pub const MANIFESTS: [&str; 2] = [MANIFEST, "application/vnd.docker.distribution.manifest.v2+json"];
/// Images for several architectures.
pub const INDEXES: [&str; 2] = [INDEX, "application/vnd.docker.distribution.manifest.list.v2+json"];
/// What an engine runs; whatever has another configuration is not an image.
pub const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
/// Layers that can be read: plain, or compressed by gzip.
pub const LAYERS: [&str; 4] = [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
];

/// What the kinds of all layers of images start with, also of those that cannot be read.
const LAYER_FAMILIES: [&str; 2] = ["application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."];

/// Whether a manifest is that of an image. Signatures, attestations, SBOMs and charts are next to images with another kind of configuration, or
/// with an empty one and layers of their own kinds.
pub fn is_image(manifest: &ImageManifest) -> bool {
    let is_layer = |kind: &str| LAYER_FAMILIES.iter().any(|family| kind.starts_with(family));
    CONFIGS.contains(&manifest.config().media_type().as_ref())
        && manifest.layers().iter().all(|layer| is_layer(layer.media_type().as_ref()))
}

/// Manifest or index: what a document says of itself, and when it does not say so, what it has; else what is wrong with it.
pub fn of(document: &[u8]) -> Result<String, String> {
    let value: serde_json::Value = serde_json::from_slice(document).map_err(|error| error.to_string())?;
    let kind = match (value["mediaType"].as_str(), value.get("manifests"), value.get("layers")) {
        (Some(kind), _, _) => kind,
        (None, Some(_), None) => INDEX,
        (None, None, Some(_)) => MANIFEST,
        _ => "nothing known",
    };
    if MANIFESTS.contains(&kind) || INDEXES.contains(&kind) {
        return Ok(kind.to_owned());
    }
    Err(format!("it is of the kind `{}`", kind.escape_debug()))
}
