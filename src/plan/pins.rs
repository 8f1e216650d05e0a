//! Which content an image is: what its digest says, or what the lock says of its tag.

use std::sync::Arc;

use crate::diagnostic::{Code, Place};
use crate::digest::Digest;
use crate::document::Context;
use crate::document::node::Span;
use crate::lock::{self, Lock, Name};
use crate::reference::ReferenceParts;
use crate::source::{LockFile, SourceFault, Sources};

/// What is made of images without a digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pinning {
    /// They stand as they are written; those that may change are found fault with.
    #[default]
    Written,
    /// The lock says which they are.
    Locked,
    /// They stand as they are written, whatever they are: they are about to be locked.
    Unlocked,
}

/// The pins of a release.
pub(super) struct Pins<'a> {
    pinning: Pinning,
    /// None: there is no lock that can be used, which is reported once.
    lock: Option<Lock>,
    file: &'a LockFile,
}

const REPAIR: &str = "restore the file, or remove it and lock again with `bootsmith lock`";

impl<'a> Pins<'a> {
    pub(super) fn read(pinning: Pinning, sources: &'a Sources, context: &mut Context) -> Self {
        let file = &sources.lock;
        let lock = if pinning == Pinning::Locked { read_lock(file, context) } else { None };
        Self { pinning, lock, file }
    }

    /// The text of the lock, where it is used.
    pub(super) fn text(&self) -> Option<Arc<str>> {
        self.lock.as_ref().and(self.file.text.clone().ok())
    }

    /// Whether nothing says which content an image without a digest is: a tag that may change, or a base, is a fault then.
    pub(super) fn are_written(&self) -> bool {
        self.pinning == Pinning::Written
    }

    /// An image with the digest of the lock; as it is written where that is all that counts, or where a fault is reported.
    pub(super) fn pin(&self, image: &str, span: Option<Span>, context: &mut Context) -> String {
        let unpinned = ReferenceParts::parse(image).filter(|parts| parts.digest.is_none());
        let (Some(lock), Some(parts)) = (&self.lock, unpinned) else { return image.to_owned() };
        if let Some(locked) = lock::name(image).and_then(|name| lock.get(&Name::Image(name))) {
            return format!("{}:{}@{}", parts.name, parts.tag.unwrap_or(lock::DEFAULT_TAG), locked.digest);
        }
        self.miss("image", image, span, context);
        image.to_owned()
    }

    /// What a base in a file must be, by the lock.
    pub(super) fn digest_of_file(&self, base: &str, span: Option<Span>, context: &mut Context) -> Option<Digest> {
        let locked = self.lock.as_ref()?.get(&Name::Base(base.to_owned()));
        if locked.is_none() {
            self.miss("base", base, span, context);
        }
        Some(locked?.digest)
    }

    fn miss(&self, what: &str, name: &str, span: Option<Span>, context: &mut Context) {
        let message = format!("the {what} `{name}` is not in `{}`", self.file.name);
        context.error(Code::LOCK, span, message, "add it with `bootsmith lock`");
    }
}

/// The lock, whatever in it is used; what is wrong with it goes to the diagnostics.
pub fn read_lock(file: &LockFile, context: &mut Context) -> Option<Lock> {
    let (message, range, hint) = match &file.text {
        Err(SourceFault::NotFound) => {
            let hint = "make it with `bootsmith lock`, and keep it with the spec";
            (format!("there is no `{}`", file.name), None, hint)
        }
        Err(fault) => (format!("`{}` {fault}", file.name), None, "make it readable for the user who builds"),
        Ok(text) => match Lock::parse(text) {
            Ok(lock) => return Some(lock),
            Err(fault) => (format!("`{}` cannot be used: {}", file.name, fault.reason), fault.range, REPAIR),
        },
    };
    let place = range.map(|range| Place::new(Arc::clone(&file.name), range));
    context.diagnostics.error(Code::LOCK, place, message, hint);
    None
}
