//! Library entry points for building from a project folder, for the command line and a product's own xtask.

use std::path::PathBuf;

use crate::pipeline::{self, Built, Prepared, Workplace};
use crate::plan::Selection;
use crate::registry::Events;
use crate::source::Sources;
use crate::store::Progress;

use super::registry::{RegistrySettings, pull_bases};
use super::{Failure, epoch, previous::read_previous, project_folder, read_sources, with_cache};

/// What to build, and where.
///
/// ```no_run
/// let settings = bootsmith::host::BuildSettings { output: "target/bootstrap".into(), ..Default::default() };
/// let outcome = bootsmith::host::build(&settings, &|_bytes| {})?;
/// for built in outcome.built {
///     println!("{} {}", built.path.display(), built.receipt.digest);
/// }
/// # Ok::<(), bootsmith::host::Failure>(())
/// ```
#[derive(Clone, Debug)]
pub struct BuildSettings {
    /// The spec file.
    pub file: PathBuf,
    /// What of it.
    pub selection: Selection,
    /// Where the tarballs go.
    pub output: PathBuf,
    /// The tarball of the release before, whose migrations must be the same still.
    pub previous: Option<PathBuf>,
    /// How to talk to the registries of bases.
    pub registry: RegistrySettings,
}

impl Default for BuildSettings {
    fn default() -> Self {
        Self {
            file: "bootstrap.toml".into(),
            selection: Selection { needs_base: true, ..Selection::default() },
            output: "target/bootstrap".into(),
            previous: None,
            registry: RegistrySettings::default(),
        }
    }
}

/// What was built.
#[derive(Debug)]
pub struct Outcome {
    /// The bytes it was built from, for drawing the warnings.
    pub sources: Sources,
    /// The release.
    pub prepared: Prepared,
    /// The tarballs.
    pub built: Vec<Built>,
}

/// Reads, checks and renders a release, and writes nothing.
pub fn prepare(file: &std::path::Path, selection: &Selection) -> Result<(Sources, Prepared), Failure> {
    let sources = read_sources(file)?;
    match pipeline::prepare(&sources, selection) {
        Ok(prepared) => Ok((sources, prepared)),
        Err(error) => Err(Failure::Prepare { sources: Box::new(sources), error }),
    }
}

/// Builds the tarballs of a release; `progress` hears of every piece of bytes that is written.
pub fn build(settings: &BuildSettings, progress: Progress<'_>) -> Result<Outcome, Failure> {
    build_and_tell(settings, progress, &|_| ())
}

/// The same; `events` hears of bases that come from registries.
pub fn build_and_tell(
    settings: &BuildSettings,
    progress: Progress<'_>,
    events: Events<'_>,
) -> Result<Outcome, Failure> {
    let previous = settings.previous.as_deref().map(read_previous).transpose()?;
    let selection = Selection { previous, ..settings.selection.clone() };
    let (sources, prepared) = prepare(&settings.file, &selection)?;
    let (project, output, epoch) = (project_folder(&settings.file), &settings.output, epoch()?);
    let built = with_cache(events, |cache| {
        let pulled = pull_bases(&prepared.plan, &settings.registry, cache, events);
        pulled.map_err(|error| Failure::Pull(Box::new(error)))?;
        Ok::<_, Failure>(pipeline::build(&prepared, Workplace { project, output, cache, epoch }, progress)?)
    })?;
    Ok(Outcome { sources, prepared, built })
}
