//! What Kubernetes takes as a name, a label and a quantity.
//!
//! The rules are those of `k8s.io/apimachinery` (`pkg/util/validation`, `pkg/api/resource`).

/// The longest name part of a label's key, and the longest label value.
const MAX_LABEL_CHARACTERS: usize = 63;

/// The longest DNS name.
const MAX_SUBDOMAIN_CHARACTERS: usize = 253;

/// `[prefix/]name`, as keys of labels and annotations are.
pub fn is_label_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_qualified_name(name),
        None => is_qualified_name(key),
    }
}

/// What a label may hold: nothing, or a name.
pub fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_qualified_name(value)
}

/// A DNS name in lower case (RFC 1123 subdomain).
pub(super) fn is_subdomain(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    name.len() <= MAX_SUBDOMAIN_CHARACTERS && name.split('.').all(is_label)
}

/// A quantity of bytes such as `10Gi`: a whole number with one of the suffixes of Kubernetes.
pub(super) fn is_size(text: &str) -> bool {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let suffix = &text[digits.len()..];
    let suffixes = ["", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    digits.parse::<u64>().is_ok_and(|number| number > 0) && suffixes.contains(&suffix)
}

fn is_qualified_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let outer = |character: Option<char>| character.is_some_and(|character| character.is_ascii_alphanumeric());
    name.len() <= MAX_LABEL_CHARACTERS
        && name.bytes().all(inner)
        && outer(name.chars().next())
        && outer(name.chars().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_of_labels_are_known() {
        for key in ["team", "example.com/team", "a.b_c-D9", "io.bootsmith.service"] {
            assert!(is_label_key(key), "{key}");
        }
        for key in ["", "/team", "Example.com/team", "-a", "a b", "a/b/c", &"x".repeat(64)] {
            assert!(!is_label_key(key), "{key}");
        }
        assert!(is_label_value(""));
        assert!(!is_label_value("1.4.2+b1"));
    }

    #[test]
    fn sizes_have_the_suffixes_of_kubernetes() {
        for size in ["10Gi", "1", "512Mi", "5G"] {
            assert!(is_size(size), "{size}");
        }
        for size in ["", "Gi", "0", "10GB", "1.5Gi", "-1Gi", "10 Gi"] {
            assert!(!is_size(size), "{size}");
        }
    }
}
