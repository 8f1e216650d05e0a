//! Manifests as flat facts: services and other objects, each value under its path.
//!
//! Takes in the YAML of an environment's manifests, of any platform; gives out facts by service and by object. What the entrypoint fills
//! in, and what differs in every release, is left out.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::facts::{Fact, Facts};

/// The facts of an environment's manifests, by name.
#[derive(Default)]
pub(super) struct Definitions {
    /// What is said of each service.
    pub(super) services: BTreeMap<String, Facts>,
    /// Networks, volumes and whatever else belongs to no service.
    pub(super) objects: BTreeMap<String, Facts>,
}

/// Keys that identify a list element, in order of preference; a plain element identifies itself.
const NAMES: [&str; 3] = ["name", "target", "mountPath"];
const SERVICE_LABEL: &str = "io.bootsmith.service";

impl Definitions {
    /// What is said where there is no manifest.
    pub(super) const EMPTY: Self = Self { services: BTreeMap::new(), objects: BTreeMap::new() };

    /// Adds what a manifest says, also one that names the bootstrap image itself; an `Err` says why it is invalid, and quotes nothing of it.
    pub(super) fn add(&mut self, manifest: &[u8], names_image: bool) -> Result<(), String> {
        let text = std::str::from_utf8(manifest).map_err(|_| "it is not UTF-8 text".to_owned())?;
        let documents = serde_saphyr::from_multiple::<Value>(text);
        for document in documents.map_err(|error| error.without_snippet().to_string())? {
            match document.get("kind").and_then(Value::as_str) {
                Some(kind) => self.add_object(kind, &document, names_image),
                None => self.add_stack(&document),
            }
        }
        Ok(())
    }

    /// A file for Compose or a swarm: sections of things.
    fn add_stack(&mut self, document: &Value) {
        for (section, things) in members(document) {
            for (name, thing) in members(things) {
                let mut facts = Facts::new();
                flatten("", thing, &mut facts);
                if section == "services" {
                    self.services.entry(name.clone()).or_default().extend(facts);
                } else if !name.starts_with("bootsmith.") {
                    self.objects.insert(format!("{section}.{name}"), facts);
                }
            }
        }
    }

    /// An object for Kubernetes, which may belong to a service.
    fn add_object(&mut self, kind: &str, object: &Value, names_image: bool) {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().unwrap_or_default();
        let mut facts = Facts::new();
        match metadata["labels"][SERVICE_LABEL].as_str() {
            Some(service) => {
                let prefix = if name == service { kind.to_owned() } else { format!("{kind} {name}") };
                flatten(&prefix, object, &mut facts);
                self.services.entry(service.to_owned()).or_default().extend(facts);
            }
            None => {
                flatten("", object, &mut facts);
                facts.retain(|path, _| !(names_image && path.rsplit('.').next() == Some("image")));
                self.objects.insert(format!("{kind} {name}"), facts);
            }
        }
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// Members by their key, elements by their name, or else their number; a list of plain values is one value.
fn flatten(path: &str, value: &Value, facts: &mut Facts) {
    match value {
        Value::Object(_) => {
            for (key, member) in members(value).filter(|(key, _)| !key.starts_with("io.bootsmith.")) {
                flatten(&below(path, key), member, facts);
            }
        }
        Value::Array(elements) if elements.iter().any(|element| element.is_object() || element.is_array()) => {
            for (index, element) in elements.iter().enumerate() {
                let name = element.as_str().or_else(|| NAMES.iter().find_map(|key| element[*key].as_str()));
                let key = name.map_or_else(|| (index + 1).to_string(), str::to_owned);
                flatten(&below(path, &key), element, facts);
            }
        }
        Value::Number(mode) if is_mode(path) && mode.is_u64() => {
            keep(path, &format!("{:04o}", mode.as_u64().unwrap_or_default()), facts);
        }
        _ => keep(path, &plain(value), facts),
    }
}

/// Whether the number at a path is the mode of a file: `mode` of Compose, `defaultMode` of Kubernetes.
fn is_mode(path: &str) -> bool {
    let key = path.rsplit_once('.').map_or(path, |(_, key)| key);
    key == "mode" || key == "defaultMode"
}

/// What stands for something that the entrypoint knows only on the target says nothing here.
fn keep(path: &str, text: &str, facts: &mut Facts) {
    if !text.contains("${BOOTSMITH_") {
        facts.insert(path.to_owned(), Fact::from(text.to_owned()));
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(elements) => elements.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Definitions {
        let mut definitions = Definitions::default();
        definitions.add(text.as_bytes(), false).expect("YAML");
        definitions
    }

    #[test]
    fn what_is_no_yaml_is_said_and_not_quoted() {
        for (bytes, expected) in [
            (&b"services: {web: [hunter2"[..], "line 1"),
            (b"a: hunter2\na: b\n", "line 2"),
            (b"a: \xff", "it is not UTF-8 text"),
        ] {
            let message = Definitions::default().add(bytes, false).expect_err("no YAML");
            assert!(message.contains(expected) && !message.contains("hunter2"), "{message}");
        }
    }

    fn facts(facts: &Facts) -> Vec<String> {
        facts.iter().map(|(path, value)| format!("{path}={}", value.text())).collect()
    }

    #[test]
    fn a_stack_has_services_and_objects() {
        let text = "
services:
  web:
    command: [serve, --fast]
    environment: {LOG: info, DIGEST: '${BOOTSMITH_DIGEST_WEB}'}
    labels: {io.bootsmith.service: web, tier: front}
    volumes: ['data:/data', {source: a, target: /b, read_only: true, tmpfs: {mode: 448}}]
volumes:
  data: {labels: {a: b}}
  bootsmith.secret-x: {external: true}
";
        let read = read(text);
        assert_eq!(
            facts(&read.services["web"]),
            [
                "command=serve --fast",
                "environment.LOG=info",
                "labels.tier=front",
                "volumes./b.read_only=true",
                "volumes./b.source=a",
                "volumes./b.target=/b",
                "volumes./b.tmpfs.mode=0700",
                "volumes.data:/data=data:/data"
            ]
        );
        assert_eq!(read.objects.keys().collect::<Vec<_>>(), ["volumes.data"]);
    }

    #[test]
    fn objects_of_a_cluster_belong_to_their_service() {
        let text = "
kind: Deployment
metadata: {name: web, labels: {io.bootsmith.service: web}}
spec:
  containers: [{name: web, env: [{name: LOG, value: info}]}]
  volumes: [{name: a, secret: {defaultMode: 256}}, {name: b, emptyDir: {sizeLimit: 256}}]
---
kind: NetworkPolicy
metadata: {name: deny, annotations: {io.bootsmith.version: 1.0.0}}
spec: {policyTypes: [Ingress]}
";
        let read = read(text);
        assert_eq!(
            facts(&read.services["web"]),
            [
                "Deployment.kind=Deployment",
                "Deployment.metadata.name=web",
                "Deployment.spec.containers.web.env.LOG.name=LOG",
                "Deployment.spec.containers.web.env.LOG.value=info",
                "Deployment.spec.containers.web.name=web",
                "Deployment.spec.volumes.a.name=a",
                "Deployment.spec.volumes.a.secret.defaultMode=0400",
                "Deployment.spec.volumes.b.emptyDir.sizeLimit=256",
                "Deployment.spec.volumes.b.name=b"
            ]
        );
        assert_eq!(
            facts(&read.objects["NetworkPolicy deny"]),
            ["kind=NetworkPolicy", "metadata.name=deny", "spec.policyTypes=Ingress"]
        );
    }
}
