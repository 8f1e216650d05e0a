//! A table of those that make an archive which holds the base and the payload, or that copy the base.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::Rivals;
use super::contender::{Contender, text};
use super::inputs::{self, Inputs};
use super::table::{Table, Target, Unit};
use crate::command;
use crate::registry::Registry;

const COPY: &str = "cp of the base";
const COLD: &str = "bootsmith, first sight of the base: unpacks it";
const VERIFIED: &str = "bootsmith, full verification of all blobs";
const WARM: &str = "bootsmith, trusted cache";
const UNCHANGED: &str = "bootsmith, nothing changed";
const UMOCI: &str = "umoci raw add-layer, untar and tar around it";
const UMOCI_DURABLE: &str = "the same, then sync (as bootsmith does)";
const COPY_DURABLE: &str = "cp of the base, then sync (as bootsmith does)";
const COPY_DIRECT: &str = "dd of the base straight to the disk, then sync";
const UMOCI_ALONE: &str = "umoci raw add-layer alone, no archive";
const SKOPEO: &str = "skopeo copy of the base";
const CRANE: &str = "crane append to a registry's base";

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
    Table { title: "an image on a base in a file".to_owned(), contenders, targets: targets() }.run(runs)
}

/// `cp` and umoci leave their bytes in memory, bootsmith waits until they are on the disk (docs/decisions/0014): where the disk is slower than memory,
/// only the lines with sync compare alike.
fn targets() -> Vec<Target> {
    let over = |what, ours, unit, at_most| Target { what, ours, over: Unit::Contender(unit), at_most };
    let instant = Unit::Time(Duration::from_millis(20));
    vec![
        over("trusted cache over cp", WARM, COPY, 1.3),
        over("trusted cache over cp and sync", WARM, COPY_DURABLE, 1.3),
        over("full verification over umoci", VERIFIED, UMOCI, 0.5),
        over("full verification over umoci and sync", VERIFIED, UMOCI_DURABLE, 0.5),
        Target { what: "nothing changed, in units of 20 ms", ours: UNCHANGED, over: instant, at_most: 1.0 },
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

fn bootsmith(inputs: &Inputs) -> [Contender; 4] {
    let (output, cache) = (inputs.path("out"), inputs.path("cache"));
    let build = inputs.build();
    [
        Contender::new(COLD, build.clone()).removing([output.clone(), cache]),
        // A file that was touched is not trusted: every blob is hashed again. What is in them is known by digest.
        Contender::new(VERIFIED, build.clone())
            .removing([output.clone()])
            .after(touching(&inputs::removing(&build, &output), &inputs.base())),
        // The build before leaves its cache; without its output the next one has to write it.
        Contender::new(WARM, build.clone()).removing([output.clone()]).after(inputs::removing(&build, &output)),
        Contender::new(UNCHANGED, build.clone()).after(build),
    ]
}

/// A command, and then a new time for a file; a change must be a moment old before it is believed.
fn touching(command: &[String], file: &str) -> Vec<String> {
    let script = command.last().expect("a command has words");
    inputs::shell(&format!("{script} && touch {file} && sleep 0.1"))
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
