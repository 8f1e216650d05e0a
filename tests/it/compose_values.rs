//! `tests/spec/values.txt`: right and wrong values of every key with a grammar. Wrong ones are errors with a caret at the value; right ones pass,
//! and Compose takes them too.

use std::collections::BTreeMap;
use std::ops::Range;

use bootsmith::diagnostic::Diagnostic;
use bootsmith::pipeline::{PrepareError, prepare};
use bootsmith::plan::Selection;
use serde_json::{Map, Value as Json, json};

use bootsmith::path::RelativePath;

use crate::{fixture, schemas};

/// A row of the table.
struct Row {
    line: usize,
    key: &'static str,
    value: &'static str,
    /// A part of the message; none when the value is right.
    message: Option<&'static str>,
    /// Whether Docker Compose 2.26, the oldest that is supported, refuses the right value.
    is_newer: bool,
}

fn rows() -> Vec<Row> {
    let lines = include_str!("../spec/values.txt").lines().enumerate();
    let rows = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(index, line)| {
        let cells: Vec<_> = line.splitn(3, " | ").collect();
        let [key, value, verdict] = cells[..] else { panic!("line {} has no three cells", index + 1) };
        let message = (!["right", "newer"].contains(&verdict)).then_some(verdict);
        Row { line: index + 1, key, value, message, is_newer: verdict == "newer" }
    });
    rows.collect()
}

/// A spec with the value, and where the value is in it.
fn spec(row: &Row) -> (String, Range<usize>) {
    let before = format!(
        "[project]\nname = \"shop\"\nversion = \"1.0.0\"\n[bootstrap]\nplatforms = [\"compose\"]\n[services.database]\n\
         image = \"docker.io/library/database:1.0\"\n[volumes.data]\n[networks.front]\n[services.web]\n\
         image = \"docker.io/library/web:1.0\"\n{} = ",
        row.key
    );
    (format!("{before}{}\n", row.value), before.len()..before.len() + row.value.len())
}

/// The errors of a spec but for what Compose has no room for, and what is on the host: a value can be right and not wanted.
fn errors(spec: &str) -> Vec<Diagnostic> {
    const ABOUT_PLATFORMS: &[&str] = &["B031", "B037", "B038"];
    let errors = match prepare(&fixture::sources(spec, BTreeMap::new()), &Selection::default()) {
        Ok(_) => Vec::new(),
        Err(PrepareError::Input(diagnostics)) => diagnostics.errors().cloned().collect(),
        Err(error) => panic!("{error}\n{spec}"),
    };
    errors.into_iter().filter(|error| !ABOUT_PLATFORMS.contains(&error.code.to_string().as_str())).collect()
}

/// Why a row does not hold.
fn objection(row: &Row) -> Option<String> {
    let (spec, range) = spec(row);
    let errors = errors(&spec);
    let seen: Vec<_> = errors.iter().map(ToString::to_string).collect();
    let is_at_value = |error: &Diagnostic| {
        error.place.as_ref().is_some_and(|place| range.start <= place.start && place.end <= range.end)
    };
    let holds = match row.message {
        None => errors.is_empty(),
        Some(message) => errors.iter().any(|error| error.message.contains(message) && is_at_value(error)),
    };
    (!holds).then(|| format!("line {}: {} = {}: {seen:?}", row.line, row.key, row.value))
}

#[test]
fn every_value_is_right_or_wrong_as_the_table_says() {
    let rows = rows();
    assert!(rows.len() >= 400, "{}", rows.len());
    let objections: Vec<_> = rows.iter().filter_map(objection).collect();
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}

/// What the tables of the program let pass must be what the schemas of the platforms let pass.
#[test]
fn a_right_value_is_right_in_every_manifest() {
    let (mut validated, mut objections) = (0, Vec::new());
    for row in rows().iter().filter(|row| row.message.is_none()) {
        for platform in ["compose", "swarm"] {
            let spec = spec(row).0.replace("[\"compose\"]", &format!("[\"{platform}\"]\nallow = [{ACCEPTED}]"));
            let sources = fixture::sources(&spec, BTreeMap::new());
            // What a swarm cannot do at all is no value of it.
            let Ok(prepared) = prepare(&sources, &Selection::default()) else { continue };
            let found = schemas::violations(&prepared).into_iter();
            objections.extend(found.map(|found| format!("line {}: {} = {}: {found}", row.line, row.key, row.value)));
            validated += 1;
        }
    }
    assert!(objections.is_empty(), "{}", objections.join("\n"));
    assert!(validated > 500, "{validated}");
}

const ACCEPTED: &str = "{ code = \"B037\", reason = \"a test\" }, \"B031\"";

/// Short and long forms of one meaning.
const FORMS: &[(&str, &[&str])] = &[
    ("ports", &[r#"["8080:80"]"#, r#"[{ target = 80, published = "8080" }]"#, r#"["8080:80/TCP"]"#]),
    ("ports", &[r#"["53:53/udp"]"#, r#"[{ target = "53", published = 53, protocol = "UDP" }]"#]),
    ("ports", &["[80]", r#"["80"]"#, "[{ target = 80 }]"]),
    (
        "volumes",
        &[r#"["data:/data:ro"]"#, r#"[{ type = "volume", source = "data", target = "/data", read_only = "true" }]"#],
    ),
    ("volumes", &[r#"["/cache"]"#, r#"[{ type = "volume", target = "/cache" }]"#]),
    (
        "extra_hosts",
        &[r#"["a:10.0.0.1", "a:10.0.0.2"]"#, r#"["a=10.0.0.1,10.0.0.2"]"#, r#"{ a = ["10.0.0.1", "10.0.0.2"] }"#],
    ),
    ("extra_hosts", &[r#"["a:::1"]"#, r#"["a=[::1]"]"#, r#"{ a = "::1" }"#]),
    ("expose", &["[80]", r#"["80"]"#, r#"["80/tcp"]"#]),
    ("tmpfs", &[r#""/run""#, r#"["/run"]"#]),
    ("healthcheck.test", &[r#""probe""#, r#"["CMD-SHELL", "probe"]"#]),
    ("deploy.resources.limits.cpus", &[r#""0.5""#, "0.5", r#"".50""#]),
    ("mem_limit", &[r#""64m""#, "67108864", r#""64MiB""#, r#""65536k""#]),
    ("stop_grace_period", &[r#""90s""#, r#""1m30s""#, r#""1.5m""#]),
    ("cap_add", &[r#"["NET_ADMIN"]"#, r#"["CAP_NET_ADMIN"]"#, r#"["net_admin"]"#]),
];

#[test]
fn every_form_means_the_same_on_kubernetes() {
    for (key, forms) in FORMS {
        let first = manifest("kubernetes", "", key, forms[0]);
        for form in &forms[1..] {
            assert_eq!(manifest("kubernetes", "", key, form), first, "{key} = {form}");
        }
    }
}

/// Keys that want another type than a text, and a value of it.
const NOT_TEXTS: &[(&str, &str)] = &[
    ("deploy.replicas", "3"),
    ("deploy.resources.limits.pids", "100"),
    ("deploy.update_config.parallelism", "2"),
    ("healthcheck.retries", "5"),
    ("init", "true"),
    ("oom_score_adj", "500"),
    ("privileged", "false"),
    ("read_only", "true"),
    ("stdin_open", "true"),
    ("tty", "true"),
    ("ulimits.nofile", "1024"),
];

#[test]
fn a_variable_is_read_as_its_key_wants() {
    for (key, value) in NOT_TEXTS {
        for platform in ["compose", "swarm", "kubernetes"] {
            let variable = format!("[variables]\nVALUE = \"{value}\"\n");
            let given = manifest(platform, &variable, key, "\"${VALUE}\"");
            assert_eq!(given, manifest(platform, "", key, value), "{key} on {platform}");
        }
    }
}

/// The manifest of a service with one key, in which what changes its meaning is accepted.
fn manifest(platform: &str, head: &str, key: &str, value: &str) -> String {
    let spec = format!(
        "[project]\nname = \"shop\"\nversion = \"1.0.0\"\n[bootstrap]\nplatforms = [\"{platform}\"]\nallow = [{{ code = \"B037\", reason = \"a test\" }}]\n\
         {head}[volumes.data]\n[services.web]\nimage = \"docker.io/library/web:1.0\"\n{key} = {value}\n"
    );
    let prepared = prepare(&fixture::sources(&spec, BTreeMap::new()), &Selection::default());
    let prepared = prepared.unwrap_or_else(|error| panic!("{error:?}\n{spec}"));
    let name = match platform {
        "compose" => "compose.yaml",
        "swarm" => "stack.yaml",
        _ => "kubernetes/service-web.yaml",
    };
    let path = RelativePath::parse(&format!("bootstrap/environments/production/{name}")).expect("a path");
    let payload = prepared.payloads.values().next().expect("one platform");
    let file = payload.environments.get(&path).unwrap_or_else(|| panic!("no {name}"));
    String::from_utf8(file.bytes.to_vec()).expect("UTF-8")
}

/// A service as Compose has it, with the value of a row.
fn service(row: &Row) -> Json {
    let text = format!("image = \"web\"\n{} = {}", row.key, row.value);
    let table: toml::Table = toml::from_str(&text).expect("TOML");
    serde_json::to_value(table).expect("JSON")
}

mod e2e {
    use super::*;
    use crate::compose_cli;

    #[test]
    fn compose_takes_every_right_value() {
        let Some(compose) = compose_cli::compose_or_skip() else { return };
        let right = rows().into_iter().filter(|row| row.message.is_none() && !row.is_newer);
        let services: Map<_, _> = right.map(|row| (format!("line-{}", row.line), service(&row))).collect();
        let database = json!({ "image": "database" });
        let services = services.into_iter().chain([("database".to_owned(), database)]).collect::<Map<_, _>>();
        let file =
            json!({ "name": "values", "services": services, "networks": { "front": {} }, "volumes": { "data": {} } });
        compose.resolve(&file.to_string());
    }
}
