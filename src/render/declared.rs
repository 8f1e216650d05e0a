//! What Compose and Swarm must know of declared networks and volumes beyond the manifest, which never changes an object that is there: a
//! digest for each network, as a label of the network itself, and the options of each volume; and which services go together.
//!
//! Takes in the sections of a manifest; gives out labels and records. Decision: `docs/decisions/0016-a-network-carries-its-digest.md`.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use crate::digest::Digest;
use crate::plan::{Environment, Object, Platform, Service};

use super::manifest::patched;
use super::release_data::ServiceFact;
use super::shell::Record;

/// The label of a network that says what it was declared to be.
const DIGEST_LABEL: &str = "io.bootsmith.network-digest";

/// How much of a digest the label has.
const DIGEST_CHARACTERS: usize = 32;

/// Labels every network that is made for the environment with the digest of all that was declared of it.
pub(super) fn label_networks(networks: &mut Map<String, Json>) {
    for network in networks.values_mut().filter(|network| !is_external(network)) {
        let digest = Digest::of(network.to_string().as_bytes()).hex()[..DIGEST_CHARACTERS].to_owned();
        network["labels"][DIGEST_LABEL] = json!(digest);
    }
}

/// The records of networks that are made for the environment; external ones are in every release.
pub(super) fn network_records(networks: &Map<String, Json>, environment: &Environment) -> String {
    let made = networks.iter().filter(|(_, network)| !is_external(network));
    made.map(|(key, network)| network_record(key, network, environment)).collect()
}

fn network_record(key: &str, network: &Json, environment: &Environment) -> String {
    let name = network["name"].as_str().map_or_else(|| format!("{}_{key}", environment.target), str::to_owned);
    Record::new("network", &[key])
        .with("name", &name)
        .with("external", "no")
        .with("digest", network["labels"][DIGEST_LABEL].as_str().unwrap_or_default())
        .with("driver", network["driver"].as_str().unwrap_or("bridge"))
        .with_flag("internal", network["internal"] == true)
        .with_flag("ipv6", network["enable_ipv6"] == true)
        .line()
}

/// Adds what an engine shows of a volume that was made as declared: its driver, and behind `--` a `KEY=VALUE` for each option.
pub(super) fn with_volume_options(record: Record, volume: &Object, platform: Platform) -> Record {
    let definition = patched(volume.definition.to_json(), volume, platform);
    let driver = definition.get("driver").and_then(Json::as_str).unwrap_or("local");
    let options: BTreeSet<_> = options(&definition).collect();
    options.iter().fold(record.with("driver", driver).expanded("--"), |record, option| record.word(option))
}

fn options(volume: &Map<String, Json>) -> impl Iterator<Item = String> {
    let options = volume.get("driver_opts").and_then(Json::as_object);
    options.into_iter().flatten().map(|(key, value)| match value {
        Json::String(text) => format!("{key}={}", text.replace("$$", "$")),
        other => format!("{key}={other}"),
    })
}

fn is_external(object: &Json) -> bool {
    object["external"] == true
}

/// The networks of a service that are made for the environment, as its rendered definition names them.
pub(super) fn networks_fact(body: &Map<String, Json>, networks: &Map<String, Json>) -> Vec<ServiceFact> {
    let named: Vec<_> = match body.get("networks") {
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        Some(Json::Object(table)) => table.keys().map(String::as_str).collect(),
        _ if body.contains_key("network_mode") => Vec::new(),
        _ => vec!["default"],
    };
    let made: Vec<_> =
        named.into_iter().filter(|name| networks.get(*name).is_some_and(|it| !is_external(it))).collect();
    fact("networks", &made)
}

/// The services whose namespaces a service joins, and those with which it is restarted.
pub(super) fn ties(service: &Service, body: &Map<String, Json>) -> Vec<ServiceFact> {
    let joined =
        ["network_mode", "pid", "ipc"].into_iter().filter_map(|key| body.get(key)?.as_str()?.strip_prefix("service:"));
    let joined: Vec<_> = joined.collect::<BTreeSet<_>>().into_iter().collect();
    let restarting = service.depends_on.iter().filter(|(_, dependency)| dependency.restart);
    let restarting: Vec<_> = restarting.map(|(name, _)| name.as_str()).collect();
    [fact("joins", &joined), fact("restarts", &restarting)].concat()
}

fn fact(name: &'static str, words: &[&str]) -> Vec<ServiceFact> {
    if words.is_empty() { Vec::new() } else { vec![(name, words.join(" "))] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(body: Json) -> Map<String, Json> {
        let Json::Object(body) = body else { panic!("{body} is not a table") };
        body
    }

    #[test]
    fn any_key_of_a_network_changes_its_label() {
        let label = |network: Json| {
            let mut networks = body(json!({ "back": network }));
            label_networks(&mut networks);
            networks["back"]["labels"][DIGEST_LABEL].as_str().map(str::to_owned)
        };
        let plain = label(json!({ "labels": { "a": "b" } }));
        assert_eq!(plain, label(json!({ "labels": { "a": "b" } })));
        for changed in [
            json!({ "labels": { "a": "c" } }),
            json!({ "labels": { "a": "b" }, "internal": true }),
            json!({ "labels": { "a": "b" }, "driver_opts": { "com.docker.network.driver.mtu": "1400" } }),
            json!({ "labels": { "a": "b" }, "ipam": { "config": [{ "subnet": "10.9.0.0/24" }] } }),
        ] {
            assert_ne!(plain, label(changed.clone()), "{changed}");
        }
        assert_eq!(label(json!({ "external": true, "name": "front" })), None);
    }

    #[test]
    fn a_service_is_on_the_default_network_unless_it_says_otherwise() {
        let networks = body(json!({ "default": {}, "back": {}, "front": { "external": true } }));
        let of = |service| networks_fact(&body(service), &networks);
        assert_eq!(of(json!({})), [("networks", "default".to_owned())]);
        assert_eq!(of(json!({ "networks": ["back", "front"] })), [("networks", "back".to_owned())]);
        assert_eq!(of(json!({ "networks": { "back": { "aliases": ["b"] } } })), [("networks", "back".to_owned())]);
        assert_eq!(of(json!({ "network_mode": "service:vpn" })), []);
    }
}
