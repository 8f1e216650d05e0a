//! `build`, `check` and `render`.

use annotate_snippets::Renderer;

use crate::host::{self, BuildSettings};
use crate::pipeline::{Built, Prepared};
use crate::plan::Selection;
use crate::source::Sources;

use super::arguments::{Build, Check, Render};
use super::failure::CommandFailure;
use super::picture::{Texts, draw};
use super::progress::Bar;
use super::table::{Table, human_size};

/// Builds the tarballs and prints what was built.
pub(super) fn build(arguments: &Build) -> Result<(), CommandFailure> {
    let settings = BuildSettings {
        file: arguments.release.file.clone(),
        selection: arguments.selection(&host::working_folder()),
        output: arguments.output.clone(),
        previous: arguments.previous.clone(),
        registry: super::registry::settings(&arguments.registry)?,
    };
    let bar = Bar::start();
    let outcome = host::build_and_tell(&settings, &|bytes| bar.advance(bytes), &|event| bar.tell(&event));
    bar.finish();
    let outcome = outcome?;
    warn(&outcome.sources, &outcome.prepared);
    if arguments.json {
        anstream::println!("{}", json(&outcome.built));
    } else {
        anstream::print!("{}", table(&outcome.built));
    }
    Ok(())
}

/// Reports what is wrong; nothing is written.
pub(super) fn check(arguments: &Check) -> Result<(), CommandFailure> {
    let previous = arguments.previous.as_deref().map(host::read_previous).transpose()?;
    let selection = Selection { previous, ..arguments.release.selection() };
    let (sources, prepared) = host::prepare(&arguments.release.file, &selection)?;
    warn(&sources, &prepared);
    let plan = &prepared.plan;
    let services: usize = plan.environments.iter().map(|environment| environment.services.len()).sum();
    let environments = plan.environments.len();
    let found = match prepared.warnings.sorted().len() {
        0 => "nothing wrong".to_owned(),
        warnings => format!("{warnings} warnings"),
    };
    anstream::println!("{} {}: {environments} environments, {services} services, {found}", plan.project, plan.version);
    Ok(())
}

/// Writes the payload of each platform into a folder.
pub(super) fn render(arguments: &Render) -> Result<(), CommandFailure> {
    let (sources, prepared) = host::prepare(&arguments.release.file, &arguments.release.selection())?;
    warn(&sources, &prepared);
    for (platform, payload) in &prepared.payloads {
        // With one platform the folder holds what `/` of the image would; with several each has a folder.
        let folder = match prepared.payloads.len() {
            1 => arguments.output.clone(),
            _ => arguments.output.join(platform.name()),
        };
        for tree in [&payload.entrypoint, &payload.scripts, &payload.environments] {
            host::write_tree(tree, &folder)?;
        }
        anstream::println!("{}", folder.join(crate::render::ROOT).display());
    }
    Ok(())
}

fn warn(sources: &Sources, prepared: &Prepared) {
    anstream::eprint!("{}", draw(&prepared.warnings, &Texts::of(sources), &Renderer::styled()));
}

fn json(built: &[Built]) -> String {
    let entry = |built: &Built| serde_json::json!({ "path": built.path, "receipt": built.receipt });
    let list: Vec<_> = built.iter().map(entry).collect();
    serde_json::to_string_pretty(&list).expect("a receipt has string keys")
}

fn table(built: &[Built]) -> String {
    let mut table = Table::new(&["IMAGE", "PLATFORM", "SIZE", "LAYERS", "DIGEST"]);
    for one in built {
        let layers = one.receipt.images.first().map_or(0, |image| image.layers.len());
        table.row([
            one.receipt.reference.clone(),
            one.platform.name().to_owned(),
            human_size(one.receipt.size_bytes),
            layers.to_string(),
            one.receipt.digest.to_string(),
        ]);
    }
    let paths: String = built.iter().map(|one| format!("{}\n", one.path.display())).collect();
    format!("{table}{paths}")
}
