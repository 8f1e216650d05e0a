//! Whether the programs of a base are new enough for what a release uses.
//!
//! Takes in the versions that a base declares; gives out an error that names every use that needs a newer one. A base that declares none is
//! not judged here: the entrypoint asks its programs themselves, before it changes anything.

use std::fmt;

use crate::image::{Base, BaseImage};
use crate::plan::{Minimum, Plan, Platform, Program};

/// What an image declares its Compose by, as the official `docker` images do.
const COMPOSE_VERSION: &str = "DOCKER_COMPOSE_VERSION";

/// A program of the base is too old.
#[derive(Debug, thiserror::Error)]
pub struct TooOld {
    /// The base.
    pub base: String,
    /// The program.
    pub program: Program,
    /// The version that the base declares.
    pub found: String,
    /// What needs a newer one, and the oldest that does it: `services.web.gpus`, 2.30.
    pub uses: Vec<(String, Minimum)>,
}

impl fmt::Display for TooOld {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, program, found, uses } = self;
        write!(
            formatter,
            "the base `{base}` has {} {found}, which is too old for what the release uses:",
            program.title()
        )?;
        uses.iter().try_for_each(|(used, minimum)| write!(formatter, "\n  `{used}` needs {minimum}"))
    }
}

impl TooOld {
    /// What to do about it.
    pub fn hint(&self) -> String {
        let newest = self.uses.iter().map(|(_, minimum)| minimum).max();
        let newest = newest.map(ToString::to_string).unwrap_or_default();
        format!("use a base with {newest} or newer, or leave these keys out")
    }
}

/// Fails when a base declares a version that is too old.
pub(super) fn require(plan: &Plan, platform: Platform, base: &Base) -> Result<(), TooOld> {
    for found in base.images().iter().filter_map(compose_version) {
        let program = Program::Compose;
        let uses = uses_beyond(plan, platform, program, found);
        if !uses.is_empty() {
            return Err(TooOld { base: base.name().to_owned(), program, found: found.to_owned(), uses });
        }
    }
    Ok(())
}

fn compose_version(image: &BaseImage) -> Option<&str> {
    let environment = image.config.config().as_ref()?.env().as_deref()?;
    environment.iter().find_map(|entry| entry.strip_prefix(COMPOSE_VERSION)?.strip_prefix('='))
}

/// What the environments use that this version of a program does not do, each once.
fn uses_beyond(plan: &Plan, platform: Platform, program: Program, found: &str) -> Vec<(String, Minimum)> {
    let judged = plan.portability.values().filter_map(|by_platform| by_platform.get(&platform)).flatten();
    let mut uses = Vec::new();
    for judged in judged {
        let minimums = judged.row.minimums(platform).iter();
        for minimum in minimums.filter(|minimum| minimum.program == program && !minimum.is_met_by(found)) {
            uses.extend(judged.uses.iter().map(|used| (used.clone(), *minimum)));
        }
    }
    uses.sort();
    uses.dedup();
    uses
}
