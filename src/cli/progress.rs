//! A bar on a terminal, nothing elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Bytes written so far.
pub(super) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Starts to draw; indicatif draws on a terminal alone.
    pub(super) fn start() -> Self {
        let style =
            ProgressStyle::with_template("{spinner} {bytes} written ({bytes_per_sec})").expect("the template is sound");
        let bar = ProgressBar::new_spinner().with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar }
    }

    /// Adds bytes.
    pub(super) fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Clears the line.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
