//! Bootsmith's own tasks: `cargo xtask <task>`. One file a task; this one is the list.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tasks talk to the person who started them")]
#![allow(clippy::disallowed_methods, reason = "tasks work on this machine's files; the library does not")]

mod base;
mod bench;
mod build_bootstrap;
mod command;
mod e2e;
mod engine;
mod image;
mod kubectl;
mod packages;
mod project;
mod python;
mod registry;
mod rootfs;
mod samples;
mod skipped;
mod test;
mod tidy;
mod tools;
mod unstable;
mod up_to_date;
mod wheel;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Bootsmith's own tasks
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Task {
    /// Build the bootstrap image of an example
    BuildBootstrap(build_bootstrap::Options),
    /// Assemble a base image from Debian packages: for Compose and Swarm, or for Kubernetes
    Base(base::Options),
    /// Make the service images of the end-to-end tests from Debian packages, and load them
    Samples(samples::Options),
    /// Check what compilers and linters do not: floors, sizes, headers, links, generated tables
    Tidy(tidy::Options),
    /// Check everything, as CI does
    Test(test::Options),
    /// Print how fast the build is, as ratios
    Bench(bench::Options),
    /// Run the end-to-end tests against the engine of this machine
    E2e(e2e::Options),
}

fn main() -> ExitCode {
    match run(Task::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::BuildBootstrap(options) => return build_bootstrap::run(&options),
        Task::Base(options) => base::run(&options).map(|_| ()),
        Task::Samples(options) => samples::run(&options),
        Task::Tidy(options) => tidy::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::E2e(options) => e2e::run(&options),
    }?;
    Ok(ExitCode::SUCCESS)
}
