//! Image references, as <https://github.com/distribution/reference> has them.

use std::sync::LazyLock;

use regex::Regex;

/// The grammar: domain, path, tag, digest. Lengths are checked apart.
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    let component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
    let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    let domain = format!("(?:{label}(?:\\.{label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?");
    let pattern = format!(
        "^(?<name>(?:{domain}/)?{component}(?:/{component})*)(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?(?:@(?<digest>sha256:[a-f0-9]{{64}}))?$"
    );
    Regex::new(&pattern).expect("the grammar is a regular expression")
});

/// What a reference names.
pub(super) struct Reference<'a> {
    /// Registry and repository.
    pub(super) name: &'a str,
    /// The tag.
    pub(super) tag: Option<&'a str>,
    /// The digest.
    pub(super) digest: Option<&'a str>,
}

/// Reads a reference.
pub(super) fn parse(text: &str) -> Option<Reference<'_>> {
    /// The longest name a registry takes (distribution/reference, `RepositoryNameTotalLengthMax`).
    const MAX_NAME_BYTES: usize = 255;
    let groups = REFERENCE.captures(text)?;
    let name = groups.name("name")?.as_str();
    let group = |group: &str| groups.name(group).map(|found| found.as_str());
    (name.len() <= MAX_NAME_BYTES).then(|| Reference { name, tag: group("tag"), digest: group("digest") })
}

impl Reference<'_> {
    /// Whether the reference may mean something else tomorrow.
    pub(super) fn floats(&self) -> bool {
        self.digest.is_none() && matches!(self.tag, None | Some("latest"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        let reference = parse("localhost:5000/a/b_c:1.0").expect("a reference");
        assert_eq!((reference.name, reference.tag), ("localhost:5000/a/b_c", Some("1.0")));
        for (text, floats) in [("a", true), ("a:latest", true), ("a:1", false), ("a:latest@sha256:", false)] {
            let text = if text.ends_with(':') && text.contains('@') {
                format!("{text}{}", "0".repeat(64))
            } else {
                text.to_owned()
            };
            assert_eq!(parse(&text).expect("a reference").floats(), floats, "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in ["", "a/B", "a b", "a:", "a@sha256:12", "https://a/b", "a/b:x y", "-a", "a//b"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
