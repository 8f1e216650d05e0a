//! What can be written on the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::plan::{Pinning, Selection};

/// Builds bootstrap images: for every release of a product made of containers, one more image that deploys and operates it.
#[derive(Parser)]
#[command(name = "bootsmith", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done · 1 the project's files are wrong · 2 the command line is wrong · \
3 the surroundings refuse (a file, a base, a disk, a registry) · 10 `--exit-code` found a difference · 70 a bug in bootsmith";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Build the bootstrap images of a release as tarballs
    Build(Build),
    /// Report everything that is wrong with a spec, and write nothing
    Check(Check),
    /// Write the files that would go into an image
    Render(Render),
    /// Write into `bootstrap.lock` which content every image of a release has now
    Lock(Lock),
    /// Show which tags of the lock name other images by now, and which bases in files are others
    Outdated(Outdated),
    /// Show what is in an image, of a tarball or of a registry: layers, environments, services, parameters, scripts, migrations
    Inspect(Examine),
    /// Hash everything in a tarball, or in an image of a registry, again, and hold its parts against each other
    Verify(Examine),
    /// Pull an image from a registry, into a tarball or for later builds, and print its digest
    Pull(Pull),
    /// Push a tarball to registries, and print the digest by which the image is known there
    Push(Push),
    /// Copy a bootstrap image with all images of its services to another registry, and print its digest there
    Copy(Copy),
    /// Write a bootstrap image with all images of its services into one file, for where no registry is
    Bundle(Bundle),
    /// Tell of the tags of a repository
    Tag(Tag),
    /// Tell of what earlier commands have left in the cache, and remove it
    Cache(Cache),
    /// Show what one release changes of another: services, images, parameters, migrations, configs
    Diff(Diff),
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
    /// Pin every image to the digest that `bootstrap.lock` says; one that is not there is an error
    #[arg(long)]
    locked: bool,
}

#[derive(Args)]
pub(super) struct Build {
    #[command(flatten)]
    pub(super) release: Release,
    /// What the image is made on: an image of a registry with its digest, oci:PATH, oci-archive:PATH, docker-archive:PATH or scratch; for one
    /// platform with its name before it, as in kubernetes=oci:PATH (repeatable)
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
    #[command(flatten)]
    pub(super) registry: Registry,
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

/// What every command that works on a lock takes.
#[derive(Args)]
pub(super) struct LockedSpec {
    /// The spec; the lock lies beside it
    #[arg(short, long, value_name = "FILE", default_value = "bootstrap.toml")]
    pub(super) file: PathBuf,
}

#[derive(Args)]
pub(super) struct Lock {
    #[command(flatten)]
    pub(super) spec: LockedSpec,
    /// Ask again for these images, named by their service, by `base` or by themselves; for all when none is named
    #[arg(long, value_name = "NAME", num_args = 0..)]
    pub(super) update: Option<Vec<String>>,
    /// Only hold the lock against the spec: nothing is asked, and nothing written
    #[arg(long, conflicts_with_all = ["update", "layouts", "offline"])]
    pub(super) check: bool,
    /// Take digests from this layout, as `oci:PATH` or `oci-archive:PATH`; as `IMAGE=oci:PATH[:TAG]` where it does not say what its image is called
    /// (repeatable)
    #[arg(long = "from", value_name = "LAYOUT")]
    pub(super) layouts: Vec<String>,
    /// Ask no registry
    #[arg(long)]
    pub(super) offline: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) registry: Registry,
}

#[derive(Args)]
pub(super) struct Outdated {
    #[command(flatten)]
    pub(super) spec: LockedSpec,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// End with 10 when something has moved
    #[arg(long)]
    pub(super) exit_code: bool,
    #[command(flatten)]
    pub(super) registry: Registry,
}

/// What `inspect` and `verify` take.
#[derive(Args)]
pub(super) struct Examine {
    /// A tarball, or an image of a registry as registry/repository:tag or registry/repository:tag@digest
    pub(super) image: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) registry: Registry,
}

#[derive(Args)]
pub(super) struct Push {
    /// The tarball, or a bundle
    pub(super) tarball: PathBuf,
    /// Where to, as registry/repository:tag (repeatable); without, the name that the tarball says. Of a bundle: the registry, and what
    /// repositories there begin with
    pub(super) references: Vec<String>,
    /// A repository of the same registry that may have layers of the image: they are taken over from there (repeatable)
    #[arg(long = "mount-from", value_name = "REPOSITORY")]
    pub(super) mount_from: Vec<String>,
    #[command(flatten)]
    pub(super) registry: Registry,
}

#[derive(Args)]
pub(super) struct Pull {
    /// The image, as registry/repository:tag or registry/repository:tag@digest
    pub(super) reference: String,
    /// The tarball that is written; without, the image is kept for builds that stand on it
    pub(super) tarball: Option<PathBuf>,
    /// Only this architecture, as in linux/amd64, for builds that stand on it (repeatable)
    #[arg(long = "architecture", value_name = "ARCHITECTURE", conflicts_with = "tarball")]
    pub(super) architectures: Vec<String>,
    #[command(flatten)]
    pub(super) registry: Registry,
}

#[derive(Args)]
pub(super) struct Copy {
    /// The bootstrap image: a tarball, a bundle, or registry/repository:tag
    pub(super) source: PathBuf,
    /// The registry, and what repositories there begin with, as registry.example.com/mirror
    pub(super) destination: String,
    #[command(flatten)]
    pub(super) registry: Registry,
}

#[derive(Args)]
pub(super) struct Bundle {
    /// The bootstrap image: a tarball, or registry/repository:tag
    pub(super) source: PathBuf,
    /// The file that is written
    pub(super) output: PathBuf,
    /// Only for this architecture, as in linux/amd64
    #[arg(long, value_name = "ARCHITECTURE")]
    pub(super) architecture: Option<String>,
    #[command(flatten)]
    pub(super) registry: Registry,
}

#[derive(Args)]
pub(super) struct Cache {
    #[command(subcommand)]
    pub(super) command: CacheCommand,
}

#[derive(Subcommand)]
pub(super) enum CacheCommand {
    /// Show how much of what is in the cache, and where it is
    List(CacheList),
    /// Remove what is in the cache; what is missed is made or fetched again
    Clean(CacheClean),
}

#[derive(Args)]
pub(super) struct CacheList {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct CacheClean {
    /// Only what was written more than so many days ago
    #[arg(long, value_name = "DAYS")]
    pub(super) older_than: Option<u32>,
}

#[derive(Args)]
pub(super) struct Tag {
    #[command(subcommand)]
    pub(super) command: TagCommand,
}

#[derive(Subcommand)]
pub(super) enum TagCommand {
    /// List every tag, by version, then what is no version
    List(TagList),
}

#[derive(Args)]
pub(super) struct TagList {
    /// The repository, as registry/repository
    pub(super) repository: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) registry: Registry,
}

/// What every command that talks to a registry takes.
#[derive(Args)]
#[command(next_help_heading = "Registries")]
pub(super) struct Registry {
    /// Who to be at the registry, instead of who the logins of docker or podman on this machine say
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub(super) username: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "username")]
    pub(super) password_stdin: bool,
    /// Trust the authorities whose certificates are in this file, as PEM, beside those of this machine (repeatable)
    #[arg(long = "ca-file", value_name = "FILE")]
    pub(super) ca_files: Vec<PathBuf>,
    /// Do not encrypt; without this, only a registry on this machine is talked to so, when it speaks no TLS
    #[arg(long)]
    pub(super) plain_http: bool,
    /// Another host that may be shown the login, because the registry takes its tokens (repeatable)
    #[arg(long = "token-host", value_name = "HOST")]
    pub(super) token_hosts: Vec<String>,
    /// For so long a connection may be silent, a transfer be too slow, and a credential helper take
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) timeout: u64,
}

#[derive(Args)]
pub(super) struct Diff {
    /// The release that is left: a tarball, or an image of a registry as registry/repository:tag or registry/repository:tag@digest
    pub(super) old: PathBuf,
    /// The release that is taken, as well
    pub(super) new: PathBuf,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    pub(super) json: bool,
    /// Print Markdown, for release notes
    #[arg(long)]
    pub(super) markdown: bool,
    /// End with 10 when they differ
    #[arg(long)]
    pub(super) exit_code: bool,
    #[command(flatten)]
    pub(super) registry: Registry,
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
            pinning: if self.locked { Pinning::Locked } else { Pinning::Written },
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
