//! What the contenders work on: a base of the size of the usual ones, a payload, and the release build of the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use bootsmith::epoch::Epoch;
use bootsmith::image::{self, ImageReference, Settings};
use bootsmith::layer::{self, Layer};
use bootsmith::path::RelativePath;
use bootsmith::store::{self, BaseReference, Cache, write_archive};
use bootsmith::tree::{File, FileTree, Mode};

use crate::{base, command, project};

/// The tag of the base in its layout.
pub(super) const TAG: &str = "bench";

/// As large as `docker:28-cli`.
const BASE_SIZE: u64 = 98_000_000;

/// Files in one folder, removed at the end.
pub(super) struct Inputs {
    folder: tempfile::TempDir,
    /// The size of the base's archive.
    pub(super) base_size: u64,
}

impl Inputs {
    /// Makes all of them.
    pub(super) fn make() -> Result<Self> {
        let small = base::run(&base::Options::default())?;
        fs::create_dir_all(project::target().join("bench"))?;
        let folder = tempfile::tempdir_in(project::target().join("bench"))?;
        let mut inputs = Self { folder, base_size: 0 };
        inputs.base_size = enlarge(&small, &inputs.path("base.tar"))?;
        inputs.render()?;
        // The first build's stamp of the base counts only when the base is a moment old.
        std::thread::sleep(std::time::Duration::from_millis(50));
        Ok(inputs)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn base(&self) -> String {
        self.path("base.tar").display().to_string()
    }

    /// A tar of what bootsmith adds.
    pub(super) fn payload(&self) -> String {
        self.path("payload.tar").display().to_string()
    }

    /// The build of the shop on the base.
    pub(super) fn build(&self) -> Vec<String> {
        let base = format!("oci:{}", self.base());
        self.bootsmith(&[
            "build",
            "--file",
            &shop(),
            "--platform",
            "compose",
            "--base",
            &base,
            "--output",
            &self.path("out").display().to_string(),
        ])
    }

    /// The program with a cache of its own.
    pub(super) fn bootsmith(&self, arguments: &[&str]) -> Vec<String> {
        let program = project::target().join("release/bootsmith").display().to_string();
        let cache = format!("XDG_CACHE_HOME={}", self.path("cache").display());
        words(&["env", &cache, &program]).into_iter().chain(words(arguments)).collect()
    }

    fn render(&self) -> Result<()> {
        let folder = self.path("payload").display().to_string();
        let render = self.bootsmith(&["render", "--file", &shop(), "--platform", "compose", "--output", &folder]);
        command::output(Command::new(&render[0]).args(&render[1..]))?;
        command::run(Command::new("tar").args(["-cf", &self.payload(), "-C", &folder, "."]))
    }
}

/// Puts a layer that hardly compresses on the base of the end-to-end tests, as large as it takes.
fn enlarge(small: &Path, target: &Path) -> Result<u64> {
    let cache = Cache::temporary()?;
    let base = store::open_base(&BaseReference::parse(&format!("oci:{}", small.display()))?, &[], &cache)?;
    let missing = BASE_SIZE.saturating_sub(fs::metadata(small)?.len());
    let noise = noise_layer(usize::try_from(missing).context("a size that fits into memory")?)?;
    let settings = Settings { command: vec!["sh".to_owned()], ..Settings::default() };
    let image = image::assemble(&base, &[noise], &settings, Epoch::default())?;
    let reference = ImageReference::parse(&format!("bootsmith/base:{TAG}"))?;
    Ok(write_archive(&image, &reference, target, &cache, &|_| {})?.size_bytes)
}

fn noise_layer(size: usize) -> Result<Layer> {
    let mut state = 1_u64;
    // Knuth's linear congruence (MMIX): the same noise in every run.
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    })
    .take(size)
    .collect();
    let mut tree = FileTree::default();
    tree.insert(RelativePath::parse("usr/share/noise")?, File { mode: Mode::Plain, bytes: noise.into() })?;
    Ok(layer::pack_in_memory("noise", &tree, Epoch::default())?)
}

fn shop() -> String {
    project::root().join("examples/shop/bootstrap.toml").display().to_string()
}

/// The words of a command.
pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A command of several commands.
pub(super) fn shell(script: &str) -> Vec<String> {
    words(&["sh", "-c", script])
}
