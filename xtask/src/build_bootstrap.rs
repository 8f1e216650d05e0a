//! `cargo xtask build-bootstrap`: the bootstrap images of an example, as a product's own xtask would build it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
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
    let mut arguments: Vec<OsString> = vec!["bootsmith".into(), "build".into(), "--file".into(), spec.clone().into()];
    if !has(&options.build, "--base") {
        for (platform, base) in bases(&spec, &options.build)? {
            arguments.extend(["--base".into(), oci(&platform, &base)]);
        }
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

/// A base for each platform that is built: those of `--platform`, else those of the spec.
fn bases(spec: &Path, options: &[OsString]) -> Result<Vec<(String, PathBuf)>> {
    let mut platforms = given(options, "--platform");
    if platforms.is_empty() {
        platforms = declared(spec)?;
    }
    // Compose and Swarm share a base: it is made once.
    let mut made = BTreeMap::new();
    let mut bases = Vec::new();
    for platform in platforms {
        let kind = if platform == "kubernetes" { base::Platform::Kubernetes } else { base::Platform::Compose };
        let archive = match made.get(&kind) {
            Some(archive) => PathBuf::clone(archive),
            None => made.entry(kind).or_insert(base::run(&base::Options::of(kind))?).clone(),
        };
        bases.push((platform, archive));
    }
    Ok(bases)
}

/// The values of an option, as `--platform x` or `--platform=x`.
fn given(options: &[OsString], name: &str) -> Vec<String> {
    let words: Vec<_> = options.iter().filter_map(|option| option.to_str()).collect();
    let behind = words.windows(2).filter(|pair| pair[0] == name).map(|pair| pair[1].to_owned());
    let joined = words.iter().filter_map(|word| Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned()));
    behind.chain(joined).collect()
}

/// The platforms of a spec; what is wrong with it is said by the build.
fn declared(spec: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(spec)?;
    let table: toml::Table = text.parse().unwrap_or_default();
    let platforms = table.get("bootstrap").and_then(|bootstrap| bootstrap.get("platforms")?.as_array());
    let names = platforms.into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned()));
    let names: Vec<_> = names.collect();
    Ok(if names.is_empty() { vec!["compose".to_owned()] } else { names })
}

fn oci(platform: &str, archive: &Path) -> OsString {
    let mut reference = OsString::from(format!("{platform}=oci:"));
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
