//! Where images are found.

use std::collections::BTreeMap;

use crate::image::ImageReference;

/// Where the images of a release are from now on.
#[derive(Clone, Debug)]
pub struct Places {
    /// The bootstrap image itself.
    pub bootstrap: ImageReference,
    /// The new name of every service image, by the one that the manifests write.
    pub images: BTreeMap<String, String>,
    /// Whether no registry is there to be asked: what is pulled at every `up` is then pulled when it is missing.
    pub is_offline: bool,
}
