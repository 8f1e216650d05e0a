//! `cargo xtask samples`: service images from Debian packages for end-to-end tests: a real PostgreSQL, the services of
//! `examples/shop`, and a shell.
//!
//! Gives out `target/samples/<name>-<version>.tar`, and loads them when an engine is there. Versions of one image differ by one
//! environment variable, so that an upgrade has something to do and shares every layer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use bootsmith::layer::Layer;
use bootsmith::store::receipt::Receipt;
use clap::Args;
use oci_spec::image::{Config, ConfigBuilder};

use crate::rootfs::{Recipe, Rootfs};
use crate::{command, engine, image, project, up_to_date};

/// Options of `cargo xtask samples`.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Make them again, with the newest packages
    #[arg(long)]
    force: bool,
    /// Leave the engine alone
    #[arg(long)]
    no_load: bool,
}

/// Every image, with the versions that tests and examples use.
const SAMPLES: &[Sample] = &[
    Sample { kind: Kind::Box, repository: "sample/box", versions: &["1.0.0", "1.1.0"] },
    Sample { kind: Kind::Database, repository: "sample/database", versions: &["1.0.0"] },
    Sample { kind: Kind::Shop, repository: "sample/shop", versions: &["1.0.0", "1.1.0"] },
    Sample { kind: Kind::Shop, repository: "shop/web", versions: &["1.4.2", "1.5.0"] },
];

struct Sample {
    kind: Kind,
    repository: &'static str,
    versions: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A shell: `sample/box sh -c 'echo no luck; exit 1'` is a service that crashes.
    Box,
    /// PostgreSQL.
    Database,
    /// `serve` and `work` of `examples/shop/services`.
    Shop,
}

const BOX: Recipe =
    Recipe { suite: "trixie", packages: &["busybox-static"], leave_out: &["usr/sbin/*", "usr/lib/*"], keep: &[] };

const DATABASE: Recipe = Recipe {
    suite: "trixie",
    packages: &["busybox-static", "postgresql-17"],
    leave_out: &[
        "etc/*",
        "usr/bin/*",
        "usr/lib/*/libLLVM*",
        "usr/lib/*/libcairo*",
        "usr/lib/*/libdb-5*",
        "usr/lib/*/libperl*",
        "usr/lib/*/libz3*",
        "usr/lib/postgresql/*/bitcode/*",
        "usr/lib/postgresql/*/llvmjit*",
        "usr/sbin/*",
        "usr/share/postgresql-common/*",
    ],
    keep: &["usr/bin/busybox", "etc/ld.so.conf*"],
};

const SHOP: Recipe = Recipe {
    suite: "trixie",
    packages: &["busybox-static", "python3-psycopg2"],
    leave_out: &[
        "etc/*",
        "usr/bin/*",
        "usr/lib/*/libdb-5*",
        "usr/lib/python3*/pydoc_data/*",
        "usr/lib/python3*/test/*",
        "usr/sbin/*",
        "usr/share/python3/*",
    ],
    keep: &["usr/bin/busybox", "usr/bin/python3*", "etc/ld.so.conf*"],
};

const DATABASE_ENTRYPOINT: &str = include_str!("../samples/database-entrypoint.sh");
const SHOP_PROGRAM: &str = include_str!("../../examples/shop/services/shop.py");

/// What decides the bytes, next to the packages themselves.
const INPUTS: &str = concat!(
    include_str!("samples.rs"),
    include_str!("rootfs.rs"),
    include_str!("image.rs"),
    include_str!("../samples/database-entrypoint.sh"),
    include_str!("../../examples/shop/services/shop.py"),
);

/// The users of the images; the numbers are those of the official images.
const POSTGRES: u64 = 999;
const SHOP_USER: u64 = 1000;

/// Makes and loads the images that are not up to date.
pub(crate) fn run(options: &Options) -> Result<()> {
    for kind in [Kind::Box, Kind::Database, Kind::Shop] {
        let releases: Vec<_> = releases().filter(|release| release.kind == kind).collect();
        if options.force || releases.iter().any(|release| !up_to_date::is_fresh(&release.archive(), INPUTS)) {
            make(kind, &releases)?;
        }
    }
    if !options.no_load && engine::answers() {
        releases().try_for_each(|release| load(&release))?;
    }
    Ok(())
}

/// One version of one image.
struct Release {
    kind: Kind,
    reference: String,
}

fn releases() -> impl Iterator<Item = Release> {
    SAMPLES.iter().flat_map(|sample| {
        let release =
            |version: &&str| Release { kind: sample.kind, reference: format!("{}:{version}", sample.repository) };
        sample.versions.iter().map(release)
    })
}

impl Release {
    fn archive(&self) -> PathBuf {
        project::target().join("samples").join(format!("{}.tar", self.reference.replace([':', '/'], "-")))
    }

    fn version(&self) -> &str {
        self.reference.rsplit(':').next().unwrap_or_default()
    }
}

/// The layers are packed once and shared by the versions.
fn make(kind: Kind, releases: &[Release]) -> Result<()> {
    let layers = layers(kind)?;
    for release in releases {
        let archive = release.archive();
        up_to_date::forget(&archive);
        let receipt = image::write(&release.reference, &layers, &process(kind, release.version()), &archive)?;
        up_to_date::remember(&archive, INPUTS)?;
        report(release, &receipt);
    }
    Ok(())
}

fn report(release: &Release, receipt: &Receipt) {
    println!("{}: {:.1} MB, {}", release.archive().display(), project::megabytes(receipt.size_bytes), receipt.digest);
}

/// Packages below, our own files above: a changed script uploads a few kilobytes.
fn layers(kind: Kind) -> Result<Vec<Layer>> {
    let mut below = Rootfs::fetch(recipe(kind))?;
    below.link_applets()?;
    below.folder("tmp", 0o1777, 0);
    let mut above = Rootfs::default();
    let user = |name: &str, id: u64| {
        (
            format!("root:x:0:0:root:/root:/bin/sh\n{name}:x:{id}:{id}::/:/bin/sh\n"),
            format!("root:x:0:\n{name}:x:{id}:\n"),
        )
    };
    let (passwd, group) = match kind {
        Kind::Box => user("nobody", 65534),
        Kind::Database => user("postgres", POSTGRES),
        Kind::Shop => user("shop", SHOP_USER),
    };
    above.file("etc/passwd", 0o644, passwd.into_bytes());
    above.file("etc/group", 0o644, group.into_bytes());
    match kind {
        Kind::Box => {}
        Kind::Database => add_database(&mut above),
        Kind::Shop => above.file("usr/bin/shop", 0o755, SHOP_PROGRAM.as_bytes()),
    }
    Ok(vec![image::pack("packages", &below)?, image::pack("files", &above)?])
}

fn add_database(rootfs: &mut Rootfs) {
    rootfs.file("usr/bin/docker-entrypoint.sh", 0o755, DATABASE_ENTRYPOINT.as_bytes());
    rootfs.folder("var/lib/postgresql", 0o755, POSTGRES);
    rootfs.folder("var/lib/postgresql/data", 0o700, POSTGRES);
    rootfs.folder("run/postgresql", 0o775, POSTGRES);
    rootfs.link("var/run", "/run");
}

fn recipe(kind: Kind) -> &'static Recipe {
    match kind {
        Kind::Box => &BOX,
        Kind::Database => &DATABASE,
        Kind::Shop => &SHOP,
    }
}

fn process(kind: Kind, version: &str) -> Config {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let version = format!("SHOP_VERSION={version}");
    let config = ConfigBuilder::default();
    match kind {
        Kind::Box => config.env(words(&["PATH=/usr/bin:/usr/sbin", &version])).cmd(words(&["sh"])),
        Kind::Database => config
            .env(words(&[
                "PATH=/usr/lib/postgresql/17/bin:/usr/bin:/usr/sbin",
                "PGDATA=/var/lib/postgresql/data",
                "LANG=C.UTF-8",
                &version,
            ]))
            .user(format!("{POSTGRES}:{POSTGRES}"))
            .entrypoint(words(&["docker-entrypoint.sh"]))
            .exposed_ports(words(&["5432/tcp"]))
            .volumes(words(&["/var/lib/postgresql/data"]))
            // PostgreSQL waits for its clients on SIGTERM, and ends at once, but cleanly, on SIGINT.
            .stop_signal("SIGINT"),
        Kind::Shop => config
            .env(words(&["PATH=/usr/bin:/usr/sbin", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", &version]))
            .user(format!("{SHOP_USER}:{SHOP_USER}"))
            .entrypoint(words(&["shop"]))
            .cmd(words(&["serve"]))
            .exposed_ports(words(&["80/tcp"])),
    }
    .build()
    .expect("every required field is set")
}

/// Loads an image unless it was loaded from this very archive and still has the name.
fn load(release: &Release) -> Result<()> {
    let archive = release.archive();
    let record = archive.with_extension("loaded");
    let recorded = fs::read_to_string(&record).ok();
    if recorded.is_some() && recorded == engine::image_id(&release.reference) && is_newer(&record, &archive) {
        return Ok(());
    }
    command::output(Command::new("docker").args(["load", "--input"]).arg(&archive))?;
    let id = engine::image_id(&release.reference)
        .with_context(|| format!("`{}` is not there after loading", release.reference))?;
    fs::write(record, id)?;
    println!("loaded {}", release.reference);
    Ok(())
}

fn is_newer(record: &Path, archive: &Path) -> bool {
    let time = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    time(record) >= time(archive)
}
