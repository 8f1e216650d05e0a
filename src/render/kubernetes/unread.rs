//! What a spec says and Kubernetes cannot read: it would be left out of the objects in silence.
//!
//! Compose takes more than one way to write most values. Those that have none here are refused, each at its place; names that would resolve to
//! nothing are a warning.

use std::net::IpAddr;

use serde_json::Value as Json;

use crate::compose::{Duration, Value as _};
use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::Span;
use crate::name::Label;
use crate::plan::Service;
use crate::render::size;

use super::definition::{Definition, text_of};
use super::object::Scene;
use super::{placement, pod, ports, resources, security};

/// How a text is read.
struct Reading {
    /// What it should be.
    what: &'static str,
    /// Whether it is.
    is_read: fn(&str) -> bool,
    /// What to write.
    hint: &'static str,
}

const SIZE: Reading = Reading {
    what: "size",
    is_read: |text| size::bytes(text).is_some(),
    hint: "write a number and a unit, as in `256m`",
};
const CPUS: Reading = Reading {
    what: "number of processors",
    is_read: |text| resources::thousandths(text).is_some(),
    hint: "write a number, as in `0.5`",
};
const DURATION: Reading = Reading {
    what: "duration",
    is_read: |text| Duration::parse(text).is_some(),
    hint: "write whole numbers and units, as in `90s` or `1m30s`",
};
const NUMBER: Reading =
    Reading { what: "whole number", is_read: |text| text.parse::<u64>().is_ok(), hint: "write digits alone" };
const HOST_NAME: Reading = Reading {
    what: "host name of a pod",
    is_read: |text| Label::parse(text).is_some(),
    hint: "write one word of small letters, digits and dashes: the domain is that of the namespace",
};

/// Keys with one value that is read.
const READ: &[(&[&str], &Reading)] = &[
    (&["cpus"], &CPUS),
    (&["deploy", "placement", "max_replicas_per_node"], &NUMBER),
    (&["deploy", "resources", "limits", "cpus"], &CPUS),
    (&["deploy", "resources", "limits", "memory"], &SIZE),
    (&["deploy", "resources", "reservations", "cpus"], &CPUS),
    (&["deploy", "resources", "reservations", "memory"], &SIZE),
    (&["deploy", "restart_policy", "max_attempts"], &NUMBER),
    (&["deploy", "update_config", "parallelism"], &NUMBER),
    (&["healthcheck", "interval"], &DURATION),
    (&["healthcheck", "retries"], &NUMBER),
    (&["healthcheck", "start_interval"], &DURATION),
    (&["healthcheck", "start_period"], &DURATION),
    (&["healthcheck", "timeout"], &DURATION),
    (&["hostname"], &HOST_NAME),
    (&["mem_limit"], &SIZE),
    (&["mem_reservation"], &SIZE),
    (&["shm_size"], &SIZE),
    (&["stop_grace_period"], &DURATION),
];

/// Refuses what would be left out of a service's objects.
pub(super) fn check(scene: &Scene<'_>, service: &Service, definition: &Definition, context: &mut Context) {
    let mut report = Report { scene, service, context };
    for (path, reading) in READ {
        if let Some(text) = definition.text(path) {
            report.read(path, &text, reading);
        }
    }
    for (position, entry) in definition.list(&["volumes"]).into_iter().enumerate() {
        if let Some(size) = entry.get("tmpfs").and_then(|tmpfs| tmpfs.get("size")).and_then(text_of) {
            report.read(&["volumes", &position.to_string(), "tmpfs", "size"], &size, &SIZE);
        }
    }
    for (position, text) in definition.texts(&["tmpfs"]).iter().enumerate() {
        if let Some(size) = text.split([':', ',']).find_map(|option| option.strip_prefix("size=")) {
            report.read(&["tmpfs", &position.to_string()], size, &SIZE);
        }
    }
    check_entries(&mut report, definition);
    check_aliases(&mut report, definition);
}

/// A list of the spec of which each entry becomes a part of an object, or nothing.
struct Entries {
    path: &'static [&'static str],
    is_read: fn(&Json) -> bool,
    what: &'static str,
    hint: &'static str,
}

const ENTRIES: &[Entries] = &[
    Entries {
        path: &["ports"],
        is_read: ports::is_port,
        what: "port of a Service",
        hint: "write numbers from 1 to 65535 and the protocol `tcp`, `udp` or `sctp`, as in `8080:80/tcp`",
    },
    Entries {
        path: &["expose"],
        is_read: ports::is_exposed,
        what: "port of a Service",
        hint: "write a number from 1 to 65535 and the protocol `tcp`, `udp` or `sctp`, as in `80/tcp`",
    },
    Entries {
        path: &["deploy", "placement", "constraints"],
        is_read: |constraint| constraint.as_str().is_none_or(placement::is_rule_or_foreign),
        what: "rule on labels of nodes",
        hint: "a label is `node.labels.[prefix/]name`, and its value has at most 63 of `A-Za-z0-9._-`",
    },
    Entries {
        path: &["security_opt"],
        is_read: |option| option.as_str().is_none_or(security::is_option_or_foreign),
        what: "SELinux option of a pod",
        hint: "write `label=user:…`, `role`, `type` or `level`; `label=disable` is `label=type:spc_t` there",
    },
];

fn check_entries(report: &mut Report<'_, '_>, definition: &Definition) {
    for Entries { path, is_read, what, hint } in ENTRIES {
        for (position, entry) in definition.list(path).into_iter().enumerate().filter(|(_, entry)| !is_read(entry)) {
            let shown = text_of(entry).unwrap_or_else(|| entry.to_string());
            let position = position.to_string();
            let path: Vec<_> = path.iter().copied().chain([position.as_str()]).collect();
            report.refuse(&path, &shown, what, hint);
        }
    }
    for (name, address) in pod::extra_hosts(definition) {
        // That `host-gateway` is impossible is said where platforms are compared.
        if address.parse::<IpAddr>().is_err() && address != "host-gateway" {
            report.refuse(&["extra_hosts", &name], &address, "address", "write an IP address");
        }
    }
}

/// Aliases are names of Services. One that is none, or that another service has, is no fault elsewhere.
fn check_aliases(report: &mut Report<'_, '_>, definition: &Definition) {
    let Some(Json::Object(networks)) = definition.get(&["networks"]) else { return };
    let own = report.scene.shared.own_aliases(report.service, definition);
    for (network, settings) in networks {
        let aliases = settings.get("aliases").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        for alias in
            aliases.filter(|alias| *alias != report.service.name.as_str() && !own.iter().any(|known| known == alias))
        {
            let why = match Label::parse(alias) {
                Some(_) => "another service has that name",
                None => "a Service has a name of small letters, digits and dashes",
            };
            let message = format!("`{alias}` does not lead to service `{}` on Kubernetes: {why}", report.service.name);
            let span = report.span(&["networks", network, "aliases"]);
            report.context.warning(Code::KUBERNETES, span, message, "use another alias, or the service's name");
        }
    }
}

/// Where faults of a service go.
struct Report<'a, 'b> {
    scene: &'a Scene<'b>,
    service: &'a Service,
    context: &'a mut Context,
}

impl Report<'_, '_> {
    fn span(&self, path: &[&str]) -> Span {
        let steps = ["services", self.service.name.as_str()].into_iter().chain(path.iter().copied());
        self.scene.environment.written.deepest(steps).span
    }

    fn read(&mut self, path: &[&str], text: &str, reading: &Reading) {
        if !(reading.is_read)(text) {
            self.refuse(path, text, reading.what, reading.hint);
        }
    }

    fn refuse(&mut self, path: &[&str], text: &str, what: &str, hint: &str) {
        let message = format!("`{text}` is no {what} that Kubernetes takes");
        self.context.error(Code::KUBERNETES, self.span(path), message, hint);
    }
}
