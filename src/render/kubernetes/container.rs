//! The one container of a service's pods.

use serde_json::{Map, Value as Json, json};

use crate::plan::{PullPolicy, Service};

use super::definition::Definition;
use super::object::{map, name, set};
use super::volumes::Volumes;
use super::yaml::{ours, placeholder};
use super::{ports, probe, resources, security, words};

/// The container.
pub(super) fn of(service: &Service, definition: &Definition, volumes: &Volumes) -> Map<String, Json> {
    let variable = |parameter: &str| variable(service, parameter);
    let mut container = map(json!({
        "name": name(service),
        "image": service.image,
        "imagePullPolicy": pull_policy(service.pull),
        "securityContext": security::of_container(service, definition),
    }));
    let command = |key: &str| words::command(service.definition.get(key), &variable).unwrap_or_default();
    set(&mut container, "command", command("entrypoint"));
    set(&mut container, "args", command("command"));
    set(&mut container, "env", environment(service));
    set(&mut container, "ports", ports::of_container(service));
    set(&mut container, "resources", resources::of(service));
    set(&mut container, "volumeMounts", volumes.of_container.clone());
    set(&mut container, "workingDir", definition.text(&["working_dir"]).map_or(Json::Null, Json::from));
    for (key, name) in [("stdin_open", "stdin"), ("tty", "tty")] {
        if definition.is_true(&[key]) {
            container.insert(name.to_owned(), json!(true));
        }
    }
    probe::add(&mut container, service);
    container
}

fn pull_policy(policy: PullPolicy) -> &'static str {
    match policy {
        PullPolicy::Always => "Always",
        PullPolicy::Missing => "IfNotPresent",
        PullPolicy::Never => "Never",
    }
}

/// The parameters first: what follows may use them. Values come from one Secret, because what is not a secret today may be one tomorrow.
fn environment(service: &Service) -> Vec<Json> {
    let values = placeholder("VALUES", &service.name.to_variable());
    let parameters = service.parameters.iter().map(|parameter| {
        let source = json!({ "secretKeyRef": { "name": ours(values.clone()), "key": parameter } });
        json!({ "name": variable(service, parameter.as_str()), "valueFrom": source })
    });
    let written = service.environment.iter().filter(|(name, value)| **value != format!("${{{name}}}"));
    let named = |parameter: &str| variable(service, parameter);
    let written = written.map(|(name, value)| json!({ "name": name, "value": words::expanded(value, &named) }));
    parameters.chain(written).collect()
}

/// The variable of the container that holds a parameter: its own name, unless the spec gives that name another value.
fn variable(service: &Service, parameter: &str) -> String {
    let is_another = |name: &str| name != parameter && service.parameters.iter().any(|known| known.as_str() == name);
    let is_written = |name: &str| service.environment.get(name).is_some_and(|value| *value != format!("${{{name}}}"));
    let is_free = |name: &str| !is_another(name) && !is_written(name);
    let mut name = parameter.to_owned();
    while !is_free(&name) {
        name.insert_str(0, "PARAMETER_");
    }
    name
}
