//! The seal of a configuration: the digest of everything in it that the payload does not prove.
//!
//! Takes in a configuration and how many layers its base has; gives out a digest. What a base brings (layers, user, environment, volumes …) is
//! nowhere else in the image, so that a later change of it would not show. It is not a signature: whoever builds another image seals that one.

use oci_spec::image::ImageConfiguration;

use super::json::canonical;
use super::label;
use crate::digest::Digest;

/// The digest of a configuration without the layers of the payload and without the seal itself.
pub fn of(configuration: &ImageConfiguration, base_layers: usize) -> Digest {
    let mut rest = configuration.clone();
    let mut history = rest.history().clone().unwrap_or_default();
    history.truncate(base_layers);
    rest.set_history(Some(history));
    let mut diff_ids = rest.rootfs().diff_ids().clone();
    diff_ids.truncate(base_layers);
    rest.rootfs_mut().set_diff_ids(diff_ids);
    let mut process = rest.config().clone().unwrap_or_default();
    let mut labels = process.labels().clone().unwrap_or_default();
    labels.remove(label::CONFIGURATION);
    process.set_labels((!labels.is_empty()).then_some(labels));
    rest.set_config(Some(process));
    Digest::of(&canonical(&rest))
}

/// Writes the seal of a configuration into its labels.
pub(super) fn seal(configuration: &mut ImageConfiguration, base_layers: usize) {
    let seal = of(configuration, base_layers).to_string();
    let mut process = configuration.config().clone().unwrap_or_default();
    let mut labels = process.labels().clone().unwrap_or_default();
    labels.insert(label::CONFIGURATION.to_owned(), seal);
    process.set_labels(Some(labels));
    configuration.set_config(Some(process));
}

/// The seal that is written in a configuration.
pub fn written(configuration: &ImageConfiguration) -> Option<&str> {
    configuration.config().as_ref()?.labels().as_ref()?.get(label::CONFIGURATION).map(String::as_str)
}
