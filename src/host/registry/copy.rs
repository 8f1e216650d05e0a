//! Library entry point for copying a release to another registry: the bootstrap image with every image of its services.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::digest::Digest;
use crate::image::{ImageReference, Replica};
use crate::lock;
use crate::reference::{ReferenceFault, RegistryReference};
use crate::registry::{self, Events, Session, Upload};
use crate::relocate::{Places, relocate, service_images};

use super::super::with_cache;
use super::RegistrySettings;
use super::client::Client;
use super::copy_error::CopyError;
use super::open::{ImageName, Needed, open_images};
use super::supply::Supply;

/// What to copy, and where to.
#[derive(Clone, Debug, Default)]
pub struct CopySettings {
    /// The bootstrap image: a tarball, a bundle, or a name in a registry.
    pub source: PathBuf,
    /// The registry, and what repositories there begin with: `registry.example.com/mirror`.
    pub destination: String,
    /// How to talk to the registries.
    pub registry: RegistrySettings,
}

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedImage {
    /// The digest by which the bootstrap image is known at its new place.
    pub digest: Digest,
    /// Its name there.
    pub reference: String,
    /// The new name of every service image, by its old one.
    pub images: BTreeMap<String, String>,
}

/// Copies a bootstrap image and the images of its services, each as it is, and makes the manifests say the new names, by digest. The
/// bootstrap image comes last: when it is there, everything is.
pub fn copy(settings: &CopySettings, events: Events<'_>) -> Result<CopiedImage, CopyError> {
    let destination = Destination::parse(&settings.destination)?;
    let source = ImageName::of(&settings.source);
    let opened = open_images(&[source], Needed::Everything, &settings.registry, events)?.remove(0);
    let archive = opened.archive();
    let moves = moves(service_images(archive)?, &destination)?;
    let bootstrap = RegistryReference::parse(archive.reference().ok_or(CopyError::NoReference)?)?;
    let bootstrap = destination.place(&bootstrap).tagged().ok_or(CopyError::NoReference)?;
    let bundled = archive.bundled_images()?;
    with_cache(events, |cache| {
        let supply = match &bundled {
            Some(images) => Supply::bundle(images.clone()),
            None => Supply::Registries { settings: &settings.registry, architecture: None, cache, events },
        };
        let asked = supply.asked(moves.iter().map(|one| one.from.registry()));
        settings.registry.check_login(asked.into_iter().chain([bootstrap.registry()]))?;
        let mut target = Target::new(&destination, &settings.registry, events)?;
        let images = target.push_services(&moves, &supply)?;
        let places = Places { bootstrap: bootstrap.clone(), images: images.clone(), is_offline: false };
        let relocated = Replica::from(&relocate(archive, &places, cache)?);
        target.push(&relocated, &RegistryReference::from(&bootstrap))?;
        Ok(CopiedImage { digest: relocated.digest(), reference: bootstrap.to_string(), images })
    })
}

/// A registry, and what its repositories begin with.
struct Destination {
    registry: String,
    prefix: Option<String>,
}

impl Destination {
    fn parse(text: &str) -> Result<Self, ReferenceFault> {
        /// What a repository below the destination may be called.
        const ANY: &str = "any";
        let name = text.trim_end_matches('/');
        let is_registry =
            name.split('/').next().is_some_and(|first| first.contains(['.', ':']) || first == "localhost");
        let sample = ImageReference::new(&format!("{name}/{ANY}"), ANY)?;
        if !is_registry {
            return Err(ReferenceFault::Name(text.to_owned()));
        }
        let prefix = sample.repository().strip_suffix(ANY).and_then(|prefix| prefix.strip_suffix('/'));
        Ok(Self { registry: sample.registry().to_owned(), prefix: prefix.map(str::to_owned) })
    }

    /// Where an image is from now on.
    fn place(&self, image: &RegistryReference) -> RegistryReference {
        let repository =
            self.prefix.iter().map(String::as_str).chain([image.repository()]).collect::<Vec<_>>().join("/");
        image.moved_to(&self.registry, &repository)
    }
}

/// One image on its way.
struct Move {
    /// As the manifests write it.
    written: String,
    from: RegistryReference,
    to: RegistryReference,
}

fn moves(images: impl IntoIterator<Item = String>, destination: &Destination) -> Result<Vec<Move>, CopyError> {
    let mut moves: Vec<Move> = Vec::new();
    for written in images {
        let from = lock::name(&written).ok_or_else(|| ReferenceFault::Name(written.clone()))?;
        let to = destination.place(&from);
        let is_other = |other: &&Move| other.to.unpinned() == to.unpinned() && other.from.unpinned() != from.unpinned();
        if let Some(other) = moves.iter().find(is_other) {
            let (first, second) = (other.written.clone(), written);
            return Err(CopyError::Collision { first, second, name: to.unpinned_text() });
        }
        moves.push(Move { written, from, to });
    }
    Ok(moves)
}

/// The new registry.
struct Target<'a> {
    client: Client,
    settings: &'a RegistrySettings,
    registry: &'a str,
    events: Events<'a>,
    /// What one repository has been given need not be sent to the next.
    repositories: Vec<String>,
}

impl<'a> Target<'a> {
    fn new(
        destination: &'a Destination,
        settings: &'a RegistrySettings,
        events: Events<'a>,
    ) -> Result<Self, CopyError> {
        let client = Client::new(&settings.client)?;
        Ok(Self { client, settings, registry: &destination.registry, events, repositories: Vec::new() })
    }

    /// The new name of every image, by its old one.
    fn push_services(&mut self, moves: &[Move], supply: &Supply<'_>) -> Result<BTreeMap<String, String>, CopyError> {
        let mut images = BTreeMap::new();
        for one in moves {
            let replica = supply.replica(&one.from)?;
            self.push(&replica, &one.to)?;
            images.insert(one.written.clone(), format!("{}@{}", one.to.unpinned_text(), replica.digest()));
        }
        Ok(images)
    }

    fn push(&mut self, image: &Replica, to: &RegistryReference) -> Result<(), CopyError> {
        let repository = to.repository();
        let access = self.settings.access(self.registry, repository);
        let session = Session::open(&self.client, self.registry, &access, self.events)?;
        let tagged = to.tagged();
        let tags: Vec<_> = tagged.iter().map(ImageReference::tag).collect();
        self.repositories.retain(|other| other != repository);
        registry::push(&session, Upload { image, repository, tags: &tags, mount_from: &self.repositories })?;
        self.repositories.insert(0, repository.to_owned());
        Ok(())
    }
}
