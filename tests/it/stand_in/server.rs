//! The server: takes connections, strikes with injected faults, and brings each request to who answers it.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::address::Address;
use super::audit;
use super::discovery;
use super::exec;
use super::faults::{self, Effect};
use super::http::{self, Request};
use super::kinds;
use super::managers::Manager;
use super::pod_security;
use super::selector::Selector;
use super::status::{Status, success};
use super::store::Key;
use super::subresources;
use super::verbs::{self, Patch, Write};
use super::watch;
use super::world::{World, list};

/// Takes connections until the world stops.
pub(super) fn serve(listener: &TcpListener, world: &Arc<World>) {
    for stream in listener.incoming() {
        if world.is_stopped() {
            return;
        }
        let Ok(stream) = stream else { continue };
        let world = Arc::clone(world);
        thread::spawn(move || {
            // A client that hangs up in the middle is its own affair.
            let _ = converse(&world, stream);
        });
    }
}

fn converse(world: &World, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut rest = Vec::new();
    while let Some(request) = Request::read(&mut stream, &mut rest)? {
        if !answer(world, &request, &mut stream)? {
            return stream.shutdown(Shutdown::Both);
        }
    }
    Ok(())
}

/// Whether the connection goes on.
fn answer(world: &World, request: &Request, stream: &mut TcpStream) -> io::Result<bool> {
    let target = target(request);
    let effect = {
        let mut state = world.lock();
        state.requests.push(format!("{} {target}", request.method));
        let needed = audit::of(&state.store, request);
        state.audit.extend(needed);
        faults::strike(&mut state.rules, &request.method, &target)
    };
    match effect {
        Some(Effect::Refuse(status)) => return refuse(stream, &status).map(|()| true),
        Some(Effect::Reset) => return Ok(false),
        Some(Effect::ResetAfterwards) => {
            // What it comes to is for nobody.
            let _ = object_request(world, request);
            return Ok(false);
        }
        Some(Effect::Hang) => {
            while !world.is_stopped() {
                thread::sleep(Duration::from_millis(50));
            }
            return Ok(false);
        }
        Some(Effect::Delay(time)) => thread::sleep(time),
        None => {}
    }
    respond(world, request, stream)
}

/// Path and query as a log shows them.
fn target(request: &Request) -> String {
    let pairs: Vec<_> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if pairs.is_empty() { request.path.clone() } else { format!("{}?{}", request.path, pairs.join("&")) }
}

fn respond(world: &World, request: &Request, stream: &mut TcpStream) -> io::Result<bool> {
    let address = stream.local_addr()?.to_string();
    if let Some((media_type, value)) = discovery::answer(request, &address) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return http::write_whole(stream, 200, media_type, &[], text.as_bytes()).map(|()| true);
    }
    let Some(address) = Address::parse(&request.path) else {
        return refuse(stream, &Status::no_such_address()).map(|()| true);
    };
    if address.subresource.as_deref() == Some("exec") {
        return exec::serve(world, request, &address, stream).map(|()| false);
    }
    if address.subresource.as_deref() == Some("log") {
        return subresources::serve_log(world, request, &address, stream).map(|()| true);
    }
    if request.method == "GET" && request.is_set("watch") {
        return match selector_of(request) {
            Ok(selector) => watch::serve(world, request, &address, &selector, stream).map(|()| true),
            Err(status) => refuse(stream, &status).map(|()| true),
        };
    }
    match object_request(world, request) {
        Ok((code, value)) => {
            let warning = pod_security::warning(&world.lock().store, address.kind, &value);
            let warning = warning.map(|text| ("Warning", format!("299 - {}", json!(text))));
            http::write_json(stream, code, warning.as_slice(), &value).map(|()| true)
        }
        Err(status) => refuse(stream, &status).map(|()| true),
    }
}

pub(super) fn refuse(stream: &mut TcpStream, status: &Status) -> io::Result<()> {
    let wait = status.retry_after_seconds.map(|seconds| ("Retry-After", seconds.to_string()));
    http::write_json(stream, status.code, wait.as_slice(), &status.to_value())
}

fn selector_of(request: &Request) -> Result<Selector, Status> {
    Selector::parse(request.parameter("labelSelector"), request.parameter("fieldSelector"))
}

/// A request about objects: a code and a body.
fn object_request(world: &World, request: &Request) -> Result<(u16, Value), Status> {
    let address = Address::parse(&request.path).ok_or_else(Status::no_such_address)?;
    if kinds::is_review(address.kind) || address.subresource.as_deref().is_some_and(|part| part != "status") {
        let body = body(request)?;
        return world.with(|state| subresources::answer(state, request, &address, &body));
    }
    match (request.method.as_str(), &address.name) {
        ("GET", None) => read_list(world, request, &address),
        ("GET", Some(name)) => {
            let state = world.lock();
            let found = state.store.get(&Key::new(address.kind, address.place(), name));
            found.map(|object| (200, (**object).clone())).ok_or_else(|| Status::not_found(address.kind, name))
        }
        ("POST", None) => {
            let object = body(request)?;
            let write = write_of(request, "")?;
            let made =
                world.with(|state| verbs::create(&mut state.store, address.kind, address.place(), object, &write))?;
            Ok((201, (*made).clone()))
        }
        ("PUT" | "PATCH", Some(name)) => change(world, request, &address, name),
        ("DELETE", _) => delete(world, request, &address),
        _ => Err(Status::method_not_allowed()),
    }
}

fn read_list(world: &World, request: &Request, address: &Address) -> Result<(u16, Value), Status> {
    let selector = selector_of(request)?;
    let state = world.lock();
    let mut objects = state.store.list(address.kind, address.namespace.as_deref());
    objects.retain(|object| selector.matches(object));
    let start: usize = request.parameter("continue").and_then(|token| token.parse().ok()).unwrap_or(0);
    let limit: usize = request.parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(0);
    let end = if limit == 0 { objects.len() } else { objects.len().min(start + limit) };
    if start > objects.len() {
        return Err(Status::expired("The provided continue parameter is too old"));
    }
    let page = &objects[start..end];
    let mut answer = list(&address.kind.api_version(), address.kind.kind, state.store.version(), page);
    if end < objects.len() {
        answer["metadata"]["continue"] = end.to_string().into();
        answer["metadata"]["remainingItemCount"] = (objects.len() - end).into();
    }
    Ok((200, answer))
}

fn change(world: &World, request: &Request, address: &Address, name: &str) -> Result<(u16, Value), Status> {
    let key = Key::new(address.kind, address.place(), name);
    let mut write = write_of(request, address.subresource.as_deref().unwrap_or_default())?;
    let object = body(request)?;
    world.with(|state| {
        let is_new = state.store.get(&key).is_none();
        let changed = if request.method == "PUT" {
            verbs::replace(&mut state.store, address.kind, &key, object, &write)?
        } else {
            let form = patch_of(request)?;
            write.manager.is_apply = matches!(form, Patch::Apply);
            verbs::patch(&mut state.store, address.kind, &key, (&form, object), &write)?
        };
        Ok((if is_new { 201 } else { 200 }, (*changed).clone()))
    })
}

fn delete(world: &World, request: &Request, address: &Address) -> Result<(u16, Value), Status> {
    let mut options = if request.body.is_empty() { json!({}) } else { body(request)? };
    for name in ["propagationPolicy", "gracePeriodSeconds"] {
        if let Some(value) = request.parameter(name) {
            options[name] = value.parse::<u64>().map_or_else(|_| value.into(), Value::from);
        }
    }
    let is_dry = is_dry(request) || options["dryRun"].as_array().is_some_and(|stages| !stages.is_empty());
    let selector = selector_of(request)?;
    world.with(|state| {
        if let Some(name) = &address.name {
            let key = Key::new(address.kind, address.place(), name);
            return verbs::delete(&mut state.store, address.kind, &key, &options, is_dry).map(|answer| (200, answer));
        }
        for object in state.store.list(address.kind, address.namespace.as_deref()) {
            let metadata = &object["metadata"];
            let (namespace, name) = (metadata["namespace"].as_str(), metadata["name"].as_str().unwrap_or_default());
            let key = Key::new(address.kind, namespace.unwrap_or_default(), name);
            if selector.matches(&object) {
                verbs::delete(&mut state.store, address.kind, &key, &options, is_dry)?;
            }
        }
        Ok((200, success(address.kind, "", &Value::Null)))
    })
}

/// The body, whatever it is written in.
fn body(request: &Request) -> Result<Value, Status> {
    let media_type = request.header("content-type").unwrap_or("application/json");
    if media_type.contains("protobuf") {
        return super::protobuf::read(&request.body);
    }
    if request.body.is_empty() {
        return Ok(json!({}));
    }
    if let Ok(value) = serde_json::from_slice(&request.body) {
        return Ok(value);
    }
    let text = String::from_utf8_lossy(&request.body);
    serde_saphyr::from_str(&text).map_err(|error| Status::bad_request(format!("error decoding the body: {error}")))
}

fn patch_of(request: &Request) -> Result<Patch, Status> {
    match request.header("content-type").unwrap_or_default() {
        "application/apply-patch+yaml" => Ok(Patch::Apply),
        "application/json-patch+json" => Ok(Patch::Json),
        "application/merge-patch+json" => Ok(Patch::Merge),
        "application/strategic-merge-patch+json" => Ok(Patch::Strategic),
        _ => Err(Status::unsupported_media_type("the body of the request was in an unknown format")),
    }
}

pub(super) fn is_dry(request: &Request) -> bool {
    request.parameter("dryRun").is_some_and(|stage| stage == "All")
}

/// Without a name, the program is the manager, as it calls itself.
pub(super) fn write_of(request: &Request, subresource: &str) -> Result<Write, Status> {
    let program = request.header("user-agent").unwrap_or("unknown").split('/').next().unwrap_or_default();
    let is_apply = request.method == "PATCH" && matches!(patch_of(request)?, Patch::Apply);
    let given = request.parameter("fieldManager").filter(|name| !name.is_empty());
    if is_apply && given.is_none() {
        return Err(Status::bad_request(
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ));
    }
    let name = given.unwrap_or(program).to_owned();
    let manager = Manager { name, is_apply, subresource: subresource.to_owned() };
    Ok(Write { manager, is_dry: is_dry(request), is_forced: request.is_set("force") })
}
