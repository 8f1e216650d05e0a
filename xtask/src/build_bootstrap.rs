//! `cargo xtask build-bootstrap`: the bootstrap image of an example, as a product's own xtask would build it.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use crate::{base, project};

/// Options of `cargo xtask build-bootstrap`.
#[derive(Args)]
pub(crate) struct Options {
    /// The folder below `examples/`
    #[arg(default_value = "shop")]
    example: String,
    /// Options of `bootsmith build`; without `--base` the one of `cargo xtask base` is taken
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    build: Vec<OsString>,
}

/// Makes the base where it is missing, and calls the library as the program does.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let spec = project::root().join("examples").join(&options.example).join("bootstrap.toml");
    if !spec.is_file() {
        bail!("there is no example `{}`; there are: {}", options.example, examples()?.join(", "));
    }
    let mut arguments: Vec<OsString> = vec!["bootsmith".into(), "build".into(), "--file".into(), spec.into()];
    if !has(&options.build, "--base") {
        arguments.extend(["--base".into(), oci(&base::run(&base::Options::default())?)]);
    }
    if !has(&options.build, "--output") {
        arguments.extend(["--output".into(), project::target().join("bootstrap").into()]);
    }
    arguments.extend(options.build.iter().cloned());
    Ok(bootsmith::cli::run(arguments))
}

/// Whether an option is given, as `--base x` or `--base=x`.
fn has(options: &[OsString], name: &str) -> bool {
    options.iter().filter_map(|option| option.to_str()).any(|option| option.split('=').next() == Some(name))
}

fn oci(archive: &Path) -> OsString {
    let mut reference = OsString::from("oci:");
    reference.push(archive);
    reference
}

fn examples() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(project::root().join("examples"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
