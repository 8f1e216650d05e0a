//! Quantities: what a container may use, and what is kept for it.

use serde_json::{Map, Value as Json, json};

use crate::compose::{Amounts, ByteSize, Cpus};
use crate::plan::Service;

use super::object::{map, set};

/// The resources of a container. What is limited and not reserved is reserved in full, as the API server would write it.
pub(super) fn of(service: &Service) -> Map<String, Json> {
    let limits = amounts(&service.compose.resources.limits);
    let mut requests = limits.clone();
    requests.extend(amounts(&service.compose.resources.reservations));
    let mut resources = Map::new();
    set(&mut resources, "limits", limits);
    set(&mut resources, "requests", requests);
    resources
}

fn amounts(written: &Amounts) -> Map<String, Json> {
    let mut amounts = Map::new();
    set(&mut amounts, "cpu", written.cpus.and_then(cpu).map_or(Json::Null, Json::from));
    set(&mut amounts, "memory", written.memory.and_then(quantity).map_or(Json::Null, Json::from));
    amounts
}

/// A number of processors as Kubernetes writes it: thousandths, unless it is whole. Zero means without a limit.
fn cpu(cpus: Cpus) -> Option<String> {
    match cpus.thousandths() {
        0 => None,
        thousandths if thousandths % 1000 == 0 => Some((thousandths / 1000).to_string()),
        thousandths => Some(format!("{thousandths}m")),
    }
}

/// Bytes as a quantity of Kubernetes. Zero means without a limit.
fn quantity(ByteSize { bytes }: ByteSize) -> Option<String> {
    let unit = [(30, "Gi"), (20, "Mi"), (10, "Ki")].into_iter().find(|(shift, _)| bytes % (1 << shift) == 0);
    match unit {
        _ if bytes == 0 => None,
        Some((shift, unit)) => Some(format!("{}{unit}", bytes >> shift)),
        None => Some(bytes.to_string()),
    }
}

/// A directory in memory.
pub(super) fn memory_directory(size: Option<ByteSize>) -> Json {
    let mut directory = map(json!({ "medium": "Memory" }));
    set(&mut directory, "sizeLimit", size.and_then(quantity).map_or(Json::Null, Json::from));
    Json::from(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::Value as _;

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for (text, wanted) in
            [("0.50", Some("500m")), ("2", Some("2")), ("1.25", Some("1250m")), (".5", Some("500m")), ("0", None)]
        {
            assert_eq!(Cpus::parse(text).and_then(cpu).as_deref(), wanted, "{text}");
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
            assert_eq!(ByteSize::parse(text).and_then(quantity).as_deref(), wanted, "{text}");
        }
    }
}
