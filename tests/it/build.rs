//! `bootsmith build` as a user runs it: the same bytes everywhere, one clear error, and never half a tarball.

mod bases;
mod cache;
mod difference;
mod durable;
mod executables;
mod files;
mod interrupted;
mod known_base;
mod migrations;
pub(crate) mod project;
mod record_size;
pub(crate) mod refused;
mod rot;
mod same_bytes;
mod selection;
mod variables;
