//! The command line.
mod picture;
pub use picture::{Texts, draw};
