//! Library entry point for pushing, for the command line and a product's own xtask.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::digest::{Descriptor, Digest};
use crate::image::{ImageReference, Replica};
use crate::inspect;
use crate::reference::ReferenceFault;
use crate::registry::{self, BlobOutcome, Events, RegistryError, Session, Upload};
use crate::store::StoreError;

use super::super::with_cache;
use super::client::{Client, ClientError};
use super::{OneLogin, RegistrySettings};

/// What to push, and where.
#[derive(Clone, Debug, Default)]
pub struct PushSettings {
    /// The tarball.
    pub tarball: PathBuf,
    /// `name:tag` of the image in its registries; none: as the tarball says.
    pub references: Vec<String>,
    /// Repositories, with their registry, that may have blobs of the image.
    pub mount_from: Vec<String>,
    /// How to talk to the registries.
    pub registry: RegistrySettings,
}

/// What was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedImage {
    /// The digest by which the image is known in every registry.
    pub digest: Digest,
    /// The references that name it now.
    pub references: Vec<String>,
    /// How each blob came to be in each repository.
    pub blobs: Vec<(Descriptor, BlobOutcome)>,
}

/// Why an image was not pushed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// A text names no image.
    #[error(transparent)]
    Reference(#[from] ReferenceFault),
    /// A bundle holds images of several repositories.
    #[error("`{}` is a bundle", .0.display())]
    Bundle(PathBuf),
    /// Not said where to, and the tarball does not say it either.
    #[error("the tarball has no image name to push to")]
    NoReference,
    /// One password for several registries.
    #[error(transparent)]
    OneLogin(#[from] OneLogin),
    /// The tarball cannot be read.
    #[error(transparent)]
    Tarball(#[from] StoreError),
    /// The client cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A registry did not do it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Pushes a tarball to every reference; reports progress to `events`.
pub fn push(settings: &PushSettings, events: Events<'_>) -> Result<PushedImage, PushError> {
    let given = parse(&settings.references)?;
    let mount_from = settings.mount_from.iter().map(|name| ImageReference::new(name, ANY_TAG));
    let mount_from = mount_from.collect::<Result<Vec<_>, _>>()?;
    let archive = inspect::open(&settings.tarball)?;
    if archive.bundled_images()?.is_some() {
        return Err(PushError::Bundle(settings.tarball.clone()));
    }
    let references = match archive.reference() {
        Some(reference) if given.is_empty() => parse(&[reference.to_owned()])?,
        None if given.is_empty() => return Err(PushError::NoReference),
        _ => given,
    };
    settings.registry.check_login(references.iter().map(ImageReference::registry))?;
    let client = Client::new(&settings.registry.client)?;
    let image = if archive.has_manifests() {
        archive.to_image()?
    } else {
        with_cache(events, |cache| archive.restored(cache))?
    };
    let image = Replica::from(&image);
    let mut pushed = PushedImage { digest: image.digest(), references: Vec::new(), blobs: Vec::new() };
    for (registry, repositories) in by_registry(&references) {
        let here = mount_from.iter().filter(|from| from.registry() == registry);
        let mut sources: Vec<_> = here.map(|from| from.repository().to_owned()).collect();
        for (repository, tags) in repositories {
            let access = settings.registry.access(registry, repository);
            let session = Session::open(&client, registry, &access, events)?;
            sources.retain(|source| source != repository);
            let upload = Upload { image: &image, repository, tags: &tags, mount_from: &sources };
            pushed.blobs.extend(registry::push(&session, upload)?.blobs);
            pushed.references.extend(tags.iter().map(|tag| format!("{registry}/{repository}:{tag}")));
            // What one repository has been given need not be sent to the next.
            sources.insert(0, repository.to_owned());
        }
    }
    Ok(pushed)
}

/// A repository is read like an image of it.
const ANY_TAG: &str = "any";

fn parse(references: &[String]) -> Result<Vec<ImageReference>, ReferenceFault> {
    references.iter().map(|text| ImageReference::parse(text)).collect()
}

type ByRegistry<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a str>>>;

/// Registry → repository → tags.
fn by_registry(references: &[ImageReference]) -> ByRegistry<'_> {
    let mut all = ByRegistry::new();
    for reference in references {
        let tags = all.entry(reference.registry()).or_default().entry(reference.repository()).or_default();
        if !tags.contains(&reference.tag()) {
            tags.push(reference.tag());
        }
    }
    all
}
