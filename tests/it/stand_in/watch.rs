//! Watches: the changes of some objects, as they happen.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::address::Address;
use super::http::{Chunks, Request};
use super::selector::Selector;
use super::store::Change;
use super::world::World;

/// How often a watch looks whether anybody still listens.
const BREATH: Duration = Duration::from_millis(200);

/// Writes changes until the client goes away, its time is over, or the server stops.
pub(super) fn serve(
    world: &World,
    request: &Request,
    address: &Address,
    selector: &Selector,
    stream: &mut TcpStream,
) -> io::Result<()> {
    let seconds = request.parameter("timeoutSeconds").and_then(|seconds| seconds.parse().ok()).unwrap_or(3600);
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let mut chunks = Chunks::start(stream, "application/json")?;
    let (mut seen, first) = beginning(world, request, address, selector);
    for event in first {
        chunks.write(format!("{event}\n").as_bytes())?;
    }
    while !world.is_stopped() && Instant::now() < deadline && !chunks.is_abandoned() {
        let mut state = world.lock();
        if state.store.changes.len() == seen {
            state = world.wait(state, BREATH);
        }
        let fresh = state.store.changes[seen..].iter().filter_map(|change| event(change, address, selector));
        let text: String = fresh.map(|event| format!("{event}\n")).collect();
        seen = state.store.changes.len();
        drop(state);
        chunks.write(text.as_bytes())?;
    }
    chunks.complete()
}

/// The changes to leave out, and what is told first.
fn beginning(world: &World, request: &Request, address: &Address, selector: &Selector) -> (usize, Vec<Value>) {
    let state = world.lock();
    let from = request.parameter("resourceVersion").and_then(|version| version.parse::<u64>().ok()).unwrap_or(0);
    let wants_state = request.is_set("sendInitialEvents");
    if from > 0 && !wants_state {
        let known = state.store.changes.partition_point(|change| change.version <= from);
        return (known, Vec::new());
    }
    let objects = state.store.list(address.kind, address.namespace.as_deref());
    let found = objects.iter().filter(|object| is_meant(object, address, selector));
    let mut events: Vec<_> = found.map(|object| json!({ "type": "ADDED", "object": **object })).collect();
    if wants_state {
        let annotations = json!({ "k8s.io/initial-events-end": "true" });
        let metadata = json!({ "resourceVersion": state.store.version().to_string(), "annotations": annotations });
        let (kind, api_version) = (address.kind.kind, address.kind.api_version());
        let bookmark = json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata });
        events.push(json!({ "type": "BOOKMARK", "object": bookmark }));
    }
    (state.store.changes.len(), events)
}

/// Seen through a selector, an object comes and goes with its labels.
fn event(change: &Change, address: &Address, selector: &Selector) -> Option<Value> {
    if change.key.kind != address.kind.kind {
        return None;
    }
    let fits = |object: &&Arc<Value>| is_meant(object, address, selector);
    let (before, after) = (change.before.as_ref().filter(fits), change.after.as_ref().filter(fits));
    let told = |word: &str, object: &Value| Some(json!({ "type": word, "object": object }));
    match (before, after) {
        (None, None) => None,
        (None, Some(after)) => told("ADDED", after),
        (Some(_), Some(after)) => told("MODIFIED", after),
        (Some(before), None) => {
            let mut last = (**before).clone();
            last["metadata"]["resourceVersion"] = change.version.to_string().into();
            told("DELETED", &last)
        }
    }
}

fn is_meant(object: &Value, address: &Address, selector: &Selector) -> bool {
    let metadata = &object["metadata"];
    address.namespace.as_ref().is_none_or(|namespace| metadata["namespace"] == **namespace)
        && address.name.as_ref().is_none_or(|name| metadata["name"] == **name)
        && selector.matches(object)
}
