//! `bootsmith build` as a user runs it: the same bytes everywhere, one clear error, and never half a tarball.

mod bases;
mod difference;
mod files;
mod interrupted;
mod migrations;
pub(crate) mod project;
mod record_size;
mod refused;
mod same_bytes;
mod selection;
mod touched_base;
mod variables;
