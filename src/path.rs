//! Relative, `..`-free paths with forward slashes.
//!
//! Takes in text from `bootstrap.toml`, from directory walks and from archives; gives out a [`RelativePath`] that can be
//! joined to any folder without leaving it. Knows no file system.

use std::fmt;

use serde::Serialize;

/// A path that stays inside whatever folder it is joined to: at least one segment, no `.`, no `..`, no empty segment, no
/// leading slash, no backslash and no control character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RelativePath(String);

/// Why a text is not a [`RelativePath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// The text is empty.
    #[error("is empty")]
    Empty,
    /// The path starts at the root of a file system.
    #[error("is absolute")]
    Absolute,
    /// A segment is `..`.
    #[error("leaves its folder through `..`")]
    Leaves,
    /// A segment is empty or `.`.
    #[error("has an empty or `.` segment")]
    EmptySegment,
    /// A character that no portable file name has.
    #[error("has a control character, a direction override or a backslash")]
    Character,
}

impl RelativePath {
    /// Checks `text`; a leading `./` is dropped, as people write it.
    pub fn parse(text: &str) -> Result<Self, PathFault> {
        let text = text.strip_prefix("./").unwrap_or(text);
        if text.is_empty() {
            return Err(PathFault::Empty);
        }
        if text.starts_with('/') {
            return Err(PathFault::Absolute);
        }
        if text.chars().any(is_unsafe) {
            return Err(PathFault::Character);
        }
        for segment in text.split('/') {
            match segment {
                "" | "." => return Err(PathFault::EmptySegment),
                ".." => return Err(PathFault::Leaves),
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text, with forward slashes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This path with another below it.
    #[must_use]
    pub fn join(&self, below: &RelativePath) -> Self {
        Self(format!("{}/{}", self.0, below.0))
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Every folder on the way to this path, the outermost first, the path itself left out.
    pub fn parents(&self) -> impl Iterator<Item = RelativePath> + '_ {
        self.0.match_indices('/').map(|(at, _)| Self(self.0[..at].to_owned()))
    }
}

/// Control characters break listings, bidirectional overrides lie about names (CVE-2021-42574), a backslash is a
/// separator on Windows.
fn is_unsafe(character: char) -> bool {
    character.is_control() || character == '\\' || is_direction_control(character)
}

/// The bidirectional formatting characters of Unicode Standard Annex 9.
pub fn is_direction_control(character: char) -> bool {
    matches!(character, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for RelativePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_is_no_path() {
        for (text, fault) in [
            ("", PathFault::Empty),
            ("/etc/passwd", PathFault::Absolute),
            ("a/../b", PathFault::Leaves),
            ("..", PathFault::Leaves),
            ("a//b", PathFault::EmptySegment),
            ("a/.", PathFault::EmptySegment),
            ("a\nb", PathFault::Character),
            ("a\u{202E}b", PathFault::Character),
            ("a\\b", PathFault::Character),
        ] {
            assert_eq!(RelativePath::parse(text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn parents_are_listed_outermost_first() {
        let path = RelativePath::parse("./a/b/c").expect("a plain path");
        let parents: Vec<_> = path.parents().map(|parent| parent.to_string()).collect();
        assert_eq!((path.as_str(), path.file_name()), ("a/b/c", "c"));
        assert_eq!(parents, ["a", "a/b"]);
    }
}
