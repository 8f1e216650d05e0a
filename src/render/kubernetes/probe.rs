//! Probes from a health check: ready when it passes, and in peace while it starts.
//!
//! Elsewhere nobody restarts a container whose health check fails: a liveness probe, which does, is there only where the spec asks for it. Else an
//! outage of the database would restart every service whose health check asks it.

use serde_json::{Map, Value as Json, json};

use crate::compose::{Duration, Test};
use crate::plan::{Service, ServiceKind};

use super::object::set;
use super::words::doubled;

/// Defaults of the Compose Specification (services, healthcheck), which are Docker's.
const INTERVAL_SECONDS: u64 = 30;
const TIMEOUT_SECONDS: u64 = 30;
const RETRIES: u64 = 3;

/// Adds the probes of a service. A job is done when it ends: nobody asks it how it is.
pub(super) fn add(container: &mut Map<String, Json>, service: &Service) {
    if !service.has_healthcheck || service.kind != ServiceKind::Service {
        return;
    }
    let Some(check) = &service.compose.health_check else { return };
    let Some(command) = check.test.as_ref().map(command) else { return };
    let seconds = |duration: Option<Duration>, default: u64| duration.map_or(default, Duration::seconds);
    let period = seconds(check.interval, INTERVAL_SECONDS).max(1);
    let retries = check.retries.unwrap_or(RETRIES).max(1);
    let timeout = seconds(check.timeout, TIMEOUT_SECONDS).max(1);
    let probe = |period: u64, failures: u64| {
        json!({
            "exec": { "command": command },
            "periodSeconds": period,
            "timeoutSeconds": timeout,
            "failureThreshold": failures,
        })
    };
    let start_period = seconds(check.start_period, 0);
    let start_interval = seconds(check.start_interval, period).max(1);
    container.insert("readinessProbe".to_owned(), probe(period, retries));
    if service.kubernetes.liveness {
        container.insert("livenessProbe".to_owned(), probe(period, retries));
    }
    // Failures while it starts do not count, and then it has its retries.
    container.insert("startupProbe".to_owned(), probe(start_interval, start_period.div_ceil(start_interval) + retries));
}

/// The command of a test.
fn command(test: &Test) -> Vec<String> {
    match test {
        Test::Command(words) => words.iter().map(|word| doubled(word)).collect(),
        Test::Shell(text) => vec!["sh".to_owned(), "-c".to_owned(), doubled(text)],
    }
}

/// Counts a replica as available only when it stayed up for as long as the spec says.
pub(super) fn add_stability(spec: &mut Map<String, Json>, service: &Service) {
    let monitor = service.compose.deploy.update.and_then(|update| update.monitor);
    set(spec, "minReadySeconds", monitor.map_or(Json::Null, |monitor| Json::from(monitor.seconds())));
}
