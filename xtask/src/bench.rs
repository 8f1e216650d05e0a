//! `cargo xtask bench`: how fast, as ratios of one run on one machine.
//!
//! Tables hold our program against `cp` and against the tools that do the same: building on a base, pulling, pushing, bundling. Another one
//! shows how time grows with services and environments. A ratio says something on any machine, a time on none: targets are ratios.

mod archives;
mod contender;
mod growth;
mod inputs;
mod measure;
mod registries;
mod table;

use anyhow::Result;
use clap::{Args, ValueEnum};

use inputs::Inputs;

use crate::{packages, project, tools, unstable};

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub(crate) struct Options {
    /// What is measured: all when none is named
    #[arg(value_enum)]
    subjects: Vec<Subject>,
    /// How often each is run; the median counts
    #[arg(long, default_value_t = 7, value_parser = at_least_one)]
    runs: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// Builds on a base in a file
    Archives,
    /// Pulls, builds on a base of a registry, pushes
    Registries,
    /// A bundle of a gigabyte
    Bundles,
    /// Builds of more and more services and environments
    Growth,
}

/// The other tools that are measured, where they are available.
struct Rivals {
    crane: Option<String>,
    oras: Option<String>,
}

/// Measures and prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    packages::ensure(&[packages::SKOPEO, packages::UMOCI, packages::TIME])?;
    crate::command::run(tools::cargo().args(["build", "--quiet", "--release", "--package", "bootsmith"]))?;
    let rivals = Rivals::find();
    let inputs = Inputs::make()?;
    println!("a base of {:.0} MB, {} runs each, medians", project::megabytes(inputs.base_size), options.runs);
    for subject in Subject::value_variants() {
        if options.subjects.is_empty() || options.subjects.contains(subject) {
            subject.measure(&inputs, &rivals, options.runs)?;
        }
    }
    Ok(())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|runs| *runs > 0).ok_or_else(|| "a number from 1".to_owned())
}

impl Subject {
    fn measure(self, inputs: &Inputs, rivals: &Rivals, runs: usize) -> Result<()> {
        match self {
            Self::Archives => archives::run(inputs, rivals, runs),
            Self::Registries => registries::run(inputs, rivals, runs),
            Self::Bundles => registries::run_bundles(inputs, runs),
            Self::Growth => growth::run(inputs, runs),
        }
    }
}

impl Rivals {
    fn find() -> Self {
        unstable::ensure(unstable::CLIENTS).unwrap_or_else(|error| println!("without some of them: {error:#}"));
        let find = |name: &str| unstable::find(name).map(|path| path.display().to_string());
        Self { crane: find("crane"), oras: find("oras") }
    }
}
