//! Scheduled scripts: a `CronJob` for each, whose pods are those of a one-off of the same script.
//!
//! What a one-off is, `driver-run.sh` of the entrypoint says: the pod of the service with another command, which nothing judges and no request
//! reaches. `suspend` is not in it: that is what `stop` sets, as another field manager.

use serde_json::{Map, Value as Json, json};

use crate::name::Label;
use crate::plan::{Script, ScriptAction, ScriptMode, Service};

use super::Rendition;
use super::additions::Addition;
use super::labels;
use super::object::{self, Object, Scene, digest_value, map};
use super::words::doubled;

/// Every `CronJob` of the environment.
pub(super) fn of(scene: &Scene<'_>, services: &[Rendition<'_>]) -> Vec<Addition> {
    let scheduled = scene.environment.scripts.iter().filter(|(_, script)| script.schedule.is_some());
    let addition = |(name, script): (&Label, &Script)| {
        let ScriptMode::Run(service) = &script.mode else { return None };
        let rendition = services.iter().find(|rendition| rendition.service.name == *service)?;
        Some(Addition::of_service(cron_job(scene, name, script, rendition), rendition.service))
    };
    scheduled.filter_map(addition).collect()
}

fn cron_job(scene: &Scene<'_>, name: &Label, script: &Script, rendition: &Rendition<'_>) -> Object {
    let service = rendition.service;
    let mut labels = labels::selector(scene, service);
    labels.insert("io.bootsmith.kind".to_owned(), json!("oneoff"));
    let pod = pod(scene, name, script, rendition);
    let spec = json!({
        "schedule": script.schedule.as_ref().map(ToString::to_string),
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "failedJobsHistoryLimit": 3,
        "successfulJobsHistoryLimit": 1,
        // After a long `stop` nothing is made up for.
        "startingDeadlineSeconds": 300,
        "jobTemplate": {
            "metadata": { "labels": labels },
            "spec": { "backoffLimit": 0, "template": { "metadata": { "labels": labels }, "spec": pod } },
        },
    });
    let object = Object::of_service(scene, service, "CronJob", name.as_str(), json!({ "spec": spec }));
    object.labelled([(labels::DIGEST.to_owned(), digest_value(service))])
}

/// The pod of the service, as a one-off.
fn pod(scene: &Scene<'_>, name: &Label, script: &Script, rendition: &Rendition<'_>) -> Map<String, Json> {
    let (service, workload) = (rendition.service, &rendition.objects[0].body["spec"]);
    let mut pod = map(workload["template"]["spec"].clone());
    pod.insert("restartPolicy".to_owned(), json!("Never"));
    pod.insert("readinessGates".to_owned(), json!([{ "conditionType": "io.bootsmith/one-off" }]));
    let containers = pod.get_mut("containers").and_then(Json::as_array_mut).into_iter().flatten();
    for container in
        containers.filter_map(Json::as_object_mut).filter(|container| container["name"] == *object::name(service))
    {
        command(scene, name, script, container);
    }
    let claims = claims(service, workload);
    if !claims.is_empty() {
        let volumes = pod.entry("volumes").or_insert_with(|| json!([]));
        volumes.as_array_mut().into_iter().for_each(|volumes| volumes.extend(claims.iter().cloned()));
    }
    pod
}

fn command(scene: &Scene<'_>, name: &Label, script: &Script, container: &mut Map<String, Json>) {
    for key in ["args", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        container.remove(key);
    }
    container.insert("command".to_owned(), words(name, script).iter().map(|word| json!(doubled(word))).collect());
    let version = scene.plan.version.to_string();
    let own = [
        ("BOOTSMITH_PROJECT", scene.plan.project.as_str()),
        ("BOOTSMITH_ENVIRONMENT", scene.environment.name.as_str()),
        ("BOOTSMITH_VERSION", &version),
        ("BOOTSMITH_ROLE", ""),
    ];
    let own: Vec<_> = own.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let written = container.remove("env").and_then(|env| env.as_array().cloned()).unwrap_or_default();
    let is_own = |variable: &Json| own.iter().any(|known| known["name"] == variable["name"]);
    let kept = written.into_iter().filter(|variable| !is_own(variable));
    container.insert("env".to_owned(), own.iter().cloned().chain(kept).collect());
}

/// What is run: a file travels as an argument of the service's shell.
fn words(name: &Label, script: &Script) -> Vec<String> {
    match &script.action {
        ScriptAction::Command(words) => words.clone(),
        ScriptAction::File { bytes, interpreter, .. } => {
            let text = String::from_utf8_lossy(bytes);
            // As the shell of the entrypoint hands it over, which drops the last line feeds.
            vec![(*interpreter).to_owned(), "-c".to_owned(), text.trim_end_matches('\n').to_owned(), name.to_string()]
        }
    }
}

/// The volumes that each replica has of its own are those of the first.
fn claims(service: &Service, workload: &Json) -> Vec<Json> {
    let templates = workload.get("volumeClaimTemplates").and_then(Json::as_array).into_iter().flatten();
    let names = templates.filter_map(|template| template["metadata"]["name"].as_str());
    let claim = |name: &str| json!({ "claimName": format!("{name}-{}-0", object::name(service)) });
    names.map(|name| json!({ "name": name, "persistentVolumeClaim": claim(name) })).collect()
}
