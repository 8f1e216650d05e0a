//! The story on one screen: sources → spec → plan → payload → image → archive.
//!
//! The library's front door for those who have the bytes already; `host` reads them from a project folder.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::Diagnostics;
use crate::plan::{self, Plan, Platform, Selection};
use crate::render::{self, Payload, RenderBug};
use crate::source::Sources;
use crate::spec::{self, Context};

/// A release that can be built: everything decided and every file rendered.
#[derive(Debug)]
pub struct Prepared {
    /// What will be built.
    pub plan: Plan,
    /// What bootsmith adds to the base, by platform.
    pub payloads: BTreeMap<Platform, Payload>,
    /// What is worth reading.
    pub warnings: Diagnostics,
}

/// Why nothing can be built.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The project's files are wrong.
    #[error("the project's files are wrong")]
    Input(Diagnostics),
    /// Bootsmith is wrong.
    #[error(transparent)]
    Bug(#[from] RenderBug),
}

/// Parses, resolves and renders a release. Whatever is wrong with the input is found here, all at once.
pub fn prepare(sources: &Sources, selection: &Selection) -> Result<Prepared, PrepareError> {
    let mut context = Context::new(Arc::clone(&sources.spec_file));
    let spec = spec::parse(sources, &mut context);
    let Some(plan) = plan::resolve(&spec, sources, selection, &mut context) else {
        return Err(PrepareError::Input(context.diagnostics));
    };
    let mut payloads = BTreeMap::new();
    for platform in &plan.platforms {
        payloads.insert(*platform, render::render(&plan, *platform, &mut context)?);
    }
    if context.diagnostics.has_errors() {
        return Err(PrepareError::Input(context.diagnostics));
    }
    Ok(Prepared { plan, payloads, warnings: context.diagnostics })
}
