//! Files of the payload.

use std::sync::Arc;

use crate::path::RelativePath;
use crate::tree::{File, Mode};

/// A path made of checked parts.
pub(super) fn path(text: &str) -> RelativePath {
    RelativePath::parse(text).expect("a path made of checked names")
}

pub(super) fn file(mode: Mode, bytes: &[u8]) -> File {
    File { mode, bytes: Arc::from(bytes) }
}
