//! What the manifests of Compose and Swarm share: the plan's tables as JSON, labels, patches, and reading back.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use tera::{Context as TeraContext, Tera};

use crate::path::RelativePath;
use crate::plan::{Environment, Object, Plan, Platform, Service};

use super::{RenderBug, yaml};

/// A service as the templates see it.
#[derive(Serialize)]
pub(super) struct ServiceView<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// What it is called in the manifest.
    pub(super) key: String,
    /// Its image, in which every dollar stands for itself.
    pub(super) image: String,
    /// Everything else.
    pub(super) body: Map<String, Json>,
}

/// Services and further sections as one document; a section without entries is left out, as the templates do.
pub(super) fn document(services: &[ServiceView<'_>], sections: &[(&str, &Map<String, Json>)]) -> Map<String, Json> {
    let service = |view: &ServiceView<'_>| {
        let mut body = view.body.clone();
        body.insert("image".to_owned(), Json::from(view.image.clone()));
        (view.key.clone(), Json::from(body))
    };
    let mut document = Map::from_iter([("services".to_owned(), services.iter().map(service).collect())]);
    for (key, entries) in sections.iter().filter(|(_, entries)| !entries.is_empty()) {
        document.insert((*key).to_owned(), Json::from((*entries).clone()));
    }
    document
}

/// The engine for templates, given by name and text, and for how they write values.
pub(super) fn engine(templates: &[(&'static str, &'static str)], style: yaml::Style) -> Tera {
    let mut tera = Tera::new();
    tera.autoescape_on(Vec::<&'static str>::new());
    yaml::register(&mut tera, style);
    yaml::register_others(&mut tera, style, templates);
    tera.add_raw_templates(templates.iter().copied()).expect("the templates are sound");
    tera
}

/// Renders what a template shows.
pub(super) fn render(
    tera: &Tera,
    template: &str,
    manifest: &impl Serialize,
    place: &RelativePath,
) -> Result<String, RenderBug> {
    let bug = |source| RenderBug::Template { path: place.to_string(), source };
    let context = TeraContext::from_serialize(manifest).map_err(bug)?;
    tera.render(template, &context).map_err(bug)
}

/// Reads the manifest back: it must say what was planned.
pub(super) fn read_back(text: &str, planned: &Json, place: &RelativePath) -> Result<(), RenderBug> {
    let bug = |reason: String| RenderBug::ReadBack { path: place.to_string(), reason };
    let read: Json = serde_saphyr::from_str(text).map_err(|error| bug(error.to_string()))?;
    if read == *planned { Ok(()) } else { Err(bug(first_difference(planned, &read))) }
}

/// Reads a file of several documents back.
pub(super) fn read_back_all(text: &str, planned: &Json, place: &RelativePath) -> Result<(), RenderBug> {
    let bug = |reason: String| RenderBug::ReadBack { path: place.to_string(), reason };
    let read: Vec<Json> = serde_saphyr::from_multiple(text).map_err(|error| bug(error.to_string()))?;
    let read = Json::from(read);
    if read == *planned { Ok(()) } else { Err(bug(first_difference(planned, &read))) }
}

/// Where two documents part, for the report of a bug.
fn first_difference(planned: &Json, read: &Json) -> String {
    match (planned, read) {
        (Json::Object(planned), Json::Object(read)) => {
            let keys = planned.keys().chain(read.keys());
            let differs = keys.into_iter().find(|key| planned.get(*key) != read.get(*key));
            let key = differs.map_or("", String::as_str);
            let null = Json::Null;
            format!("{key}.{}", first_difference(planned.get(key).unwrap_or(&null), read.get(key).unwrap_or(&null)))
        }
        _ => format!(" {planned} became {read}"),
    }
}

/// RFC 7396, without its `null`, which TOML does not have: tables merge, everything else replaces.
pub(super) fn merge_patch(target: &mut Map<String, Json>, patch: &Map<String, Json>) {
    for (key, value) in patch {
        match (target.get_mut(key), value) {
            (Some(Json::Object(below)), Json::Object(above)) => merge_patch(below, above),
            _ => {
                target.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The user's labels, and those by which everything of an environment is found. They never change: a changed label on a volume would
/// make Compose delete the data.
pub(super) fn constant_labels(written: Option<Json>, plan: &Plan, environment: &Environment) -> Map<String, Json> {
    let mut labels = texts_by_key(written);
    labels.insert("io.bootsmith.project".to_owned(), json!(plan.project));
    labels.insert("io.bootsmith.environment".to_owned(), json!(environment.name));
    labels
}

/// A table, or a list of `key=value`, as a table.
pub(super) fn texts_by_key(written: Option<Json>) -> Map<String, Json> {
    match written {
        Some(Json::Object(texts)) => texts,
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).map(item).collect(),
        _ => Map::new(),
    }
}

fn item(item: &str) -> (String, Json) {
    let (key, value) = item.split_once('=').unwrap_or((item, ""));
    (key.to_owned(), json!(value))
}

/// Adds the network of every service that names no other.
pub(super) fn add_default_network(networks: &mut Map<String, Json>, plan: &Plan, environment: &Environment) {
    let names_none = |service: &Service| {
        service.definition.get("networks").is_none() && service.definition.get("network_mode").is_none()
    };
    if environment.services.iter().any(names_none) && !networks.contains_key("default") {
        networks.insert("default".to_owned(), json!({ "labels": constant_labels(None, plan, environment) }));
    }
}

/// The definition of a volume or network with what its platform alone gets.
pub(super) fn patched(mut definition: Map<String, Json>, object: &Object, platform: Platform) -> Map<String, Json> {
    if let Some(patch) = object.patches.get(&platform) {
        merge_patch(&mut definition, &patch.to_json());
    }
    definition
}

/// A volume or network that the target has already.
pub(super) fn external_object(object: &Object) -> Json {
    json!({ "external": true, "name": escaped(&object.name) })
}

/// A text that stands for itself where `$` has a meaning.
pub(super) fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}
