//! `cargo xtask base`: a base image from Debian packages, where no registry can be reached.
//!
//! Gives out an OCI archive with a shell and its tools (busybox), the certificates of public authorities, and what a platform needs: the
//! Docker CLI and Compose v2, or kubectl. The same packages give the same bytes on every machine.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use oci_spec::image::{Config, ConfigBuilder};

use crate::rootfs::{Recipe, Rootfs};
use crate::{image, project, up_to_date};

/// What a base is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Platform {
    /// Docker Compose, and Docker Swarm: the same CLI operates both.
    #[default]
    Compose,
    /// Kubernetes.
    Kubernetes,
}

/// Options of `cargo xtask base`.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// What the base is for
    #[arg(long, value_enum, default_value_t)]
    platform: Platform,
    /// Make it again, with the newest packages
    #[arg(long)]
    force: bool,
    /// Where the archive goes [default: target/base/PLATFORM.tar]
    #[arg(long)]
    output: Option<PathBuf>,
}

const COMPOSE: Recipe = Recipe {
    suite: "trixie",
    packages: &["busybox-static", "ca-certificates", "docker-cli", "docker-compose"],
    leave_out: LEAVE_OUT,
    keep: &[CERTIFICATES],
};

const KUBERNETES: Recipe = Recipe {
    suite: "trixie",
    packages: &["busybox-static", "ca-certificates", "kubectl"],
    leave_out: LEAVE_OUT,
    keep: &[CERTIFICATES],
};

/// What the packages bring and nobody here runs.
const LEAVE_OUT: &[&str] = &[
    "etc/ca-certificates/*",
    "etc/ssl/openssl.cnf",
    "etc/ssl/private/*",
    "usr/bin/c_rehash",
    "usr/bin/debconf*",
    "usr/bin/openssl",
    "usr/lib/*/libcrypto*",
    "usr/lib/*/libssl*",
    "usr/lib/*/libzstd*",
    "usr/lib/*/ossl-modules/*",
    "usr/lib/ssl/misc/*",
    "usr/sbin/*",
    "usr/share/ca-certificates/*",
];

/// One certificate a file, as `ca-certificates` brings them.
const CERTIFICATES: &str = "usr/share/ca-certificates/mozilla/*";

/// What decides the bytes, next to the packages themselves.
const INPUTS: &str = concat!(include_str!("base.rs"), include_str!("rootfs.rs"), include_str!("image.rs"));

impl Options {
    /// The base of a platform, where bases go.
    pub(crate) fn of(platform: Platform) -> Self {
        Self { platform, ..Self::default() }
    }
}

impl Platform {
    fn name(self) -> &'static str {
        match self {
            Self::Compose => "compose",
            Self::Kubernetes => "kubernetes",
        }
    }

    fn recipe(self) -> &'static Recipe {
        match self {
            Self::Compose => &COMPOSE,
            Self::Kubernetes => &KUBERNETES,
        }
    }
}

/// Makes the base unless it is up to date; gives out where it is.
pub(crate) fn run(options: &Options) -> Result<PathBuf> {
    let platform = options.platform;
    let default = || project::target().join(format!("base/{}.tar", platform.name()));
    let output = options.output.clone().unwrap_or_else(default);
    let inputs = format!("{}\n{INPUTS}", platform.name());
    if !options.force && up_to_date::is_fresh(&output, &inputs) {
        println!("{} is up to date", output.display());
        return Ok(output);
    }
    make(platform, &output)?;
    up_to_date::remember(&output, &inputs)?;
    Ok(output)
}

fn make(platform: Platform, output: &Path) -> Result<()> {
    let recipe = platform.recipe();
    println!("assembling {} from Debian {}: {}", output.display(), recipe.suite, recipe.packages.join(", "));
    let rootfs = assemble(recipe)?;
    up_to_date::forget(output);
    let name = format!("bootsmith/base:{}", platform.name());
    let process = process(&versions(platform, &rootfs)?);
    let receipt = image::write(&name, &[image::pack("base", &rootfs)?], &process, output)?;
    println!("{}: {:.1} MB, {}", output.display(), project::megabytes(receipt.size_bytes), receipt.digest);
    Ok(())
}

fn assemble(recipe: &Recipe) -> Result<Rootfs> {
    let mut rootfs = Rootfs::fetch(recipe)?;
    rootfs.link_applets()?;
    bundle_certificates(&mut rootfs)?;
    rootfs.file("etc/passwd", 0o644, *b"root:x:0:0:root:/root:/bin/sh\n");
    rootfs.file("etc/group", 0o644, *b"root:x:0:\n");
    rootfs.folder("root", 0o700, 0);
    rootfs.folder("tmp", 0o1777, 0);
    Ok(rootfs)
}

/// What the package's own script would do (`update-ca-certificates`): one file with every certificate.
fn bundle_certificates(rootfs: &mut Rootfs) -> Result<()> {
    let certificates = rootfs.take(CERTIFICATES.trim_end_matches('*'));
    if certificates.is_empty() {
        bail!("`ca-certificates` brought no certificates below `{CERTIFICATES}`");
    }
    rootfs.file("etc/ssl/certs/ca-certificates.crt", 0o644, certificates.concat());
    Ok(())
}

/// What the official `docker` images declare: `bootsmith build` compares it with what a release uses.
fn versions(platform: Platform, rootfs: &Rootfs) -> Result<Vec<String>> {
    Ok(match platform {
        Platform::Compose => vec![format!("DOCKER_COMPOSE_VERSION={}", rootfs.upstream_version("docker-compose")?)],
        Platform::Kubernetes => Vec::new(),
    })
}

fn process(versions: &[String]) -> Config {
    ConfigBuilder::default()
        .env([&["PATH=/usr/bin:/usr/sbin".to_owned()], versions].concat())
        .cmd(vec!["sh".to_owned()])
        .build()
        .expect("every required field is set")
}
