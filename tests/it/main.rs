//! The library and the program from outside, one binary: each module is one promise to the user.

#![allow(clippy::disallowed_methods, reason = "tests work on files")]

mod base;
mod fixture;
mod image;
mod inspect;
mod invalid_specs;
