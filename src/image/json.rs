//! Canonical JSON: one value, one sequence of bytes.
//!
//! Takes in anything serde can write; gives out compact JSON with the keys of every object sorted. oci-spec keeps annotations and
//! labels in hash maps, whose order differs from run to run.

use serde::Serialize;

/// The canonical bytes of a value.
///
/// # Panics
///
/// When the value has a map with keys that are not strings, which no OCI document has.
pub fn canonical(value: &impl Serialize) -> Vec<u8> {
    let mut value = serde_json::to_value(value).expect("documents have string keys");
    value.sort_all_objects();
    serde_json::to_vec(&value).expect("a JSON value is writable")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let inner: HashMap<_, _> = ["m", "b", "z", "a"].into_iter().map(|key| (key, 1)).collect();
        let outer: HashMap<_, _> = ["y", "c"].into_iter().map(|key| (key, inner.clone())).collect();
        let text = String::from_utf8(canonical(&outer)).expect("JSON is UTF-8");
        assert_eq!(text, r#"{"c":{"a":1,"b":1,"m":1,"z":1},"y":{"a":1,"b":1,"m":1,"z":1}}"#);
    }
}
