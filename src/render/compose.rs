//! One environment for Docker Compose: the manifest, its configs and its release data.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use tera::{Context as TeraContext, Tera};

use crate::diagnostic::Code;
use crate::digest::Digest;
use crate::document::Context;
use crate::document::node::{Node, Table, Value};
use crate::name::Label;
use crate::path::RelativePath;
use crate::plan::{Environment, Gate, Object, Plan, Platform, Service, ServiceKind};
use crate::tree::{FileTree, Mode};

use super::mounts::{self, Key, Mount};
use super::{RenderBug, config, file, path, release_data, schema, yaml};

const TEMPLATE: &str = "compose.yaml";

static TERA: LazyLock<Tera> = LazyLock::new(|| {
    let mut tera = Tera::new();
    tera.autoescape_on(Vec::<&'static str>::new());
    yaml::register(&mut tera);
    tera.add_raw_template(TEMPLATE, include_str!("../../templates/compose/compose.yaml.tera"))
        .expect("the template is sound");
    tera
});

/// What the template sees.
#[derive(Serialize)]
struct Manifest<'a> {
    project: &'a str,
    version: String,
    environment: &'a str,
    services: Vec<ServiceView<'a>>,
    networks: Map<String, Json>,
    volumes: Map<String, Json>,
}

/// A service as the template sees it.
#[derive(Serialize)]
struct ServiceView<'a> {
    name: &'a str,
    image: String,
    body: Map<String, Json>,
}

/// Renders an environment into the tree.
pub(super) fn render(
    plan: &Plan,
    environment: &Environment,
    tree: &mut FileTree,
    context: &mut Context,
) -> Result<(), RenderBug> {
    let folder = path(&format!("bootstrap/environments/{}", environment.name));
    let mounts = mounts::of(environment);
    let rendered = config::render(environment, context);
    config::insert(&rendered, &folder, tree)?;
    let manifest = Manifest {
        project: plan.project.as_str(),
        version: plan.version.to_string(),
        environment: environment.name.as_str(),
        services: environment.services.iter().map(|service| view(plan, environment, service, &mounts)).collect(),
        networks: networks(plan, environment),
        volumes: volumes(plan, environment, &mounts),
    };
    let place = folder.join(&path("compose.yaml"));
    let text = render_manifest(&manifest, &place)?;
    check(&text, &manifest, environment, &place, context)?;
    let definitions = manifest.services.iter().map(|view| (view.name, definition_digest(view))).collect();
    let data = release_data::environment(environment, &mounts, &rendered, &definitions);
    tree.insert(place, file(Mode::Plain, text.as_bytes()))?;
    tree.insert(folder.join(&path("release")), file(Mode::Plain, data.as_bytes()))?;
    Ok(())
}

fn render_manifest(manifest: &Manifest<'_>, place: &RelativePath) -> Result<String, RenderBug> {
    let bug = |source| RenderBug::Template { path: place.to_string(), source };
    let context = TeraContext::from_serialize(manifest).map_err(bug)?;
    TERA.render(TEMPLATE, &context).map_err(bug)
}

/// Reads the manifest back: it must say what was planned, and be what the Compose Specification takes.
fn check(
    text: &str,
    manifest: &Manifest<'_>,
    environment: &Environment,
    place: &RelativePath,
    context: &mut Context,
) -> Result<(), RenderBug> {
    let bug = |reason: String| RenderBug::ReadBack { path: place.to_string(), reason };
    let read: Json = serde_saphyr::from_str(text).map_err(|error| bug(error.to_string()))?;
    let planned = document(manifest);
    if read != planned {
        return Err(bug(first_difference(&planned, &read)));
    }
    for violation in schema::violations(&read) {
        let span = environment.written.deepest(violation.path.iter().map(String::as_str)).span;
        let message = format!("`{}`: {}", violation.path.join("."), violation.message);
        context.error(Code::SCHEMA, span, message, None);
    }
    Ok(())
}

/// The manifest as data.
fn document(manifest: &Manifest<'_>) -> Json {
    let service = |view: &ServiceView<'_>| {
        let mut body = view.body.clone();
        body.insert("image".to_owned(), Json::from(view.image.clone()));
        (view.name.to_owned(), Json::from(body))
    };
    let mut document = Map::from_iter([("services".to_owned(), manifest.services.iter().map(service).collect())]);
    for (key, objects) in [("networks", &manifest.networks), ("volumes", &manifest.volumes)] {
        if !objects.is_empty() {
            document.insert(key.to_owned(), Json::from(objects.clone()));
        }
    }
    Json::from(document)
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

/// What the service is, apart from when it starts: the entrypoint adds parameters, files and the image on the target.
fn definition_digest(view: &ServiceView<'_>) -> Digest {
    let mut body = view.body.clone();
    body.remove("depends_on");
    let text = json!({ "image": view.image, "service": body }).to_string();
    Digest::of(text.as_bytes())
}

fn view<'a>(
    plan: &Plan,
    environment: &Environment,
    service: &'a Service,
    mounts: &BTreeMap<Key, Mount>,
) -> ServiceView<'a> {
    let mut body = to_json_map(&service.definition);
    trim_deploy(&mut body);
    if service.kind == ServiceKind::Job {
        body.insert("restart".to_owned(), json!("no"));
    }
    if !service.environment.is_empty() {
        body.insert("environment".to_owned(), json!(service.environment));
    }
    if !service.depends_on.is_empty() {
        body.insert("depends_on".to_owned(), depends_on(service));
    }
    add_volumes(&mut body, environment, service, mounts);
    add_labels(&mut body, plan, environment, service);
    if let Some(patch) = service.patches.get(&Platform::Compose) {
        merge_patch(&mut body, &to_json_map(patch));
    }
    body.insert("scale".to_owned(), json!(format!("${{BOOTSMITH_REPLICAS_{}}}", service.name.to_environment_key())));
    ServiceView { name: service.name.as_str(), image: service.image.replace('$', "$$"), body }
}

/// RFC 7396, without its `null`, which TOML does not have: tables merge, everything else replaces.
fn merge_patch(target: &mut Map<String, Json>, patch: &Map<String, Json>) {
    for (key, value) in patch {
        match (target.get_mut(key), value) {
            (Some(Json::Object(below)), Json::Object(above)) => merge_patch(below, above),
            _ => {
                target.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Mode and number are the entrypoint's: a job is not restarted, and a scale is recorded on the target.
fn trim_deploy(body: &mut Map<String, Json>) {
    if let Some(Json::Object(deploy)) = body.get_mut("deploy") {
        deploy.remove("mode");
        deploy.remove("replicas");
        if deploy.is_empty() {
            body.remove("deploy");
        }
    }
}

fn depends_on(service: &Service) -> Json {
    let condition = |gate| match gate {
        Gate::None | Gate::Started => "service_started",
        Gate::Healthy => "service_healthy",
        Gate::Completed => "service_completed_successfully",
    };
    let entry = |(name, dependency): (&Label, &crate::plan::Dependency)| {
        let mut entry = json!({ "condition": condition(dependency.condition) });
        if dependency.restart {
            entry["restart"] = json!(true);
        }
        (name.to_string(), entry)
    };
    Json::from(service.depends_on.iter().map(entry).collect::<Map<_, _>>())
}

/// Configs and secrets are bound from volumes that the entrypoint fills: inline configs are refused on `read_only` services, and a volume
/// at an unchanged target stays the old one when docker-compose 1 makes a container anew. The volume itself is mounted too, as a guard.
fn add_volumes(
    body: &mut Map<String, Json>,
    environment: &Environment,
    service: &Service,
    mounts: &BTreeMap<Key, Mount>,
) {
    let mut volumes = match body.remove("volumes") {
        Some(Json::Array(volumes)) => volumes,
        _ => Vec::new(),
    };
    for file in &service.files {
        if let Some(host_path) = mounts::host_file(environment, file) {
            let source = host_path.replace('$', "$$");
            volumes.push(json!({
                "type": "bind", "source": source, "target": escaped(&file.target), "read_only": true, "bind": { "create_host_path": false },
            }));
            continue;
        }
        let mount = &mounts[&mounts::key(file)];
        volumes.push(json!({
            "type": "bind", "source": mount.path_variable(), "target": escaped(&file.target), "read_only": true,
        }));
        let guard = json!({
            "type": "volume", "source": mount.volume_key(), "target": mount.guard_path(), "read_only": true,
            "volume": { "nocopy": true },
        });
        if !volumes.contains(&guard) {
            volumes.push(guard);
        }
    }
    if !volumes.is_empty() {
        body.insert("volumes".to_owned(), Json::from(volumes));
    }
}

fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}

fn add_labels(body: &mut Map<String, Json>, plan: &Plan, environment: &Environment, service: &Service) {
    let mut labels = constant_labels(body.remove("labels"), plan, environment);
    labels.insert("io.bootsmith.service".to_owned(), json!(service.name));
    let digest = format!("${{BOOTSMITH_DIGEST_{}}}", service.name.to_environment_key());
    labels.insert("io.bootsmith.config-digest".to_owned(), json!(digest));
    body.insert("labels".to_owned(), Json::from(labels));
}

/// The user's labels, and those by which everything of an environment is found. They never change: a changed label on a volume would
/// make Compose delete the data.
fn constant_labels(written: Option<Json>, plan: &Plan, environment: &Environment) -> Map<String, Json> {
    let mut labels = match written {
        Some(Json::Object(labels)) => labels,
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).map(label_item).collect(),
        _ => Map::new(),
    };
    labels.insert("io.bootsmith.project".to_owned(), json!(plan.project));
    labels.insert("io.bootsmith.environment".to_owned(), json!(environment.name));
    labels
}

/// `key=value`, as labels may be listed.
fn label_item(item: &str) -> (String, Json) {
    let (key, value) = item.split_once('=').unwrap_or((item, ""));
    (key.to_owned(), json!(value))
}

fn networks(plan: &Plan, environment: &Environment) -> Map<String, Json> {
    let mut networks = objects(&environment.networks, plan, environment);
    let uses_default = |service: &Service| {
        service.definition.get("networks").is_none() && service.definition.get("network_mode").is_none()
    };
    if environment.services.iter().any(uses_default) && !networks.contains_key("default") {
        networks.insert("default".to_owned(), json!({ "labels": constant_labels(None, plan, environment) }));
    }
    networks
}

fn volumes(plan: &Plan, environment: &Environment, mounts: &BTreeMap<Key, Mount>) -> Map<String, Json> {
    let mut volumes = objects(&environment.volumes, plan, environment);
    for mount in mounts.values() {
        volumes.insert(mount.volume_key(), json!({ "external": true, "name": mount.volume_variable() }));
    }
    volumes
}

fn objects(objects: &BTreeMap<Label, Object>, plan: &Plan, environment: &Environment) -> Map<String, Json> {
    let definition = |object: &Object| {
        if object.external {
            return json!({ "external": true, "name": escaped(&object.name) });
        }
        let mut definition = to_json_map(&object.definition);
        let labels = constant_labels(definition.remove("labels"), plan, environment);
        definition.insert("labels".to_owned(), Json::from(labels));
        Json::from(definition)
    };
    objects.iter().map(|(name, object)| (name.to_string(), definition(object))).collect()
}

fn to_json_map(table: &Table) -> Map<String, Json> {
    table.iter().map(|(key, entry)| (key.to_owned(), to_json(&entry.node))).collect()
}

fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::Boolean(boolean) => Json::from(*boolean),
        Value::List(list) => list.iter().map(to_json).collect(),
        Value::Table(table) => Json::from(to_json_map(table)),
    }
}
