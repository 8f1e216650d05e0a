//! What has an address of its own below an object, and questions that are created: scale, logs, evictions, tokens, access reviews.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::address::Address;
use super::audit;
use super::http::{Chunks, Request};
use super::kinds::{Kind, kind};
use super::patch;
use super::selector::Selector;
use super::server::{is_dry, refuse, write_of};
use super::status::Status;
use super::store::{Key, hash};
use super::verbs;
use super::world::{State, World};

/// The answer of a subresource or a review.
pub(super) fn answer(
    state: &mut State,
    request: &Request,
    address: &Address,
    body: &Value,
) -> Result<(u16, Value), Status> {
    match (address.kind.kind, address.subresource.as_deref(), request.method.as_str()) {
        ("SelfSubjectAccessReview", None, "POST") => {
            state.asked.push(audit::asked(body));
            Ok((201, access(state, body)))
        }
        ("SelfSubjectRulesReview", None, "POST") => Ok((201, rules(body))),
        ("SelfSubjectReview", None, "POST") => Ok((201, subject(body))),
        (_, Some("scale"), _) => scale(state, request, address, body),
        ("Pod", Some("eviction"), "POST") => evict(state, request, address, body),
        ("ServiceAccount", Some("token"), "POST") => token(state, address, body),
        ("Namespace", Some("finalize"), "PUT") => Ok((200, body.clone())),
        _ => Err(Status::method_not_allowed()),
    }
}

fn access(state: &State, body: &Value) -> Value {
    let asked = audit::asked(body);
    let is_denied = state.denials.iter().any(|denial| {
        (denial.verb == "*" || denial.verb == asked.verb)
            && (denial.resource == "*" || denial.resource == asked.resource)
    });
    let status = if is_denied { json!({ "allowed": false }) } else { json!({ "allowed": true, "reason": "stand-in" }) };
    with_status("authorization.k8s.io/v1", "SelfSubjectAccessReview", body, &status)
}

fn rules(body: &Value) -> Value {
    let rule = json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] });
    let status = json!({ "resourceRules": [rule], "nonResourceRules": [], "incomplete": false });
    with_status("authorization.k8s.io/v1", "SelfSubjectRulesReview", body, &status)
}

fn subject(body: &Value) -> Value {
    let status = json!({ "userInfo": { "username": "tester", "groups": ["system:authenticated"] } });
    with_status("authentication.k8s.io/v1", "SelfSubjectReview", body, &status)
}

fn with_status(api_version: &str, kind: &str, body: &Value, status: &Value) -> Value {
    json!({ "apiVersion": api_version, "kind": kind, "metadata": {}, "spec": body["spec"], "status": status })
}

/// The number of replicas alone.
fn scale(state: &mut State, request: &Request, address: &Address, body: &Value) -> Result<(u16, Value), Status> {
    let name = address.name.as_deref().unwrap_or_default();
    let key = Key::new(address.kind, address.place(), name);
    let object = state.store.get(&key).cloned().ok_or_else(|| Status::not_found(address.kind, name))?;
    let shown = scale_of(&object);
    let wanted = match request.method.as_str() {
        "GET" => return Ok((200, shown)),
        "PUT" => body.clone(),
        "PATCH" if body.is_array() => patch::json_patch(&shown, body)?,
        "PATCH" => patch::merge_patch(&shown, body),
        _ => return Err(Status::method_not_allowed()),
    };
    let mut changed = (*object).clone();
    changed["spec"]["replicas"] = wanted["spec"]["replicas"].as_u64().unwrap_or(0).into();
    changed["metadata"]["resourceVersion"] = wanted["metadata"]["resourceVersion"].clone();
    let write = write_of(request, "scale")?;
    let changed = verbs::replace(&mut state.store, address.kind, &key, changed, &write)?;
    Ok((200, scale_of(&changed)))
}

fn scale_of(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let labels = object["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
    let selector: Vec<_> =
        labels.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
    let replicas = object["status"]["replicas"].as_u64().unwrap_or(0);
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": { "replicas": object["spec"]["replicas"] },
        "status": { "replicas": replicas, "selector": selector.join(",") },
    })
}

/// A pod goes unless a budget forbids it.
fn evict(state: &mut State, request: &Request, address: &Address, body: &Value) -> Result<(u16, Value), Status> {
    let name = address.name.as_deref().unwrap_or_default();
    let key = Key::new(address.kind, address.place(), name);
    let pod = state.store.get(&key).cloned().ok_or_else(|| Status::not_found(address.kind, name))?;
    for budget in state.store.list(kind("PodDisruptionBudget"), Some(address.place())) {
        if Selector::of_workload(&budget["spec"]["selector"]).matches(&pod) && disruptions_allowed(state, &budget) == 0
        {
            let budget = budget["metadata"]["name"].as_str().unwrap_or_default();
            let cause = format!("The disruption budget {budget} needs more healthy pods than there would be");
            return Err(Status::too_many_requests(
                "Cannot evict pod as it would violate the pod's disruption budget.",
                &cause,
            ));
        }
    }
    verbs::delete(&mut state.store, address.kind, &key, &body["deleteOptions"], is_dry(request))?;
    Ok((201, json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 })))
}

/// How many pods a budget lets go now.
fn disruptions_allowed(state: &State, budget: &Value) -> u64 {
    let selector = Selector::of_workload(&budget["spec"]["selector"]);
    let pods = state.store.list(kind("Pod"), budget["metadata"]["namespace"].as_str());
    let pods: Vec<_> = pods.iter().filter(|pod| selector.matches(pod)).collect();
    let is_healthy = |pod: &Value| super::pods::is_ready(pod) && pod["metadata"]["deletionTimestamp"].is_null();
    let healthy = pods.iter().filter(|pod| is_healthy(pod)).count() as u64;
    let expected = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).count() as u64;
    let needed = match (&budget["spec"]["minAvailable"], &budget["spec"]["maxUnavailable"]) {
        (Value::Null, Value::Null) => return healthy,
        (Value::Null, most) => expected.saturating_sub(super::pods::share(most, expected, true)),
        (least, _) => super::pods::share(least, expected, true),
    };
    healthy.saturating_sub(needed)
}

fn token(state: &State, address: &Address, body: &Value) -> Result<(u16, Value), Status> {
    let name = address.name.as_deref().unwrap_or_default();
    let key = Key::new(address.kind, address.place(), name);
    let account = state.store.get(&key).ok_or_else(|| Status::not_found(address.kind, name))?;
    let token = format!("stand-in.{}", hash(&account["metadata"]["uid"].to_string()));
    let status = json!({ "token": token, "expirationTimestamp": "2099-01-01T00:00:00Z" });
    Ok((201, with_status("authentication.k8s.io/v1", "TokenRequest", body, &status)))
}

/// What a container has logged; with `follow`, until its pod is gone or done.
pub(super) fn serve_log(world: &World, request: &Request, address: &Address, stream: &mut TcpStream) -> io::Result<()> {
    let name = address.name.as_deref().unwrap_or_default();
    let key = Key::new(address.kind, address.place(), name);
    let text = log_of(&world.lock(), request, address.kind, &key);
    let text = match text {
        Ok(text) => text,
        Err(status) => return refuse(stream, &status),
    };
    let mut chunks = Chunks::start(stream, "text/plain")?;
    chunks.write(text.as_bytes())?;
    while request.is_set("follow") && !world.is_stopped() && !chunks.is_abandoned() && is_running(&world.lock(), &key) {
        drop(world.wait(world.lock(), Duration::from_millis(100)));
    }
    chunks.complete()
}

fn is_running(state: &State, key: &Key) -> bool {
    state.store.get(key).is_some_and(|pod| !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")))
}

fn log_of(state: &State, request: &Request, kind: &Kind, key: &Key) -> Result<String, Status> {
    let pod = state.store.get(key).ok_or_else(|| Status::not_found(kind, &key.name))?;
    let containers: Vec<_> = ["initContainers", "containers"]
        .iter()
        .flat_map(|list| pod["spec"][*list].as_array().into_iter().flatten())
        .collect();
    let wanted = request.parameter("container").map(Value::from);
    let first = || pod["spec"]["containers"][0]["name"].clone();
    let wanted = wanted.unwrap_or_else(first);
    let Some(container) = containers.iter().find(|container| container["name"] == wanted) else {
        return Err(Status::bad_request(format!("container {wanted} is not valid for pod {}", key.name)));
    };
    let statuses = ["initContainerStatuses", "containerStatuses"];
    let mut statuses = statuses.iter().flat_map(|list| pod["status"][*list].as_array().into_iter().flatten());
    let status = statuses.find(|status| status["name"] == wanted);
    check_has_run(status.unwrap_or(&Value::Null), &wanted, &key.name, request.is_set("previous"))?;
    let text = state.behaviours.log(container);
    let lines: Vec<_> = text.lines().collect();
    let tail = request.parameter("tailLines").and_then(|count| count.parse().ok()).unwrap_or(lines.len());
    let stamp = if request.is_set("timestamps") {
        format!("{} ", pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default())
    } else {
        String::new()
    };
    Ok(lines[lines.len().saturating_sub(tail)..].iter().map(|line| format!("{stamp}{line}\n")).collect())
}

/// There is nothing to read of a container that has not run; the words are the kubelet's.
fn check_has_run(status: &Value, container: &Value, pod: &str, wants_previous: bool) -> Result<(), Status> {
    if wants_previous && status["lastState"]["terminated"].is_null() {
        let why = format!("previous terminated container {container} in pod \"{pod}\" not found");
        return Err(Status::bad_request(why));
    }
    if status["containerID"].is_string() {
        return Ok(());
    }
    let why = match status["state"]["waiting"]["reason"].as_str() {
        Some("ErrImagePull") => "image can't be pulled",
        Some("ImagePullBackOff") => "trying and failing to pull image",
        Some(reason) => reason,
        None => "ContainerCreating",
    };
    Err(Status::bad_request(format!("container {container} in pod \"{pod}\" is waiting to start: {why}")))
}
