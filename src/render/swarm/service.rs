//! One service of a stack: from what Compose calls it to what `docker stack deploy` takes.

use serde_json::{Map, Value as Json, json};

use crate::name::DeclaredName;
use crate::plan::{Environment, FileKind, Mounts, Plan, Platform, Service, ServiceKind, external_secret, host_file};

use super::super::manifest::{constant_labels, escaped, merge_patch, texts_by_key};
use super::keys::{KEPT, NARROWED, REWRITTEN};
use super::values::{bytes, environment_value, expand_ports, restart_policy, text, untemplated};
use crate::compose::{self, ExtraHost, HOST_GATEWAY, MountSource};

/// The body of a service, without its image.
pub(super) fn body(plan: &Plan, environment: &Environment, service: &Service, mounts: &Mounts) -> Map<String, Json> {
    let mut body = service.definition.to_json();
    body.retain(|key, _| KEPT.contains(&key.as_str()) || REWRITTEN.contains(&key.as_str()));
    let limits = take_limits(&mut body);
    body.remove("restart");
    for (path, taken) in NARROWED {
        narrow(&mut body, path, taken);
    }
    add_own_name(&mut body, service);
    rewrite_values(&mut body, &service.compose);
    rewrite_mounts(&mut body, environment, service);
    if !service.environment.is_empty() {
        let values = service.environment.iter().map(|(key, value)| (key.clone(), json!(environment_value(value))));
        body.insert("environment".to_owned(), Json::from(values.collect::<Map<_, _>>()));
    }
    add_files(&mut body, environment, service, mounts);
    let mut deploy = take_table(&mut body, "deploy");
    complete_deploy(&mut deploy, service, limits);
    body.insert("deploy".to_owned(), Json::from(deploy));
    if let Some(patch) = service.patches.get(&Platform::Swarm) {
        merge_patch(&mut body, &patch.to_json());
    }
    add_variables(&mut body, plan, environment, service);
    body
}

/// A service that is called otherwise in a swarm is found under its own name as well.
fn add_own_name(body: &mut Map<String, Json>, service: &Service) {
    if service.name_on(Platform::Swarm) == service.name.as_str() {
        return;
    }
    let mut networks = match body.remove("networks") {
        Some(Json::Object(networks)) => networks,
        Some(Json::Array(names)) => {
            names.iter().filter_map(Json::as_str).map(|name| (name.to_owned(), json!({}))).collect()
        }
        _ => Map::from_iter([("default".to_owned(), json!({}))]),
    };
    for network in networks.values_mut() {
        if network.is_null() {
            *network = json!({});
        }
        let aliases = network["aliases"].take();
        let mut aliases = aliases.as_array().cloned().unwrap_or_default();
        aliases.push(json!(service.name));
        network["aliases"] = Json::from(aliases);
    }
    body.insert("networks".to_owned(), Json::from(networks));
}

/// The same service for one command that ends: nobody reaches it, and it is not started again. The command is the entrypoint's business.
pub(super) fn one_off(body: &Map<String, Json>, plan: &Plan, environment: &Environment) -> Map<String, Json> {
    let mut once = body.clone();
    for key in ["command", "entrypoint", "healthcheck", "hostname", "ports"] {
        once.remove(key);
    }
    let mut labels = constant_labels(None, plan, environment);
    labels.insert("io.bootsmith.kind".to_owned(), json!("oneoff"));
    once.insert("labels".to_owned(), Json::from(labels.clone()));
    let mut deploy = take_table(&mut once, "deploy");
    deploy.retain(|key, _| key == "placement" || key == "resources");
    deploy.insert("mode".to_owned(), json!("replicated-job"));
    deploy.insert("labels".to_owned(), Json::from(labels));
    deploy.insert("restart_policy".to_owned(), json!({ "condition": "none" }));
    once.insert("deploy".to_owned(), Json::from(deploy));
    if let Some(Json::Object(networks)) = once.get_mut("networks") {
        // The service's other names are the service's.
        networks.values_mut().filter_map(Json::as_object_mut).for_each(|network| drop(network.remove("aliases")));
    }
    once
}

fn take_table(body: &mut Map<String, Json>, key: &str) -> Map<String, Json> {
    match body.remove(key) {
        Some(Json::Object(table)) => table,
        _ => Map::new(),
    }
}

/// Takes out of every table at a path what a stack does not take there.
fn narrow(table: &mut Map<String, Json>, path: &[&str], taken: &[&str]) {
    let Some((first, rest)) = path.split_first() else {
        table.retain(|key, _| taken.contains(&key.as_str()));
        return;
    };
    let into = |value: &mut Json| {
        if let Some(below) = value.as_object_mut() {
            narrow(below, rest, taken);
        } else if let (Some(list), Some(("*", after))) =
            (value.as_array_mut(), rest.split_first().map(|(f, r)| (*f, r)))
        {
            list.iter_mut().filter_map(Json::as_object_mut).for_each(|below| narrow(below, after, taken));
        }
    };
    if *first == "*" {
        table.values_mut().for_each(into);
    } else {
        table.get_mut(*first).into_iter().for_each(into);
    }
}

/// Compose's limits outside of `deploy`, in the place where a stack has them.
fn take_limits(body: &mut Map<String, Json>) -> [(&'static str, &'static str, Option<Json>); 4] {
    [
        ("limits", "cpus", body.remove("cpus").map(text)),
        ("limits", "memory", body.remove("mem_limit").map(text)),
        ("limits", "pids", body.remove("pids_limit")),
        ("reservations", "memory", body.remove("mem_reservation").map(text)),
    ]
}

/// Values that Compose takes in more types than a stack.
fn rewrite_values(body: &mut Map<String, Json>, service: &compose::Service) {
    if let Some(Json::Array(ports)) = body.get_mut("ports") {
        *ports = ports.drain(..).zip(&service.ports).flat_map(|(written, port)| expand_ports(written, port)).collect();
    }
    if let Some(hostname) = body.get_mut("hostname") {
        *hostname = json!(untemplated(hostname.as_str().unwrap_or_default()));
    }
    if let Some(sysctls) = body.remove("sysctls") {
        body.insert("sysctls".to_owned(), in_texts(Some(sysctls)));
    }
    let options = body.get_mut("logging").and_then(|logging| logging.get_mut("options"));
    options.and_then(Json::as_object_mut).into_iter().for_each(texts);
    if !service.extra_hosts.is_empty() {
        let lines: Vec<_> = service.extra_hosts.iter().map(host_line).collect();
        body.insert("extra_hosts".to_owned(), json!(lines));
    }
}

fn host_line(host: &ExtraHost) -> String {
    let address = host.address.map_or_else(|| HOST_GATEWAY.to_owned(), |address| address.to_string());
    escaped(&format!("{}:{address}", host.name))
}

fn in_texts(written: Option<Json>) -> Json {
    let mut table = texts_by_key(written);
    texts(&mut table);
    Json::from(table)
}

fn texts(table: &mut Map<String, Json>) {
    table.values_mut().for_each(|value| *value = text(value.take()));
}

/// Volumes, and `tmpfs`, which a stack knows as a kind of volume. Swarm reads `{{…}}` in what it mounts.
fn rewrite_mounts(body: &mut Map<String, Json>, environment: &Environment, service: &Service) {
    let mut volumes = match body.remove("volumes") {
        Some(Json::Array(volumes)) => volumes,
        _ => Vec::new(),
    };
    for volume in &mut volumes {
        match volume {
            Json::String(written) => *written = untemplated(written),
            Json::Object(table) => rewrite_volume(table),
            _ => {}
        }
    }
    body.remove("tmpfs");
    volumes.extend(service.compose.mounts.iter().filter(|mount| mount.is_short).filter_map(tmpfs));
    for (file, path) in service.files.iter().filter_map(|file| Some((file, host_file(environment, file)?))) {
        volumes.push(json!({
            "type": "bind", "source": untemplated(&escaped(path)), "target": untemplated(&escaped(&file.target)), "read_only": true,
        }));
    }
    if !volumes.is_empty() {
        body.insert("volumes".to_owned(), Json::from(volumes));
    }
}

fn rewrite_volume(volume: &mut Map<String, Json>) {
    for key in ["source", "target"] {
        if let Some(Json::String(written)) = volume.get_mut(key) {
            *written = untemplated(written);
        }
    }
    if let Some(size) = volume.get_mut("tmpfs").and_then(|tmpfs| tmpfs.get_mut("size")) {
        *size = bytes(size.take());
    }
    // What was narrowed to nothing would say that a volume is of two types.
    volume.retain(|key, value| !(["bind", "tmpfs", "volume"].contains(&key.as_str()) && value == &json!({})));
}

/// An entry of `tmpfs`.
fn tmpfs(mount: &compose::Mount) -> Option<Json> {
    let MountSource::Memory { size, .. } = &mount.source else { return None };
    let mut volume = json!({ "type": "tmpfs", "target": untemplated(&escaped(&mount.target)) });
    if let Some(size) = size {
        volume["tmpfs"] = json!({ "size": size.bytes });
    }
    Some(volume)
}

/// Configs and secrets exist before the stack does: the entrypoint makes them under names that hold their fingerprint.
fn add_files(body: &mut Map<String, Json>, environment: &Environment, service: &Service, mounts: &Mounts) {
    for (kind, key) in [(FileKind::Config, "configs"), (FileKind::Secret, "secrets")] {
        let mut entries = Vec::new();
        for file in service.files.iter().filter(|file| file.kind == kind) {
            let entry = |source: String, target: &str| {
                let (uid, gid) = (file.owner.uid.to_string(), file.owner.gid.to_string());
                json!({ "source": source, "target": escaped(target), "uid": uid, "gid": gid, "mode": file.owner.mode })
            };
            let serving = mounts.serving(environment, file);
            entries.extend(serving.iter().map(|(mount, target)| entry(mount.name(), target)));
            if external_secret(environment, file).is_some() {
                entries.push(entry(external_key(&file.source), &file.target));
            }
        }
        if !entries.is_empty() {
            body.insert(key.to_owned(), Json::from(entries));
        }
    }
}

fn complete_deploy(deploy: &mut Map<String, Json>, service: &Service, limits: [(&str, &str, Option<Json>); 4]) {
    for (group, key, value) in limits {
        let Some(value) = value else { continue };
        let resources = deploy.entry("resources").or_insert_with(|| json!({}));
        let entry = &mut resources[group];
        if entry.is_null() {
            *entry = json!({});
        }
        if entry.get(key).is_none() {
            entry[key] = value;
        }
    }
    rewrite_deploy(deploy);
    if service.kind == ServiceKind::Job {
        // What is done is not updated (swarmkit, `validateUpdate`), and a job that failed is a failed deployment.
        deploy.remove("update_config");
        deploy.remove("rollback_config");
        deploy.entry("restart_policy").or_insert_with(|| json!({ "condition": "none" }));
        return;
    }
    if let Some(restart) = service.compose.restart {
        deploy.entry("restart_policy").or_insert_with(|| restart_policy(restart));
    }
    let update = deploy.entry("update_config").or_insert_with(|| json!({}));
    if update.get("failure_action").is_none() {
        update["failure_action"] = json!("rollback");
    }
}

/// A stack wants numbers of processors as texts.
fn rewrite_deploy(deploy: &mut Map<String, Json>) {
    for side in ["limits", "reservations"] {
        let cpus = deploy.get_mut("resources").and_then(|resources| resources.get_mut(side)?.get_mut("cpus"));
        if let Some(cpus) = cpus {
            *cpus = text(cpus.take());
        }
    }
}

/// What the entrypoint decides. The digest is on the service, where a roll-back puts the old one back, and on the container, where a
/// changed one recreates it.
fn add_variables(body: &mut Map<String, Json>, plan: &Plan, environment: &Environment, service: &Service) {
    let variable = |what: &str| json!(format!("${{BOOTSMITH_{what}_{}}}", service.name.to_variable()));
    let labels = |written: Option<Json>| {
        let mut labels = constant_labels(written, plan, environment);
        texts(&mut labels);
        labels.insert("io.bootsmith.service".to_owned(), json!(service.name));
        labels.insert("io.bootsmith.config-digest".to_owned(), variable("DIGEST"));
        labels
    };
    let mut of_container = labels(body.remove("labels"));
    of_container.insert("io.bootsmith.image-id".to_owned(), variable("IMAGE"));
    body.insert("labels".to_owned(), Json::from(of_container));
    let mut deploy = take_table(body, "deploy");
    deploy.insert("labels".to_owned(), Json::from(labels(deploy.get("labels").cloned())));
    let mode = match (service.kind, service.is_global) {
        (ServiceKind::Service, false) => "replicated",
        (ServiceKind::Service, true) => "global",
        (ServiceKind::Job, false) => "replicated-job",
        (ServiceKind::Job, true) => "global-job",
    };
    deploy.insert("mode".to_owned(), json!(mode));
    if service.is_global {
        deploy.remove("replicas");
    } else {
        deploy.insert("replicas".to_owned(), variable("REPLICAS"));
    }
    body.insert("deploy".to_owned(), Json::from(deploy));
}

/// The key of an external secret in the stack. The entrypoint's own have no dot.
pub(super) fn external_key(name: &DeclaredName) -> String {
    format!("external.{name}")
}
