//! What was made from what, so that a second run has nothing to do.
//!
//! Takes in an output and the text of everything that decides its bytes; keeps that text next to the output.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Whether an output is there and was made from these inputs.
pub(crate) fn is_fresh(output: &Path, inputs: &str) -> bool {
    output.is_file() && fs::read_to_string(record(output)).is_ok_and(|recorded| recorded == inputs)
}

/// Forgets what an output was made from: it is being rebuilt.
pub(crate) fn forget(output: &Path) {
    // Failing is harmless: without a record there is nothing to forget.
    let _ = fs::remove_file(record(output));
}

/// Remembers what a complete output was made from.
pub(crate) fn remember(output: &Path, inputs: &str) -> Result<()> {
    Ok(fs::write(record(output), inputs)?)
}

fn record(output: &Path) -> PathBuf {
    output.with_extension("inputs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_fresh_while_its_inputs_stay() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let output = folder.path().join("compose.tar");
        assert!(!is_fresh(&output, "one"));
        fs::write(&output, "bytes").expect("written");
        assert!(!is_fresh(&output, "one"));
        remember(&output, "one").expect("recorded");
        assert!(is_fresh(&output, "one"));
        assert!(!is_fresh(&output, "two"));
        forget(&output);
        assert!(!is_fresh(&output, "one"));
    }
}
