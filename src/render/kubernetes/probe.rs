//! Probes from a health check: ready when it passes, and in peace while it starts.
//!
//! Elsewhere nobody restarts a container whose health check fails: a liveness probe, which does, is there only where the spec asks for it. Else an
//! outage of the database would restart every service whose health check asks it.

use serde_json::{Map, Value as Json, json};

use crate::plan::{Service, ServiceKind};

use super::definition::Definition;
use super::object::set;
use super::words::doubled;

/// Defaults of the Compose Specification (services, healthcheck), which are Docker's.
const INTERVAL_SECONDS: u64 = 30;
const TIMEOUT_SECONDS: u64 = 30;
const RETRIES: u64 = 3;

/// Adds the probes of a service. A job is done when it ends: nobody asks it how it is.
pub(super) fn add(container: &mut Map<String, Json>, service: &Service, definition: &Definition) {
    if !service.has_healthcheck || service.kind != ServiceKind::Service {
        return;
    }
    let Some(command) = command(definition) else { return };
    let seconds = |key: &str| definition.seconds(&["healthcheck", key]);
    let period = seconds("interval").unwrap_or(INTERVAL_SECONDS).max(1);
    let retries = definition.number(&["healthcheck", "retries"]).unwrap_or(RETRIES).max(1);
    let timeout = seconds("timeout").unwrap_or(TIMEOUT_SECONDS).max(1);
    let probe = |period: u64, failures: u64| {
        json!({
            "exec": { "command": command },
            "periodSeconds": period,
            "timeoutSeconds": timeout,
            "failureThreshold": failures,
        })
    };
    let start_period = seconds("start_period").unwrap_or(0);
    let start_interval = seconds("start_interval").unwrap_or(period).max(1);
    container.insert("readinessProbe".to_owned(), probe(period, retries));
    if service.kubernetes.liveness {
        container.insert("livenessProbe".to_owned(), probe(period, retries));
    }
    // Failures while it starts do not count, and then it has its retries.
    container.insert("startupProbe".to_owned(), probe(start_interval, start_period.div_ceil(start_interval) + retries));
}

/// The command of a test: `CMD` is run as it is, `CMD-SHELL` and a text by the shell.
fn command(definition: &Definition) -> Option<Vec<String>> {
    let shell = |text: &str| vec!["sh".to_owned(), "-c".to_owned(), doubled(text)];
    match definition.get(&["healthcheck", "test"])? {
        Json::String(text) => Some(shell(text)),
        Json::Array(list) => {
            let words: Vec<_> = list.iter().filter_map(Json::as_str).collect();
            match words.split_first()? {
                (&"CMD", command) => Some(command.iter().map(|word| doubled(word)).collect()),
                (&"CMD-SHELL", [text, ..]) => Some(shell(text)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Counts a replica as available only when it stayed up for as long as the spec says.
pub(super) fn add_stability(spec: &mut Map<String, Json>, definition: &Definition) {
    set(
        spec,
        "minReadySeconds",
        definition.seconds(&["deploy", "update_config", "monitor"]).map_or(Json::Null, Json::from),
    );
}
