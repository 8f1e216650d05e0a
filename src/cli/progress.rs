//! A bar on a terminal, nothing elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::registry::{BlobOutcome, Event, RegistryError};

use super::table::human_size;

/// Bytes written so far, or before that, received.
pub(super) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Starts to draw; indicatif draws on a terminal alone.
    pub(super) fn start() -> Self {
        let style =
            ProgressStyle::with_template("{spinner} {bytes} {msg} ({bytes_per_sec})").expect("the template is sound");
        let bar = ProgressBar::new_spinner().with_style(style).with_message(WRITTEN);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar }
    }

    /// Adds bytes that were written.
    pub(super) fn advance(&self, bytes: u64) {
        self.add(bytes, WRITTEN);
    }

    /// Reports bases that are pulled from registries.
    pub(super) fn tell(&self, event: &Event<'_>) {
        match event {
            Event::Received { bytes, .. } => self.add(*bytes, RECEIVED),
            Event::Blob { blob, outcome: BlobOutcome::Received } => {
                self.say(&format!("{} {}: {RECEIVED}", blob.digest, human_size(blob.size)));
            }
            Event::Again { error, pause } => self.say(&again(error, *pause)),
            Event::WithoutCache { error } => self.say(&without_cache(*error)),
            _ => {}
        }
    }

    fn add(&self, bytes: u64, how: &'static str) {
        if self.bar.message() != how {
            self.bar.set_message(how);
            self.bar.reset();
        }
        self.bar.inc(bytes);
    }

    /// A line above the bar.
    fn say(&self, line: &str) {
        self.bar.suspend(|| anstream::eprintln!("{line}"));
    }

    /// Clears the line.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

const WRITTEN: &str = "written";
const RECEIVED: &str = "received";

/// Why something is tried again, and when.
pub(super) fn again(error: &RegistryError, pause: Duration) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("retrying in {} s: {error}{cause}", pause.as_secs())
}

/// Why the cache is not used, and what to do about it.
pub(super) fn without_cache(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let mut reason = error.to_string();
    for cause in causes.map(ToString::to_string).filter(|cause| !error.to_string().ends_with(cause)) {
        reason.push_str(&format!(": {cause}"));
    }
    format!("note: cannot use the cache, using a temporary folder: {reason}; set XDG_CACHE_HOME to use another folder")
}
