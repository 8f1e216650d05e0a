//! Quantities: what a container may use, and what is kept for it.

use serde_json::{Map, Value as Json, json};

use crate::render::size;

use super::definition::Definition;
use super::object::{map, set};

/// The resources of a container. What is limited and not reserved is reserved in full, as the API server would write it.
pub(super) fn of(definition: &Definition) -> Map<String, Json> {
    let limit = |new: &[&str], old: &str| definition.text(new).or_else(|| definition.text(&[old]));
    let limits = amounts(
        limit(&["deploy", "resources", "limits", "cpus"], "cpus"),
        limit(&["deploy", "resources", "limits", "memory"], "mem_limit"),
    );
    let mut requests = limits.clone();
    requests.extend(amounts(
        definition.text(&["deploy", "resources", "reservations", "cpus"]),
        limit(&["deploy", "resources", "reservations", "memory"], "mem_reservation"),
    ));
    let mut resources = Map::new();
    set(&mut resources, "limits", limits);
    set(&mut resources, "requests", requests);
    resources
}

fn amounts(cpus: Option<String>, memory: Option<String>) -> Map<String, Json> {
    let mut amounts = Map::new();
    set(&mut amounts, "cpu", cpus.and_then(|cpus| cpu(&cpus)).map_or(Json::Null, Json::from));
    set(&mut amounts, "memory", memory.and_then(|memory| quantity(&memory)).map_or(Json::Null, Json::from));
    amounts
}

/// A number of processors as Kubernetes writes it: thousandths, unless it is whole. Zero is no limit.
fn cpu(text: &str) -> Option<String> {
    match thousandths(text)? {
        0 => None,
        thousandths if thousandths % 1000 == 0 => Some((thousandths / 1000).to_string()),
        thousandths => Some(format!("{thousandths}m")),
    }
}

/// A number of processors, in thousandths.
pub(super) fn thousandths(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    whole.checked_mul(1000)?.checked_add(fraction)
}

/// Bytes as Compose writes them, as a quantity of Kubernetes. Zero is no limit.
fn quantity(text: &str) -> Option<String> {
    let bytes = size::bytes(text)?;
    let unit = [(30, "Gi"), (20, "Mi"), (10, "Ki")].into_iter().find(|(shift, _)| bytes % (1 << shift) == 0);
    match unit {
        _ if bytes == 0 => None,
        Some((shift, unit)) => Some(format!("{}{unit}", bytes >> shift)),
        None => Some(bytes.to_string()),
    }
}

/// A directory in memory.
pub(super) fn memory_directory(size: Option<String>) -> Json {
    let mut directory = map(json!({ "medium": "Memory" }));
    set(&mut directory, "sizeLimit", size.and_then(|size| quantity(&size)).map_or(Json::Null, Json::from));
    Json::from(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for (text, wanted) in
            [("0.50", Some("500m")), ("2", Some("2")), ("1.25", Some("1250m")), (".5", Some("500m")), ("0", None)]
        {
            assert_eq!(cpu(text).as_deref(), wanted, "{text}");
        }
        for (text, wanted) in [
            ("256M", Some("256Mi")),
            ("1gb", Some("1Gi")),
            ("1000", Some("1000")),
            ("1500k", Some("1500Ki")),
            ("1.5g", Some("1536Mi")),
            ("0m", None),
            ("x", None),
        ] {
            assert_eq!(quantity(text).as_deref(), wanted, "{text}");
        }
    }
}
