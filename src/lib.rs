//! Bootsmith builds bootstrap images: for every release of a product made of containers, one more container image that
//! carries the deployment descriptors, scripts and configuration of exactly that release, and an entrypoint that operates it.

// Floor 0: words.
pub mod compose;
pub mod diagnostic;
pub mod digest;
pub mod epoch;
pub mod name;
pub(crate) mod parallel;
pub mod path;
pub mod reference;
// Floor 1: inputs.
pub mod document;
pub mod lock;
pub mod source;
pub mod spec;
// Floor 2: plan.
pub mod plan;
// Floor 3: files.
pub mod contents;
pub mod render;
pub mod tree;
// Floor 4: bytes.
pub mod image;
pub mod layer;
// Floor 5: delivery.
pub mod registry;
pub mod store;
// Floor 6: the whole.
pub mod inspect;
pub mod pipeline;
pub mod relocate;
// Floor 7: the edge.
pub mod cli;
pub mod host;

/// The Rust in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeExamples;
