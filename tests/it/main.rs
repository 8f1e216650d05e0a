//! The library and the program from outside: one binary, a file a subject.

#![allow(clippy::print_stdout, reason = "a test that is skipped says why")]

mod base;
mod e2e;
mod fixture;
mod image;
mod inspect;
mod invalid_specs;
