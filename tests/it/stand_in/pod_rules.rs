//! What must fit together in a pod: names of containers, volumes, mounts, ports and variables, and what they refer to.
//!
//! Messages are the real ones.

use std::collections::BTreeSet;

use serde_json::Value;

use super::status::Fault;
use super::validate::check_label;

/// The name of a port of a container: RFC 6335, section 5.1.
const PORT_NAME: usize = 15;

/// The faults of the specification of a pod. `path` is where it is; `claims` are names of a `StatefulSet`'s claims.
pub(super) fn check(path: &str, pod: &Value, claims: &[&Value], faults: &mut Vec<Fault>) {
    if list(pod, "containers").next().is_none() {
        faults.push(Fault::required(format!("{path}.containers"), ""));
    }
    let mut volumes = BTreeSet::new();
    for (index, volume) in list(pod, "volumes").enumerate() {
        let field = format!("{path}.volumes[{index}].name");
        check_label(&field, &volume["name"], faults);
        if !volumes.insert(text(&volume["name"])) {
            faults.push(Fault::duplicate(field, &volume["name"]));
        }
    }
    volumes.extend(claims.iter().map(|claim| text(claim)));
    let mut names = BTreeSet::new();
    for kind in ["initContainers", "containers"] {
        for (index, container) in list(pod, kind).enumerate() {
            let field = format!("{path}.{kind}[{index}]");
            check_label(&format!("{field}.name"), &container["name"], faults);
            if !names.insert(text(&container["name"])) {
                faults.push(Fault::duplicate(format!("{field}.name"), &container["name"]));
            }
            check_container(&field, container, &volumes, faults);
        }
    }
}

fn check_container(field: &str, container: &Value, volumes: &BTreeSet<&str>, faults: &mut Vec<Fault>) {
    if text(&container["image"]).is_empty() {
        faults.push(Fault::required(format!("{field}.image"), ""));
    }
    let mut places = BTreeSet::new();
    for (index, mount) in list(container, "volumeMounts").enumerate() {
        let field = format!("{field}.volumeMounts[{index}]");
        if !volumes.contains(text(&mount["name"])) {
            faults.push(Fault::not_found(format!("{field}.name"), &mount["name"]));
        }
        if text(&mount["mountPath"]).is_empty() {
            faults.push(Fault::required(format!("{field}.mountPath"), ""));
        } else if !places.insert(text(&mount["mountPath"])) {
            faults.push(Fault::invalid(format!("{field}.mountPath"), &mount["mountPath"], "must be unique"));
        }
    }
    check_ports(field, container, faults);
    for (index, variable) in list(container, "env").enumerate() {
        check_variable(&format!("{field}.env[{index}]"), variable, faults);
    }
}

fn check_ports(field: &str, container: &Value, faults: &mut Vec<Fault>) {
    let mut names = BTreeSet::new();
    for (index, port) in list(container, "ports").enumerate() {
        let field = format!("{field}.ports[{index}]");
        let name = text(&port["name"]);
        if name.len() > PORT_NAME {
            faults.push(Fault::invalid(format!("{field}.name"), &port["name"], "must be no more than 15 characters"));
        }
        if !name.is_empty() && !names.insert(name) {
            faults.push(Fault::duplicate(format!("{field}.name"), &port["name"]));
        }
        if !(1..=65535).contains(&port["containerPort"].as_u64().unwrap_or(0)) {
            let why = "must be between 1 and 65535, inclusive";
            faults.push(Fault::invalid(format!("{field}.containerPort"), &port["containerPort"], why));
        }
    }
}

fn check_variable(field: &str, variable: &Value, faults: &mut Vec<Fault>) {
    if text(&variable["name"]).is_empty() {
        faults.push(Fault::required(format!("{field}.name"), ""));
    }
    for kind in ["secretKeyRef", "configMapKeyRef"] {
        let reference = &variable["valueFrom"][kind];
        for part in ["name", "key"] {
            if !reference.is_null() && text(&reference[part]).is_empty() {
                faults.push(Fault::required(format!("{field}.valueFrom.{kind}.{part}"), ""));
            }
        }
    }
}

/// The faults of the ports of a Service.
pub(super) fn check_service(service: &Value, faults: &mut Vec<Fault>) {
    let spec = &service["spec"];
    let ports: Vec<_> = list(spec, "ports").collect();
    if ports.is_empty() && spec["clusterIP"] != "None" {
        faults.push(Fault::required("spec.ports", ""));
    }
    let (mut names, mut numbers, mut nodes) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (index, port) in ports.iter().enumerate() {
        let field = format!("spec.ports[{index}]");
        if ports.len() > 1 && text(&port["name"]).is_empty() {
            faults.push(Fault::required(format!("{field}.name"), ""));
        } else if !names.insert(text(&port["name"])) {
            faults.push(Fault::duplicate(format!("{field}.name"), &port["name"]));
        }
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        if !numbers.insert((protocol, port["port"].as_u64())) {
            faults.push(Fault::duplicate(field.clone(), port));
        }
        if port["nodePort"].is_u64() && !nodes.insert((protocol, port["nodePort"].as_u64())) {
            faults.push(Fault::duplicate(format!("{field}.nodePort"), &port["nodePort"]));
        }
    }
}

/// Why the kubelet cannot make the containers of a pod: a variable refers to what is not there.
pub(super) fn missing_reference(pod: &Value, find: impl Fn(&str, &str) -> Option<Value>) -> Option<String> {
    for container in list(&pod["spec"], "containers") {
        for variable in list(container, "env") {
            for (field, kind) in [("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")] {
                let reference = &variable["valueFrom"][field];
                if reference.is_null() || reference["optional"] == true {
                    continue;
                }
                let (name, key) = (text(&reference["name"]), text(&reference["key"]));
                match find(kind, name) {
                    None => return Some(format!("{} \"{name}\" not found", kind.to_lowercase())),
                    Some(object) if object["data"].get(key).is_none() && object["binaryData"].get(key).is_none() => {
                        let place = text(&pod["metadata"]["namespace"]);
                        return Some(format!("couldn't find key {key} in {kind} {place}/{name}"));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    None
}

fn list<'a>(object: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    object[name].as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
