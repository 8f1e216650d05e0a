//! The story on one screen: sources → spec → plan → payload → image → archive.
//!
//! The library's front door for those who have the bytes already; `host` reads them from a project folder.

mod record;
mod tools;
mod versions;

use std::collections::BTreeMap;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostics};
use crate::digest::Digest;
use crate::document::Context;
use crate::epoch::Epoch;
use crate::image::architecture::ArchitectureFault;
use crate::image::assemble::{AssembleError, Settings};
use crate::image::{self, Architecture, Base, Image, ImageReference, label, role};
use crate::layer::{Layer, PackError};
use crate::plan::{self, Plan, Platform, Selection};
use crate::reference::ReferenceFault;
use crate::render::{self, Payload, RenderBug};
use crate::source::Sources;
use crate::spec;
use crate::store::base::BaseReferenceFault;
use crate::store::{self, BaseReference, Cache, Progress, Receipt, StoreError};

pub use tools::tools;
pub use versions::TooOld;

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
    /// What was rendered cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
}

/// Parses, resolves and renders a release. Whatever is wrong with the input is found here, all at once.
pub fn prepare(sources: &Sources, selection: &Selection) -> Result<Prepared, PrepareError> {
    let mut context = Context::new(Arc::clone(&sources.spec_file));
    let plan = resolve(sources, selection, &mut context)?;
    let mut payloads = BTreeMap::new();
    for platform in &plan.platforms {
        let payload = render::render(&plan, *platform)?;
        record::check(&plan, *platform, &payload, &mut context)?;
        payloads.insert(*platform, payload);
    }
    if context.diagnostics.has_errors() {
        return Err(PrepareError::Input(context.diagnostics));
    }
    Ok(Prepared { plan, payloads, warnings: context.diagnostics })
}

/// Parses and resolves a release, for those who render nothing.
pub fn plan(sources: &Sources, selection: &Selection) -> Result<Plan, PrepareError> {
    resolve(sources, selection, &mut Context::new(Arc::clone(&sources.spec_file)))
}

fn resolve(sources: &Sources, selection: &Selection, context: &mut Context) -> Result<Plan, PrepareError> {
    let spec = spec::parse(sources, context);
    let is_readable = !context.diagnostics.has(Code::SYNTAX);
    let plan = if is_readable { plan::resolve(&spec, sources, selection, context) } else { None };
    plan.ok_or_else(|| PrepareError::Input(mem::take(&mut context.diagnostics)))
}

/// Where a build reads and writes.
#[derive(Clone, Copy)]
pub struct Workplace<'a> {
    /// Where relative paths of bases start.
    pub project: &'a Path,
    /// Where the tarballs go; it is made when it is missing.
    pub output: &'a Path,
    /// What earlier builds left.
    pub cache: &'a Cache,
    /// The one instant of the image.
    pub epoch: Epoch,
}

/// One tarball that was written.
#[derive(Clone, Debug)]
pub struct Built {
    /// The platform it operates.
    pub platform: Platform,
    /// The tarball; its receipt lies next to it, with the ending `.json`.
    pub path: PathBuf,
    /// What is in it.
    pub receipt: Receipt,
}

/// Why an image could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The base, the cache or the output.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The base in a file is another one than was locked.
    #[error("the base `{base}` is not the one that was locked: it is {actual}, and was {locked}")]
    OtherBase {
        /// The base.
        base: String,
        /// What the lock says.
        locked: Digest,
        /// What is there.
        actual: Digest,
    },
    /// Invalid base reference.
    #[error(transparent)]
    BaseReference(#[from] BaseReferenceFault),
    /// Invalid architecture.
    #[error(transparent)]
    Architecture(#[from] ArchitectureFault),
    /// The repository and the version make no reference.
    #[error(transparent)]
    Reference(#[from] ReferenceFault),
    /// Base and payload do not fit together.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// A program of the base is too old for what the release uses.
    #[error(transparent)]
    TooOld(#[from] TooOld),
}

/// Builds the image of every platform and writes its tarball. No tarball is written before all images are made.
pub fn build(prepared: &Prepared, place: Workplace<'_>, progress: Progress<'_>) -> Result<Vec<Built>, BuildError> {
    let plan = &prepared.plan;
    store::disk::create_folder(place.output)?;
    let mut images = Vec::new();
    for (platform, payload) in &prepared.payloads {
        images.push((platform, assemble(plan, *platform, payload, place)?));
    }
    images.iter().map(|(platform, image)| write(plan, **platform, image, place, progress)).collect()
}

fn write(
    plan: &Plan,
    platform: Platform,
    image: &Image,
    place: Workplace<'_>,
    progress: Progress<'_>,
) -> Result<Built, BuildError> {
    let reference = ImageReference::parse(&render::reference(plan, platform))?;
    let path = place.output.join(format!("{}-{}-{}.tar", plan.project, plan.version, platform.name()));
    let receipt = store::write_archive(image, &reference, &path, progress)?;
    receipt.write(&path.with_extension("json"))?;
    Ok(Built { platform, path, receipt })
}

fn assemble(plan: &Plan, platform: Platform, payload: &Payload, place: Workplace<'_>) -> Result<Image, BuildError> {
    let base = open_base(plan, platform, place)?;
    let layers = pack(payload, place)?;
    let settings = settings(plan, platform, &base, place.epoch);
    Ok(image::assemble(&base, &layers, &settings, place.epoch)?)
}

/// Opens, verifies and selects the base, and looks for what the entrypoint calls. `scratch` has nothing to look into: it is for those who
/// add the tools themselves.
fn open_base(plan: &Plan, platform: Platform, place: Workplace<'_>) -> Result<Base, BuildError> {
    let planned = plan.base.get(&platform);
    let reference = BaseReference::parse(planned.map_or(plan::NO_BASE, |base| &base.text))?;
    let wanted = plan.architectures.iter().map(|text| Architecture::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let is_scratch = reference == BaseReference::Scratch;
    let wanted = if is_scratch && wanted.is_empty() { vec![Architecture::parse("linux/amd64")?] } else { wanted };
    let reference = reference.from_folder(place.project);
    let base = match planned.and_then(|base| Some((&base.text, base.digest?))) {
        Some((text, locked)) => open_locked(text, &reference, locked, &wanted, place.cache)?,
        None => store::open_base(&reference, &wanted, place.cache)?,
    };
    store::require_free(&base, render::ROOT, place.cache)?;
    if !is_scratch {
        store::require_tools(&base, &tools(platform), place.cache)?;
        versions::require(plan, platform, &base)?;
    }
    Ok(base)
}

/// A base in a file, when it is the one that was locked.
fn open_locked(
    written: &str,
    reference: &BaseReference,
    locked: Digest,
    architectures: &[Architecture],
    cache: &Cache,
) -> Result<Base, BuildError> {
    let found = store::find_base(reference)?.expect("bases in files alone are locked so");
    let actual = found.digest();
    if actual != locked {
        return Err(BuildError::OtherBase { base: written.to_owned(), locked, actual });
    }
    Ok(found.open(architectures, cache)?)
}

/// By rate of change: a release that only moves an image tag changes the last layer.
fn pack(payload: &Payload, place: Workplace<'_>) -> Result<Vec<Layer>, BuildError> {
    let trees = [&payload.entrypoint, &payload.scripts, &payload.environments];
    let layers = role::PAYLOAD.into_iter().zip(trees).filter(|(_, tree)| !tree.is_empty());
    Ok(layers.map(|(role, tree)| place.cache.layer(role, tree, place.epoch)).collect::<Result<_, _>>()?)
}

fn settings(plan: &Plan, platform: Platform, base: &Base, epoch: Epoch) -> Settings {
    let environments: Vec<_> = plan.environments.iter().map(|environment| environment.name.as_str()).collect();
    let mut annotations = plan.annotations.clone();
    annotations.extend([
        (label::VERSION.to_owned(), plan.version.to_string()),
        (label::CREATED.to_owned(), epoch.to_string()),
        (label::PLATFORM.to_owned(), platform.name().to_owned()),
        (label::ENVIRONMENTS.to_owned(), environments.join(" ")),
        (label::SPEC_DIGEST.to_owned(), Digest::of(plan.spec_text.as_bytes()).to_string()),
        (label::FORMAT.to_owned(), render::FORMAT.to_string()),
    ]);
    annotations.extend(base.digest().map(|digest| (label::BASE_DIGEST.to_owned(), digest.to_string())));
    Settings {
        entrypoint: vec![format!("/{}", render::ENTRYPOINT_PATH)],
        command: vec![render::COMMAND.to_owned()],
        environment: BTreeMap::new(),
        labels: annotations.clone(),
        annotations,
    }
}
