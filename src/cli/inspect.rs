//! `inspect` and `verify`: what is in an image, and whether it is whole.

use std::fmt::Write as _;

use crate::host::registry::{ImageName, Needed};
use crate::inspect::{self, BaseBrought, BootstrapArchive, Frame, ImageSummary, LayerSummary, Summary, Verification};
use crate::registry::Referrer;
use crate::render::{EnvironmentOverview, OVERVIEW_PATH, Overview};
use crate::store::StoreError;

use super::arguments::Examine;
use super::branch::Branch;
use super::failure::CommandFailure;
use super::table::human_size;

/// Shows what is inside: a tree for people, or JSON.
pub(super) fn inspect(arguments: &Examine) -> Result<(), CommandFailure> {
    let opened = super::image::open(&[&arguments.image], Needed::PayloadAndReferrers, &arguments.registry)?;
    let archive = opened[0].archive();
    let summary = archive.summary()?;
    let overview = overview(archive)?;
    if arguments.json {
        let mut document = serde_json::json!({ "image": summary, "release": overview });
        // Nobody knows what refers to a tarball.
        if let Some(referrers) = opened[0].referrers() {
            document["referrers"] = serde_json::json!(referrers);
        }
        anstream::println!("{}", serde_json::to_string_pretty(&document).expect("a summary has string keys"));
    } else {
        anstream::print!("{}", tree(&summary, opened[0].referrers(), overview.as_ref()));
    }
    Ok(())
}

/// Hashes everything again.
pub(super) fn verify(arguments: &Examine) -> Result<(), CommandFailure> {
    let result = match ImageName::of(&arguments.image) {
        ImageName::Registry(_) => {
            match super::image::open(&[&arguments.image], Needed::Everything, &arguments.registry) {
                Ok(opened) => inspect::verify_archive(opened[0].archive())?,
                Err(CommandFailure::Store(StoreError::Content { fault, .. })) => inspect::unreadable(&fault),
                Err(failure) => return Err(failure),
            }
        }
        ImageName::Tarball(path) | ImageName::Unclear(path) => inspect::verify(&path).map_err(super::image::missing)?,
    };
    if arguments.json {
        anstream::println!("{}", serde_json::to_string_pretty(&result).expect("a verification has string keys"));
    }
    if !result.faults.is_empty() {
        return Err(CommandFailure::Damaged(arguments.image.clone(), result.faults));
    }
    if !arguments.json {
        anstream::print!("{}", verified(&arguments.image.display().to_string(), &result));
    }
    Ok(())
}

/// What was checked, and what cannot be: the base is known to be as it was when the image was built, and no more.
fn verified(image: &str, result: &Verification) -> String {
    let checked = format!(
        "{} blobs ({}) and {} payload files are valid",
        result.blobs,
        human_size(result.blob_bytes),
        result.payload_files
    );
    let mut text = match result.frame {
        Frame::Bootsmith => format!("{image}: {checked}\n"),
        Frame::Other => format!(
            "{image}: the content is unchanged since the build; another tool rewrote the manifests or the archive\n  {checked}\n"
        ),
    };
    for BaseBrought { architecture, layers, settings } in &result.base {
        let plural = if *layers == 1 { "" } else { "s" };
        let settings: String = settings.iter().map(|setting| format!("; {setting}")).collect();
        let _ = writeln!(text, "  base for {architecture}: {layers} layer{plural}{settings}");
    }
    text
}

/// What the image says of itself; an image of another program says nothing.
fn overview(archive: &BootstrapArchive) -> Result<Option<Overview>, CommandFailure> {
    let bytes = archive.payload_file(OVERVIEW_PATH)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn tree(summary: &Summary, referrers: Option<&[Referrer]>, overview: Option<&Overview>) -> Branch {
    let name = summary.reference.as_deref().unwrap_or("an image without a name");
    let mut root = Branch::new(format!("{name}  {}", human_size(summary.size_bytes)));
    root.push(Branch::new(format!("digest  {}", summary.digest)));
    if let Some(referrers) = referrers {
        root.push(referrers_branch(referrers));
    }
    for image in &summary.images {
        root.push(image_branch(image));
    }
    for environment in overview.into_iter().flat_map(|overview| &overview.environments) {
        root.push(environment_branch(environment));
    }
    root
}

fn referrers_branch(referrers: &[Referrer]) -> Branch {
    let row = |referrer: &Referrer| vec![referrer.artifact_type.clone(), referrer.digest.to_string()];
    Branch::table("referrers", referrers.iter().map(row))
}

fn image_branch(image: &ImageSummary) -> Branch {
    let created = image.created.as_deref().unwrap_or("at no known time");
    let mut branch = Branch::new(format!("image {}, created {created}", image.architecture));
    if let Some(manifest) = image.manifest {
        branch.push(Branch::new(format!("manifest  {manifest}")));
    }
    branch.push(Branch::new(format!("config    {}", image.config)));
    branch.push(Branch::new(format!("starts    {}", [&image.entrypoint[..], &image.command[..]].concat().join(" "))));
    branch.push(Branch::table("layers", image.layers.iter().map(layer_row)));
    branch
}

fn layer_row(layer: &LayerSummary) -> Vec<String> {
    let files = if layer.files.is_empty() { String::new() } else { format!("{} files", layer.files.len()) };
    vec![layer.role.clone(), human_size(layer.size_bytes), layer.digest.to_string(), files]
}

fn environment_branch(environment: &EnvironmentOverview) -> Branch {
    let mut branch = Branch::new(format!("environment {}, on the target {}", environment.name, environment.target));
    let services = environment.services.iter().map(|service| {
        let number = if service.kind == "job" { "job".to_owned() } else { format!("×{}", service.replicas) };
        vec![service.name.clone(), number, service.image.clone()]
    });
    branch.push(Branch::table("services", services));
    let parameters = environment.parameters.iter().map(|parameter| {
        let need = match (&parameter.default, parameter.required) {
            (_, true) => "required".to_owned(),
            (Some(default), _) => format!("default {default:?}"),
            (None, _) => "optional".to_owned(),
        };
        let secret = if parameter.secret { ", secret" } else { "" };
        vec![parameter.name.clone(), format!("{need}{secret}"), parameter.description.clone()]
    });
    branch.push(Branch::table("parameters", parameters));
    let scripts = environment.scripts.iter().map(|script| {
        let place = script.service.as_ref().map_or_else(String::new, |service| format!(" {service}"));
        vec![script.name.clone(), format!("{}{place}", script.mode), script.description.clone()]
    });
    branch.push(Branch::table("scripts", scripts));
    let migrations = environment.migrations.iter().map(|migration| {
        let way_back = if migration.reversible { "" } else { "irreversible" };
        let place = format!("{} {}", migration.mode, migration.service);
        vec![migration.name.clone(), migration.release.clone(), place, way_back.to_owned()]
    });
    branch.push(Branch::table("migrations", migrations));
    branch
}
