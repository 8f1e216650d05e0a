//! Opening a base.
//!
//! Takes in a reference like `oci:PATH`; gives out a [`Base`] that is verified, or will be when it is used. With a cache that
//! has seen the same layers before, it reads small documents only; layers are verified when they are copied.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::cache::Cache;
use super::container::Container;
use super::layer_check::compare;
use super::{StoreError, docker_archive, oci_layout};
use crate::digest::Digest;
use crate::image::base::BaseFault;
use crate::image::{Architecture, Base};
use crate::reference::RegistryReference;

/// Where a base is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseReference {
    /// Nothing.
    Scratch,
    /// An OCI layout: a folder or a tar.
    OciLayout(BasePlace),
    /// An archive of `docker save`, podman or skopeo.
    DockerArchive(BasePlace),
    /// An image of a registry, which was pulled before.
    Registry(RegistryReference, Digest),
}

/// A file or folder, and which image in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasePlace {
    /// The file or folder.
    pub path: PathBuf,
    /// The tag of the image, when there are several.
    pub tag: Option<String>,
}

/// The text is not a reference to a base.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid base `{0}`: expected `scratch`, `oci:PATH[:TAG]`, `oci-archive:PATH[:TAG]`, `docker-archive:PATH[:NAME:TAG]` or `NAME[:TAG]@sha256:DIGEST`"
)]
pub struct BaseReferenceFault(String);

impl BaseReference {
    /// Reads a reference as skopeo writes them.
    pub fn parse(text: &str) -> Result<Self, BaseReferenceFault> {
        let (transport, rest) = text.split_once(':').unwrap_or((text, ""));
        let place = |rest: &str| {
            let (path, tag) = rest.split_once(':').map_or((rest, None), |(path, tag)| (path, Some(tag)));
            let is_good = !path.is_empty() && tag != Some("");
            is_good.then(|| BasePlace { path: path.into(), tag: tag.map(str::to_owned) })
        };
        match (transport, place(rest)) {
            ("scratch", None) if text == "scratch" => Ok(Self::Scratch),
            ("oci" | "oci-archive", Some(place)) => Ok(Self::OciLayout(place)),
            ("docker-archive", Some(place)) => Ok(Self::DockerArchive(place)),
            _ => Self::of_registry(text).ok_or_else(|| BaseReferenceFault(text.to_owned())),
        }
    }

    /// An image of a registry is a base when its digest says which one.
    fn of_registry(text: &str) -> Option<Self> {
        let reference = RegistryReference::parse(text).ok()?;
        let digest = reference.digest()?;
        Some(Self::Registry(reference, digest))
    }

    /// The same base, a relative path taken from `folder`.
    #[must_use]
    pub fn from_folder(self, folder: &Path) -> Self {
        let join = |place: BasePlace| BasePlace { path: folder.join(place.path), tag: place.tag };
        match self {
            Self::Scratch | Self::Registry(..) => self,
            Self::OciLayout(place) => Self::OciLayout(join(place)),
            Self::DockerArchive(place) => Self::DockerArchive(join(place)),
        }
    }
}

impl fmt::Display for BaseReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (transport, place) = match self {
            Self::Scratch => return formatter.write_str("scratch"),
            Self::Registry(reference, _) => return reference.fmt(formatter),
            Self::OciLayout(place) => ("oci", place),
            Self::DockerArchive(place) => ("docker-archive", place),
        };
        write!(formatter, "{transport}:{}", place.path.display())?;
        place.tag.iter().try_for_each(|tag| write!(formatter, ":{tag}"))
    }
}

/// Opens and verifies a base on the given architectures, or on all that it has when none is given; `scratch` has what is given.
pub fn open_base(reference: &BaseReference, architectures: &[Architecture], cache: &Cache) -> Result<Base, StoreError> {
    let found = match reference {
        BaseReference::Scratch => return Ok(Base::scratch(architectures)?),
        BaseReference::Registry(_, digest) => find_pulled(reference, *digest, cache)?,
        BaseReference::OciLayout(place) => find_layout(reference.to_string(), &place.path, place.tag.as_deref())?,
        BaseReference::DockerArchive(place) => find_archive(reference.to_string(), place)?,
    };
    found.open(architectures, cache)
}

/// What is kept of a registry's image is believed when it is the image that was asked for.
fn find_pulled(reference: &BaseReference, digest: Digest, cache: &Cache) -> Result<FoundBase, StoreError> {
    let layout = cache.pulled().layout(digest);
    let found = find_layout(reference.to_string(), &layout, None)?;
    compare("the image", digest, found.digest()).map_err(StoreError::content(&layout))?;
    Ok(found)
}

/// A base in a file or folder: its documents, read once. What it says it is, is what is opened.
pub struct FoundBase {
    name: String,
    container: Container,
    found: Found,
}

enum Found {
    Layout(oci_layout::Contents),
    Archive(Vec<docker_archive::Found>),
}

/// Finds a base in a file or folder; `None` when it is in neither.
pub fn find_base(reference: &BaseReference) -> Result<Option<FoundBase>, StoreError> {
    let name = reference.to_string();
    match reference {
        BaseReference::OciLayout(place) => find_layout(name, &place.path, place.tag.as_deref()).map(Some),
        BaseReference::DockerArchive(place) => find_archive(name, place).map(Some),
        BaseReference::Scratch | BaseReference::Registry(..) => Ok(None),
    }
}

fn find_archive(name: String, place: &BasePlace) -> Result<FoundBase, StoreError> {
    let container = Container::open(&place.path)?;
    let found = Found::Archive(docker_archive::read(&container, place.tag.as_deref())?);
    Ok(FoundBase { name, container, found })
}

fn find_layout(name: String, path: &Path, tag: Option<&str>) -> Result<FoundBase, StoreError> {
    let container = Container::open(path)?;
    let found = Found::Layout(oci_layout::read(&container, tag)?);
    Ok(FoundBase { name, container, found })
}

impl FoundBase {
    /// What identifies it: the digest of its index or manifest. An archive of docker has neither, but the digest of its
    /// configuration; of several images that nothing holds together it is that of their digests, a line each, by architecture.
    pub fn digest(&self) -> Digest {
        let root = match &self.found {
            Found::Layout(contents) => contents.digest,
            Found::Archive(_) => None,
        };
        let images = self.architectures();
        match (root, images.values().collect::<Vec<_>>().as_slice()) {
            (Some(root), _) => root,
            (None, [only]) => **only,
            (None, several) => {
                Digest::of(several.iter().map(|digest| format!("{digest}\n")).collect::<String>().as_bytes())
            }
        }
    }

    /// The digest of the manifest of every architecture; of an archive of docker, that of the configuration.
    pub fn architectures(&self) -> BTreeMap<Architecture, Digest> {
        match &self.found {
            Found::Layout(contents) => {
                contents.images.iter().map(|found| (found.architecture.clone(), found.digest)).collect()
            }
            Found::Archive(images) => images.iter().map(|found| (found.architecture.clone(), found.id)).collect(),
        }
    }

    /// Verifies it on the given architectures, or on all that it has when none is given. A large layer whose content is known already is
    /// verified when its bytes are used.
    pub fn open(self, architectures: &[Architecture], cache: &Cache) -> Result<Base, StoreError> {
        let Self { name, container, found } = self;
        match found {
            Found::Layout(contents) => {
                let chosen = choose(&name, contents.images, architectures, |found| &found.architecture)?;
                let images = chosen.into_iter().map(|found| oci_layout::verify(&container, found, cache));
                Ok(Base::new(&name, contents.digest, images.collect::<Result<_, _>>()?)?)
            }
            Found::Archive(found) => {
                let chosen = choose(&name, found, architectures, |found| &found.architecture)?;
                let images = chosen.into_iter().map(|found| docker_archive::verify(&container, found, cache));
                Ok(Base::new(&name, None, images.collect::<Result<_, _>>()?)?)
            }
        }
    }
}

/// Only what is wanted is verified: layers of other architectures are not even read.
fn choose<F>(
    name: &str,
    found: Vec<F>,
    wanted: &[Architecture],
    of: impl Fn(&F) -> &Architecture,
) -> Result<Vec<F>, BaseFault> {
    let mut known: Vec<_> = found.iter().map(|found| of(found).clone()).collect();
    known.sort();
    if let Some(missing) = wanted.iter().find(|wanted| !known.contains(wanted)) {
        return Err(BaseFault::NoArchitecture { base: name.to_owned(), wanted: missing.clone(), known });
    }
    Ok(found.into_iter().filter(|found| wanted.is_empty() || wanted.contains(of(found))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_printed_as_it_is_read() {
        for text in ["scratch", "oci:target/base/layout", "oci:base.tar:1.0", "docker-archive:/x/save.tar:app:1.0"] {
            assert_eq!(BaseReference::parse(text).map(|reference| reference.to_string()), Ok(text.to_owned()));
        }
        let pinned = format!("r.example/tools/docker:28@{}", Digest::of(b""));
        assert_eq!(BaseReference::parse(&pinned).map(|reference| reference.to_string()), Ok(pinned));
        for text in ["", "oci:", "scratch:x", "docker://x", "alpine:3", "oci:x:"] {
            assert!(BaseReference::parse(text).is_err(), "{text}");
        }
    }
}
