//! What may differ between what the handbook shows and what a run prints: the rules, all of them, for both sides alike.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

/// What varies from run to run or from engine to engine, and what stands for it.
const RULES: &[(&str, &str)] = &[
    // Instants, of ours and of PostgreSQL.
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d)", "INSTANT"),
    // Digests and ids.
    (r"\b[0-9a-f]{12,64}\b", "DIGEST"),
    // Sizes on the engine's disk.
    (r"\b\d+(\.\d+)?[kMGT]?B\b", "SIZE"),
    // Versions of Docker and Compose.
    (r"\b(Docker|API|Compose|docker +|compose +) ?v?\d\S*", "$1 VERSION"),
    // How often something was started until that was noticed.
    (r"\(\d+ restarts", "(N restarts"),
    // The engine's host.
    (r"^\S+ +(manager|-) +ready .*$", "NODE"),
    // Columns are as wide as what stands in them.
    (r" {2,}", "  "),
    (r"-{2,}", "--"),
];

static COMPILED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    RULES.iter().map(|(pattern, stands_for)| (Regex::new(pattern).expect("a pattern"), *stands_for)).collect()
});

/// Whether what is shown is what was seen.
pub(crate) fn same(shown: &[String], seen: &[String]) -> bool {
    settled(shown) == settled(seen)
}

/// How long something takes decides how often it is waited for, how much a service that fails has said, and which network is gone first.
fn settled(lines: &[String]) -> Vec<String> {
    let is_compared = |line: &&String| !line.starts_with("waiting: ") && !line.starts_with("    health | ");
    let mut settled: Vec<_> = lines.iter().filter(is_compared).map(|line| settle(line)).collect();
    let mut said = BTreeSet::new();
    settled.retain(|line| !line.trim_start().starts_with("| ") || said.insert(line.clone()));
    let of_network = |line: &String| line.starts_with("network ");
    settled.chunk_by_mut(|one, next| of_network(one) && of_network(next)).for_each(<[String]>::sort);
    settled
}

fn settle(line: &str) -> String {
    let settled = COMPILED
        .iter()
        .fold(line.to_owned(), |line, (pattern, stands_for)| pattern.replace_all(&line, *stands_for).into_owned());
    settled.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_varies_is_the_same() {
        for (shown, seen) in [
            ("ok    engine  Docker 20.10.24+dfsg1, API 1.41", "ok    engine  Docker 28.5.1, API 1.51"),
            ("1 *  2026-02-28T08:05:20Z  ok", "1 *       2027-01-01T00:00:00Z  ok"),
            ("image  sha256:ca5e235a0b8f", "image  sha256:0123456789ab"),
            ("a\nwaiting: database: 0 of 1 ready", "a"),
            ("    | usage\n    | error\n    | usage", "    | usage\n    | error"),
            ("network a: removed\nnetwork b: removed", "network b: removed\nnetwork a: removed"),
            (" 1 | tea | 2026-02-28 08:05:20.1234+00", " 1 | tea | 2026-02-28 08:05:20+00"),
        ] {
            assert!(same(&lines(shown), &lines(seen)), "{shown} is {seen}");
        }
    }

    #[test]
    fn what_is_said_is_not() {
        for (shown, seen) in [
            ("web: recreate", "web: keep"),
            ("shop-development is at shop 1.4.2, revision 1", "shop-development is at shop 1.4.2, revision 2"),
            ("a", "a\nb"),
        ] {
            assert!(!same(&lines(shown), &lines(seen)), "{shown} is not {seen}");
        }
    }
}
