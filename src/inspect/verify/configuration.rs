//! Compares the configuration of an image with what bootsmith writes.
//!
//! Takes in an image whose documents hold together; gives out what is not as it was built. What bootsmith sets is compared with what it would
//! set; what the base brings is held together by the seal.

use serde_json::Value;

use super::super::archive::ArchivedImage;
use crate::epoch::Epoch;
use crate::image::assemble::{MAX_LAYERS, history_entry};
use crate::image::json::canonical;
use crate::image::{ROLE_BASE, label, role, seal};
use crate::render::{COMMAND, ENTRYPOINT_PATH, FORMAT};

/// Everything that is wrong, each a sentence about the image.
pub(super) fn faults(image: &ArchivedImage) -> Vec<String> {
    if image.layers.iter().all(|layer| layer.role == ROLE_BASE) {
        return vec!["is not a bootstrap image: its history names no layer that bootsmith added".to_owned()];
    }
    let mut faults = Vec::new();
    faults.extend(unknown_key(image));
    faults.extend(wrong_layers(image));
    let created = image.configuration.created().as_deref().unwrap_or_default();
    match Epoch::parse_rfc_3339(created).ok().filter(|epoch| epoch.to_string() == created) {
        Some(epoch) => faults.extend(wrong_history(image, epoch)),
        None => faults.push(format!("was created at {created:?}, which is not a time that bootsmith writes")),
    }
    faults.extend(wrong_process(image));
    faults.extend(wrong_labels(image, created));
    // Whatever was found already breaks the seal too.
    if faults.is_empty() {
        faults.extend(broken_seal(image));
    }
    faults
}

/// How many layers came with the base.
pub(super) fn base_layers(image: &ArchivedImage) -> usize {
    image.layers.iter().take_while(|layer| layer.role == ROLE_BASE).count()
}

/// What the configuration brings from the base, in words.
pub(super) fn of_base(image: &ArchivedImage) -> Vec<String> {
    let process: Value =
        serde_json::to_value(image.configuration.config()).expect("a configuration that was read from JSON");
    let ours = ["Entrypoint", "Cmd", "Labels"];
    let settings = process.as_object().into_iter().flatten().filter(|(key, _)| !ours.contains(&key.as_str()));
    settings.map(|(key, value)| format!("{key} {value}")).collect()
}

fn unknown_key(image: &ArchivedImage) -> Option<String> {
    let expected = canonical(&image.configuration);
    if expected == image.config.bytes {
        return None;
    }
    let [written, expected] = [&image.config.bytes, &expected].map(|bytes| serde_json::from_slice::<Value>(bytes));
    let (Ok(written), Ok(expected)) = (written, expected) else { return None };
    Some(match first_difference(&written, &expected, "") {
        Some(key) => format!("has `{key}` in its configuration, which bootsmith does not write so"),
        None => "has a configuration that is not written as bootsmith writes it".to_owned(),
    })
}

/// The first key at which two documents differ, in the notation of a path.
fn first_difference(left: &Value, right: &Value, path: &str) -> Option<String> {
    if left == right {
        return None;
    }
    let (Some(left), Some(right)) = (left.as_object(), right.as_object()) else { return Some(path.to_owned()) };
    left.keys().chain(right.keys()).find_map(|key| {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        first_difference(left.get(key).unwrap_or(&Value::Null), right.get(key).unwrap_or(&Value::Null), &path)
    })
}

fn wrong_layers(image: &ArchivedImage) -> Vec<String> {
    let mut faults = Vec::new();
    let below = base_layers(image);
    let payload = &image.layers[below..];
    if image.layers.len() > MAX_LAYERS {
        faults.push(format!("has {} layers, more than {MAX_LAYERS}", image.layers.len()));
    }
    for layer in payload.iter().filter(|layer| layer.role == ROLE_BASE) {
        faults.push(format!("has the layer {} above what bootsmith added", layer.blob.digest));
    }
    let rank = |wanted: &str| role::PAYLOAD.iter().position(|role| *role == wanted);
    let roles: Vec<_> = payload.iter().map(|layer| layer.role.as_str()).filter(|role| *role != ROLE_BASE).collect();
    if let Some(unknown) = roles.iter().find(|role| rank(role).is_none()) {
        faults.push(format!("has a layer `{unknown}`, which bootsmith does not add"));
    }
    if roles.windows(2).any(|pair| rank(pair[0]) >= rank(pair[1])) {
        faults.push(format!("has its layers in the order {}, not {}", roles.join(", "), role::PAYLOAD.join(", ")));
    }
    for needed in [role::ENTRYPOINT, role::ENVIRONMENTS] {
        if !roles.contains(&needed) {
            faults.push(format!("has no layer `{needed}` on top of its base"));
        }
    }
    faults
}

/// One entry for each layer; those of the base are part of the seal.
fn wrong_history(image: &ArchivedImage, epoch: Epoch) -> Option<String> {
    let (layers, below) = (image.layers.len(), base_layers(image));
    let history = image.configuration.history().as_deref().unwrap_or_default();
    if history.len() != layers {
        return Some(format!("has {} history entries, but {layers} layers", history.len()));
    }
    let entries = history.iter().zip(&image.layers).skip(below);
    let wrong = entries.filter(|(entry, layer)| **entry != history_entry(&layer.role, epoch)).map(|(_, layer)| layer);
    wrong.map(|layer| format!("has another history of the layer `{}` than bootsmith writes", layer.role)).next()
}

fn wrong_process(image: &ArchivedImage) -> Vec<String> {
    let process = image.configuration.config().clone().unwrap_or_default();
    let starts = |what: &str, there: Option<&Vec<String>>, expected: String| {
        let there = there.cloned().unwrap_or_default();
        (there != [expected.as_str()]).then(|| format!("has the {what} {there:?} instead of [{expected:?}]"))
    };
    let entrypoint = starts("Entrypoint", process.entrypoint().as_ref(), format!("/{ENTRYPOINT_PATH}"));
    let command = starts("Cmd", process.cmd().as_ref(), COMMAND.to_owned());
    entrypoint.into_iter().chain(command).collect()
}

fn wrong_labels(image: &ArchivedImage, created: &str) -> Vec<String> {
    let process = image.configuration.config().clone().unwrap_or_default();
    let labels = process.labels().clone().unwrap_or_default();
    let label = |key: &str| labels.get(key).map(String::as_str);
    let needed = label::REQUIRED.iter().chain([&label::CONFIGURATION]);
    let missing = needed.filter(|key| label(key).is_none()).map(|key| format!("lacks the label `{key}`"));
    let format = FORMAT.to_string();
    let expected = [(label::CREATED, created), (label::FORMAT, format.as_str())];
    let other = expected.into_iter().filter_map(|(key, expected)| {
        let there = label(key).filter(|there| *there != expected)?;
        Some(format!("has the label `{key}` with {there:?} instead of {expected:?}"))
    });
    missing.chain(other).collect()
}

fn broken_seal(image: &ArchivedImage) -> Option<String> {
    let written = seal::written(&image.configuration).unwrap_or_default();
    let expected = seal::of(&image.configuration, base_layers(image)).to_string();
    (written != expected).then(|| {
        let parts = of_base(image);
        let settings = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
        format!(
            "is not as its label `{}` says: a label, a layer of the base or its history, or a setting of the base{settings} was changed",
            label::CONFIGURATION
        )
    })
}
