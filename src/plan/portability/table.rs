//! The one table of features and platforms: what `bootsmith explain portability` prints and `docs/reference/portability.md` shows.
//!
//! A row is a key of the spec, perhaps with a condition on its value, and one verdict for each platform:
//!
//! ```text
//! "services.*.restart" = "no" {
//!     compose native
//!     swarm emulated "by `deploy.restart_policy`"
//!     kubernetes lossy "what changes" "what to do"
//! }
//! ```
//!
//! `*` is any key of a table or any item of a list. `= "a" | "b"` holds for these values, `!= "a"` for all others, `where NAME` when the
//! condition of that name does (see `condition.rs`). Every row whose key is used and whose condition holds gives a verdict: rows of one key
//! exclude each other. A new platform is one more field of [`Cells`]: no row compiles before it has a verdict there.
//!
//! Behind a verdict may stand what the platform's programs must be at least, where that is more than what a bootstrap image needs anyhow
//! ([`Program::oldest`](super::versions::Program::oldest)): `compose native >= Engine "26.0", Compose "2.25"`.

mod deploy;
mod network;
mod release;
mod resources;
mod service;
mod storage;

use crate::compose::plain;
use crate::document::node::Node;
use crate::plan::Platform;

use super::condition::{Condition, Owner};
use super::versions::Minimum;

/// A part of the table.
pub struct Chapter {
    /// What it is about.
    pub title: &'static str,
    /// Its rows.
    pub rows: &'static [Row],
}

/// The whole table, in the order of the page.
pub const CHAPTERS: &[Chapter] = &[
    Chapter { title: "What runs", rows: service::ROWS },
    Chapter { title: "Resources, rights and devices", rows: resources::ROWS },
    Chapter { title: "Replicas and updates", rows: deploy::ROWS },
    Chapter { title: "Network", rows: network::ROWS },
    Chapter { title: "Files", rows: storage::ROWS },
    Chapter { title: "The entrypoint", rows: release::ROWS },
];

/// Every row of the table.
pub fn features() -> impl Iterator<Item = &'static Row> {
    CHAPTERS.iter().flat_map(|chapter| chapter.rows)
}

/// A feature and what each platform makes of it.
#[derive(Debug)]
pub struct Row {
    /// The keys that lead to it.
    pub path: &'static str,
    when: When,
    cells: Cells,
}

/// What a platform makes of a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The platform does it.
    Native,
    /// It is done for the platform: how.
    Emulated(&'static str),
    /// The meaning changes.
    Lossy {
        /// What is different.
        change: &'static str,
        /// What to do about it.
        instead: &'static str,
    },
    /// It cannot be.
    Impossible {
        /// Why.
        reason: &'static str,
        /// What to do about it.
        instead: &'static str,
    },
}

/// One verdict for each platform.
#[derive(Debug)]
struct Cells {
    compose: Cell,
    swarm: Cell,
    kubernetes: Cell,
}

/// A verdict, and the versions that it holds from.
#[derive(Debug)]
struct Cell {
    verdict: Verdict,
    minimums: &'static [Minimum],
}

/// For which values a row holds.
#[derive(Debug)]
enum When {
    /// For all.
    Always,
    /// For these.
    Is(&'static [&'static str]),
    /// For all but these.
    IsNot(&'static [&'static str]),
    /// When the condition does.
    Holds(&'static Condition),
}

/// Reads rows as the head of this file shows them.
macro_rules! rows {
    ($(
        $path:literal $(= $($is:literal)|+)? $(!= $($is_not:literal)|+)? $(where $condition:ident)?
        { $($platform:ident $verdict:ident $($text:literal)* $(>= $($program:ident $version:literal),+)?)+ }
    )*) => {
        /// The rows of this chapter.
        pub(super) const ROWS: &[crate::plan::portability::table::Row] = &[
            $(crate::plan::portability::table::Row::new(
                $path,
                rows!(@when $(= $($is)|+)? $(!= $($is_not)|+)? $(where $condition)?),
                crate::plan::portability::table::Cells {
                    $($platform: crate::plan::portability::table::Cell {
                        verdict: crate::plan::portability::table::$verdict($($text),*),
                        minimums: &[$($(crate::plan::portability::versions::Minimum {
                            program: crate::plan::portability::versions::Program::$program,
                            version: $version,
                        }),+)?],
                    },)+
                },
            ),)*
        ];
    };
    (@when) => { crate::plan::portability::table::When::Always };
    (@when = $($is:literal)|+) => { crate::plan::portability::table::When::Is(&[$($is),+]) };
    (@when != $($is:literal)|+) => { crate::plan::portability::table::When::IsNot(&[$($is),+]) };
    (@when where $condition:ident) => {
        crate::plan::portability::table::When::Holds(&crate::plan::portability::condition::$condition)
    };
}
use rows;

const fn native() -> Verdict {
    Verdict::Native
}

const fn emulated(how: &'static str) -> Verdict {
    Verdict::Emulated(how)
}

const fn lossy(change: &'static str, instead: &'static str) -> Verdict {
    Verdict::Lossy { change, instead }
}

const fn impossible(reason: &'static str, instead: &'static str) -> Verdict {
    Verdict::Impossible { reason, instead }
}

impl Row {
    const fn new(path: &'static str, when: When, cells: Cells) -> Self {
        Self { path, when, cells }
    }

    /// The row's name: its key and its condition, as in `services.*.restart = "no"`.
    pub fn feature(&self) -> String {
        let quoted = |value: &&str| match *value {
            "true" | "false" => (*value).to_owned(),
            _ => format!("\"{value}\""),
        };
        let listed = |values: &[&str]| values.iter().map(quoted).collect::<Vec<_>>().join(" | ");
        match &self.when {
            When::Always => self.path.to_owned(),
            When::Is(values) => format!("{} = {}", self.path, listed(values)),
            When::IsNot(values) => format!("{} != {}", self.path, listed(values)),
            When::Holds(condition) => format!("{}: {}", self.path, condition.says),
        }
    }

    /// What a platform makes of it.
    pub fn verdict(&self, platform: Platform) -> Verdict {
        self.cell(platform).verdict
    }

    /// The oldest versions that do it, where they are younger than what a bootstrap image needs anyhow.
    pub fn minimums(&self, platform: Platform) -> &'static [Minimum] {
        self.cell(platform).minimums
    }

    fn cell(&self, platform: Platform) -> &Cell {
        match platform {
            Platform::Compose => &self.cells.compose,
            Platform::Swarm => &self.cells.swarm,
            Platform::Kubernetes => &self.cells.kubernetes,
        }
    }

    /// Whether the row is about this value.
    pub(super) fn holds(&self, node: &Node, owner: &Owner<'_>) -> bool {
        let is_one_of = |values: &[&str]| plain(node).is_some_and(|text| values.contains(&text.as_str()));
        match &self.when {
            When::Always => true,
            When::Is(values) => is_one_of(values),
            When::IsNot(values) => !is_one_of(values),
            When::Holds(condition) => (condition.holds)(node, owner),
        }
    }
}

impl Verdict {
    /// The verdict in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Emulated(_) => "emulated",
            Self::Lossy { .. } => "lossy",
            Self::Impossible { .. } => "impossible",
        }
    }

    /// How it is done, what changes, or why it cannot be.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Native => None,
            Self::Emulated(text) | Self::Lossy { change: text, .. } | Self::Impossible { reason: text, .. } => {
                Some(text)
            }
        }
    }

    /// What to do about it.
    pub fn instead(self) -> Option<&'static str> {
        match self {
            Self::Native | Self::Emulated(_) => None,
            Self::Lossy { instead, .. } | Self::Impossible { instead, .. } => Some(instead),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value as Json;

    use super::*;
    use crate::plan::portability::versions::Program;
    use crate::plan::service_keys::TAKEN;

    fn paths() -> BTreeSet<&'static str> {
        features().map(|row| row.path).collect()
    }

    /// Whether a row stands at this key, or at one below it.
    fn is_judged(path: &str) -> bool {
        paths().iter().any(|known| *known == path || known.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    }

    #[test]
    fn no_row_stands_twice() {
        let features: Vec<_> = features().map(Row::feature).collect();
        let unique: BTreeSet<_> = features.iter().collect();
        assert_eq!(unique.len(), features.len());
    }

    #[test]
    fn every_key_of_a_service_has_a_row() {
        let absent: Vec<_> = TAKEN.iter().filter(|key| !is_judged(&format!("services.*.{key}"))).collect();
        assert!(absent.is_empty(), "the table says nothing of {absent:?}");
    }

    /// Every key that ends a path of `deploy`, a network, a volume, a health check, a mount or a port in the Compose Specification.
    #[test]
    fn every_key_below_the_big_ones_has_a_row() {
        let schema: Json =
            serde_json::from_str(include_str!("../../../templates/compose/compose-spec.json")).expect("JSON");
        let definitions = &schema["$defs"];
        let long_form = |key: &str, at: &str| {
            definitions["container_spec"]["properties"][key].pointer(at).expect("the long form").clone()
        };
        let workload = |key: &str, at: &str| {
            definitions["workload_spec"]["properties"][key].pointer(at).expect("the long form").clone()
        };
        let parts = [
            ("services.*.deploy", definitions["deployment"].clone()),
            ("services.*.healthcheck", definitions["healthcheck"].clone()),
            ("networks.*", definitions["network"].clone()),
            ("volumes.*", definitions["volume"].clone()),
            ("services.*.volumes.*", long_form("volumes", "/items/oneOf/1")),
            ("services.*.networks.*", long_form("networks", "/oneOf/1/patternProperties/^[a-zA-Z0-9._-]+$/oneOf/0")),
            ("services.*.ports.*", workload("ports", "/items/oneOf/1")),
            ("services.*.depends_on.*", workload("depends_on", "/oneOf/1/patternProperties/^[a-zA-Z0-9._-]+$")),
        ];
        let leaves: Vec<_> = parts.iter().flat_map(|(path, part)| leaves(path, part)).collect();
        assert!(leaves.len() > 80, "the schema is read: {leaves:?}");
        let is_known = |path: &String| paths().contains(path.as_str()) || is_said_by_the_whole(path);
        let absent: Vec<_> = leaves.iter().filter(|path| !is_known(path) && !is_judged(path)).collect();
        assert!(absent.is_empty(), "the table says nothing of {absent:?}");
    }

    /// Keys that say nothing by themselves: the row of the whole judges them.
    fn is_said_by_the_whole(path: &str) -> bool {
        let of_a_whole = ["source", "target", "published", "condition", "name", "spread"];
        let last = path.rsplit('.').next().unwrap_or(path);
        of_a_whole.contains(&last) || path.starts_with("services.*.deploy.rollback_config.")
    }

    fn leaves(path: &str, part: &Json) -> Vec<String> {
        let Some(properties) = part["properties"].as_object() else { return vec![path.to_owned()] };
        properties.iter().flat_map(|(key, below)| leaves(&format!("{path}.{key}"), below)).collect()
    }

    /// A minimum that every bootstrap image meets says nothing, and the engine is asked for its API.
    #[test]
    fn every_minimum_is_a_version_that_is_known_and_young() {
        let minimums = features().flat_map(|row| Platform::ALL.iter().flat_map(|platform| row.minimums(*platform)));
        for minimum in minimums {
            assert!(minimum.is_above_oldest(), "{minimum}");
            assert!(minimum.program != Program::Engine || minimum.engine_api().is_some(), "{minimum}");
        }
    }

    #[test]
    fn what_cannot_be_needs_no_version() {
        for row in features() {
            for platform in Platform::ALL {
                let is_impossible = matches!(row.verdict(*platform), Verdict::Impossible { .. });
                assert!(!is_impossible || row.minimums(*platform).is_empty(), "{}", row.feature());
            }
        }
    }

    #[test]
    fn every_text_says_something() {
        for row in features() {
            for platform in Platform::ALL {
                let verdict = row.verdict(*platform);
                let texts = verdict.reason().into_iter().chain(verdict.instead());
                let sound = |text: &str| text.len() > 8 && !text.ends_with('.') && text.trim() == text;
                assert!(texts.into_iter().all(sound), "{}: {verdict:?}", row.feature());
            }
        }
    }
}
