//! `lock` and `outdated`: the digests of the images of a release, and which tags or files have changed since.

use serde_json::json;

use crate::digest::Digest;
use crate::host::{self, CurrentImage, LockChange, LockSettings, LockedImage, Update};

use super::arguments::{Lock, Outdated};
use super::failure::CommandFailure;
use super::table::Table;
use super::transfer::Transfer;

/// Writes the lock and prints what is in it, or checks it against its spec.
pub(super) fn lock(arguments: &Lock) -> Result<(), CommandFailure> {
    if arguments.check {
        let images = host::check_lock(&arguments.spec.file)?;
        anstream::println!("{}: {images} images, up to date", host::lock_path(&arguments.spec.file).display());
        return Ok(());
    }
    let update = match &arguments.update {
        None => Update::Missing,
        Some(names) if names.is_empty() => Update::All,
        Some(names) => Update::Some(names.clone()),
    };
    let settings = LockSettings {
        file: arguments.spec.file.clone(),
        update,
        layouts: arguments.layouts.clone(),
        offline: arguments.offline,
        registry: super::registry::settings(&arguments.registry)?,
    };
    let transfer = Transfer::start();
    let images = host::lock(&settings, &|event| transfer.tell(&event));
    transfer.finish();
    let images = images?;
    if arguments.json {
        let list: Vec<_> = images.iter().map(locked_json).collect();
        anstream::println!("{:#}", json!(list));
    } else {
        anstream::print!("{}", locked_table(&images));
    }
    Ok(())
}

/// Asks the registries again and looks at the files, and changes nothing.
pub(super) fn outdated(arguments: &Outdated) -> Result<(), CommandFailure> {
    let registry = super::registry::settings(&arguments.registry)?;
    let transfer = Transfer::start();
    let images = host::outdated(&arguments.spec.file, &registry, &|event| transfer.tell(&event));
    transfer.finish();
    let images = images?;
    let moved: Vec<_> = images.iter().filter(|image| image.locked != image.current).collect();
    if arguments.json {
        let list: Vec<_> = moved.iter().map(|image| current_json(image)).collect();
        anstream::println!("{:#}", json!(list));
    } else if moved.is_empty() {
        anstream::println!("{} images are up to date", images.len());
    } else {
        anstream::print!("{}", current_table(&moved));
    }
    if arguments.exit_code && !moved.is_empty() { Err(CommandFailure::Differs) } else { Ok(()) }
}

fn locked_json(image: &LockedImage) -> serde_json::Value {
    let (change, before) = match image.change {
        LockChange::Kept => ("kept", None),
        LockChange::Added => ("added", None),
        LockChange::Updated(before) => ("updated", Some(before)),
        LockChange::Removed => ("removed", None),
    };
    json!({
        "image": image.name,
        "usedBy": image.used_by,
        "digest": image.locked.digest,
        "architectures": image.locked.architectures,
        "change": change,
        "before": before,
    })
}

fn locked_table(images: &[LockedImage]) -> Table {
    let mut table = Table::new(&["IMAGE", "USED BY", "DIGEST", "ARCHITECTURES", "CHANGE"]);
    for image in images {
        let architectures: Vec<_> = image.locked.architectures.keys().map(String::as_str).collect();
        let change = match image.change {
            LockChange::Kept => String::new(),
            LockChange::Added => "added".to_owned(),
            LockChange::Updated(before) => format!("was {}", short(before)),
            LockChange::Removed => "removed: nothing uses it".to_owned(),
        };
        let used_by: Vec<_> = image.used_by.iter().map(String::as_str).collect();
        let digest = short(image.locked.digest);
        table.row([image.name.clone(), used_by.join(", "), digest, architectures.join(", "), change]);
    }
    table
}

fn current_json(image: &CurrentImage) -> serde_json::Value {
    json!({ "image": image.name, "usedBy": image.used_by, "locked": image.locked, "current": image.current })
}

fn current_table(images: &[&CurrentImage]) -> Table {
    let mut table = Table::new(&["IMAGE", "USED BY", "LOCKED", "NOW"]);
    for image in images {
        let used_by: Vec<_> = image.used_by.iter().map(String::as_str).collect();
        table.row([image.name.clone(), used_by.join(", "), short(image.locked), short(image.current)]);
    }
    table
}

/// As much of a digest as people compare.
fn short(digest: Digest) -> String {
    const SHOWN: usize = 12;
    format!("sha256:{}", &digest.hex()[..SHOWN])
}
