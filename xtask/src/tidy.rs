//! `cargo xtask tidy`: what compilers and linters do not check.
//!
//! One table of floors decides which module may use which, one of absences what else a module must not hold; the other checks keep files short, headed, linked, in the words of the
//! glossary, and free of words that belong to no published text. Every fault is reported, then the task fails.

mod absences;
mod cases;
mod circles;
mod diagnostics;
mod document;
mod floors;
mod portability;
mod prose;
mod text;
mod uses;
mod words;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Error, Result, bail};
use clap::Args;

use crate::project;

/// Options of `cargo xtask tidy`.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Write what is generated: floors and absences in docs/architecture.md, diagnostics.md and portability.md in docs/reference
    #[arg(long)]
    write: bool,
}

/// A file of the repository.
struct Source {
    path: String,
    text: String,
}

/// Checks the repository.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = project::root();
    if options.write {
        write_architecture(root)?;
        write_page(root, diagnostics::PAGE, &diagnostics::page())?;
        write_page(root, portability::PAGE, &portability::page())?;
    }
    let sources = read(root)?;
    let faults = check(&sources, |path| root.join(path).exists())?;
    if !faults.is_empty() {
        bail!("{} faults\n  {}", faults.len(), faults.join("\n  "));
    }
    println!("{} files are tidy", sources.len());
    Ok(())
}

fn check(sources: &[Source], exists: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut faults = floors::check_table(floors::ROOMS);
    let library: Vec<_> = sources.iter().filter(|source| is_rust_below(source, "src/")).collect();
    faults.extend(floors::check_rooms(floors::ROOMS, library.iter().map(|source| source.path.as_str())));
    for source in &library {
        faults.extend(uses::check(floors::ROOMS, &source.path, &source.text)?);
    }
    faults.extend(circles::check(library.iter().map(|source| (source.path.as_str(), source.text.as_str())))?);
    faults.extend(absences::check(library.iter().map(|source| (source.path.as_str(), source.text.as_str())))?);
    if let Some(architecture) = sources.iter().find(|source| source.path == document::PAGE) {
        faults.extend(document::check(&architecture.text));
    }
    for source in sources {
        faults.extend(text::check(&source.path, &source.text));
        if cases::is_cases(&source.path) {
            faults.extend(cases::check(&source.path, &source.text));
        }
        if has_extension(&source.path, "md") {
            faults.extend(text::check_links(&source.path, &source.text, &exists));
        }
    }
    let page = |path| sources.iter().find(|source| source.path == path).map(|source| source.text.as_str());
    faults.extend(diagnostics::check(page(diagnostics::PAGE)));
    faults.extend(portability::check(page(portability::PAGE)));
    let texts = sources.iter().map(|source| (source.path.as_str(), source.text.as_str()));
    faults.extend(words::check(page(words::PAGE), texts));
    Ok(faults)
}

/// Every text file of the repository.
fn read(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in project::files()? {
        // A file that is deleted but not yet staged is still listed.
        let Ok(bytes) = fs::read(root.join(&path)) else {
            continue;
        };
        if let Ok(text) = String::from_utf8(bytes) {
            sources.push(Source { path, text });
        }
    }
    Ok(sources)
}

fn write_architecture(root: &Path) -> Result<()> {
    let path = root.join(document::PAGE);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", document::PAGE))?;
    Ok(fs::write(path, document::write(&text).map_err(Error::msg)?)?)
}

fn write_page(root: &Path, page: &str, text: &str) -> Result<()> {
    let path = root.join(page);
    fs::create_dir_all(path.parent().expect("the page lies in a folder"))?;
    Ok(fs::write(path, text)?)
}

fn is_rust_below(source: &Source, folder: &str) -> bool {
    source.path.starts_with(folder) && has_extension(&source.path, "rs")
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}
