//! Bootsmith builds bootstrap images: for every release of a product made of containers, one more container image that
//! carries the deployment descriptors, scripts and configuration of exactly that release, and an entrypoint that operates it.

// Floor 0: words.
pub mod digest;
pub mod epoch;
pub mod path;
// Floor 3: files.
pub mod contents;
pub mod tree;
// Floor 4: bytes.
pub mod image;
pub mod layer;
// Floor 5: delivery.
pub mod store;
// Floor 6: the whole.
pub mod inspect;
