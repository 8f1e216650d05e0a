//! Errors of the store, and what to do about them.
//!
//! Takes in what failed below; gives out errors whose texts begin with the path, and hints.

use std::io;
use std::path::{Path, PathBuf};

use super::layer_paths::PathFault;
use crate::digest::{Digest, DigestFault};
use crate::image::Architecture;
use crate::image::base::BaseFault;
use crate::layer::PackError;
use crate::layer::unverified::{Origin, ReadError, WrongBytes};

/// Why something could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} `{}`", path.display())]
    Disk {
        /// What was tried, as a verb.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What was read is not what it should be.
    #[error("`{}` {fault}", path.display())]
    Content {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: Box<ContentFault>,
    },
    /// Somebody else could decide what is in a folder of the cache.
    #[error("`{}` {fault}", path.display())]
    NotPrivate {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        fault: NotPrivate,
    },
    /// The images in a base do not fit together.
    #[error(transparent)]
    Base(#[from] BaseFault),
    /// A tree cannot be packed.
    #[error("cannot pack the layer `{role}`")]
    Pack {
        /// The role of the layer.
        role: String,
        /// Why.
        #[source]
        source: PackError,
    },
    /// The file under a layer was written to between its verification and its copy.
    #[error("a file of the base was changed while it was copied")]
    SourceChanged,
    /// The base lacks programs that the image needs.
    #[error(transparent)]
    MissingTools(Box<MissingTools>),
    /// The base has something where the payload goes.
    #[error(transparent)]
    Occupied(Box<Occupied>),
}

/// Why a folder of the cache is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPrivate {
    /// It leads somewhere else.
    #[error("is a symbolic link")]
    Link,
    /// Something else has its name.
    #[error("is not a folder")]
    NoFolder,
    /// Somebody else made it.
    #[error("belongs to the user {0}")]
    Owner(u32),
    /// Others may change what is in it.
    #[error("may be written to by other users (mode {0:04o})")]
    Mode(u32),
}

/// The base has something where the payload goes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the base `{base}` ({architecture}) already contains `/{path}`, which is reserved for the release")]
pub struct Occupied {
    /// The name of the base.
    pub base: String,
    /// Where it has it.
    pub architecture: Architecture,
    /// The first path.
    pub path: String,
}

/// The base lacks programs that the image needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the base `{base}` ({architecture}) lacks {}", missing.join(", "))]
pub struct MissingTools {
    /// The name of the base.
    pub base: String,
    /// Where they are missing.
    pub architecture: Architecture,
    /// The names of the tools.
    pub missing: Vec<String>,
    /// Where they were looked for.
    pub searched: Vec<String>,
}

/// What is wrong with content that was read.
#[derive(Debug, thiserror::Error)]
pub enum ContentFault {
    /// A file that must be there is not.
    #[error("has no `{0}`")]
    Missing(String),
    /// The files of a container.
    #[error("is a root file system, not an image")]
    RootFileSystem,
    /// What `dir:` of skopeo is.
    #[error("is a folder as `dir:` of skopeo writes it, not an OCI layout")]
    DirFolder,
    /// Neither a folder nor a regular file.
    #[error("is neither a folder nor a regular file")]
    FileType,
    /// The whole archive is compressed.
    #[error("is compressed as a whole; decompress it first")]
    Compressed,
    /// Not a tar.
    #[error("is not a tar archive, or is damaged: {0}")]
    Tar(String),
    /// A tar that ends before its content does.
    #[error("is truncated: `{0}` reaches beyond the end")]
    Truncated(String),
    /// A path that leaves, or is there twice.
    #[error("has an invalid entry `{}`: {reason}", path.escape_debug())]
    Entry {
        /// The path as it is written.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A layer with a path that engines refuse.
    #[error("has an invalid layer: {layer} {fault}")]
    LayerPath {
        /// Which layer.
        layer: String,
        /// What is wrong with its path.
        fault: PathFault,
    },
    /// A document that does not parse.
    #[error("has an invalid `{document}`: {message}")]
    Document {
        /// Which document.
        document: String,
        /// What is wrong with it.
        message: String,
    },
    /// Text that should be a digest.
    #[error("has an invalid digest")]
    Digest(#[from] DigestFault),
    /// A document or number of things beyond any sensible size.
    #[error("is refused: {what} exceeds the limit of {limit}")]
    Limit {
        /// What is too much.
        what: String,
        /// How much is allowed.
        limit: u64,
    },
    /// Other bytes than promised.
    #[error("is damaged or was tampered with: {what} should have the digest {expected}, but has {actual}")]
    WrongDigest {
        /// Which content.
        what: String,
        /// What was promised.
        expected: Digest,
        /// What is there.
        actual: Digest,
    },
    /// Another size than promised.
    #[error("is damaged or was tampered with: {what} should have {expected} bytes, but has {actual}")]
    WrongSize {
        /// Which content.
        what: String,
        /// What was promised.
        expected: u64,
        /// What is there.
        actual: u64,
    },
    /// A kind of content that is not understood.
    #[error("has {what} of the unsupported media type `{kind}`")]
    Unsupported {
        /// Which content.
        what: String,
        /// Its media type.
        kind: String,
    },
    /// No image, or none with the tag.
    #[error("holds no image{}; it holds {known}", tag.as_ref().map(|tag| format!(" with the tag `{tag}`")).unwrap_or_default())]
    NoImage {
        /// The tag that was asked for.
        tag: Option<String>,
        /// What is there.
        known: String,
    },
    /// The file was written to while it was read.
    #[error("was changed while it was read")]
    Changed,
}

impl StoreError {
    /// What to do about it, when there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Disk { action, source, .. } => disk_hint(action, source.kind()).map(str::to_owned),
            Self::Content { fault, .. } => content_hint(fault).map(str::to_owned),
            Self::Base(fault) => base_hint(fault),
            Self::NotPrivate { .. } => Some("choose another folder for the cache with XDG_CACHE_HOME".to_owned()),
            Self::Pack { .. } => None,
            Self::SourceChanged => Some("build again when nothing writes to the base".to_owned()),
            Self::MissingTools(fault) => Some(tools_hint(fault)),
            Self::Occupied(_) => Some("use a base that is not a bootstrap image itself".to_owned()),
        }
    }

    /// Bytes that were read, and in the case of an action `write` written to a path.
    pub(crate) fn reading(error: ReadError, action: &'static str, path: &Path) -> Self {
        match error {
            ReadError::Wrong(wrong) => (*wrong).into(),
            // A base that changes while it is copied is another matter than a disk that is full.
            ReadError::Io(error) => match error.kind() {
                io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => Self::SourceChanged,
                _ => Self::disk(action, path)(error),
            },
        }
    }

    pub(crate) fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Disk { action, path: path.to_owned(), source }
    }

    pub(crate) fn content(path: &Path) -> impl FnOnce(ContentFault) -> Self {
        move |fault| Self::Content { path: path.to_owned(), fault: Box::new(fault) }
    }
}

impl From<WrongBytes> for StoreError {
    fn from(WrongBytes { origin: Origin { path, what }, expected, actual }: WrongBytes) -> Self {
        Self::content(&path)(ContentFault::WrongDigest { what, expected, actual })
    }
}

impl ContentFault {
    /// A tar that cannot be read. Its reader quotes what it could not read, and a file may hold anything, a key included: that stays out.
    pub(crate) fn tar(error: &io::Error) -> Self {
        let reason = error.to_string();
        match reason.split_once("numeric field") {
            Some((place, _)) => Self::Tar(format!("{place}invalid tar header")),
            None => Self::Tar(reason),
        }
    }

    /// The same of a path, in a layer whose name is known.
    pub(crate) fn in_layer(self, name: &str) -> Self {
        match self {
            Self::LayerPath { fault, .. } => Self::LayerPath { layer: name.to_owned(), fault },
            other => other,
        }
    }

    /// The same, in a layer.
    pub(crate) fn layer_tar(error: &io::Error) -> Self {
        match Self::tar(error) {
            Self::Tar(reason) => Self::Tar(format!("a layer: {reason}")),
            other => other,
        }
    }
}

/// The action of [`StoreError::Disk`] that failed when something of a registry could not be kept.
pub(crate) const KEEP: &str = "store";
/// The same when there is no place for temporary files.
pub(crate) const MAKE_TEMPORARY: &str = "create a temporary folder in";

/// What to do when the system refuses an action on a file, which is a verb as in [`StoreError::Disk`].
pub(crate) fn disk_hint(action: &str, kind: io::ErrorKind) -> Option<&'static str> {
    match (action, kind) {
        (KEEP, _) => Some("free some space there, or choose another folder with XDG_CACHE_HOME"),
        (MAKE_TEMPORARY, _) => Some("free some space there, or choose another folder with TMPDIR"),
        ("read", io::ErrorKind::PermissionDenied) => Some("make it readable for the user who builds"),
        (_, io::ErrorKind::StorageFull) => Some("free some space on the disk, or choose another output folder"),
        (_, io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied) => {
            Some("choose a folder that you can write to")
        }
        _ => None,
    }
}

/// The folders once each: a base that lacks ten programs lacks them in the same places.
fn tools_hint(fault: &MissingTools) -> String {
    let folder = |path: &String| path.rsplit_once('/').map_or("/", |(folder, _)| folder).to_owned();
    let mut folders = Vec::new();
    for folder in fault.searched.iter().map(folder) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    format!("use a base that has them; searched in {}", folders.join(", "))
}

fn content_hint(fault: &ContentFault) -> Option<&'static str> {
    match fault {
        ContentFault::WrongDigest { .. } | ContentFault::WrongSize { .. } | ContentFault::Truncated(_) => {
            Some("download or create the file again")
        }
        ContentFault::Compressed => {
            Some("use the archive as `docker save` or `skopeo copy` write it, without an outer gzip")
        }
        ContentFault::RootFileSystem => Some(
            "write the image with `docker save` or `skopeo copy`; `docker export` writes the files of a container alone",
        ),
        ContentFault::DirFolder => Some("convert it with `skopeo copy dir:FOLDER oci:LAYOUT:TAG`, and name the layout"),
        ContentFault::Unsupported { kind, .. } => Some(unsupported_hint(kind)),
        ContentFault::LayerPath { .. } => {
            Some("build the base again: container engines refuse such a layer, or change it")
        }
        ContentFault::NoImage { .. } => Some("name the image as `oci:PATH:TAG` or `docker-archive:PATH:NAME:TAG`"),
        _ => None,
    }
}

fn unsupported_hint(kind: &str) -> &'static str {
    match kind {
        _ if kind.contains(".layer.") || kind.contains(".rootfs.") => {
            "create it again with gzip layers, for example with `skopeo copy --dest-compress-format gzip`"
        }
        _ if kind.contains("manifest.v1") => "its format is obsolete; pull and push it again with a current Docker",
        _ => "it is not an image: name one by its tag or digest, as in `oci:PATH:TAG` or `NAME@sha256:DIGEST`",
    }
}

fn base_hint(fault: &BaseFault) -> Option<String> {
    match fault {
        BaseFault::Ambiguous { .. } => Some("name one image by its tag, as `oci:PATH:TAG`".to_owned()),
        BaseFault::Empty(_) | BaseFault::NoArchitecture { .. } => None,
    }
}
