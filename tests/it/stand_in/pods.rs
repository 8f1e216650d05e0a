//! Pods: where they go, what their containers do there, and what is seen of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::behaviour::Behaviour;
use super::containers::{self, View};
use super::controllers::{condition, create, key_of, number};
use super::kinds::kind;
use super::pod_rules;
use super::store::{Key, hash};
use super::world::State;

/// One step of all pods.
pub(super) fn step(state: &mut State) {
    let pods = state.store.list(kind("Pod"), None);
    let mut births = BTreeMap::new();
    for pod in pods {
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        if pod["metadata"]["deletionTimestamp"].is_string() {
            state.store.remove(&key_of(&pod));
            continue;
        }
        let born = state.births.get(&uid).copied().unwrap_or(state.ticks);
        births.insert(uid, born);
        live(state, &pod, state.ticks - born);
    }
    state.births = births;
}

fn live(state: &mut State, pod: &Value, age: u64) {
    if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return;
    }
    let node = match &pod["spec"]["nodeName"] {
        Value::String(node) => Some(node.clone()),
        _ if age > 0 => place(state, pod),
        _ => None,
    };
    let status = match &node {
        Some(_) => running(state, pod, age),
        None => waiting(state, pod, age),
    };
    tell_of_probes(state, pod, &status);
    state.store.change(&key_of(pod), |pod| {
        if let Some(node) = node {
            pod["spec"]["nodeName"] = node.into();
        }
        pod["status"] = status;
    });
}

/// The event by which the kubelet says that a probe ended a container; the words are its own.
fn tell_of_probes(state: &mut State, pod: &Value, status: &Value) {
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let statuses = status["containerStatuses"].as_array().into_iter().flatten();
        let has_ended =
            statuses.filter(|seen| seen["name"] == container["name"]).any(|seen| number(&seen["restartCount"]) > 0);
        if !has_ended || !matches!(state.behaviours.of(pod, container), Behaviour::Unhealthy(_)) {
            continue;
        }
        let metadata = &pod["metadata"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = format!("{}.killing", text(&metadata["name"]));
        let message = format!("Container {} failed startup probe, will be restarted", text(&container["name"]));
        let involved = json!({
            "apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
        });
        let event = json!({
            "metadata": { "name": name }, "involvedObject": involved,
            "type": "Normal", "reason": "Killing", "message": message,
        });
        let place = text(&metadata["namespace"]);
        if state.store.get(&Key::new(kind("Event"), &place, &name)).is_none() {
            create(&mut state.store, kind("Event"), &place, event);
        }
    }
}

/// The node that a pod goes to.
fn place(state: &State, pod: &Value) -> Option<String> {
    if containers::of(&state.behaviours, pod).contains(&Behaviour::Unschedulable) {
        return None;
    }
    let nodes = state.store.list(kind("Node"), None);
    let open = |node: &&std::sync::Arc<Value>| node["spec"]["unschedulable"] != true && fits_node(&pod["spec"], node);
    let nodes: Vec<_> = nodes.iter().filter(open).collect();
    let lot = usize::from_str_radix(&hash(&pod["metadata"]["uid"].to_string())[..6], 16).unwrap_or(0);
    nodes.get(lot % nodes.len().max(1)).and_then(|node| node["metadata"]["name"].as_str()).map(str::to_owned)
}

/// Whether a node has the labels that a pod asks for, in its selector or its required affinity.
pub(super) fn fits_node(spec: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    let mut wanted = spec["nodeSelector"].as_object().into_iter().flatten();
    let required = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let terms = required["nodeSelectorTerms"].as_array();
    let fits_term = |term: &Value| super::selector::Selector::of_workload(term).matches(node);
    wanted.all(|(name, value)| labels[name] == *value) && terms.is_none_or(|terms| terms.iter().any(fits_term))
}

fn waiting(state: &State, pod: &Value, age: u64) -> Value {
    if age == 0 {
        return json!({ "phase": "Pending", "qosClass": "BestEffort" });
    }
    let nodes = state.store.list(kind("Node"), None).len();
    let message = format!(
        "0/{nodes} nodes are available: {nodes} Insufficient cpu. no new claims to deallocate, preemption: 0/{nodes} nodes are available: {nodes} No preemption victims found for incoming pod."
    );
    let unplaced = condition(&pod["status"], "PodScheduled", false, "Unschedulable", &message);
    json!({ "phase": "Pending", "conditions": [unplaced], "qosClass": "BestEffort" })
}

fn running(state: &State, pod: &Value, age: u64) -> Value {
    let find = |kind_name: &str, name: &str| {
        let place = pod["metadata"]["namespace"].as_str().unwrap_or_default();
        state.store.get(&Key::new(kind(kind_name), place, name)).map(|object| (**object).clone())
    };
    let mut views = containers::view(&state.behaviours, pod, age, &super::store::now());
    if let Some(missing) = pod_rules::missing_reference(pod, find) {
        views.main = containers::not_configured(pod, &missing);
    }
    let statuses = |views: &[View]| views.iter().map(|view| view.status.clone()).collect::<Vec<_>>();
    let is_ready = views.main.iter().all(|view| view.is_ready);
    let phase = phase(&views.main);
    let before = &pod["status"];
    let (reason, message) = match phase {
        _ if is_ready => ("", String::new()),
        "Succeeded" => ("PodCompleted", String::new()),
        "Failed" => ("PodFailed", String::new()),
        _ => {
            let unready = views.main.iter().filter(|view| !view.is_ready);
            let names: Vec<_> = unready.filter_map(|view| view.status["name"].as_str()).collect();
            ("ContainersNotReady", format!("containers with unready status: [{}]", names.join(" ")))
        }
    };
    let has_begun = views.init.iter().all(|view| view.exit_code == Some(0));
    let mut status = json!({
        "phase": phase, "startTime": pod["metadata"]["creationTimestamp"], "qosClass": "BestEffort",
        "hostIP": "192.0.2.1", "podIP": "10.244.0.2",
        "conditions": [
            condition(before, "PodScheduled", true, "", ""),
            condition(before, "Initialized", has_begun, if has_begun { "" } else { "ContainersNotInitialized" }, ""),
            condition(before, "ContainersReady", is_ready, reason, &message),
            condition(before, "Ready", is_ready, reason, &message),
        ],
        "containerStatuses": statuses(&views.main),
    });
    if !views.init.is_empty() {
        status["initContainerStatuses"] = statuses(&views.init).into();
    }
    status
}

fn phase(views: &[View]) -> &'static str {
    if views.iter().all(|view| view.exit_code.is_some()) {
        let is_good = views.iter().all(|view| view.exit_code == Some(0));
        return if is_good { "Succeeded" } else { "Failed" };
    }
    if views.iter().any(|view| view.has_run) { "Running" } else { "Pending" }
}

/// Whether a pod says that it is ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Whether a pod has been ready for so long.
pub(super) fn is_available(pod: &Value, seconds: u64) -> bool {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.find(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    ready.is_some_and(|ready| super::store::seconds_since(&ready["lastTransitionTime"]) >= seconds)
}

/// A number, or a percentage of one.
pub(super) fn share(value: &Value, total: u64, rounds_up: bool) -> u64 {
    let Some(percent) = value.as_str().and_then(|text| text.strip_suffix('%')?.parse::<u64>().ok()) else {
        return number(value);
    };
    if rounds_up { (total * percent).div_ceil(100) } else { total * percent / 100 }
}
