//! Images from root file systems, written by the library's own packer.
//!
//! Takes in trees and a process configuration; gives out layers and archives that every image tool takes. Knows no package.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context as _, Result};
use bootsmith::epoch::Epoch;
use bootsmith::image::{self, Architecture, Base, BaseImage, ImageReference, Settings};
use bootsmith::layer::content::Content;
use bootsmith::layer::slice::FileSlice;
use bootsmith::layer::unverified::{Origin, Unverified};
use bootsmith::layer::{self, Layer};
use bootsmith::store::archive::write_archive;
use bootsmith::store::receipt::Receipt;
use oci_spec::image::{Config, ImageConfiguration};

use crate::rootfs::Rootfs;

/// Packs a tree. The compressed bytes lie in a file without a name until the layer is dropped.
pub(crate) fn pack(role: &str, rootfs: &Rootfs) -> Result<Layer> {
    let folder = tempfile::tempdir()?;
    let tar = folder.path().join("layer.tar");
    rootfs.write(&tar)?;
    let mut blob = tempfile::tempfile()?;
    let packed = layer::compress(BufReader::new(File::open(&tar)?), &mut blob)?;
    let origin = Origin { path: tar, what: format!("the layer `{role}`") };
    let slice = FileSlice::whole(blob, packed.blob.size);
    let content = Content::File(Unverified::new(slice, packed.blob.digest, origin));
    Ok(Layer { role: role.to_owned(), packed, content })
}

/// Writes the archive of an image.
pub(crate) fn write(reference: &str, layers: &[Layer], process: &Config, path: &Path) -> Result<Receipt> {
    let reference = ImageReference::parse(reference)?;
    let mut config = ImageConfiguration::default();
    config.set_config(Some(process.clone()));
    let architecture = Architecture::new("linux", &go_architecture(), None)?;
    let below = BaseImage { architecture, config, layers: Vec::new() };
    let base = Base::new("nothing", None, vec![below])?;
    let settings = Settings {
        entrypoint: process.entrypoint().clone().unwrap_or_default(),
        command: process.cmd().clone().unwrap_or_default(),
        ..Settings::default()
    };
    let image = image::assemble(&base, layers, &settings, Epoch::default())?;
    fs::create_dir_all(path.parent().context("an archive lies in a folder")?)?;
    Ok(write_archive(&image, &reference, path, &|_| {})?)
}

/// The words of Go are those of OCI.
fn go_architecture() -> String {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
    .to_owned()
}
