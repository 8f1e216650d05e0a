//! What the contenders work on: a base of the size of the usual ones, a payload, and the release build of the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use bootsmith::epoch::Epoch;
use bootsmith::image::{self, Architecture, Image, ImageReference, Settings};
use bootsmith::layer::{self, Layer};
use bootsmith::path::RelativePath;
use bootsmith::store::{self, BaseReference, Cache, write_archive};
use bootsmith::tree::{File, FileTree, Mode};

use super::measure::command_of;
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

    /// The build of the shop on the base in its file.
    pub(super) fn build(&self) -> Vec<String> {
        self.build_on(&format!("oci:{}", self.base()))
    }

    /// The build of the shop on a base.
    pub(super) fn build_on(&self, base: &str) -> Vec<String> {
        self.bootsmith(&[
            "build",
            "--file",
            &shop(),
            "--platform",
            "compose",
            "--base",
            base,
            "--output",
            &self.path("out").display().to_string(),
        ])
    }

    /// The program with a cache of its own.
    pub(super) fn bootsmith(&self, arguments: &[&str]) -> Vec<String> {
        let program = project::target().join("release/bootsmith").display().to_string();
        let cache = format!("XDG_CACHE_HOME={}", self.path("cache").display());
        words(&[&cache, &program]).into_iter().chain(words(arguments)).collect()
    }

    /// An image of as many layers of noise, in an archive.
    pub(super) fn large(&self, layers: usize, size: usize) -> Result<PathBuf> {
        let base =
            store::open_base(&BaseReference::Scratch, &[Architecture::parse("linux/amd64")?], &Cache::temporary()?)?;
        let layers = (0..layers).map(|seed| noise_layer(seed as u64, size)).collect::<Result<Vec<_>>>()?;
        let archive = self.path("large.tar");
        write(&image::assemble(&base, &layers, &Settings::default(), Epoch::default())?, "bench/large:1", &archive)?;
        Ok(archive)
    }

    /// The bootstrap image of a product that consists of one image.
    pub(super) fn release_of(&self, image: &str) -> Result<String> {
        let folder = self.path("large");
        fs::create_dir_all(&folder)?;
        let spec = format!(
            "[project]\nname = \"large\"\nversion = \"1.0.0\"\n[bootstrap]\nplatforms = [\"compose\"]\n[services.large]\nimage = \"{image}\"\n"
        );
        let file = folder.join("bootstrap.toml");
        fs::write(&file, spec)?;
        let [file, output] = [file, folder.clone()].map(|path| path.display().to_string());
        let build =
            self.bootsmith(&["build", "--file", &file, "--allow", "B049", "--base", "scratch", "--output", &output]);
        command::output(&mut command_of(&build))?;
        Ok(folder.join("large-1.0.0-compose.tar").display().to_string())
    }

    fn render(&self) -> Result<()> {
        let folder = self.path("payload").display().to_string();
        let render = self.bootsmith(&["render", "--file", &shop(), "--platform", "compose", "--output", &folder]);
        command::output(&mut command_of(&render))?;
        command::run(Command::new("tar").args(["-cf", &self.payload(), "-C", &folder, "."]))
    }
}

/// Puts a layer that hardly compresses on the base of the end-to-end tests, as large as it takes.
fn enlarge(small: &Path, target: &Path) -> Result<u64> {
    let cache = Cache::temporary()?;
    let base = store::open_base(&BaseReference::parse(&format!("oci:{}", small.display()))?, &[], &cache)?;
    let missing = BASE_SIZE.saturating_sub(fs::metadata(small)?.len());
    let noise = noise_layer(1, usize::try_from(missing).context("a size that fits into memory")?)?;
    let settings = Settings { command: vec!["sh".to_owned()], ..Settings::default() };
    let image = image::assemble(&base, &[noise], &settings, Epoch::default())?;
    write(&image, &format!("bootsmith/base:{TAG}"), target)
}

fn write(image: &Image, name: &str, target: &Path) -> Result<u64> {
    Ok(write_archive(image, &ImageReference::parse(name)?, target, &|_| {})?.size_bytes)
}

fn noise_layer(seed: u64, size: usize) -> Result<Layer> {
    let mut state = seed;
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

/// A command, and then the removal of what it wrote.
pub(super) fn removing(command: &[String], path: &Path) -> Vec<String> {
    shell(&format!("{} && rm -r {}", command.join(" "), path.display()))
}
