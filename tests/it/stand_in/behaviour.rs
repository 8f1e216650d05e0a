//! How containers behave: what a test says of an image, and what a pod looks like so many ticks after it was made.

use std::sync::Arc;

use serde_json::Value;

/// How a container of an image behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Runs and is ready; in a Job it ends with 0.
    Healthy,
    /// Runs, also in a Job, and never ends.
    Endless,
    /// Runs and is never ready.
    NeverReady,
    /// Is ready only after so many ticks.
    Slow(u64),
    /// Runs for a moment and ends with a code, again and again.
    CrashLoop(i32),
    /// Runs without passing its startup probe, and is ended by it with a code, again and again.
    Unhealthy(i32),
    /// Its image cannot be pulled; the message of the registry.
    ImagePullBackOff(String),
    /// No node has room for it.
    Unschedulable,
    /// Ends once with a code.
    Exit(i32),
}

/// Chooses the behaviour of a container of a pod, where a test needs more than the image.
pub(crate) type Decide = Arc<dyn Fn(&Value, &Value) -> Option<Behaviour> + Send + Sync>;

/// What tests have said.
#[derive(Default)]
pub(super) struct Behaviours {
    /// Parts of image names; the last that fits counts.
    pub(super) by_image: Vec<(String, Behaviour)>,
    pub(super) decide: Option<Decide>,
    /// Lines that containers of an image log.
    pub(super) logs: Vec<(String, String)>,
}

impl Behaviours {
    pub(super) fn of(&self, pod: &Value, container: &Value) -> Behaviour {
        if let Some(behaviour) = self.decide.as_ref().and_then(|decide| decide(pod, container)) {
            return behaviour;
        }
        let image = container["image"].as_str().unwrap_or_default();
        let fits = self.by_image.iter().rev().find(|(part, _)| image.contains(part.as_str()));
        fits.map_or(Behaviour::Healthy, |(_, behaviour)| behaviour.clone())
    }

    pub(super) fn log(&self, container: &Value) -> String {
        let image = container["image"].as_str().unwrap_or_default();
        let lines = self.logs.iter().filter(|(part, _)| image.contains(part.as_str()));
        lines.map(|(_, text)| text.as_str()).collect()
    }
}
