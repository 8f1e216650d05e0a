//! Resolves a tag to its digest, and to the digest for every architecture. Stores nothing.

use std::collections::BTreeMap;

use oci_spec::image as oci;

use crate::digest::Digest;
use crate::image::Architecture;

use super::pull::{PullError, Source, architecture_of, digest_of, images_of, is_manifest, parse};
use super::session::Session;

/// What a name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The digest of the index, or of the manifest.
    pub digest: Digest,
    /// The digest of the manifest of every architecture.
    pub architectures: BTreeMap<Architecture, Digest>,
}

/// Asks a registry what a tag or a digest in a repository is.
pub fn resolve(session: &Session<'_>, repository: &str, name: &str) -> Result<Resolved, PullError> {
    let source = Source::new(session, repository);
    let expected = Digest::parse(name).ok();
    let root = source.manifest(name, expected)?;
    let digest = Digest::of(&root);
    let architectures = if is_manifest(&root, digest)? {
        source.architecture(&root, digest)?.map(|architecture| (architecture, digest)).into_iter().collect()
    } else {
        resolve_index(&source, &root)?
    };
    Ok(Resolved { digest, architectures })
}

/// The images of an index, by architecture.
pub(super) fn resolve_index(source: &Source<'_>, index: &[u8]) -> Result<BTreeMap<Architecture, Digest>, PullError> {
    let digest = Digest::of(index);
    let mut architectures = BTreeMap::new();
    for entry in images_of(index, digest)? {
        let image = digest_of(&entry, digest)?;
        let architecture = match said(&entry) {
            Some(architecture) => Some(architecture),
            None => source.architecture(&source.manifest(&image.to_string(), Some(image))?, image)?,
        };
        architectures.extend(architecture.map(|architecture| (architecture, image)));
    }
    Ok(architectures)
}

/// The architecture that an index says of one of its images.
fn said(entry: &oci::Descriptor) -> Option<Architecture> {
    let platform = entry.platform().as_ref()?;
    let (os, processor) = (platform.os().to_string(), platform.architecture().to_string());
    Architecture::new(&os, &processor, platform.variant().as_deref()).ok()
}

impl Source<'_> {
    /// What a manifest is for; none when it is not an image.
    fn architecture(&self, manifest: &[u8], digest: Digest) -> Result<Option<Architecture>, PullError> {
        let manifest: oci::ImageManifest = parse(manifest, digest)?;
        let config = |config| Ok(self.document(config)?);
        architecture_of(&manifest, digest, config)
    }
}
