//! Progress events of transfers.

use std::time::Duration;

use crate::digest::{Descriptor, Digest};

use super::RegistryError;

/// Callback for progress events; called from several threads.
pub type Events<'a> = &'a (dyn Fn(Event<'_>) + Sync);

/// Progress of a transfer.
#[derive(Debug)]
pub enum Event<'a> {
    /// Number and total size of the blobs to transfer.
    Planned {
        /// How many blobs.
        blobs: usize,
        /// How many bytes.
        bytes: u64,
    },
    /// Bytes of a blob were sent.
    Sent {
        /// The blob.
        blob: Digest,
        /// How many bytes.
        bytes: u64,
    },
    /// Bytes of a blob were received.
    Received {
        /// The blob.
        blob: Digest,
        /// How many bytes.
        bytes: u64,
    },
    /// Bytes of a blob do not count: they are transferred again.
    Lost {
        /// The blob.
        blob: Digest,
        /// How many bytes.
        bytes: u64,
    },
    /// A blob is there.
    Blob {
        /// The blob.
        blob: Descriptor,
        /// How it came there.
        outcome: BlobOutcome,
    },
    /// A retry, after a pause.
    Again {
        /// Why.
        error: &'a RegistryError,
        /// The pause.
        pause: Duration,
    },
    /// The cache of this user cannot be used: a temporary folder takes its place.
    WithoutCache {
        /// Why.
        error: &'a dyn std::error::Error,
    },
    /// A tag names the image now.
    Tagged {
        /// The repository with its registry.
        repository: &'a str,
        /// The tag.
        tag: &'a str,
    },
}

/// How a blob came to be where it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlobOutcome {
    /// It was there before.
    Present,
    /// It was mounted from another repository.
    Mounted,
    /// It was sent.
    Sent,
    /// It was received.
    Received,
}
