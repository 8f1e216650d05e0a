//! The command line: arguments in, a report and an exit code out. The only room that prints.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this room talks to the terminal")]

mod arguments;
mod branch;
mod build;
mod cache;
mod diff;
mod difference;
mod explain;
mod failure;
mod image;
mod inspect;
mod json;
mod lock;
mod picture;
mod portability;
mod progress;
mod registry;
mod release_notes;
mod table;
mod tag;
mod transfer;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

pub use picture::{Texts, draw};

/// Runs `bootsmith` with its arguments, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => return failure::usage(&error),
    };
    let result = match parsed.command {
        Command::Build(arguments) => build::build(&arguments),
        Command::Check(arguments) => build::check(&arguments),
        Command::Render(arguments) => build::render(&arguments),
        Command::Lock(arguments) => lock::lock(&arguments),
        Command::Outdated(arguments) => lock::outdated(&arguments),
        Command::Inspect(arguments) => inspect::inspect(&arguments),
        Command::Verify(arguments) => inspect::verify(&arguments),
        Command::Pull(arguments) => registry::pull(&arguments),
        Command::Push(arguments) => registry::push(&arguments),
        Command::Copy(arguments) => registry::copy(&arguments),
        Command::Bundle(arguments) => registry::bundle(&arguments),
        Command::Tag(arguments) => tag::run(&arguments.command),
        Command::Cache(arguments) => cache::run(&arguments.command),
        Command::Diff(arguments) => diff::diff(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
