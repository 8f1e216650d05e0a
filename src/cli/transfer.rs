//! What moves to and from registries: a bar with bytes and rate on a terminal, a line for each blob elsewhere; on standard error.

use std::io::{IsTerminal as _, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::digest::Descriptor;
use crate::registry::{BlobOutcome, Event};

use super::progress::{again, without_cache};
use super::table::human_size;

/// Shows the progress of transfers.
pub(super) struct Transfer {
    bar: ProgressBar,
    is_terminal: bool,
    /// Said once: a command may need the cache more than once.
    is_without_cache: AtomicBool,
}

impl Transfer {
    /// Starts the progress display.
    pub(super) fn start() -> Self {
        let is_terminal = stderr().is_terminal();
        let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes} ({bytes_per_sec}) {msg}")
            .expect("the template is sound");
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self {
            bar: ProgressBar::with_draw_target(Some(0), target).with_style(style),
            is_terminal,
            is_without_cache: AtomicBool::new(false),
        }
    }

    /// Shows one event.
    pub(super) fn tell(&self, event: &Event<'_>) {
        match event {
            Event::Planned { bytes, .. } => self.bar.inc_length(*bytes),
            Event::Sent { bytes, .. } | Event::Received { bytes, .. } => self.bar.inc(*bytes),
            Event::Lost { bytes, .. } => self.bar.set_position(self.bar.position().saturating_sub(*bytes)),
            Event::Blob { blob, outcome } => self.blob(*blob, *outcome),
            Event::Again { error, pause } => self.say(&again(error, *pause)),
            Event::WithoutCache { error } if !self.is_without_cache.swap(true, Ordering::Relaxed) => {
                self.say(&without_cache(*error));
            }
            Event::WithoutCache { .. } => {}
            Event::Tagged { repository, tag } => self.say(&format!("{repository}:{tag}")),
        }
    }

    /// Clears the bar.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }

    fn blob(&self, blob: Descriptor, outcome: BlobOutcome) {
        let done = match outcome {
            BlobOutcome::Sent => "sent",
            BlobOutcome::Received => "received",
            BlobOutcome::Mounted => "mounted from another repository",
            BlobOutcome::Present => "already there",
        };
        if matches!(outcome, BlobOutcome::Mounted | BlobOutcome::Present) {
            self.bar.inc(blob.size);
        }
        if !self.is_terminal {
            self.say(&format!("{} {}: {done}", blob.digest, human_size(blob.size)));
        }
    }

    /// A line above the bar.
    fn say(&self, line: &str) {
        self.bar.suspend(|| anstream::eprintln!("{line}"));
    }
}
