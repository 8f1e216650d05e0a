//! What can be written on the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::plan::Selection;

/// Builds bootstrap images: for every release of a product made of containers, one more image that deploys and operates it.
#[derive(Parser)]
#[command(name = "bootsmith", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done · 1 the project's files are wrong · 2 the command line is wrong · \
3 the surroundings refuse (a file, a base, a disk) · 70 a bug in bootsmith";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Build the bootstrap images of a release as tarballs
    Build(Build),
    /// Report everything that is wrong with a spec, and write nothing
    Check(Check),
    /// Write the files that would go into an image
    Render(Render),
    /// Show what is in a tarball: layers, environments, services, parameters, scripts, migrations
    Inspect(Inspect),
    /// Hash everything in a tarball again, and hold its parts against each other
    Verify(Verify),
    /// Explain a diagnostic code or what platforms make of features, or list all codes
    Explain(Explain),
}

/// What every command that reads a spec takes.
#[derive(Args)]
pub(super) struct Release {
    /// The spec
    #[arg(short, long, value_name = "FILE", default_value = "bootstrap.toml")]
    pub(super) file: PathBuf,
    /// Only this platform (repeatable)
    #[arg(long = "platform", value_name = "PLATFORM")]
    platforms: Vec<String>,
    /// Only this environment (repeatable)
    #[arg(long = "environment", value_name = "ENVIRONMENT")]
    environments: Vec<String>,
    /// The version of the release, over the spec's
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Lower this lint to a warning (repeatable)
    #[arg(long = "allow", value_name = "CODE")]
    allow: Vec<String>,
}

#[derive(Args)]
pub(super) struct Build {
    #[command(flatten)]
    pub(super) release: Release,
    /// What the image is made on: oci:PATH, oci-archive:PATH, docker-archive:PATH or scratch; for one platform with its name before it, as in
    /// kubernetes=oci:PATH (repeatable)
    #[arg(long = "base", value_name = "[PLATFORM=]BASE")]
    bases: Vec<String>,
    /// Only this architecture of the base, as in linux/amd64 (repeatable)
    #[arg(long = "architecture", value_name = "ARCHITECTURE")]
    architectures: Vec<String>,
    /// The tarball of the release before: a migration of it that changed or is gone is an error
    #[arg(long, value_name = "TARBALL")]
    pub(super) previous: Option<PathBuf>,
    /// Where the tarballs go
    #[arg(short, long, value_name = "DIR", default_value = "target/bootstrap")]
    pub(super) output: PathBuf,
    /// Print the receipts as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) release: Release,
    /// The tarball of the release before: a migration of it that changed or is gone is an error
    #[arg(long, value_name = "TARBALL")]
    pub(super) previous: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Render {
    #[command(flatten)]
    pub(super) release: Release,
    /// The folder to write into
    #[arg(short, long, value_name = "DIR")]
    pub(super) output: PathBuf,
}

#[derive(Args)]
pub(super) struct Inspect {
    /// The tarball
    pub(super) tarball: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct Verify {
    /// The tarball
    pub(super) tarball: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct Explain {
    /// A code, as in B012, or `portability`
    pub(super) topic: Option<String>,
    /// With `portability`: tell all of the features whose name holds this text
    pub(super) feature: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Release {
    /// What is selected of the spec.
    pub(super) fn selection(&self) -> Selection {
        Selection {
            platforms: self.platforms.clone(),
            environments: self.environments.clone(),
            version: self.version.clone(),
            allow: self.allow.clone(),
            base: None,
            bases: BTreeMap::new(),
            needs_base: false,
            architectures: Vec::new(),
            previous: None,
        }
    }
}

impl Build {
    /// What is selected of the spec, with the base.
    pub(super) fn selection(&self, working_folder: &Path) -> Selection {
        let mut selection =
            Selection { needs_base: true, architectures: self.architectures.clone(), ..self.release.selection() };
        for written in &self.bases {
            match of_platform(written) {
                Some((platform, base)) => {
                    drop(selection.bases.insert(platform.to_owned(), from_folder(base, working_folder)));
                }
                None => selection.base = Some(from_folder(written, working_folder)),
            }
        }
        selection
    }
}

/// `compose=oci:PATH`; a path may hold `=` too, but behind its transport.
fn of_platform(written: &str) -> Option<(&str, &str)> {
    written.split_once('=').filter(|(platform, _)| platform.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// A path on the command line starts where the user stands, not at the spec.
fn from_folder(base: &str, folder: &Path) -> String {
    match base.split_once(':') {
        Some((transport @ ("oci" | "oci-archive" | "docker-archive"), path)) if !path.is_empty() => {
            format!("{transport}:{}", folder.join(path).display())
        }
        // `scratch`, or no base at all: that is said where the spec is read.
        _ => base.to_owned(),
    }
}
