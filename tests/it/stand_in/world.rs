//! Everything that the stand-in's threads share, behind one lock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

use super::audit::Access;
use super::behaviour::Behaviours;
use super::exec::Exec;
use super::faults::Rule;
use super::store::Store;

/// What an access review says no to.
#[derive(Clone)]
pub(super) struct Denial {
    pub(super) verb: String,
    pub(super) resource: String,
}

/// The state.
#[derive(Default)]
pub(super) struct State {
    pub(super) store: Store,
    pub(super) behaviours: Behaviours,
    pub(super) rules: Vec<Rule>,
    pub(super) denials: Vec<Denial>,
    /// Method and target of every request.
    pub(super) requests: Vec<String>,
    /// What each of them had to be allowed, and what reviews asked about.
    pub(super) audit: Vec<Access>,
    pub(super) asked: Vec<Access>,
    pub(super) exec: Option<Exec>,
    /// The tick at which each pod was first seen, by its identifier.
    pub(super) births: BTreeMap<String, u64>,
    /// Ticks since the start.
    pub(super) ticks: u64,
}

/// The state, its lock, and a bell that rings after every change.
#[derive(Default)]
pub(super) struct World {
    state: Mutex<State>,
    changed: Condvar,
    is_stopped: AtomicBool,
}

impl World {
    /// A test that has failed in another thread hides nothing here.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Does something with the state, and wakes who waits for changes.
    pub(super) fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        let result = action(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits for a change, or for a moment.
    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, State>, moment: Duration) -> MutexGuard<'a, State> {
        match self.changed.wait_timeout(state, moment) {
            Ok((state, _)) => state,
            Err(poisoned) => poisoned.into_inner().0,
        }
    }

    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }
}

/// A list as the server gives it out.
pub(super) fn list(api_version: &str, kind: &str, version: u64, items: &[Arc<Value>]) -> Value {
    let items: Vec<Value> = items.iter().map(|item| (**item).clone()).collect();
    serde_json::json!({
        "kind": format!("{kind}List"), "apiVersion": api_version,
        "metadata": { "resourceVersion": version.to_string() }, "items": items,
    })
}
