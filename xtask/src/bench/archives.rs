//! A table of those that make an archive which holds the base and the payload, or that copy the base.

use std::process::Command;

use anyhow::Result;

use super::Rivals;
use super::contender::{Contender, text};
use super::inputs::{self, Inputs};
use super::table::{Table, Target};
use crate::command;
use crate::registry::Registry;

const COPY: &str = "cp of the base";
const COLD: &str = "bootsmith, first sight of the base: unpacks it";
const VERIFIED: &str = "bootsmith: hashes every byte, unpacks none";
const UNCHANGED: &str = "bootsmith, nothing changed: hashes base and output";
const UMOCI: &str = "umoci raw add-layer, untar and tar around it";
const UMOCI_DURABLE: &str = "the same, then sync (as bootsmith does)";
const COPY_DURABLE: &str = "cp of the base, then sync (as bootsmith does)";
const COPY_DIRECT: &str = "dd of the base straight to the disk, then sync";
const UMOCI_ALONE: &str = "umoci raw add-layer alone, no archive";
const SKOPEO: &str = "skopeo copy of the base";
const CRANE: &str = "crane append to a registry's base";

/// A build holds a few blocks of a layer, however large the base is.
const MEMORY_LIMIT: u64 = 32 << 20;

/// Measures and prints.
pub(super) fn run(inputs: &Inputs, rivals: &Rivals, runs: usize) -> Result<()> {
    let mut contenders = vec![copy(inputs), copy_durable(inputs), copy_direct(inputs)];
    contenders.extend(bootsmith(inputs));
    contenders.extend(umoci(inputs));
    contenders.extend([umoci_alone(inputs), skopeo(inputs)]);
    // It ends with this value.
    let registry = rivals.crane.as_ref().map(|_| Registry::start()).transpose()?;
    if let (Some(program), Some(registry)) = (&rivals.crane, &registry) {
        let base = format!("{}/bench/base:{}", registry.address(), inputs::TAG);
        command::output(Command::new(program).args(["push", "--insecure", &inputs.base(), &base]))?;
        contenders.push(crane(inputs, program, &base));
    }
    Table {
        title: "an image on a base in a file".to_owned(),
        contenders,
        targets: targets(),
        memory_limit: MEMORY_LIMIT,
    }
    .run(runs)
}

/// `cp` and umoci leave their bytes in memory, bootsmith waits until they are on the disk (docs/decisions/0014): where the disk is slower than memory,
/// only the lines with sync compare alike. No build is measured that does not hash every byte: there is none.
fn targets() -> Vec<Target> {
    let over = |what, ours, over, at_most| Target { what, ours, over, at_most };
    vec![
        over("a build over cp and sync", VERIFIED, COPY_DURABLE, 1.5),
        over("a build over umoci and sync", VERIFIED, UMOCI_DURABLE, 0.5),
        over("nothing changed over cp and sync", UNCHANGED, COPY_DURABLE, 1.0),
    ]
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

/// What the disk alone takes for these bytes, and reading them from memory.
fn copy_direct(inputs: &Inputs) -> Contender {
    let copy = inputs.path("copy.tar");
    let (from, to) = (format!("if={}", inputs.base()), format!("of={}", text(&copy)));
    let words = ["dd", &from, &to, "bs=8M", "oflag=direct", "conv=fsync", "status=none"];
    Contender::new(COPY_DIRECT, inputs::words(&words)).removing([copy])
}

fn bootsmith(inputs: &Inputs) -> [Contender; 3] {
    let (output, cache) = (inputs.path("out"), inputs.path("cache"));
    let build = inputs.build();
    [
        Contender::new(COLD, build.clone()).removing([output.clone(), cache]),
        // The build before leaves what it found in the base; without its output the next one has to write it.
        Contender::new(VERIFIED, build.clone()).removing([output.clone()]).after(inputs::removing(&build, &output)),
        Contender::new(UNCHANGED, build.clone()).after(build),
    ]
}

/// umoci works on a layout in a folder: an archive has to be untarred before and tarred after.
fn umoci(inputs: &Inputs) -> [Contender; 2] {
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
    let durable = format!("{script} && sync {}", text(&archive));
    [(UMOCI, script), (UMOCI_DURABLE, durable)]
        .map(|(name, script)| Contender::new(name, inputs::shell(&script)).removing([layout.clone(), archive.clone()]))
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
fn crane(inputs: &Inputs, crane: &str, base: &str) -> Contender {
    let archive = inputs.path("crane.tar");
    let append =
        [crane, "--insecure", "append", "--base", base, "--new_layer", &inputs.payload(), "--new_tag", "shop:1"];
    let mut command = inputs::words(&append);
    command.extend(["--output".to_owned(), text(&archive)]);
    Contender::new(CRANE, command).removing([archive])
}
