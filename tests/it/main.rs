//! The library and the program from outside, one binary: each module is one promise to the user.

#![allow(clippy::disallowed_methods, reason = "tests work on files")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says why")]

mod base;
mod bases_of_others;
mod build;
mod cluster;
mod cluster_signals;
mod compose_cli;
mod compose_values;
mod dice;
mod differences;
mod e2e;
mod fixture;
mod gallery;
mod handbook;
mod hostile_values;
mod image;
mod inspect;
mod inspect_limits;
mod interchanged;
mod invalid_specs;
mod kubernetes;
mod mutations;
mod portability;
mod readme;
mod recorded;
mod reference;
mod registry;
mod schemas;
mod seen;
mod skip;
mod stand_in;
mod stand_in_tests;
mod walks;
