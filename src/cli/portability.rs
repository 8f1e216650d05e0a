//! `explain portability`: the table of features and platforms.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::{Platform, Row, features};

use super::failure::CommandFailure;
use super::json;
use super::table::Table;

/// A verdict as programs read it.
#[derive(Serialize)]
struct VerdictView {
    verdict: &'static str,
    reason: Option<&'static str>,
    instead: Option<&'static str>,
    /// The oldest versions that do it, by program.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    minimums: BTreeMap<&'static str, &'static str>,
}

/// Prints the matrix, or all that is said of the features whose name holds a text.
pub(super) fn explain(wanted: Option<&str>, as_json: bool) -> Result<(), CommandFailure> {
    let rows: Vec<_> = features().filter(|row| is_wanted(row, wanted)).collect();
    match wanted {
        Some(wanted) if rows.is_empty() => {
            let hint = "`bootsmith explain portability` lists them all".to_owned();
            return Err(CommandFailure::Usage(format!("no feature matches `{wanted}`"), hint));
        }
        _ if as_json => json::print(&rows.iter().map(|row| to_json(row)).collect()),
        None => anstream::print!("{}", matrix(&rows)),
        Some(_) => anstream::print!("{}", rows.iter().map(|row| explanation(row)).collect::<Vec<_>>().join("\n")),
    }
    Ok(())
}

fn is_wanted(row: &Row, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| row.feature().contains(wanted))
}

fn to_json(row: &Row) -> serde_json::Value {
    let view = |platform: Platform| {
        let verdict = row.verdict(platform);
        let minimums = row.minimums(platform).iter().map(|minimum| (minimum.program.name(), minimum.version)).collect();
        VerdictView { verdict: verdict.word(), reason: verdict.reason(), instead: verdict.instead(), minimums }
    };
    let platforms: BTreeMap<_, _> = Platform::ALL.iter().map(|platform| (platform.name(), view(*platform))).collect();
    serde_json::json!({ "feature": row.feature(), "key": row.path, "platforms": platforms })
}

/// One line for each feature.
fn matrix(rows: &[&Row]) -> String {
    let names = Platform::ALL.iter().map(|platform| platform.name().to_uppercase());
    let head: Vec<_> = std::iter::once("FEATURE".to_owned()).chain(names).collect();
    let mut table = Table::new(&head.iter().map(String::as_str).collect::<Vec<_>>());
    for row in rows {
        let words = Platform::ALL.iter().map(|platform| row.verdict(*platform).word().to_owned());
        table.row(std::iter::once(row.feature()).chain(words));
    }
    format!("{table}\n{LEGEND}")
}

const LEGEND: &str = "\
native: the platform does it · emulated: it is done for the platform · lossy: the meaning changes (B037) · impossible (B038)
`bootsmith explain portability TEXT` explains why, and what to do.
";

/// All that is said of a feature.
fn explanation(row: &Row) -> String {
    let mut text = format!("{}\n", row.feature());
    for platform in Platform::ALL {
        let verdict = row.verdict(*platform);
        let reason = verdict.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        let instead = verdict.instead().map(|instead| format!("\n    {instead}")).unwrap_or_default();
        let since: String = row.minimums(*platform).iter().map(|minimum| format!("\n    from {minimum}")).collect();
        text.push_str(&format!("  {}: {}{reason}{instead}{since}\n", platform.title(), verdict.word()));
    }
    text
}
