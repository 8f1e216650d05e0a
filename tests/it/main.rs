//! The library from outside: one binary, a file a subject.

#![allow(clippy::disallowed_methods, reason = "tests work on files")]

mod base;
mod fixture;
mod image;
mod inspect;
