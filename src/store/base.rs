//! Opening a base.
//!
//! Takes in a reference like `oci:PATH`; gives out a [`Base`] that is verified, or will be when it is used. Warm, with a cache that
//! has seen the same files, it reads a few small documents and no layer.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::cache::Cache;
use super::container::Container;
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

/// The text is no reference to a base.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no base: `scratch`, `oci:PATH[:TAG]`, `oci-archive:PATH[:TAG]`, `docker-archive:PATH[:NAME:TAG]` or `NAME[:TAG]@sha256:DIGEST`"
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

/// Opens and verifies a base on the given architectures, or on all that it has when none is given; `scratch` has what is given. A large
/// layer whose content is known already may be left to whoever uses its bytes, as `Content::Unverified`: they are verified then.
pub fn open_base(reference: &BaseReference, architectures: &[Architecture], cache: &Cache) -> Result<Base, StoreError> {
    let name = reference.to_string();
    match reference {
        BaseReference::Scratch => Ok(Base::scratch(architectures)?),
        BaseReference::OciLayout(place) => open_layout(&name, &place.path, place.tag.as_deref(), architectures, cache),
        BaseReference::Registry(_, digest) => {
            open_layout(&name, &cache.pulled().layout(*digest), None, architectures, cache)
        }
        BaseReference::DockerArchive(place) => {
            let container = Container::open(&place.path)?;
            let found = docker_archive::read(&container, place.tag.as_deref())?;
            let chosen = choose(&name, found, architectures, |found| &found.architecture)?;
            let images = chosen.into_iter().map(|found| docker_archive::verify(&container, found, cache));
            Ok(Base::new(&name, None, images.collect::<Result<_, _>>()?)?)
        }
    }
}

/// What a base in a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The digest of its index or manifest, of an archive of docker that of its configuration; of several images that nothing holds
    /// together, the digest of theirs, a line each.
    pub digest: Digest,
    /// The same of every architecture.
    pub architectures: BTreeMap<Architecture, Digest>,
}

/// Says what a base in a file is, from its documents; layers are not looked at. `scratch` is nothing, and a base of a registry what its
/// reference says.
pub fn identify(reference: &BaseReference) -> Result<Identity, StoreError> {
    let (root, images): (_, Vec<_>) = match reference {
        BaseReference::Scratch => (None, Vec::new()),
        BaseReference::Registry(_, digest) => (Some(*digest), Vec::new()),
        BaseReference::OciLayout(place) => {
            let contents = oci_layout::read(&Container::open(&place.path)?, place.tag.as_deref())?;
            let images = contents.images.into_iter().map(|found| (found.architecture, found.digest));
            (contents.digest, images.collect())
        }
        BaseReference::DockerArchive(place) => {
            let found = docker_archive::read(&Container::open(&place.path)?, place.tag.as_deref())?;
            (None, found.into_iter().map(|found| (found.architecture, found.id)).collect())
        }
    };
    let digest = match (root, images.as_slice()) {
        (Some(root), _) => root,
        (None, [(_, only)]) => *only,
        (None, several) => {
            Digest::of(several.iter().map(|(_, digest)| format!("{digest}\n")).collect::<String>().as_bytes())
        }
    };
    Ok(Identity { digest, architectures: images.into_iter().collect() })
}

fn open_layout(
    name: &str,
    path: &Path,
    tag: Option<&str>,
    architectures: &[Architecture],
    cache: &Cache,
) -> Result<Base, StoreError> {
    let container = Container::open(path)?;
    let contents = oci_layout::read(&container, tag)?;
    let chosen = choose(name, contents.images, architectures, |found| &found.architecture)?;
    let images = chosen.into_iter().map(|found| oci_layout::verify(&container, found, cache));
    Ok(Base::new(name, contents.digest, images.collect::<Result<_, _>>()?)?)
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
