//! Versions of the programs that carry a release out: since when they do what a row of the table says.
//!
//! Sources: of Compose, the schema of the Compose Specification that each of its releases was built with, and its own comparisons of API
//! versions (docker/compose, `pkg/compose/api_versions.go`); of the engine, the history of its API (docs.docker.com/reference/api/engine/version-history).

use std::cmp::Ordering;
use std::fmt;

/// A program of the target or of the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// The Docker Engine of the target.
    Engine,
    /// Docker Compose in the base.
    Compose,
}

impl Program {
    /// How people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Engine => "Docker Engine",
            Self::Compose => "Docker Compose",
        }
    }

    /// How records call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Compose => "compose",
        }
    }

    /// What every bootstrap image needs: Engine 20.10 for its API, Compose 1.28 for files without `version` and with profiles.
    pub fn oldest(self) -> &'static str {
        match self {
            Self::Engine => "20.10",
            Self::Compose => "1.28",
        }
    }
}

/// The oldest version of a program that does what a row says; ordered by program and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minimum {
    /// The program.
    pub program: Program,
    /// MAJOR.MINOR or MAJOR.MINOR.PATCH.
    pub version: &'static str,
}

/// Releases of the engine, and the first version of its API that only they have: other engines (Podman) say which API they speak.
const ENGINE_APIS: &[(&str, &str)] = &[
    ("23.0", "1.42"),
    ("24.0", "1.43"),
    ("25.0", "1.44"),
    ("26.0", "1.45"),
    ("27.0", "1.46"),
    ("28.0", "1.48"),
    ("28.1", "1.49"),
];

impl Minimum {
    /// The version of the engine's API that goes with it.
    pub fn engine_api(&self) -> Option<&'static str> {
        let (_, api) =
            ENGINE_APIS.iter().find(|(engine, _)| self.program == Program::Engine && *engine == self.version)?;
        Some(api)
    }

    /// Whether a version of the program is this one or a younger one; the words behind the numbers (`2.26.1-4`) do not count.
    pub fn is_met_by(&self, version: &str) -> bool {
        numbers(version) >= numbers(self.version)
    }

    /// Whether it asks for more than every image needs.
    pub fn is_above_oldest(&self) -> bool {
        numbers(self.version) > numbers(self.program.oldest())
    }
}

impl Ord for Minimum {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.program, numbers(self.version)).cmp(&(other.program, numbers(other.version)))
    }
}

impl PartialOrd for Minimum {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Minimum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.program.title(), self.version)
    }
}

/// The leading numbers of a version, with or without a `v`.
fn numbers(version: &str) -> Vec<u64> {
    let version = version.strip_prefix('v').unwrap_or(version);
    version.split(|character: char| !character.is_ascii_digit()).map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let minimum = Minimum { program: Program::Compose, version: "2.30" };
        for (version, is_met) in [
            ("2.30.0", true),
            ("v2.30.1", true),
            ("2.100", true),
            ("5.1.0", true),
            ("2.29.7", false),
            ("2.26.1-4", false),
            ("1.29.2", false),
            ("", false),
        ] {
            assert_eq!(minimum.is_met_by(version), is_met, "{version}");
        }
    }
}
