//! Images that a command line names: tarballs, or images of registries.

use std::io::ErrorKind;
use std::path::Path;

use crate::host::registry::{ImageName, Needed, OpenedImage, PullFailure, open_images};
use crate::store::StoreError;

use super::arguments::Registry;
use super::failure::CommandFailure;
use super::transfer::Transfer;

/// Opens what is named, in the same order.
pub(super) fn open(
    arguments: &[&Path],
    needed: Needed,
    registry: &Registry,
) -> Result<Vec<OpenedImage>, CommandFailure> {
    let names: Vec<_> = arguments.iter().map(|argument| ImageName::of(argument)).collect();
    let settings = super::registry::settings(registry)?;
    let transfer = Transfer::start();
    let opened = open_images(&names, needed, &settings, &|event| transfer.tell(&event));
    transfer.finish();
    opened.map_err(|error| explain(arguments, &names, error))
}

/// What may be meant by a name that is not a file.
fn explain(arguments: &[&Path], names: &[ImageName], error: PullFailure) -> CommandFailure {
    if let PullFailure::Store(error) = error {
        return missing(error);
    }
    let asked_for = arguments.iter().zip(names).filter(|(_, name)| matches!(name, ImageName::Registry(_)));
    let files: Vec<_> = asked_for.map(|(argument, _)| format!("`{}`", argument.display())).collect();
    CommandFailure::Pull(Box::new(error)).with_hint(format!("there is no file {} either", files.join(" or ")))
}

/// A file that is not there, and that could have been meant as an image of a registry.
pub(super) fn missing(error: StoreError) -> CommandFailure {
    let unclear = match &error {
        StoreError::Disk { path, source, .. } if source.kind() == ErrorKind::NotFound => {
            matches!(ImageName::of(path), ImageName::Unclear(_))
        }
        _ => false,
    };
    let failure = CommandFailure::Store(error);
    if !unclear {
        return failure;
    }
    failure.with_hint(
        "name an existing tarball, or an image of a registry with its tag or digest: `registry/repository:tag`"
            .to_owned(),
    )
}
