//! The program `bootsmith`: a thin wrapper over the library's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    bootsmith::cli::run(std::env::args_os())
}
