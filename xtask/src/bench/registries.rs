//! Tables of those that talk to a registry: Debian's `docker-registry` on this machine, with nothing kept in its memory.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};

use super::Rivals;
use super::contender::{Contender, text};
use super::inputs::{self, Inputs, words};
use super::measure::command_of;
use super::table::{Table, Target};
use crate::command;
use crate::registry::Registry;

/// Whatever is pulled, pushed or bundled, and however large it is.
const MEMORY_LIMIT: u64 = 64 << 20;
const SKOPEO: &str = "skopeo copy";
const SKOPEO_DURABLE: &str = "skopeo copy, then sync (as bootsmith does)";
const CRANE: &str = "crane push";
const ORAS: &str = "oras cp";
const CRANE_LAYOUT: &str = "crane pull, into a folder";
const ORAS_LAYOUT: &str = "oras cp, into a folder";
const PULL: &str = "bootsmith pull, into an archive";
const PUSH: &str = "bootsmith push";
const COLD: &str = "bootsmith build, first sight of the base";
const WARM: &str = "bootsmith build, the base is known";
const BUNDLE: &str = "bootsmith bundle";

/// What a service of a gigabyte consists of.
const LARGE_LAYERS: usize = 8;
const LARGE_LAYER_SIZE: usize = 125_000_000;

/// Pull, build, push.
pub(super) fn run(inputs: &Inputs, rivals: &Rivals, runs: usize) -> Result<()> {
    let full = Registry::start()?;
    let base = format!("{}/bench/base:{}", full.address(), inputs::TAG);
    fill(&inputs.base(), &base)?;
    let pinned = format!("{base}@{}", digest_of(&base)?);
    pulls(inputs, rivals, &base, &pinned).run(runs)?;
    let empty = Registry::start()?;
    pushes(inputs, rivals, &empty).run(runs)?;
    compare_digests(rivals, &pushed(&empty), &inputs.bootsmith(&["push", &inputs.base(), &pushed(&empty)]))
}

fn pushed(registry: &Registry) -> String {
    format!("{}/bench/pushed:1", registry.address())
}

/// What push prints is what others read.
fn compare_digests(rivals: &Rivals, reference: &str, push: &[String]) -> Result<()> {
    let ours = text_of(&mut command_of(push))?;
    let mut theirs = vec![("skopeo inspect", digest_of(reference)?)];
    if let Some(crane) = &rivals.crane {
        theirs.push(("crane digest", text_of(Command::new(crane).args(["digest", "--insecure", reference]))?));
    }
    for (name, digest) in theirs {
        ensure!(digest == ours, "{name} says {digest}, bootsmith push {ours}");
        println!("{name} says the digest that bootsmith push says");
    }
    Ok(())
}

fn text_of(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8(command::output(command)?)?.trim().to_owned())
}

/// A bundle of a service of a gigabyte.
pub(super) fn run_bundles(inputs: &Inputs, runs: usize) -> Result<()> {
    let registry = Registry::start()?;
    let large = format!("{}/bench/large:1", registry.address());
    let archive = inputs.large(LARGE_LAYERS, LARGE_LAYER_SIZE)?;
    fill(&text(&archive), &large)?;
    fs::remove_file(archive)?;
    let image = inputs.release_of(&large)?;
    bundles(inputs, &large, &image).run(runs)
}

fn fill(archive: &str, reference: &str) -> Result<()> {
    let copy = skopeo(&format!("oci-archive:{archive}"), &format!("docker://{reference}"));
    command::output(&mut command_of(&copy)).map(|_| ())
}

fn digest_of(reference: &str) -> Result<String> {
    let mut inspect = Command::new("skopeo");
    inspect.args(["inspect", "--tls-verify=false", "--format", "{{.Digest}}"]).arg(format!("docker://{reference}"));
    text_of(&mut inspect)
}

fn skopeo(from: &str, to: &str) -> Vec<String> {
    words(&[
        "skopeo",
        "--insecure-policy",
        "copy",
        "--quiet",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        from,
        to,
    ])
}

fn pulls(inputs: &Inputs, rivals: &Rivals, base: &str, pinned: &str) -> Table {
    let (archive, layout) = (inputs.path("pulled.tar"), inputs.path("pulled"));
    let (output, cache) = (inputs.path("out"), inputs.path("cache"));
    let to_archive = format!("oci-archive:{}:{}", text(&archive), inputs::TAG);
    let build = inputs.build_on(pinned);
    let mut contenders =
        vec![Contender::new(SKOPEO, skopeo(&format!("docker://{base}"), &to_archive)).removing([archive.clone()])];
    if let Some(crane) = &rivals.crane {
        let pull = words(&[crane, "pull", "--insecure", "--format", "oci", base, &text(&layout)]);
        contenders.push(Contender::new(CRANE_LAYOUT, pull).removing([layout.clone()]));
    }
    if let Some(oras) = &rivals.oras {
        let to = format!("{}:{}", text(&layout), inputs::TAG);
        let pull = words(&[oras, "cp", "--no-tty", "--from-plain-http", base, "--to-oci-layout", &to]);
        contenders.push(Contender::new(ORAS_LAYOUT, pull).removing([layout]));
    }
    contenders.extend([
        Contender::new(PULL, inputs.bootsmith(&["pull", base, &text(&archive)])).removing([archive, cache.clone()]),
        Contender::new(COLD, build.clone()).removing([output.clone(), cache]),
        Contender::new(WARM, build.clone()).removing([output.clone()]).after(inputs::removing(&build, &output)),
    ]);
    let target = |what, over| Target { what, ours: PULL, over, at_most: 1.0 };
    let targets =
        vec![target("pull over crane", CRANE), target("pull over oras", ORAS), target("pull over skopeo", SKOPEO)];
    Table { title: "a base from a registry".to_owned(), contenders, targets, memory_limit: MEMORY_LIMIT }
}

/// The registry forgets all before each.
fn pushes(inputs: &Inputs, rivals: &Rivals, registry: &Registry) -> Table {
    let reference = pushed(registry);
    let archive = inputs.base();
    let mut commands = vec![(SKOPEO, skopeo(&format!("oci-archive:{archive}"), &format!("docker://{reference}")))];
    if let Some(crane) = &rivals.crane {
        commands.push((CRANE, words(&[crane, "push", "--insecure", &archive, &reference])));
    }
    if let Some(oras) = &rivals.oras {
        let from = format!("{archive}:{}", inputs::TAG);
        let push = [oras, "cp", "--no-tty", "--to-plain-http", "--from-oci-layout", &from, &reference];
        commands.push((ORAS, words(&push)));
    }
    commands.push((PUSH, inputs.bootsmith(&["push", &archive, &reference])));
    let of = |(name, command)| Contender::new(name, command).removing([registry.storage()]);
    let target = |what, over| Target { what, ours: PUSH, over, at_most: 1.0 };
    let targets =
        vec![target("push over crane", CRANE), target("push over oras", ORAS), target("push over skopeo", SKOPEO)];
    let (title, contenders) = ("push to a registry".to_owned(), commands.into_iter().map(of).collect());
    Table { title, contenders, targets, memory_limit: MEMORY_LIMIT }
}

fn bundles(inputs: &Inputs, large: &str, image: &str) -> Table {
    let archive = inputs.path("bundle.tar");
    let copy = skopeo(&format!("docker://{large}"), &format!("oci-archive:{}:1", text(&archive)));
    let durable = inputs::shell(&format!("{} && sync {}", copy.join(" "), text(&archive)));
    let bundle = inputs.bootsmith(&["bundle", image, &text(&archive)]);
    let contenders = [(SKOPEO, copy), (SKOPEO_DURABLE, durable), (BUNDLE, bundle)];
    let cold = |(name, command)| Contender::new(name, command).removing([archive.clone(), inputs.path("cache")]);
    let target = |what, over| Target { what, ours: BUNDLE, over, at_most: 1.0 };
    Table {
        title: "a gigabyte from a registry into a file".to_owned(),
        contenders: contenders.into_iter().map(cold).collect(),
        targets: vec![target("bundle over skopeo", SKOPEO), target("bundle over skopeo and sync", SKOPEO_DURABLE)],
        memory_limit: MEMORY_LIMIT,
    }
}
