//! Containers: what each looks like so many ticks after its pod was made. Pure: the same age at the same instant shows the same.

use serde_json::{Value, json};

use super::behaviour::{Behaviour, Behaviours};
use super::store::hash;

/// Ticks until a container runs, and until one that ends has ended.
const STARTED: u64 = 2;
const ENDED: u64 = 4;
/// Ticks from one run of a crashing container to the next.
const CYCLE: u64 = 8;

/// What is seen of a container.
pub(super) struct View {
    pub(super) status: Value,
    pub(super) is_ready: bool,
    pub(super) has_run: bool,
    /// When it has ended for good.
    pub(super) exit_code: Option<i32>,
}

/// The containers of a pod.
pub(super) struct Views {
    pub(super) init: Vec<View>,
    pub(super) main: Vec<View>,
}

/// The behaviours of all containers of a pod.
pub(super) fn of(behaviours: &Behaviours, pod: &Value) -> Vec<Behaviour> {
    let lists = ["initContainers", "containers"];
    let containers = lists.iter().flat_map(|list| pod["spec"][*list].as_array().into_iter().flatten());
    containers.map(|container| behaviours.of(pod, container)).collect()
}

/// What is seen of a pod's containers at an age; those that come first hold up the others.
pub(super) fn view(behaviours: &Behaviours, pod: &Value, age: u64, now: &str) -> Views {
    let policy = pod["spec"]["restartPolicy"].as_str().unwrap_or("Always");
    let is_job = pod["metadata"]["ownerReferences"][0]["kind"] == "Job";
    let mut age = age;
    let mut is_blocked = false;
    let mut init = Vec::new();
    for container in pod["spec"]["initContainers"].as_array().into_iter().flatten() {
        let is_sidecar = container["restartPolicy"] == "Always";
        let policy = if policy == "Always" { "OnFailure" } else { policy };
        let behaviour = ending(behaviours.of(pod, container), !is_sidecar);
        let seen = if is_blocked { initializing(container) } else { look(container, &behaviour, policy, age) };
        is_blocked |= if is_sidecar { !seen.has_run } else { seen.exit_code != Some(0) };
        age = age.saturating_sub(ENDED - STARTED);
        init.push(seen);
    }
    let main = pod["spec"]["containers"].as_array().into_iter().flatten().map(|container| {
        if is_blocked {
            return initializing(container);
        }
        look(container, &ending(behaviours.of(pod, container), is_job), policy, age)
    });
    let mut views = Views { init, main: main.collect() };
    views
        .init
        .iter_mut()
        .chain(&mut views.main)
        .for_each(|view| date(view, &pod["metadata"]["creationTimestamp"], now));
    views
}

/// The times of a container are the time of its pod; one that runs again has begun this moment, for its cycle is shorter than a second.
fn date(view: &mut View, time: &Value, now: &str) {
    for (field, name) in [("state", "running"), ("state", "terminated"), ("lastState", "terminated")] {
        if view.status[field].get(name).is_some() {
            view.status[field][name]["startedAt"] = time.clone();
        }
        if name == "terminated" && view.status[field].get(name).is_some() {
            view.status[field][name]["finishedAt"] = time.clone();
        }
    }
    if view.status["restartCount"].as_u64() > Some(0) && view.status["state"].get("running").is_some() {
        view.status["state"]["running"]["startedAt"] = now.into();
    }
}

/// What is healthy ends well where it is meant to end.
fn ending(behaviour: Behaviour, is_meant_to_end: bool) -> Behaviour {
    if is_meant_to_end && behaviour == Behaviour::Healthy { Behaviour::Exit(0) } else { behaviour }
}

fn initializing(container: &Value) -> View {
    waiting(container, "PodInitializing", "")
}

/// Containers that the kubelet cannot make.
pub(super) fn not_configured(pod: &Value, why: &str) -> Vec<View> {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers.map(|container| waiting(container, "CreateContainerConfigError", why)).collect()
}

fn look(container: &Value, behaviour: &Behaviour, policy: &str, age: u64) -> View {
    if let Behaviour::ImagePullBackOff(message) = behaviour {
        return not_pulled(container, message, age);
    }
    if age < STARTED {
        return waiting(container, "ContainerCreating", "");
    }
    match behaviour {
        Behaviour::NeverReady => running(container, false, 0, None),
        Behaviour::Slow(ticks) => running(container, age >= STARTED + ticks, 0, None),
        Behaviour::Exit(code) | Behaviour::CrashLoop(code) => ends(container, *code, policy, age),
        Behaviour::Unhealthy(code) => unready(ends(container, *code, policy, age)),
        _ => running(container, true, 0, None),
    }
}

fn not_pulled(container: &Value, message: &str, age: u64) -> View {
    let image = &container["image"];
    if age < STARTED {
        return waiting(container, "ContainerCreating", "");
    }
    if age < ENDED {
        return waiting(container, "ErrImagePull", &format!("failed to pull and unpack image {image}: {message}"));
    }
    let told =
        format!("Back-off pulling image {image}: ErrImagePull: failed to pull and unpack image {image}: {message}");
    waiting(container, "ImagePullBackOff", &told)
}

fn ends(container: &Value, code: i32, policy: &str, age: u64) -> View {
    let is_over = policy == "Never" || policy == "OnFailure" && code == 0;
    let since = age - STARTED;
    let restarts = if is_over { 0 } else { since / CYCLE };
    let last = (restarts > 0).then(|| terminated(code));
    if since % CYCLE < ENDED - STARTED && (!is_over || age < ENDED) {
        return running(container, true, restarts, last);
    }
    if is_over {
        let mut view = named(container, &json!({ "terminated": terminated(code) }), restarts, None);
        view.exit_code = Some(code);
        return view;
    }
    let name = container["name"].as_str().unwrap_or_default();
    let told = format!("back-off 10s restarting failed container={name}");
    let state = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": told } });
    named(container, &state, restarts, Some(terminated(code)))
}

fn unready(mut view: View) -> View {
    view.is_ready = false;
    view.status["ready"] = false.into();
    view.status["started"] = false.into();
    view
}

fn terminated(code: i32) -> Value {
    json!({ "exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" } })
}

fn waiting(container: &Value, reason: &str, message: &str) -> View {
    let mut why = json!({ "reason": reason });
    if !message.is_empty() {
        why["message"] = message.into();
    }
    let mut view = named(container, &json!({ "waiting": why }), 0, None);
    view.has_run = false;
    view.status["imageID"] = "".into();
    if let Some(members) = view.status.as_object_mut() {
        members.remove("containerID");
    }
    view
}

fn running(container: &Value, is_ready: bool, restarts: u64, last: Option<Value>) -> View {
    let mut view = named(container, &json!({ "running": {} }), restarts, last);
    view.is_ready = is_ready;
    view.status["ready"] = is_ready.into();
    view.status["started"] = true.into();
    view
}

fn named(container: &Value, state: &Value, restarts: u64, last: Option<Value>) -> View {
    let image = container["image"].as_str().unwrap_or_default();
    let last = last.map_or_else(|| json!({}), |last| json!({ "terminated": last }));
    let status = json!({
        "name": container["name"], "image": image, "imageID": image_id(image), "ready": false, "started": false,
        "restartCount": restarts, "state": state, "lastState": last,
        "containerID": format!("containerd://{}", hash(&format!("{container} {restarts}"))),
    });
    View { status, is_ready: false, has_run: true, exit_code: None }
}

/// An image that is named by its digest is known by it.
fn image_id(image: &str) -> String {
    let name = image.split('@').next().unwrap_or_default();
    let digest =
        image.split_once('@').map_or_else(|| format!("sha256:{}", hash(image)), |(_, digest)| digest.to_owned());
    format!("{name}@{digest}")
}
