//! An image from a registry: its documents, then the layers of the architectures that are wanted.
//!
//! Takes in a name in a repository and a place to keep content; gives out the digest of an image of which everything is there. What is there
//! is not asked for; an interrupted download resumes. Everything is checked against its digest before it has a name.

use oci_spec::image as oci;

use crate::digest::{Descriptor, Digest};
use crate::image::media_type::{self, INDEXES, MANIFESTS};
use crate::image::{Architecture, ROLE_BASE, role};
use crate::store::StoreError;
use crate::store::pulled::{Incoming, Pulled};

use super::event::{BlobOutcome, Event};
use super::operation::{Operation, no_sense};
use super::parallel::each;
use super::session::Session;
use super::transport::{Method, Response, broken};
use super::{RegistryError, TransportError, TransportFault, Url};

/// What is wanted of a registry.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The repository, without its registry.
    pub repository: &'a str,
    /// A tag or a digest.
    pub name: &'a str,
    /// The digest that the name must have.
    pub digest: Option<Digest>,
    /// Which layers of the image are pulled, in addition to its documents.
    pub layers: WantedLayers<'a>,
}

/// Which layers of an image are wanted.
#[derive(Clone, Copy, Debug)]
pub enum WantedLayers<'a> {
    /// Those of these architectures; of all when the list is empty.
    Of(&'a [Architecture]),
    /// What bootsmith has put on the base, on every architecture.
    Payload,
}

impl WantedLayers<'_> {
    fn includes(self, architecture: &Architecture, role: &str) -> bool {
        match self {
            Self::Of(architectures) => architectures.is_empty() || architectures.contains(architecture),
            Self::Payload => role != ROLE_BASE,
        }
    }
}

/// Why an image was not pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The place to keep content.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not a usable image.
    #[error("cannot use the image `{image}`: {reason}")]
    Image {
        /// Which document.
        image: Digest,
        /// What is wrong with it.
        reason: String,
    },
}

const MAX_DOCUMENT_BYTES: u64 = 8 * 1024 * 1024;
/// Images for every architecture there is.
const MAX_MANIFESTS: usize = 100;
const BLOCK_SIZE: usize = 128 * 1024;

/// Where documents come from.
type Read<'a> = &'a mut dyn FnMut(Digest, Kind) -> Result<Vec<u8>, PullError>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Manifest,
    Blob,
}

/// Pulls an image; gives out its digest.
pub fn pull(session: &Session<'_>, wanted: Wanted<'_>, pulled: &Pulled<'_>) -> Result<Digest, PullError> {
    let source = Source::new(session, wanted.repository);
    let root = match wanted.digest.and_then(|digest| pulled.document(digest)) {
        Some(bytes) => bytes,
        None => source.manifest(wanted.name, wanted.digest)?,
    };
    pulled.keep(&root)?;
    let layers = layers(&root, wanted.layers, &mut |digest, kind| {
        if let Some(bytes) = pulled.document(digest) {
            return Ok(bytes);
        }
        let bytes = match kind {
            Kind::Manifest => source.manifest(&digest.to_string(), Some(digest))?,
            Kind::Blob => source.document(digest)?,
        };
        pulled.keep(&bytes)?;
        Ok(bytes)
    })?;
    session.tell(Event::Planned { blobs: layers.len(), bytes: layers.iter().map(|layer| layer.size).sum() });
    each(&layers, |layer| source.fetch(*layer, pulled))?;
    let image = Descriptor::of(&root);
    pulled.name(image, &media_type(&root, image.digest)?)?;
    Ok(image.digest)
}

/// Whether everything that is wanted of an image is there already.
pub fn is_pulled(image: Digest, wanted: WantedLayers<'_>, pulled: &Pulled<'_>) -> bool {
    let missing = |image| PullError::Image { image, reason: "it is not here".to_owned() };
    let Some(root) = pulled.document(image) else { return false };
    let needed = layers(&root, wanted, &mut |digest, _| pulled.document(digest).ok_or_else(|| missing(digest)));
    media_type(&root, image).is_ok_and(|kind| pulled.is_named(Descriptor::of(&root), &kind))
        && needed.is_ok_and(|layers| layers.iter().all(|layer| pulled.has(*layer)))
}

/// The layers that are wanted, each once; `read` is asked for every other document.
fn layers(root: &[u8], wanted: WantedLayers<'_>, read: Read<'_>) -> Result<Vec<Descriptor>, PullError> {
    let digest = Digest::of(root);
    let mut layers = Vec::new();
    let mut has_image = false;
    if is_manifest(root, digest)? {
        has_image = add_layers(root, digest, wanted, read, &mut layers)?;
    } else {
        for entry in images_of(root, digest)? {
            let image = digest_of(&entry, digest)?;
            let manifest = read(image, Kind::Manifest)?;
            has_image |= add_layers(&manifest, image, wanted, read, &mut layers)?;
        }
    }
    if !has_image {
        let reason = "it is an artifact (a signature, an SBOM or a chart), not an image".to_owned();
        return Err(PullError::Image { image: digest, reason });
    }
    layers.sort_by_key(|layer: &Descriptor| (std::cmp::Reverse(layer.size), layer.digest));
    layers.dedup();
    Ok(layers)
}

/// Whether it is the manifest of an image.
fn add_layers(
    manifest: &[u8],
    digest: Digest,
    wanted: WantedLayers<'_>,
    read: Read<'_>,
    layers: &mut Vec<Descriptor>,
) -> Result<bool, PullError> {
    let manifest: oci::ImageManifest = parse(manifest, digest)?;
    let Some((architecture, configuration)) = configuration_of(&manifest, digest, |config| read(config, Kind::Blob))?
    else {
        return Ok(false);
    };
    let roles = role::of(&configuration, manifest.layers());
    for (layer, _) in manifest.layers().iter().zip(&roles).filter(|(_, role)| wanted.includes(&architecture, role)) {
        layers.push(Descriptor { digest: digest_of(layer, digest)?, size: layer.size() });
    }
    Ok(true)
}

/// Whether a document is the manifest of one image; else it is an index.
pub(super) fn is_manifest(document: &[u8], digest: Digest) -> Result<bool, PullError> {
    Ok(MANIFESTS.contains(&media_type(document, digest)?.as_str()))
}

/// The images that an index names.
pub(super) fn images_of(index: &[u8], digest: Digest) -> Result<Vec<oci::Descriptor>, PullError> {
    let index: oci::ImageIndex = parse(index, digest)?;
    let images: Vec<_> = index.manifests().iter().filter(|entry| is_image(entry)).cloned().collect();
    if images.len() > MAX_MANIFESTS {
        let reason = format!("it has more than {MAX_MANIFESTS} images");
        return Err(PullError::Image { image: digest, reason });
    }
    Ok(images)
}

/// What a manifest is for; none when it is not an image, as signatures and charts. `read` is asked for its configuration.
pub(super) fn architecture_of(
    manifest: &oci::ImageManifest,
    digest: Digest,
    read: impl FnOnce(Digest) -> Result<Vec<u8>, PullError>,
) -> Result<Option<Architecture>, PullError> {
    Ok(configuration_of(manifest, digest, read)?.map(|(architecture, _)| architecture))
}

/// The same with the configuration itself.
fn configuration_of(
    manifest: &oci::ImageManifest,
    digest: Digest,
    read: impl FnOnce(Digest) -> Result<Vec<u8>, PullError>,
) -> Result<Option<(Architecture, oci::ImageConfiguration)>, PullError> {
    if !media_type::is_image(manifest) {
        return Ok(None);
    }
    let config = digest_of(manifest.config(), digest)?;
    let configuration: oci::ImageConfiguration = parse(&read(config)?, config)?;
    let (os, processor) = (configuration.os().to_string(), configuration.architecture().to_string());
    let architecture = Architecture::new(&os, &processor, configuration.variant().as_deref())
        .map_err(|fault| PullError::Image { image: config, reason: fault.to_string() })?;
    Ok(Some((architecture, configuration)))
}

/// Provenance and SBOMs, which buildx stores next to images, have an unknown architecture.
fn is_image(entry: &oci::Descriptor) -> bool {
    let is_unknown = entry.platform().as_ref().is_some_and(|platform| platform.os().to_string() == "unknown");
    let annotations = entry.annotations().as_ref();
    !is_unknown && !annotations.is_some_and(|annotations| annotations.contains_key("vnd.docker.reference.type"))
}

fn media_type(document: &[u8], image: Digest) -> Result<String, PullError> {
    media_type::of(document).map_err(|reason| PullError::Image { image, reason })
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(document: &[u8], image: Digest) -> Result<T, PullError> {
    serde_json::from_slice(document).map_err(|error| PullError::Image { image, reason: error.to_string() })
}

pub(super) fn digest_of(entry: &oci::Descriptor, image: Digest) -> Result<Digest, PullError> {
    Digest::parse(entry.digest().as_ref()).map_err(|fault| PullError::Image { image, reason: fault.to_string() })
}

/// A repository to take from.
pub(super) struct Source<'a> {
    session: &'a Session<'a>,
    repository: &'a str,
    scope: [String; 1],
}

impl<'a> Source<'a> {
    pub(super) fn new(session: &'a Session<'a>, repository: &'a str) -> Self {
        Self { session, repository, scope: [format!("repository:{repository}:pull")] }
    }

    fn operation(&self, what: String, url: Url) -> Operation<'_> {
        Operation { what, method: Method::Get, url, headers: Vec::new(), body: &[], scope: &self.scope, good: &[200] }
    }

    fn url(&self, kind: &str, name: &str) -> Url {
        self.session.origin().url(&format!("/v2/{}/{kind}/{name}", self.repository))
    }

    /// A manifest or index under a name.
    pub(super) fn manifest(&self, name: &str, expected: Option<Digest>) -> Result<Vec<u8>, RegistryError> {
        let what = format!("pull the manifest `{name}` of `{}/{}`", self.session.name(), self.repository);
        let mut operation = self.operation(what, self.url("manifests", name));
        operation.headers = vec![("accept", [MANIFESTS, INDEXES].concat().join(", "))];
        self.small(&operation, &format!("the manifest `{name}`"), expected)
    }

    /// A configuration.
    pub(super) fn document(&self, digest: Digest) -> Result<Vec<u8>, RegistryError> {
        let operation = self.operation(format!("pull the blob {digest}"), self.url("blobs", &digest.to_string()));
        self.small(&operation, &format!("the blob {digest}"), Some(digest))
    }

    fn small(&self, operation: &Operation<'_>, what: &str, expected: Option<Digest>) -> Result<Vec<u8>, RegistryError> {
        self.session.repeat(|| {
            let response = self.session.ask_once(operation)?;
            let announced = response.header("docker-content-digest").map(str::to_owned);
            let bytes = response.document(what, MAX_DOCUMENT_BYTES)?;
            let actual = Digest::of(&bytes);
            let promised = expected.map(|digest| digest.to_string()).or(announced);
            match promised {
                Some(promised) if promised != actual.to_string() => Err(self.wrong(what, &promised, actual)),
                _ => Ok(bytes),
            }
        })
    }

    fn wrong(&self, what: &str, promised: &str, actual: Digest) -> RegistryError {
        let (what, registry) = (what.to_owned(), self.session.name().to_owned());
        match Digest::parse(promised) {
            Ok(expected) => {
                RegistryError::WrongDigest { what, registry, expected, actual: format!("what has {actual}") }
            }
            Err(_) => no_sense(&format!("pull {what}"), "the registry returned an invalid digest"),
        }
    }

    /// A layer into the store.
    pub(super) fn fetch(&self, layer: Descriptor, pulled: &Pulled<'_>) -> Result<(), PullError> {
        let outcome = if pulled.has(layer) { BlobOutcome::Present } else { self.receive(layer, pulled)? };
        self.session.tell(Event::Blob { blob: layer, outcome });
        Ok(())
    }

    fn receive(&self, layer: Descriptor, pulled: &Pulled<'_>) -> Result<BlobOutcome, PullError> {
        let mut was_thrown_away = false;
        loop {
            let Some(mut incoming) = pulled.receive(layer)? else { return Ok(BlobOutcome::Present) };
            let was_here = incoming.position();
            let mut attempts = 0;
            self.session.tell(Event::Received { blob: layer.digest, bytes: incoming.position() });
            self.session.repeat(|| {
                attempts += 1;
                self.attempt(layer, &mut incoming)
            })??;
            let Some(actual) = incoming.complete()? else { return Ok(BlobOutcome::Received) };
            self.session.tell(Event::Lost { blob: layer.digest, bytes: layer.size });
            // What came in parts may not be of one piece: once more from the start.
            let is_of_parts = was_here > 0 || attempts > 1;
            if was_thrown_away || !is_of_parts {
                let promised = layer.digest.to_string();
                return Err(self.wrong(&format!("the blob {}", layer.digest), &promised, actual).into());
            }
            was_thrown_away = true;
        }
    }

    /// Receives what is missing of a layer. A disk error is not retried.
    fn attempt(&self, layer: Descriptor, incoming: &mut Incoming) -> Result<Result<(), StoreError>, RegistryError> {
        let start = incoming.position();
        if start == layer.size {
            return Ok(Ok(()));
        }
        let what = format!("pull the blob {}", layer.digest);
        let mut operation = self.operation(what, self.url("blobs", &layer.digest.to_string()));
        if start > 0 {
            operation.headers = vec![("range", format!("bytes={start}-"))];
            operation.good = &[200, 206, 416];
        }
        let response = self.session.ask_once(&operation)?;
        if start == 0 || (response.status == 206 && first_byte(&response) == Some(start)) {
            return self.read(&operation.what, layer, response, incoming);
        }
        // The registry gives no part, or another one.
        self.session.tell(Event::Lost { blob: layer.digest, bytes: start });
        match incoming.restart() {
            Ok(()) if response.status == 200 => self.read(&operation.what, layer, response, incoming),
            Ok(()) => self.attempt(layer, incoming),
            Err(error) => Ok(Err(error)),
        }
    }

    fn read(
        &self,
        what: &str,
        layer: Descriptor,
        mut response: Response,
        incoming: &mut Incoming,
    ) -> Result<Result<(), StoreError>, RegistryError> {
        let mut buffer = vec![0; BLOCK_SIZE];
        loop {
            let read = response.body.read(&mut buffer).map_err(|error| broken(what.to_owned(), &error))?;
            if read == 0 {
                break;
            }
            match incoming.write(&buffer[..read]) {
                Ok(true) => self.session.tell(Event::Received { blob: layer.digest, bytes: read as u64 }),
                Ok(false) => {
                    let reason = format!("it has more than the {} bytes that its manifest says", layer.size);
                    return match incoming.restart() {
                        Ok(()) => Err(no_sense(what, &reason)),
                        Err(error) => Ok(Err(error)),
                    };
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        if incoming.position() == layer.size {
            return Ok(Ok(()));
        }
        let reason = format!("it ended after {} of {} bytes", incoming.position(), layer.size);
        let error = TransportError { fault: TransportFault::Reset, reason };
        Err(RegistryError::Transport { what: what.to_owned(), error })
    }
}

/// Where a part starts: `Content-Range: bytes START-END/SIZE`.
fn first_byte(response: &Response) -> Option<u64> {
    let range = response.header("content-range")?.strip_prefix("bytes ")?;
    range.split_once('-')?.0.trim().parse().ok()
}
