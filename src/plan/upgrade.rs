//! `[upgrade]`: from where a release can be reached, and what must be there before.
//!
//! Takes in the table as written; gives out a range of versions that a shell can compare one by one, and a checked script.

use semver::{BuildMetadata, Comparator, Op, Version, VersionReq};

use crate::compose::{Duration, Value as _};
use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::Spanned;
use crate::document::node::Table;
use crate::name::Label;
use crate::spec;

/// What an upgrade asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// Comparators with a blank between them: `>=`, `>`, `<=`, `<` or `=`, each with a whole version. All of them hold.
    pub from: Option<String>,
    /// The backup that must be there.
    pub backup: Option<UpgradeBackup>,
    /// Whether the release may be rolled back.
    pub rollback: bool,
}

/// A backup that an upgrade asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeBackup {
    /// The script that makes it.
    pub script: Label,
    /// How old it may be.
    pub max_age_seconds: u64,
}

/// Reads `[upgrade]`; `scripts` are those of the environment as written.
pub(super) fn read(
    written: &spec::Upgrade,
    version: Option<&Version>,
    scripts: &Table,
    context: &mut Context,
) -> Upgrade {
    let from = written.from.as_ref().and_then(|from| read_range(from, version, context));
    let backup = written.backup.as_ref().and_then(|backup| read_backup(backup, scripts, context));
    Upgrade { from, backup, rollback: written.rollback }
}

fn read_range(from: &Spanned<String>, version: Option<&Version>, context: &mut Context) -> Option<String> {
    let range = match VersionReq::parse(&from.value) {
        Ok(range) => range,
        Err(fault) => {
            let message = format!("invalid range of versions `{}`: {fault}", from.value);
            let hint = "write comparators that all hold, as in `>=1.2.0, <2.0.0`, `^1.2` or `~1.2.3`";
            context.error(Code::UPGRADE, from.span, message, hint);
            return None;
        }
    };
    let bounds: Vec<_> = range.comparators.iter().flat_map(bounds).collect();
    if let Some(version) = version.filter(|version| bounds.iter().any(|bound| bound.is_out_of_reach(version))) {
        let message = format!("`{}` holds for no release before {version}: nothing could be upgraded", from.value);
        let hint = "name the oldest release from which this one can be reached";
        context.warning(Code::UPGRADE, from.span, message, hint);
    }
    // `*` has no comparator: every release is at least the first one.
    let bounds = if bounds.is_empty() { vec![Bound(">=", Version::new(0, 0, 0))] } else { bounds };
    Some(bounds.iter().map(|Bound(operator, version)| format!("{operator}{version}")).collect::<Vec<_>>().join(" "))
}

/// A comparator with a whole version.
struct Bound(&'static str, Version);

impl Bound {
    /// Whether only this version or newer ones keep to it.
    fn is_out_of_reach(&self, version: &Version) -> bool {
        matches!(self.0, ">=" | ">" | "=") && self.1.cmp_precedence(version).is_ge()
    }
}

/// What a comparator stands for, as the documentation of [`Op`] has it.
fn bounds(comparator: &Comparator) -> Vec<Bound> {
    let lowest = Version {
        major: comparator.major,
        minor: comparator.minor.unwrap_or(0),
        patch: comparator.patch.unwrap_or(0),
        pre: comparator.pre.clone(),
        build: BuildMetadata::EMPTY,
    };
    let is_whole = comparator.patch.is_some();
    let one = |operator, version| vec![Bound(operator, version)];
    let up_to = |version| vec![Bound(">=", lowest.clone()), Bound("<", version)];
    match comparator.op {
        Op::Exact if is_whole => one("=", lowest),
        Op::Greater if is_whole => one(">", lowest),
        Op::LessEq if is_whole => one("<=", lowest),
        Op::Greater => one(">=", behind(comparator)),
        Op::LessEq => one("<", behind(comparator)),
        Op::GreaterEq => one(">=", lowest),
        Op::Less => one("<", lowest),
        Op::Tilde if is_whole => up_to(behind(&Comparator { patch: None, ..comparator.clone() })),
        Op::Caret => up_to(behind_caret(comparator)),
        // `=1.2`, `~1.2`, `1.2.*`: all that start with these numbers.
        _ => up_to(behind(comparator)),
    }
}

/// The first version behind all that start with the numbers of a comparator that is not whole.
fn behind(comparator: &Comparator) -> Version {
    match comparator.minor {
        Some(minor) => Version::new(comparator.major, minor.saturating_add(1), 0),
        None => Version::new(comparator.major.saturating_add(1), 0, 0),
    }
}

/// The first version that changes the leftmost number other than 0.
fn behind_caret(comparator: &Comparator) -> Version {
    match (comparator.major, comparator.minor, comparator.patch) {
        (0, Some(0), Some(patch)) => Version::new(0, 0, patch.saturating_add(1)),
        (0, Some(minor), _) => Version::new(0, minor.saturating_add(1), 0),
        (major, _, _) => Version::new(major.saturating_add(1), 0, 0),
    }
}

fn read_backup(backup: &spec::Backup, scripts: &Table, context: &mut Context) -> Option<UpgradeBackup> {
    let (script, age) = (&backup.script, &backup.max_age);
    let label = Label::parse(&script.value).filter(|_| scripts.get(&script.value).is_some());
    if label.is_none() {
        let hint = unknown_name_hint(&script.value, "scripts", scripts.keys());
        let message = format!("`upgrade.backup` names unknown script `{}`", script.value);
        context.error(Code::UNKNOWN_REFERENCE, script.span, message, hint);
    }
    let seconds = Duration::parse(&age.value).map(Duration::seconds);
    let seconds = seconds.filter(|seconds| *seconds > 0);
    if seconds.is_none() {
        let message = format!("invalid age of a backup `{}`", age.value);
        context.error(Code::INVALID_VALUE, age.span, message, "write a number and a unit, as in `24h` or `30m`");
    }
    Some(UpgradeBackup { script: label?, max_age_seconds: seconds? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> String {
        let range = VersionReq::parse(text).expect("a range of the test");
        let bounds: Vec<_> = range.comparators.iter().flat_map(bounds).collect();
        bounds.iter().map(|Bound(operator, version)| format!("{operator}{version}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_range_is_written_out() {
        for (written, expected) in [
            (">=1.2.0, <2.0.0", ">=1.2.0 <2.0.0"),
            ("1.2.3", ">=1.2.3 <2.0.0"),
            ("^1", ">=1.0.0 <2.0.0"),
            ("^1.2", ">=1.2.0 <2.0.0"),
            ("^0", ">=0.0.0 <1.0.0"),
            ("^0.2", ">=0.2.0 <0.3.0"),
            ("^0.2.3", ">=0.2.3 <0.3.0"),
            ("^0.0", ">=0.0.0 <0.1.0"),
            ("^0.0.3", ">=0.0.3 <0.0.4"),
            ("~1", ">=1.0.0 <2.0.0"),
            ("~1.2", ">=1.2.0 <1.3.0"),
            ("~1.2.3", ">=1.2.3 <1.3.0"),
            ("1.*", ">=1.0.0 <2.0.0"),
            ("1.2.*", ">=1.2.0 <1.3.0"),
            ("=1", ">=1.0.0 <2.0.0"),
            ("=1.2", ">=1.2.0 <1.3.0"),
            ("=1.2.3", "=1.2.3"),
            (">1", ">=2.0.0"),
            (">1.2", ">=1.3.0"),
            (">1.2.3", ">1.2.3"),
            (">=1", ">=1.0.0"),
            ("<1.2", "<1.2.0"),
            ("<=1", "<2.0.0"),
            ("<=1.2", "<1.3.0"),
            ("<=1.2.3", "<=1.2.3"),
            (">=1.2.0-rc.1", ">=1.2.0-rc.1"),
        ] {
            assert_eq!(range(written), expected, "{written}");
        }
    }

    /// What is written out means what the crate means, for releases that are not pre-releases.
    #[test]
    fn a_range_means_what_it_meant() {
        let numbers = [0, 1, 2, 3, 4];
        for written in
            ["^1", "^0.2", "^0.0.3", "~1.2", "~1.2.3", "=1", ">1", ">1.2", "<=1", "<=1.2", "1.*", "<1.2", "^0"]
        {
            let meant = VersionReq::parse(written).expect("a range of the test");
            let out = VersionReq::parse(&range(written).replace(' ', ", ")).expect("a range");
            for version in numbers.iter().flat_map(|major| {
                numbers.iter().flat_map(move |minor| numbers.map(|patch| Version::new(*major, *minor, patch)))
            }) {
                assert_eq!(meant.matches(&version), out.matches(&version), "{written} and {version}");
            }
        }
    }
}
