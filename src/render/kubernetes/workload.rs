//! The workload of a service: Deployment, `StatefulSet`, `DaemonSet` or Job.
//!
//! `replicas` is in none of them: the entrypoint sets it, as another field manager, so that a scale is not taken back by the next release.

use serde_json::{Map, Value as Json, json};

use crate::compose::UpdateOrder;
use crate::name::MAX_LABEL_CHARACTERS;
use crate::plan::{Platform, Service, Workload};

use super::definition::Definition;
use super::labels::{self, Written};
use super::object::{Object, Scene, digest, map, name};
use super::yaml::ours;
use super::{claims, pod, probe};

/// The workload, patched.
pub(super) fn of(scene: &Scene<'_>, service: &Service, definition: &Definition) -> Object {
    let workload = scene.shared.workload(service);
    let spec = match workload {
        Workload::Deployment => deployment(scene, service, definition),
        Workload::StatefulSet => stateful_set(scene, service, definition),
        Workload::DaemonSet => daemon_set(scene, service, definition),
        Workload::Job => job(scene, service, definition),
    };
    let body = json!({ "spec": spec });
    let Written { labels, annotations } = labels::written(definition, &[&["labels"], &["deploy", "labels"]]);
    let mut object = Object::of_service(scene, service, workload.kind(), &name(service), body);
    let ours_over_theirs = labels::of_pods(scene, service, &Written { labels, annotations: Map::new() });
    object = object.labelled(ours_over_theirs).annotated(annotations);
    object = object.annotated(map(labels::version(scene)));
    if workload == Workload::Job {
        object = object.named(job_name(service));
    }
    if let Some(patch) = service.patches.get(&Platform::Kubernetes) {
        object.merge(patch);
    }
    object
}

fn deployment(scene: &Scene<'_>, service: &Service, definition: &Definition) -> Map<String, Json> {
    let mut spec = map(json!({
        // Rollbacks are the entrypoint's, from its records.
        "revisionHistoryLimit": 1,
        "selector": { "matchLabels": labels::selector(scene, service) },
        "strategy": deployment_strategy(scene, service),
        "template": pod::template(scene, service, definition),
    }));
    probe::add_stability(&mut spec, service);
    spec
}

/// Where two pods cannot have a volume at a time, the old one goes first.
fn deployment_strategy(scene: &Scene<'_>, service: &Service) -> Json {
    if claims::holds_back(scene, service) {
        return json!({ "type": "Recreate" });
    }
    let update = service.compose.deploy.update;
    let at_once = at_once(service);
    // Compose says `stop-first` when there is a policy without an order; without a policy the new replica proves itself first.
    let stops_first = update.is_some_and(|update| update.order != Some(UpdateOrder::StartFirst));
    let (surge, unavailable) = if stops_first { (json!(0), at_once) } else { (at_once, json!(0)) };
    json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": surge, "maxUnavailable": unavailable } })
}

/// `parallelism`: one at a time, unless the spec says more; 0 is all.
fn at_once(service: &Service) -> Json {
    match service.compose.deploy.update.and_then(|update| update.parallelism) {
        Some(0) => json!("100%"),
        Some(number) => json!(number),
        None => json!(1),
    }
}

fn stateful_set(scene: &Scene<'_>, service: &Service, definition: &Definition) -> Map<String, Json> {
    let mut spec = map(json!({
        // All at once, as Compose does; one after the other would wait for ever behind a replica that never gets ready.
        "podManagementPolicy": "Parallel",
        "revisionHistoryLimit": 1,
        "selector": { "matchLabels": labels::selector(scene, service) },
        "serviceName": name(service),
        "template": pod::template(scene, service, definition),
        "updateStrategy": { "type": "RollingUpdate" },
        "volumeClaimTemplates": claims::templates(scene, service),
    }));
    probe::add_stability(&mut spec, service);
    spec
}

fn daemon_set(scene: &Scene<'_>, service: &Service, definition: &Definition) -> Map<String, Json> {
    let update = service.compose.deploy.update;
    let starts_first = update.is_some_and(|update| update.order == Some(UpdateOrder::StartFirst));
    let at_once = at_once(service);
    let (surge, unavailable) = if starts_first { (at_once, json!(0)) } else { (json!(0), at_once) };
    let mut spec = map(json!({
        "revisionHistoryLimit": 1,
        "selector": { "matchLabels": labels::selector(scene, service) },
        "template": pod::template(scene, service, definition),
        "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": surge, "maxUnavailable": unavailable } },
    }));
    probe::add_stability(&mut spec, service);
    spec
}

/// All replicas at a time, as Compose starts them.
fn job(scene: &Scene<'_>, service: &Service, definition: &Definition) -> Map<String, Json> {
    map(json!({
        "backoffLimit": service.compose.deploy.restart_policy.and_then(|policy| policy.max_attempts).unwrap_or(0),
        "completions": service.replicas,
        "parallelism": service.replicas,
        "template": pod::template(scene, service, definition),
    }))
}

/// The template of a Job cannot be changed, so that a changed job is another one.
fn job_name(service: &Service) -> Json {
    /// The digest and a dash.
    const DIGEST_CHARACTERS: usize = 33;
    let name = name(service);
    let short = &name[..name.len().min(MAX_LABEL_CHARACTERS - DIGEST_CHARACTERS)];
    ours(format!("{}-{}", short.trim_end_matches('-'), digest(service)))
}
