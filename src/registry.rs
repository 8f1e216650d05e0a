//! The distribution protocol as values: requests to a registry, and what its responses mean.
//!
//! Takes in an image and a way to exchange requests for responses; gives out an image in a registry, or one from there, or exactly why not. Everything a
//! registry says is untrusted: what it answers is limited, digests are compared, and credentials go to the host they were given for and
//! to no other. Opens no connection and no file, asks no clock: a [`Transport`] does.

mod access;
mod blob;
mod challenge;
mod error;
mod event;
mod manifest;
mod operation;
mod pages;
mod parallel;
mod pull;
mod push;
mod referrers;
mod replicate;
mod resolve;
mod retry;
mod secret;
mod session;
mod tags;
mod tokens;
mod transport;
mod url;
mod verifying;
mod version_order;

pub use access::{Access, Keyring};
pub use error::{KeyringError, Refusal, RegistryError, TransportError, TransportFault};
pub use event::{BlobOutcome, Event, Events};
pub(crate) use parallel::each;
pub use pull::{PullError, Wanted, WantedLayers, is_pulled, pull};
pub use push::{Pushed, Upload, push};
pub use referrers::{Referrer, referrers};
pub use replicate::replicate;
pub use resolve::{Resolved, resolve};
pub use secret::{Credential, Secret};
pub use session::Session;
pub use tags::tags;
pub use transport::{Body, Method, Request, Response, TooSlow, Transport};
pub use url::{Origin, Url};
