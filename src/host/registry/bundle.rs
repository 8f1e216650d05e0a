//! Library entry point for bundles: the bootstrap image and all images of its services in one file, for sites without a registry.

use std::path::PathBuf;

use crate::digest::Digest;
use crate::image::{Architecture, Image, ImageReference, Replica};
use crate::lock;
use crate::reference::{ReferenceFault, RegistryReference};
use crate::registry::Events;
use crate::relocate::{Places, relocate, service_images};
use crate::store::{BundledImage, Progress, write_bundle};

use super::super::with_cache;
use super::RegistrySettings;
use super::copy_error::CopyError;
use super::open::{ImageName, Needed, open_images};
use super::supply::Supply;

/// What to bundle, and where to.
#[derive(Clone, Debug, Default)]
pub struct BundleSettings {
    /// The bootstrap image: a tarball, or a name in a registry.
    pub source: PathBuf,
    /// The file that is written.
    pub bundle: PathBuf,
    /// Only for this architecture; for all without one.
    pub architecture: Option<String>,
    /// How to talk to the registries.
    pub registry: RegistrySettings,
}

/// What was bundled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundled {
    /// The size of the file.
    pub size_bytes: u64,
    /// The digest of every image, by the name that an engine knows it by; the bootstrap image is the first.
    pub images: Vec<(String, Digest)>,
}

/// Writes a bundle. In it the manifests name images by their tags: what an engine loads has no digest of a registry.
pub fn bundle(settings: &BundleSettings, events: Events<'_>, progress: Progress<'_>) -> Result<Bundled, CopyError> {
    let architecture = settings.architecture.as_deref().map(Architecture::parse).transpose()?;
    let source = ImageName::of(&settings.source);
    let opened = open_images(&[source], Needed::Everything, &settings.registry, events)?.remove(0);
    let archive = opened.archive();
    let bootstrap = ImageReference::parse(archive.reference().ok_or(CopyError::NoReference)?)?;
    let named = name_images(service_images(archive)?)?;
    settings.registry.check_login(named.iter().map(|image| image.from.registry()))?;
    with_cache(events, |cache| {
        let architecture = architecture.as_ref();
        let supply = Supply::Registries { settings: &settings.registry, architecture, cache, events };
        let mut images = take_services(&named, &supply)?;
        let written = |image: &Named| (image.written.clone(), image.name.familiar());
        let places = named.iter().map(written).collect();
        let image =
            relocate(archive, &Places { bootstrap: bootstrap.clone(), images: places, is_offline: true }, cache)?;
        let epoch = image.epoch();
        let image = of_architecture(image, architecture)?;
        images.insert(0, BundledImage { name: bootstrap.clone(), replica: Replica::from(&image), is_bootstrap: true });
        let size_bytes = write_bundle(&images, epoch, &settings.bundle, progress)?;
        let images = images.iter().map(|image| (image.name.to_string(), image.replica.digest())).collect();
        Ok(Bundled { size_bytes, images })
    })
}

/// The images of the services, each once. One image may be written in several ways: by its tag, and by its tag and its digest. Which image a
/// tag names is known when it is here.
fn take_services(named: &[Named], supply: &Supply<'_>) -> Result<Vec<BundledImage>, CopyError> {
    let mut taken: Vec<(&Named, BundledImage)> = Vec::new();
    for one in named {
        match taken.iter().find(|(_, image)| image.name == one.name) {
            Some((other, _)) if other.from == one.from => {}
            Some((other, image)) if supply.replica(&one.from)?.digest() != image.replica.digest() => {
                return Err(collision(other, one));
            }
            Some(_) => {}
            None => {
                let (name, replica) = (one.name.clone(), supply.replica(&one.from)?);
                taken.push((one, BundledImage { name, replica, is_bootstrap: false }));
            }
        }
    }
    Ok(taken.into_iter().map(|(_, image)| image).collect())
}

fn collision(first: &Named, second: &Named) -> CopyError {
    let (first, second, name) = (first.written.clone(), second.written.clone(), first.name.to_string());
    CopyError::Collision { first, second, name }
}

fn of_architecture(image: Image, architecture: Option<&Architecture>) -> Result<Image, CopyError> {
    let Some(architecture) = architecture else { return Ok(image) };
    image.only(architecture).ok_or_else(|| CopyError::NoArchitecture(architecture.clone()))
}

/// An image on its way into a bundle.
struct Named {
    /// As the manifests write it.
    written: String,
    from: RegistryReference,
    /// What an engine will know it by.
    name: ImageReference,
}

impl Named {
    /// Whether two that would have one name are two images, as far as they say so themselves.
    fn is_another(&self, other: &Self) -> bool {
        let digests = self.from.digest().zip(other.from.digest());
        self.name == other.name && digests.is_some_and(|(this, that)| this != that)
    }
}

fn name_images(images: impl IntoIterator<Item = String>) -> Result<Vec<Named>, CopyError> {
    let mut named: Vec<Named> = Vec::new();
    for written in images {
        let from = lock::name(&written).ok_or_else(|| ReferenceFault::Name(written.clone()))?;
        let name = name_of(&from)?;
        let one = Named { written, from, name };
        if let Some(other) = named.iter().find(|other| other.is_another(&one)) {
            return Err(collision(other, &one));
        }
        named.push(one);
    }
    Ok(named)
}

/// What has a digest alone gets a tag that says which.
fn name_of(image: &RegistryReference) -> Result<ImageReference, ReferenceFault> {
    /// As much of a digest as distinguishes images.
    const DIGITS: usize = 16;
    if let Some(tagged) = image.tagged() {
        return Ok(tagged);
    }
    let digits = image.digest().map(|digest| digest.hex()).unwrap_or_default();
    ImageReference::new(&image.unpinned_name(), &format!("sha256-{}", &digits[..DIGITS.min(digits.len())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_image_leads_to_one_name() {
        let images = ["docker.io/library/db:16", "db:16", "db"].map(str::to_owned);
        let named = name_images(images).expect("names");
        let names: Vec<_> = named.iter().map(|image| (image.written.as_str(), image.name.familiar())).collect();
        let expected = [("docker.io/library/db:16", "db:16"), ("db:16", "db:16"), ("db", "db:latest")];
        assert_eq!(names, expected.map(|(written, name)| (written, name.to_owned())));
        let digest = Digest::of(b"").to_string();
        let once_pinned = ["db:16".to_owned(), format!("db:16@{digest}")];
        assert!(name_images(once_pinned).is_ok(), "it may be one image");
        let pinned = [Digest::of(b"other").to_string(), digest.clone()].map(|digest| format!("db:16@{digest}"));
        assert!(matches!(name_images(pinned), Err(CopyError::Collision { .. })), "which of the two would count?");
        let alone = name_images([format!("db@{digest}")]).expect("a name");
        assert_eq!(alone[0].name.tag(), "sha256-e3b0c44298fc1c14");
    }
}
