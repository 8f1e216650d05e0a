//! `push` and `pull`: tarballs to registries, and images from there into tarballs.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use crate::host::registry::{
    self, BundleSettings, ClientSettings, CopySettings, Login, PullSettings, PushSettings, RegistrySettings,
};
use crate::inspect;
use crate::registry::Secret;

use super::arguments::{Bundle, Copy, Pull, Push, Registry};
use super::failure::CommandFailure;
use super::table::{Table, human_size};
use super::transfer::Transfer;

/// Pushes, and prints the digest alone on standard output. What is in a bundle goes to a registry as a release does that is copied there.
pub(super) fn push(arguments: &Push) -> Result<(), CommandFailure> {
    if let [destination] = arguments.references.as_slice()
        && inspect::open(&arguments.tarball).and_then(|archive| archive.bundled_images())?.is_some()
    {
        return copy_to(&arguments.tarball, destination, &arguments.registry);
    }
    let settings = PushSettings {
        tarball: arguments.tarball.clone(),
        references: arguments.references.clone(),
        mount_from: arguments.mount_from.clone(),
        registry: settings(&arguments.registry)?,
    };
    let transfer = Transfer::start();
    let result = registry::push(&settings, &|event| transfer.tell(&event));
    transfer.finish();
    anstream::println!("{}", result?.digest);
    Ok(())
}

/// Pulls, and prints the digest alone on standard output.
pub(super) fn pull(arguments: &Pull) -> Result<(), CommandFailure> {
    let settings = PullSettings {
        reference: arguments.reference.clone(),
        tarball: arguments.tarball.clone(),
        architectures: arguments.architectures.clone(),
        registry: settings(&arguments.registry)?,
    };
    let transfer = Transfer::start();
    let result = registry::pull(&settings, &|event| transfer.tell(&event), &|_| ());
    transfer.finish();
    anstream::println!("{}", result?.digest);
    Ok(())
}

/// Copies, reports the new names, and prints the digest alone on standard output.
pub(super) fn copy(arguments: &Copy) -> Result<(), CommandFailure> {
    copy_to(&arguments.source, &arguments.destination, &arguments.registry)
}

fn copy_to(source: &Path, destination: &str, registry: &Registry) -> Result<(), CommandFailure> {
    let settings =
        CopySettings { source: source.to_owned(), destination: destination.to_owned(), registry: settings(registry)? };
    let transfer = Transfer::start();
    let result = registry::copy(&settings, &|event| transfer.tell(&event));
    transfer.finish();
    let copied = result?;
    for (old, new) in &copied.images {
        anstream::eprintln!("{old} -> {new}");
    }
    anstream::println!("{}", copied.digest);
    Ok(())
}

/// Writes a bundle, and prints what is in it.
pub(super) fn bundle(arguments: &Bundle) -> Result<(), CommandFailure> {
    let settings = BundleSettings {
        source: arguments.source.clone(),
        bundle: arguments.output.clone(),
        architecture: arguments.architecture.clone(),
        registry: settings(&arguments.registry)?,
    };
    let transfer = Transfer::start();
    let result = registry::bundle(&settings, &|event| transfer.tell(&event), &|_| ());
    transfer.finish();
    let bundled = result?;
    let mut table = Table::new(&["IMAGE", "DIGEST"]);
    for (name, digest) in bundled.images {
        table.row([name, digest.to_string()]);
    }
    anstream::print!("{table}{} {}\n", settings.bundle.display(), human_size(bundled.size_bytes));
    Ok(())
}

/// How to talk to registries.
pub(super) fn settings(arguments: &Registry) -> Result<RegistrySettings, CommandFailure> {
    let timeout = Duration::from_secs(arguments.timeout);
    Ok(RegistrySettings {
        login: login(arguments)?,
        token_hosts: arguments.token_hosts.clone(),
        plain_http: arguments.plain_http,
        client: ClientSettings { ca_files: arguments.ca_files.clone(), timeout },
    })
}

/// A password on the command line would be seen by everybody on the machine.
fn login(arguments: &Registry) -> Result<Option<Login>, CommandFailure> {
    let Some(username) = arguments.username.clone() else { return Ok(None) };
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    let password = text.trim_end_matches(['\r', '\n']);
    if read.is_err() || password.is_empty() {
        let message = "there is no password on standard input".to_owned();
        let hint =
            "for example: printf %s \"$PASSWORD\" | bootsmith push … --username NAME --password-stdin".to_owned();
        return Err(CommandFailure::Usage(message, hint));
    }
    Ok(Some(Login { username, password: Secret::new(password) }))
}
