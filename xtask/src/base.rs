//! `cargo xtask base`: a base image for Compose from Debian packages, where no registry can be reached.
//!
//! Gives out an OCI archive with a shell and its tools (busybox), the Docker CLI, Compose v2 and the certificates of public
//! authorities. The same packages give the same bytes on every machine.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use oci_spec::image::{Config, ConfigBuilder};

use crate::rootfs::{Recipe, Rootfs};
use crate::{image, project, up_to_date};

/// Options of `cargo xtask base`.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Make it again, with the newest packages
    #[arg(long)]
    force: bool,
    /// Where the archive goes [default: target/base/compose.tar]
    #[arg(long)]
    output: Option<PathBuf>,
}

const RECIPE: Recipe = Recipe {
    suite: "trixie",
    packages: &["busybox-static", "ca-certificates", "docker-cli", "docker-compose"],
    leave_out: &[
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
    ],
    keep: &[CERTIFICATES],
};

/// One certificate a file, as `ca-certificates` brings them.
const CERTIFICATES: &str = "usr/share/ca-certificates/mozilla/*";

/// What decides the bytes, next to the packages themselves.
const INPUTS: &str = concat!(include_str!("base.rs"), include_str!("rootfs.rs"), include_str!("image.rs"));

/// Makes the base unless it is up to date; gives out where it is.
pub(crate) fn run(options: &Options) -> Result<PathBuf> {
    let output = options.output.clone().unwrap_or_else(|| project::target().join("base/compose.tar"));
    if !options.force && up_to_date::is_fresh(&output, INPUTS) {
        println!("{} is up to date", output.display());
        return Ok(output);
    }
    make(&output)?;
    Ok(output)
}

fn make(output: &Path) -> Result<()> {
    println!("assembling {} from Debian {}: {}", output.display(), RECIPE.suite, RECIPE.packages.join(", "));
    let rootfs = assemble()?;
    up_to_date::forget(output);
    let receipt = image::write("bootsmith/base:compose", &[image::pack("base", &rootfs)?], &process(), output)?;
    up_to_date::remember(output, INPUTS)?;
    println!("{}: {:.1} MB, {}", output.display(), project::megabytes(receipt.size_bytes), receipt.digest);
    Ok(())
}

fn assemble() -> Result<Rootfs> {
    let mut rootfs = Rootfs::fetch(&RECIPE)?;
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

fn process() -> Config {
    ConfigBuilder::default()
        .env(vec!["PATH=/usr/bin:/usr/sbin".to_owned()])
        .cmd(vec!["sh".to_owned()])
        .build()
        .expect("every required field is set")
}
