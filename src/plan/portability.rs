//! What each platform makes of what a spec uses: portability as a pass of its own.
//!
//! Takes in the merged environments; gives out a verdict for every feature that one of them uses, on every platform that is built for, and
//! faults for what a platform would change or cannot do. What the verdicts are is data: [`CHAPTERS`]. Knows no output format.

mod condition;
mod judge;
mod kubernetes;
mod kubernetes_objects;
mod swarm;
mod table;
mod versions;

use std::collections::BTreeMap;

use crate::name::Label;

use super::Platform;

pub(super) use judge::judge;
pub(super) use kubernetes::check as check_for_kubernetes;
pub(super) use kubernetes_objects::check as check_kubernetes_objects;
pub(super) use swarm::check as check_for_swarm;
pub use table::{CHAPTERS, Row, Verdict, features};
pub use versions::{Minimum, Program};

/// The verdicts on what is used, by environment, then platform.
pub type Portability = BTreeMap<Label, BTreeMap<Platform, Vec<Judged>>>;

/// A feature that an environment uses.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The row of the table.
    pub row: &'static Row,
    /// What the platform makes of it.
    pub verdict: Verdict,
    /// Where it is used: `services.web.restart`.
    pub uses: Vec<String>,
    /// Why a change of meaning was accepted.
    pub allowed: Option<String>,
}
