//! The arguments of the command line.

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

const EXIT_CODES: &str = "Exit codes: 0 success · 1 invalid project files · 2 usage error · \
3 environment error (a file, a base, a disk, a registry) · 10 differences found (`--exit-code`) · 70 internal error";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Build the bootstrap images of a release as tarballs
    Build(Build),
    /// Check a spec and report all errors; write nothing
    Check(Check),
    /// Write the files of an image into a folder
    Render(Render),
    /// Write the current digest of every image of a release to `bootstrap.lock`
    Lock(Lock),
    /// List locked images whose tag or file has changed
    Outdated(Outdated),
    /// Show the contents of an image: layers, environments, services, parameters, scripts, migrations
    Inspect(Examine),
    /// Verify an image: check all digests, and cross-check its parts
    Verify(Examine),
    /// Pull an image from a registry, as a tarball or for later builds, and print its digest
    Pull(Pull),
    /// Push a tarball to registries, and print the digest of the image
    Push(Push),
    /// Copy a bootstrap image and all images of its services to another registry, and print its new digest
    Copy(Copy),
    /// Write a bootstrap image and all images of its services to one file, for sites without a registry
    Bundle(Bundle),
    /// List tags
    Tag(Tag),
    /// Show or clear the cache
    Cache(Cache),
    /// Compare two releases: services, images, parameters, migrations, configs
    Diff(Diff),
    /// Explain a diagnostic code or the portability of features, or list all codes
    Explain(Explain),
}

/// What every command that reads a spec takes.
#[derive(Args)]
pub(super) struct Release {
    /// Spec file
    #[arg(short, long, value_name = "FILE", default_value = "bootstrap.toml")]
    pub(super) file: PathBuf,
    /// Only this platform (repeatable)
    #[arg(long = "platform", value_name = "PLATFORM")]
    platforms: Vec<String>,
    /// Only this environment (repeatable)
    #[arg(long = "environment", value_name = "ENVIRONMENT")]
    environments: Vec<String>,
    /// Version of the release, instead of the spec's
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Report this lint as a warning (repeatable)
    #[arg(long = "allow", value_name = "CODE")]
    allow: Vec<String>,
    /// Pin every image to its digest in `bootstrap.lock`; a missing one is an error
    #[arg(long)]
    locked: bool,
}

#[derive(Args)]
pub(super) struct Build {
    #[command(flatten)]
    pub(super) release: Release,
    /// Base of the image: a registry image with its digest, oci:PATH, oci-archive:PATH, docker-archive:PATH or scratch; for one platform with
    /// its name, as in kubernetes=oci:PATH (repeatable)
    #[arg(long = "base", value_name = "[PLATFORM=]BASE")]
    bases: Vec<String>,
    /// Only this architecture of the base, as in linux/amd64 (repeatable)
    #[arg(long = "architecture", value_name = "ARCHITECTURE")]
    architectures: Vec<String>,
    /// Tarball of the previous release: a migration that was changed or removed since is an error
    #[arg(long, value_name = "TARBALL")]
    pub(super) previous: Option<PathBuf>,
    /// Output folder for the tarballs
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
    /// Tarball of the previous release: a migration that was changed or removed since is an error
    #[arg(long, value_name = "TARBALL")]
    pub(super) previous: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Render {
    #[command(flatten)]
    pub(super) release: Release,
    /// Output folder
    #[arg(short, long, value_name = "DIR")]
    pub(super) output: PathBuf,
}

/// What every command that works on a lock takes.
#[derive(Args)]
pub(super) struct LockedSpec {
    /// Spec file; the lock file is in the same folder
    #[arg(short, long, value_name = "FILE", default_value = "bootstrap.toml")]
    pub(super) file: PathBuf,
}

#[derive(Args)]
pub(super) struct Lock {
    #[command(flatten)]
    pub(super) spec: LockedSpec,
    /// Update these images, given by service, as `base` or by image name; all without a name
    #[arg(long, value_name = "NAME", num_args = 0..)]
    pub(super) update: Option<Vec<String>>,
    /// Only check the lock file against the spec; use no registry and write nothing
    #[arg(long, conflicts_with_all = ["update", "layouts", "offline"])]
    pub(super) check: bool,
    /// Take digests from this layout, as `oci:PATH` or `oci-archive:PATH`; as `IMAGE=oci:PATH[:TAG]` where the layout has no image name
    /// (repeatable)
    #[arg(long = "from", value_name = "LAYOUT")]
    pub(super) layouts: Vec<String>,
    /// Do not contact registries
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
    /// Exit with 10 when something has changed
    #[arg(long)]
    pub(super) exit_code: bool,
    #[command(flatten)]
    pub(super) registry: Registry,
}

/// What `inspect` and `verify` take.
#[derive(Args)]
pub(super) struct Examine {
    /// Tarball, or registry/repository:tag or @digest
    pub(super) image: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) registry: Registry,
}

#[derive(Args)]
pub(super) struct Push {
    /// Tarball or bundle
    pub(super) tarball: PathBuf,
    /// Target, as registry/repository:tag (repeatable); by default the name in the tarball. For a bundle: the registry and a prefix for its
    /// repositories
    pub(super) references: Vec<String>,
    /// Repository of the same registry from which layers can be mounted (repeatable)
    #[arg(long = "mount-from", value_name = "REPOSITORY")]
    pub(super) mount_from: Vec<String>,
    #[command(flatten)]
    pub(super) registry: Registry,
}

#[derive(Args)]
pub(super) struct Pull {
    /// Image, as registry/repository:tag or @digest
    pub(super) reference: String,
    /// Output tarball; without it, the image is stored for later builds
    pub(super) tarball: Option<PathBuf>,
    /// Only this architecture, as in linux/amd64, for later builds (repeatable)
    #[arg(long = "architecture", value_name = "ARCHITECTURE", conflicts_with = "tarball")]
    pub(super) architectures: Vec<String>,
    #[command(flatten)]
    pub(super) registry: Registry,
}

#[derive(Args)]
pub(super) struct Copy {
    /// Bootstrap image: tarball, bundle or registry/repository:tag
    pub(super) source: PathBuf,
    /// Registry and prefix for its repositories, as registry.example.com/mirror
    pub(super) destination: String,
    #[command(flatten)]
    pub(super) registry: Registry,
}

#[derive(Args)]
pub(super) struct Bundle {
    /// Bootstrap image: tarball or registry/repository:tag
    pub(super) source: PathBuf,
    /// Output file
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
    /// Show the size and the folder of the cache
    List(CacheList),
    /// Clear the cache
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
    /// Remove only entries older than this many days
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
    /// List all tags of a repository, sorted by version
    List(TagList),
}

#[derive(Args)]
pub(super) struct TagList {
    /// Repository, as registry/repository
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
    /// User name, instead of the docker or podman login of this machine
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub(super) username: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "username")]
    pub(super) password_stdin: bool,
    /// PEM file with additional certificate authorities to trust (repeatable)
    #[arg(long = "ca-file", value_name = "FILE")]
    pub(super) ca_files: Vec<PathBuf>,
    /// Use HTTP without TLS; by default only for a registry on this machine that does not speak TLS
    #[arg(long)]
    pub(super) plain_http: bool,
    /// Token service of the registry on another host, to which the login may be sent (repeatable)
    #[arg(long = "token-host", value_name = "HOST")]
    pub(super) token_hosts: Vec<String>,
    /// Idle timeout of a connection, in seconds; also the limit for slow transfers and credential helpers
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) timeout: u64,
}

#[derive(Args)]
pub(super) struct Diff {
    /// Old release: tarball, or registry/repository:tag or @digest
    pub(super) old: PathBuf,
    /// New release: tarball, or registry/repository:tag or @digest
    pub(super) new: PathBuf,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    pub(super) json: bool,
    /// Print Markdown, for release notes
    #[arg(long)]
    pub(super) markdown: bool,
    /// Exit with 10 when they differ
    #[arg(long)]
    pub(super) exit_code: bool,
    #[command(flatten)]
    pub(super) registry: Registry,
}

#[derive(Args)]
pub(super) struct Explain {
    /// Diagnostic code, as in B012, or `portability`
    pub(super) topic: Option<String>,
    /// With `portability`: explain all features whose name contains this text
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
