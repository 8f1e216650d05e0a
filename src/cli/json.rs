//! JSON for programs.

use serde_json::Value as Json;

/// One document, as people can read it too.
pub(super) fn print(document: &Json) {
    anstream::println!("{document:#}");
}
