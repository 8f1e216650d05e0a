//! From the plan to the files of the image.
//!
//! Takes in a [`Plan`] and a platform; gives out a [`Payload`]: one [`FileTree`] for each layer, by rate of change. Templates carry the
//! structure a reader wants to see; what is rendered is parsed back and compared with the plan.

mod bug;
mod compose;
mod config;
mod declared;
mod entrypoint;
mod folder;
mod kubernetes;
#[cfg(test)]
mod left_out;
mod manifest;
mod mounts;
mod output;
mod overview;
mod portability;
mod release_data;
mod shell;
mod swarm;
mod yaml;

use std::sync::Arc;

use crate::contents::{self, CONTENTS_PATH};
use crate::digest::Digest;
use crate::parallel::in_parallel;
use crate::path::RelativePath;
use crate::plan::{Environment, Plan, Platform, ScriptAction, migration_file, script_file};
use crate::tree::{File, FileTree, Mode, PathTaken};

pub use bug::RenderBug;
use output::{file, path};
pub use overview::{
    EnvironmentOverview, MigrationOverview, OVERVIEW_PATH, Overview, ParameterOverview, ScriptOverview, ServiceOverview,
};
pub use portability::PORTABILITY_PATH;
pub use release_data::{FORMAT, reference};
pub use shell::{ReadRecord, read_assignments, read_records};

/// The folder of everything that bootsmith adds, without the leading slash.
pub const ROOT: &str = "bootstrap";

/// The program that a container starts, without the leading slash.
pub const ENTRYPOINT_PATH: &str = "bootstrap/bin/bootstrap";

/// The command of the image when an operator gives none.
pub const COMMAND: &str = "help";

/// What bootsmith adds to the base: one tree a layer, the one that changes least first.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    /// The entrypoint and its library: changes with bootsmith.
    pub entrypoint: FileTree,
    /// Maintenance scripts and migrations: change now and then.
    pub scripts: FileTree,
    /// Environments and release data: change with every release.
    pub environments: FileTree,
}

/// Renders the payload of one platform. A plan has no faults: what goes wrong here is a bug of bootsmith.
pub fn render(plan: &Plan, platform: Platform) -> Result<Payload, RenderBug> {
    let mut payload = Payload { entrypoint: entrypoint::files(platform)?, ..Payload::default() };
    add_scripts(plan, &mut payload.scripts)?;
    add_migrations(plan, &mut payload.scripts)?;
    if plan.carries_spec {
        let spec = file(Mode::Plain, plan.spec_text.as_bytes());
        payload.environments.insert(path("bootstrap/spec/bootstrap.toml"), spec)?;
        if let Some(lock) = &plan.lock_text {
            let lock = file(Mode::Plain, lock.as_bytes());
            payload.environments.insert(path("bootstrap/spec/bootstrap.lock"), lock)?;
        }
    }
    let spec_digest = Digest::of(plan.spec_text.as_bytes());
    let data = release_data::release(plan, platform, spec_digest);
    payload.environments.insert(path("bootstrap/release"), file(Mode::Plain, data.as_bytes()))?;
    let overview = overview::to_json(plan, platform);
    payload.environments.insert(path(OVERVIEW_PATH), file(Mode::Plain, overview.as_bytes()))?;
    let verdicts = portability::to_json(plan, platform);
    payload.environments.insert(path(PORTABILITY_PATH), file(Mode::Plain, verdicts.as_bytes()))?;
    for tree in in_parallel(&plan.environments, |environment| render_environment(plan, environment, platform)) {
        payload.environments.append(tree?)?;
    }
    let contents = contents(&payload);
    payload.environments.insert(path(CONTENTS_PATH), file(Mode::Plain, contents.as_bytes()))?;
    Ok(payload)
}

/// The folder of an environment.
fn render_environment(plan: &Plan, environment: &Environment, platform: Platform) -> Result<FileTree, RenderBug> {
    let mut tree = FileTree::default();
    let folder = format!("bootstrap/environments/{}", environment.name);
    let records = portability::to_records(plan, environment, platform);
    tree.insert(path(&format!("{folder}/portability")), file(Mode::Plain, records.as_bytes()))?;
    let requirements = portability::requirements(plan, environment, platform);
    if !requirements.is_empty() {
        tree.insert(path(&format!("{folder}/requirements")), file(Mode::Plain, requirements.as_bytes()))?;
    }
    match platform {
        Platform::Compose => compose::render(plan, environment, &mut tree)?,
        Platform::Swarm => swarm::render(plan, environment, &mut tree)?,
        Platform::Kubernetes => kubernetes::render(plan, environment, &mut tree)?,
    }
    Ok(tree)
}

/// The list of all files so far, sorted by path.
fn contents(payload: &Payload) -> String {
    let trees = [&payload.entrypoint, &payload.scripts, &payload.environments];
    let mut entries: Vec<_> = trees.into_iter().flat_map(contents::list).collect();
    entries.sort();
    contents::to_json(&entries)
}

/// Scripts of all environments; most are the same file in each.
fn add_scripts(plan: &Plan, tree: &mut FileTree) -> Result<(), PathTaken> {
    for script in plan.environments.iter().flat_map(|environment| environment.scripts.values()) {
        let ScriptAction::File { path: written, bytes, .. } = &script.action else { continue };
        let place = path(&format!("bootstrap/scripts/{}", script_file(written)));
        add_given(place, File { mode: Mode::Executable, bytes: Arc::clone(bytes) }, tree)?;
    }
    Ok(())
}

/// The files of all migrations, for both ways.
fn add_migrations(plan: &Plan, tree: &mut FileTree) -> Result<(), PathTaken> {
    let migrations = plan.environments.iter().flat_map(|environment| &environment.migrations);
    for given in migrations.flat_map(|migration| std::iter::once(&migration.up).chain(&migration.down)) {
        let place = path(&format!("bootstrap/migrations/{}", migration_file(&given.path)));
        add_given(place, File { mode: Mode::Plain, bytes: Arc::clone(&given.bytes) }, tree)?;
    }
    Ok(())
}

/// Adds a file as it was given; the same one may be named more than once.
fn add_given(place: RelativePath, given: File, tree: &mut FileTree) -> Result<(), PathTaken> {
    if tree.get(&place) == Some(&given) { Ok(()) } else { tree.insert(place, given) }
}
