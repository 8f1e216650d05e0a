//! Those that are measured: each makes an archive that holds the base and the payload, or copies the base.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::inputs::{self, Inputs};
use crate::command;
use crate::registry::Registry;

/// A command and what must be true before it.
pub(super) struct Contender {
    /// What it is called in the table.
    pub(super) name: &'static str,
    /// What is measured.
    pub(super) command: Vec<String>,
    /// What is removed before.
    remove: Vec<PathBuf>,
    /// What is run before.
    before: Option<Vec<String>>,
    /// What it works with, ended with it.
    _registry: Option<Registry>,
}

pub(super) const COPY: &str = "cp of the base";
pub(super) const COLD: &str = "bootsmith, first sight of the base: unpacks it";
pub(super) const VERIFIED: &str = "bootsmith, full verification of all blobs";
pub(super) const WARM: &str = "bootsmith, trusted cache";
pub(super) const UNCHANGED: &str = "bootsmith, nothing changed";
pub(super) const UMOCI: &str = "umoci raw add-layer, untar and tar around it";
pub(super) const COPY_DURABLE: &str = "cp of the base, then sync (as bootsmith does)";
const UMOCI_ALONE: &str = "umoci raw add-layer alone, no archive";
const SKOPEO: &str = "skopeo copy of the base";
const CRANE: &str = "crane append to a registry's base";

/// All of them, the unit first.
pub(super) fn all(inputs: &Inputs) -> Result<Vec<Contender>> {
    let mut all = vec![copy(inputs), copy_durable(inputs)];
    all.extend(bootsmith(inputs));
    all.extend([umoci(inputs), umoci_alone(inputs), skopeo(inputs)]);
    match crane(inputs)? {
        Some(crane) => all.push(crane),
        None => println!("crane is not on this machine, and left out"),
    }
    Ok(all)
}

impl Contender {
    fn new(name: &'static str, command: Vec<String>) -> Self {
        Self { name, command, remove: Vec::new(), before: None, _registry: None }
    }

    fn removing(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.remove.extend(paths);
        self
    }

    fn after(mut self, command: Vec<String>) -> Self {
        self.before = Some(command);
        self
    }

    /// Makes the start the same for every run.
    pub(super) fn prepare(&self) -> Result<()> {
        for path in self.remove.iter().filter(|path| path.exists()) {
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }?;
        }
        if let Some(before) = &self.before {
            command::output(Command::new(&before[0]).args(&before[1..]))?;
        }
        Ok(())
    }
}

fn copy(inputs: &Inputs) -> Contender {
    let copy = inputs.path("copy.tar");
    Contender::new(COPY, inputs::words(&["cp", &inputs.base(), &text(&copy)])).removing([copy])
}

fn copy_durable(inputs: &Inputs) -> Contender {
    let copy = inputs.path("copy.tar");
    let script = format!("cp {} {copy} && sync {copy}", inputs.base(), copy = text(&copy));
    Contender::new(COPY_DURABLE, inputs::shell(&script)).removing([copy])
}

fn bootsmith(inputs: &Inputs) -> [Contender; 4] {
    let (output, cache) = (inputs.path("out"), inputs.path("cache"));
    let build = inputs.build();
    [
        Contender::new(COLD, build.clone()).removing([output.clone(), cache]),
        // A file that was touched is not trusted: every blob is hashed again. What is in them is known by digest.
        Contender::new(VERIFIED, build.clone())
            .removing([output.clone()])
            .after(touching(&removing(&build, &output), &inputs.base())),
        // The build before leaves its cache; without its output the next one has to write it.
        Contender::new(WARM, build.clone()).removing([output.clone()]).after(removing(&build, &output)),
        Contender::new(UNCHANGED, build.clone()).after(build),
    ]
}

/// A command, and then the removal of what it wrote.
fn removing(command: &[String], path: &std::path::Path) -> Vec<String> {
    inputs::shell(&format!("{} && rm -r {}", command.join(" "), text(path)))
}

/// A command, and then a new time for a file; a change must be a moment old before it is believed.
fn touching(command: &[String], file: &str) -> Vec<String> {
    let script = command.last().expect("a command has words");
    inputs::shell(&format!("{script} && touch {file} && sleep 0.1"))
}

/// umoci works on a layout in a folder: an archive has to be untarred before and tarred after.
fn umoci(inputs: &Inputs) -> Contender {
    let (layout, archive) = (inputs.path("layout"), inputs.path("umoci.tar"));
    let script = format!(
        "mkdir {layout} && tar -xf {base} -C {layout} && umoci raw add-layer --image {layout}:{tag} {payload} && \
         tar -cf {archive} -C {layout} .",
        layout = text(&layout),
        base = inputs.base(),
        payload = inputs.payload(),
        archive = text(&archive),
        tag = inputs::TAG,
    );
    Contender::new(UMOCI, inputs::shell(&script)).removing([layout, archive])
}

fn umoci_alone(inputs: &Inputs) -> Contender {
    let layout = inputs.path("layout");
    let image = format!("{}:{}", text(&layout), inputs::TAG);
    let untar = format!("mkdir {layout} && tar -xf {} -C {layout}", inputs.base(), layout = text(&layout));
    Contender::new(UMOCI_ALONE, inputs::words(&["umoci", "raw", "add-layer", "--image", &image, &inputs.payload()]))
        .removing([layout])
        .after(inputs::shell(&untar))
}

fn skopeo(inputs: &Inputs) -> Contender {
    let copy = inputs.path("skopeo.tar");
    let (from, to) = (format!("oci-archive:{}", inputs.base()), format!("oci-archive:{}:{}", text(&copy), inputs::TAG));
    Contender::new(SKOPEO, inputs::words(&["skopeo", "--insecure-policy", "copy", "--quiet", &from, &to]))
        .removing([copy])
}

/// crane reads a base from a registry alone.
fn crane(inputs: &Inputs) -> Result<Option<Contender>> {
    if command::find("crane").is_none() {
        return Ok(None);
    }
    let registry = Registry::start()?;
    let base = format!("{}/bench/base:{}", registry.address(), inputs::TAG);
    command::run(Command::new("crane").args(["--insecure", "push", &inputs.base(), &base]))?;
    let archive = inputs.path("crane.tar");
    let append =
        ["crane", "--insecure", "append", "--base", &base, "--new_layer", &inputs.payload(), "--new_tag", "shop:1"];
    let mut command = inputs::words(&append);
    command.extend(["--output".to_owned(), text(&archive)]);
    let crane = Contender::new(CRANE, command).removing([archive]);
    Ok(Some(Contender { _registry: Some(registry), ..crane }))
}

fn text(path: &std::path::Path) -> String {
    path.display().to_string()
}
