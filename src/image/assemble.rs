//! Base, payload layers and settings become an image.
//!
//! Takes in values; gives out configurations, manifests and an index as canonical JSON. A pure function: same inputs, same digests.

use std::collections::{BTreeMap, HashMap};

use oci_spec::image as oci;

use super::{
    ANNOTATION_ROLE, Architecture, ArchitectureImage, Base, BaseImage, Document, Image, ROLE_BASE, json, label, role,
    seal,
};
use crate::digest::{Descriptor, Digest};
use crate::epoch::Epoch;
use crate::layer::Layer;

/// What the payload sets on top of the base; everything else is the base's.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The program a container starts, in exec form.
    pub entrypoint: Vec<String>,
    /// Its default arguments.
    pub command: Vec<String>,
    /// Environment variables, set over the base's.
    pub environment: BTreeMap<String, String>,
    /// Labels, set over the base's.
    pub labels: BTreeMap<String, String>,
    /// Annotations of manifest and index.
    pub annotations: BTreeMap<String, String>,
}

/// Why base and payload make no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssembleError {
    /// More layers than engines stack.
    #[error("an image of {0} layers cannot be run: the base has too many (at most {MAX_LAYERS} together)")]
    TooManyLayers(usize),
}

/// What overlay file systems stack; Docker refuses more.
pub const MAX_LAYERS: usize = 125;

/// Puts the payload on the base, on every architecture of the base.
pub fn assemble(base: &Base, payload: &[Layer], settings: &Settings, epoch: Epoch) -> Result<Image, AssembleError> {
    let images = base
        .images()
        .iter()
        .map(|image| assemble_one(image, payload, settings, epoch))
        .collect::<Result<Vec<_>, _>>()?;
    let index = (images.len() > 1).then(|| index(&images, &settings.annotations));
    Ok(Image { images, index, annotations: settings.annotations.clone(), epoch })
}

fn assemble_one(
    base: &BaseImage,
    payload: &[Layer],
    settings: &Settings,
    epoch: Epoch,
) -> Result<ArchitectureImage, AssembleError> {
    let layers: Vec<Layer> = base.layers.iter().chain(payload).cloned().collect();
    if layers.len() > MAX_LAYERS {
        return Err(AssembleError::TooManyLayers(layers.len()));
    }
    let config = Document::new(json::canonical(&configuration(base, &layers, settings, epoch)));
    let manifest = manifest(config.descriptor, &layers, &settings.annotations);
    Ok(ArchitectureImage { architecture: base.architecture.clone(), config, manifest, layers })
}

fn configuration(base: &BaseImage, layers: &[Layer], settings: &Settings, epoch: Epoch) -> oci::ImageConfiguration {
    let mut config = base.config.clone();
    config.set_created(Some(epoch.to_string()));
    config.set_os(base.architecture.os().into());
    config.set_architecture(base.architecture.processor().into());
    config.set_variant(base.architecture.variant().map(str::to_owned));
    config.set_config(Some(process(base.config.config().clone().unwrap_or_default(), settings)));
    config.set_history(Some(history(base, layers, epoch)));
    config.set_rootfs(root_file_system(layers));
    if let Some(below) = layers.iter().position(|layer| role::PAYLOAD.contains(&layer.role.as_str())) {
        seal::seal(&mut config, below);
    }
    config
}

fn root_file_system(layers: &[Layer]) -> oci::RootFs {
    let mut root = oci::RootFs::default();
    root.set_diff_ids(layers.iter().map(|layer| layer.packed.diff_id().to_string()).collect());
    root
}

/// Entrypoint and command are replaced together: a command of the base would be an argument of ours.
fn process(mut process: oci::Config, settings: &Settings) -> oci::Config {
    let labels = merge_labels(process.labels().as_ref(), &settings.labels);
    let environment = merge_environment(process.env().as_deref().unwrap_or_default(), &settings.environment);
    process.set_entrypoint(not_empty(settings.entrypoint.clone()));
    process.set_cmd(not_empty(settings.command.clone()));
    process.set_env(not_empty(environment));
    process.set_labels((!labels.is_empty()).then_some(labels));
    process
}

fn not_empty(list: Vec<String>) -> Option<Vec<String>> {
    (!list.is_empty()).then_some(list)
}

/// The base's labels stay, but for those of OCI: they would call our image by the base's title, version and source.
fn merge_labels(base: Option<&HashMap<String, String>>, ours: &BTreeMap<String, String>) -> HashMap<String, String> {
    let describes_base = |key: &str| key.starts_with(label::OCI);
    let kept = base.into_iter().flatten().filter(|(key, _)| !describes_base(key));
    kept.chain(ours).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn merge_environment(base: &[String], ours: &BTreeMap<String, String>) -> Vec<String> {
    let is_ours = |entry: &String| entry.split_once('=').is_some_and(|(key, _)| ours.contains_key(key));
    let kept = base.iter().filter(|entry| !is_ours(entry)).cloned();
    kept.chain(ours.iter().map(|(key, value)| format!("{key}={value}"))).collect()
}

/// Exactly one entry a layer. Entries of the base that made no layer are left out: image tools count differently when there are
/// more entries than layers.
fn history(base: &BaseImage, layers: &[Layer], epoch: Epoch) -> Vec<oci::History> {
    let made_layer = |entry: &&oci::History| entry.empty_layer() != Some(true);
    let mut history: Vec<_> = base.config.history().iter().flatten().filter(made_layer).cloned().collect();
    if history.len() != base.layers.len() {
        history = base.layers.iter().map(|_| history_entry(ROLE_BASE, epoch)).collect();
    }
    history.extend(layers[base.layers.len()..].iter().map(|layer| history_entry(&layer.role, epoch)));
    history
}

/// What the history says of a layer that bootsmith added.
pub(crate) fn history_entry(role: &str, epoch: Epoch) -> oci::History {
    let mut entry = oci::History::default();
    entry.set_created(Some(epoch.to_string()));
    entry.set_created_by(Some(role::created_by(role)));
    entry
}

/// The manifest of an image.
pub(crate) fn manifest(config: Descriptor, layers: &[Layer], annotations: &BTreeMap<String, String>) -> Document {
    let manifest = oci::ImageManifestBuilder::default()
        .schema_version(oci::SCHEMA_VERSION)
        .media_type(oci::MediaType::ImageManifest)
        .config(descriptor(oci::MediaType::ImageConfig, config))
        .layers(layers.iter().map(layer_descriptor).collect::<Vec<_>>())
        .annotations(written(annotations))
        .build()
        .expect("every required field is set");
    Document::new(json::canonical(&manifest))
}

fn layer_descriptor(layer: &Layer) -> oci::Descriptor {
    let mut descriptor = descriptor(oci::MediaType::ImageLayerGzip, layer.packed.blob);
    if layer.role != ROLE_BASE {
        descriptor.set_annotations(Some(HashMap::from([(ANNOTATION_ROLE.to_owned(), layer.role.clone())])));
    }
    descriptor
}

/// The index of an image for several architectures.
pub(crate) fn index(images: &[ArchitectureImage], annotations: &BTreeMap<String, String>) -> Document {
    let index = oci::ImageIndexBuilder::default()
        .schema_version(oci::SCHEMA_VERSION)
        .media_type(oci::MediaType::ImageIndex)
        .manifests(images.iter().map(manifest_descriptor).collect::<Vec<_>>())
        .annotations(written(annotations))
        .build()
        .expect("every required field is set");
    Document::new(json::canonical(&index))
}

fn manifest_descriptor(image: &ArchitectureImage) -> oci::Descriptor {
    let mut descriptor = descriptor(oci::MediaType::ImageManifest, image.manifest.descriptor);
    descriptor.set_platform(Some(platform(&image.architecture)));
    descriptor
}

fn platform(architecture: &Architecture) -> oci::Platform {
    let mut platform = oci::Platform::default();
    platform.set_os(architecture.os().into());
    platform.set_architecture(architecture.processor().into());
    platform.set_variant(architecture.variant().map(str::to_owned));
    platform
}

fn descriptor(media_type: oci::MediaType, content: Descriptor) -> oci::Descriptor {
    oci::Descriptor::new(media_type, content.size, oci_digest(content.digest))
}

fn oci_digest(digest: Digest) -> oci::Digest {
    oci::Digest::try_from(digest.to_string()).expect("our digests are OCI digests")
}

fn written(annotations: &BTreeMap<String, String>) -> HashMap<String, String> {
    annotations.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}
