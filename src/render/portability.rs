//! `spec/portability.json` and `environments/ENV/portability`: what this platform makes of what each environment uses.
//!
//! The first is for programs, the second for the entrypoint's `explain`; both say the same. `environments/ENV/requirements` has the versions that the
//! target's programs must be at least, for the entrypoint's preflight.

use serde::Serialize;

use crate::plan::{Environment, Judged, Minimum, Plan, Platform, Verdict};

use super::shell::Record;

/// Where the verdicts are in an image.
pub const PORTABILITY_PATH: &str = "bootstrap/spec/portability.json";

/// The verdicts of one platform.
#[derive(Serialize)]
struct Portability<'a> {
    platform: &'static str,
    environments: Vec<EnvironmentView<'a>>,
}

/// An environment and what it uses.
#[derive(Serialize)]
struct EnvironmentView<'a> {
    name: &'a str,
    features: Vec<FeatureView<'a>>,
}

/// A feature that is used.
#[derive(Serialize)]
struct FeatureView<'a> {
    feature: String,
    verdict: &'static str,
    reason: Option<&'static str>,
    allowed: Option<&'a str>,
    uses: &'a [String],
}

/// The verdicts on a release, as JSON.
pub(super) fn to_json(plan: &Plan, platform: Platform) -> String {
    let view = |environment| environment_view(plan, environment, platform);
    let environments = plan.environments.iter().map(view).collect();
    let portability = Portability { platform: platform.name(), environments };
    serde_json::to_string_pretty(&portability).expect("texts are JSON") + "\n"
}

fn environment_view<'a>(plan: &'a Plan, environment: &'a Environment, platform: Platform) -> EnvironmentView<'a> {
    let features = judged(plan, environment, platform).iter().map(feature).collect();
    EnvironmentView { name: environment.name.as_str(), features }
}

/// The verdicts on an environment, as records; what the platform does by itself needs no word.
pub(super) fn to_records(plan: &Plan, environment: &Environment, platform: Platform) -> String {
    let told = judged(plan, environment, platform).iter().filter(|judged| judged.verdict != Verdict::Native);
    told.map(record).collect()
}

/// What the programs of the target must be at least for what an environment uses, as records; none when any will do.
pub(super) fn requirements(plan: &Plan, environment: &Environment, platform: Platform) -> String {
    let of_judged = |judged: &'_ Judged| -> String {
        judged.row.minimums(platform).iter().map(|minimum| requirement(judged, minimum)).collect()
    };
    judged(plan, environment, platform).iter().map(of_judged).collect()
}

fn requirement(judged: &Judged, minimum: &Minimum) -> String {
    Record::new("requirement", &[judged.row.path])
        .with("program", minimum.program.name())
        .with("version", minimum.version)
        .with_some("api", minimum.engine_api())
        .with("uses", &judged.uses.join(" "))
        .line()
}

fn judged<'a>(plan: &'a Plan, environment: &Environment, platform: Platform) -> &'a [Judged] {
    let by_platform = plan.portability.get(&environment.name);
    by_platform.and_then(|by_platform| by_platform.get(&platform)).map_or(&[], Vec::as_slice)
}

fn feature(judged: &Judged) -> FeatureView<'_> {
    FeatureView {
        feature: judged.row.feature(),
        verdict: judged.verdict.word(),
        reason: judged.verdict.reason(),
        allowed: judged.allowed.as_deref(),
        uses: &judged.uses,
    }
}

fn record(judged: &Judged) -> String {
    Record::new("feature", &[judged.row.feature().as_str()])
        .with("verdict", judged.verdict.word())
        .with_some("reason", judged.verdict.reason())
        .with_some("allowed", judged.allowed.as_deref())
        .line()
}
