//! The same values through Compose and through `docker stack` themselves.

use std::process::Command;

use super::*;
use crate::compose_cli::{Compose, FILLED_IN, compose_or_skip, succeeds, with_input};
use crate::skip;

fn manifest(values: &[String]) -> String {
    text(&prepared(&spec(values)), "environments/production/compose.yaml")
}

#[test]
fn values_survive_compose() {
    let Some(compose) = compose_or_skip() else { return };
    let values = sample(1200);
    let resolved = compose.resolve(&manifest(&values));
    let resolved: Manifest = serde_json::from_str(&resolved).expect("JSON");
    resolved.assert_holds(&values, "Compose", str::to_owned);
}

/// Prints YAML as JSON. `PyYAML` breaks long texts where a reader of YAML 1.2 may refuse them.
const TO_JSON: &str = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin.buffer), sys.stdout)";

/// The Python with the old Compose's own reader of YAML: the one that its program starts with.
fn python_of_old_compose() -> Result<String, &'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("docker-compose")).find(|file| file.is_file());
    let program = found.and_then(|file| std::fs::read(file).ok()).ok_or("there is no `docker-compose`")?;
    let first = String::from_utf8_lossy(program.split(|byte| *byte == b'\n').next().unwrap_or_default()).into_owned();
    let python = first.strip_prefix("#!").filter(|python| python.contains("python"));
    python.map(|python| python.trim().to_owned()).ok_or("`docker-compose` is not the old one")
}

#[test]
fn values_survive_the_old_compose() {
    let python = match python_of_old_compose() {
        Ok(python) => python,
        Err(reason) => return skip::not_asked_for(reason),
    };
    let values = sample(1200);
    let resolved = Compose::Old.resolve(&manifest(&values));
    let mut to_json = Command::new(python);
    to_json.args(["-c", TO_JSON]).env("PYTHONIOENCODING", "utf-8");
    let json = with_input(to_json, &resolved);
    assert!(json.status.success(), "{}", String::from_utf8_lossy(&json.stderr));
    let resolved: Manifest = serde_json::from_slice(&json.stdout).expect("JSON");
    resolved.assert_holds(&values, "docker-compose", str::to_owned);
}

/// What a swarm makes of a value of the environment: a template of Go, in which nothing but this stands for braces.
fn as_template(value: &str) -> String {
    value.replace("{{", "{{\"{{\"}}")
}

/// A service of a swarm, with what the manifest said of it.
fn deployed(manifest: &str) -> ManifestService {
    const STACK: &str = "bootsmith-hostile";
    let mut deploy = Command::new("docker");
    deploy.args(["stack", "deploy", "--detach=true", "--resolve-image", "never", "--compose-file", "-", STACK]);
    deploy.envs(FILLED_IN).env("BOOTSMITH_REPLICAS_WEB", "0").env("BOOTSMITH_IMAGE_WEB", "sha256:0");
    let output = with_input(deploy, manifest);
    let mut inspect = Command::new("docker");
    inspect.args(["service", "inspect", "--format", "{{json .Spec.TaskTemplate.ContainerSpec}}"]);
    let service = with_input(
        {
            inspect.arg(format!("{STACK}_web"));
            inspect
        },
        "",
    );
    succeeds("docker", &["stack", "rm", STACK]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let service: serde_json::Value = serde_json::from_slice(&service.stdout).expect("JSON");
    let texts = |key: &str| serde_json::from_value(service[key].clone()).expect("texts");
    let pairs: Vec<String> = serde_json::from_value(service["Env"].clone()).expect("pairs");
    let pair = |pair: &String| pair.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    ManifestService {
        command: texts("Args"),
        entrypoint: texts("Command"),
        environment: pairs.iter().filter_map(pair).collect(),
        labels: serde_json::from_value(service["Labels"].clone()).expect("labels"),
    }
}

/// What `docker stack config` prints is no witness: it does not come out as it went in. The swarm itself is asked.
#[test]
fn values_survive_a_swarm() {
    if crate::e2e::surroundings_on(Platform::Swarm).is_none() {
        return;
    }
    let values = sample(1200);
    let manifest = text(&prepared_for(&spec(&values), Platform::Swarm), "environments/production/stack.yaml");
    let service = Manifest { services: BTreeMap::from([("web".to_owned(), deployed(&manifest))]) };
    service.assert_holds_with(&values, "a swarm", str::to_owned, as_template);
}
