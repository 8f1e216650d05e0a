//! What is rendered is held against the rules of others: the API's schemas, and checks of what is safe.
//!
//! Takes in the gallery; gives it to programs of the Python index that `cargo xtask test` installs. Without them the tests say so and pass, but not
//! in a complete run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bootsmith::render::read_records;
use serde_json::Value as Json;

use crate::skip;

const GALLERY: &str = "tests/gallery";

/// The minor versions of Kubernetes that a release is for.
const VERSIONS: &[&str] = &["1.33", "1.34", "1.35", "1.36", "1.37"];

/// The one service that asks for nothing that checkov would complain of.
const HARDENED: &str = "Deployment.odds-production.hardened";

/// What checkov complains of because the spec asks for it, or says nothing.
const ASKED_FOR: &[(&str, &str)] = &[
    ("CKV_K8S_8", "liveness: the spec does not ask for it"),
    ("CKV_K8S_9", "readiness: the spec declares no health check"),
    ("CKV_K8S_10", "CPU requests: the spec reserves none"),
    ("CKV_K8S_11", "CPU limits: the spec has none"),
    ("CKV_K8S_12", "memory requests: the spec reserves none"),
    ("CKV_K8S_13", "memory limits: the spec has none"),
    ("CKV_K8S_15", "pull policy: `pull_policy` of the spec decides"),
    ("CKV_K8S_16", "privileged: the spec says `privileged = true`"),
    ("CKV_K8S_17", "host PID: the spec says `pid = \"host\"`"),
    ("CKV_K8S_18", "host IPC: the spec says `ipc = \"host\"`"),
    ("CKV_K8S_19", "host network: the spec says `network_mode = \"host\"`"),
    ("CKV_K8S_20", "privilege escalation: `cap_add` of the spec implies it"),
    ("CKV_K8S_22", "writable root: the spec does not say `read_only`"),
    ("CKV_K8S_23", "root: the spec says no `user`"),
    ("CKV_K8S_25", "added capabilities: the spec says no `user`, or `cap_add`"),
    ("CKV_K8S_28", "raw sockets: the spec says `cap_add = [\"ALL\"]` or `privileged`"),
    ("CKV_K8S_31", "seccomp: the spec says `seccomp=unconfined` or `privileged`"),
    ("CKV_K8S_35", "secrets in variables: the spec puts a parameter into `environment` or a command"),
    ("CKV_K8S_37", "capabilities: the spec says `cap_add = [\"ALL\"]` or `privileged`"),
    ("CKV_K8S_38", "a token: the spec names a `service-account`; the bootstrap image talks to the API server"),
    ("CKV_K8S_40", "a high user: `user` of the spec decides"),
    ("CKV_K8S_43", "digests: the spec names a tag"),
];

/// What compose-lint complains of because the spec asks for it, or says nothing.
const ASKED_FOR_ON_COMPOSE: &[(&str, &str)] = &[
    ("CL-0002", "privileged: the spec says `privileged = true`"),
    ("CL-0003", "privileges: the spec does not say `no-new-privileges`"),
    ("CL-0005", "ports: the spec publishes them on all addresses"),
    ("CL-0006", "capabilities: the spec does not say `cap_drop`"),
    ("CL-0007", "writable root: the spec does not say `read_only`"),
    ("CL-0008", "host network: the spec says `network_mode = \"host\"`"),
    ("CL-0010", "host PID and IPC: the spec says `pid = \"host\"`, `ipc = \"host\"`"),
    ("CL-0011", "capabilities: the spec says `cap_add`"),
    ("CL-0013", "a path of the host: the spec says `host-file`"),
    ("CL-0019", "digests: the spec names a tag"),
    ("CL-0026", "limits: the spec has none"),
];

/// A program of `target/python`; none, with a word about it, when it is not installed.
fn tool(name: &str) -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let program = target.join("python/bin").join(name);
    if program.is_file() {
        return fs::canonicalize(program.parent()?).ok().map(|folder| folder.join(name));
    }
    skip::missing(format!("`{}` is missing: `cargo xtask test` installs it", program.display()));
    None
}

/// Files of the gallery by the end of their path.
fn gallery(is_wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(GALLERY).sort_by_file_name().into_iter().filter_map(Result::ok);
    let files: Vec<_> =
        entries.map(walkdir::DirEntry::into_path).filter(|path| is_wanted(&path.to_string_lossy())).collect();
    assert!(!files.is_empty(), "the gallery has no such files");
    files
}

/// The Kubernetes objects of the gallery with their placeholders filled in, in a folder.
fn filled_in() -> tempfile::TempDir {
    // checkov passes over folders whose name starts with a dot.
    let folder = tempfile::Builder::new().prefix("objects").tempdir().expect("a temporary folder");
    for file in gallery(is_object) {
        let place = folder.path().join(&file);
        fs::create_dir_all(place.parent().expect("a file in a folder")).expect("a writable folder");
        fs::write(place, fill_in(&fs::read_to_string(&file).expect("a readable file"))).expect("a writable folder");
    }
    folder
}

/// `kubernetes/environments/NAME/kubernetes/FILE`
fn is_object(path: &str) -> bool {
    let below = path.split_once("/kubernetes/environments/").and_then(|(_, below)| below.split_once('/'));
    below.is_some_and(|(_, below)| below.starts_with("kubernetes/"))
}

/// What the entrypoint does: a digest for a digest, a name for a name.
fn fill_in(text: &str) -> String {
    let digest = regex::Regex::new(r"\$\{BOOTSMITH_DIGEST_[A-Za-z0-9_]+\}").expect("a regular expression");
    let name = regex::Regex::new(r"\$\{BOOTSMITH_(NAME|VALUES)_[A-Za-z0-9_]+\}").expect("a regular expression");
    let text = digest.replace_all(text, "0123456789abcdef0123456789abcdef");
    let text = name.replace_all(&text, "filled-in").into_owned();
    assert!(!text.contains("${BOOTSMITH_"), "a placeholder of another kind:\n{text}");
    text
}

fn run(command: &mut Command) -> Output {
    command.env_remove("KUBECONFIG").output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn said(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A digest may have digits alone, or be `0e1…`: it would be a number, and labels are texts.
#[test]
fn what_is_filled_in_stays_a_text() {
    let placeholder = regex::Regex::new(r"\$\{BOOTSMITH_[A-Za-z0-9_]+\}").expect("a regular expression");
    let mut filled = 0;
    for file in gallery(is_object) {
        let text = fs::read_to_string(&file).expect("a readable file");
        let as_shown: Vec<Json> = serde_saphyr::from_multiple(&text).expect("YAML");
        let numbers = placeholder.replace_all(&text, "00120000000000000000000000000034");
        let as_filled_in: Vec<Json> = serde_saphyr::from_multiple(&numbers).expect("YAML");
        for (shown, filled_in) in as_shown.iter().zip(&as_filled_in) {
            filled += assert_texts(shown, filled_in, &file);
        }
    }
    assert!(filled > 100, "placeholders are found: {filled}");
}

/// The values that differ, which must be texts in both.
fn assert_texts(shown: &Json, filled_in: &Json, file: &Path) -> usize {
    match (shown, filled_in) {
        (Json::Object(one), Json::Object(other)) => {
            one.iter().map(|(key, value)| assert_texts(value, &other[key], file)).sum()
        }
        (Json::Array(one), Json::Array(other)) => {
            one.iter().zip(other).map(|(value, other)| assert_texts(value, other, file)).sum()
        }
        (one, other) if one == other => 0,
        (one, other) => {
            assert!(one.is_string() && other.is_string(), "{}: {one} becomes {other}", file.display());
            1
        }
    }
}

#[test]
fn every_object_is_what_the_api_takes() {
    let Some(program) = tool("kubernetes-validate") else { return };
    let folder = filled_in();
    let files: Vec<_> = walkdir::WalkDir::new(folder.path())
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    for version in VERSIONS {
        let mut validate = Command::new(&program);
        let output = run(validate.args(["--strict", "--quiet", "--kubernetes-version", version]).args(&files));
        assert!(output.status.success(), "Kubernetes {version}:\n{}", said(&output));
    }
}

#[test]
fn checkov_finds_only_what_the_spec_asks_for() {
    let Some(program) = tool("checkov") else { return };
    let folder = filled_in();
    let mut checkov = Command::new(program);
    checkov.args(["--skip-download", "--framework", "kubernetes", "--compact", "--quiet", "--output", "json"]);
    let output = run(checkov.arg("--directory").arg(folder.path()));
    let report: Json =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    assert_eq!(report["summary"]["parsing_errors"], 0, "{}", report["summary"]);
    assert!(report["summary"]["passed"].as_u64() > Some(1000), "{}", report["summary"]);
    let failed = report["results"]["failed_checks"].as_array().expect("a list");
    for check in failed {
        let (id, resource) = (&check["check_id"], &check["resource"]);
        let reason = ASKED_FOR.iter().find(|(known, _)| id == *known);
        assert!(reason.is_some(), "{id} {} fails for {resource} in {}", check["check_name"], check["file_path"]);
        assert_ne!(resource, HARDENED, "{id} {}", check["check_name"]);
    }
    assert_not_idle(ASKED_FOR, failed, "check_id");
}

#[test]
fn compose_lint_finds_only_what_the_spec_asks_for() {
    let Some(program) = tool("compose-lint") else { return };
    let mut lint = Command::new(program);
    let files = gallery(|path| Path::new(path).file_name().is_some_and(|name| name == "compose.yaml"));
    let output = run(lint.args(["check", "--no-env", "--no-merge-overrides", "--format", "json"]).args(files));
    let report: Json =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    let findings = report["findings"].as_array().expect("a list");
    for finding in findings {
        let is_known = ASKED_FOR_ON_COMPOSE.iter().any(|(known, _)| finding["rule_id"] == *known);
        assert!(is_known, "{} in {}: {}", finding["rule_id"], finding["file"], finding["message"]);
    }
    assert_not_idle(ASKED_FOR_ON_COMPOSE, findings, "rule_id");
}

/// Every exception is there for something.
fn assert_not_idle(exceptions: &[(&str, &str)], findings: &[Json], key: &str) {
    let found: BTreeSet<_> = findings.iter().filter_map(|finding| finding[key].as_str()).collect();
    let idle: Vec<_> = exceptions.iter().map(|(id, _)| *id).filter(|id| !found.contains(id)).collect();
    assert!(idle.is_empty(), "nothing fails {idle:?}: take it off the list");
}

/// What the records of the gallery mark as rendered by bootsmith is what the entrypoint looks for.
#[test]
fn the_entrypoint_looks_for_every_kind_that_is_rendered_as_an_addition() {
    let driver = include_str!("../../templates/entrypoint/driver/kubernetes/driver-additions.sh");
    let line = driver.lines().find_map(|line| line.strip_prefix("readonly own_addition_kinds='"));
    let kinds = line.and_then(|line| line.strip_suffix('\'')).expect("the driver has the list");
    let kinds: BTreeSet<_> = kinds.split(' ').map(str::to_owned).collect();
    let releases = gallery(|path| path.contains("/kubernetes/environments/") && path.ends_with("/release"));
    let texts = releases.iter().map(|file| fs::read_to_string(file).expect("a readable file"));
    let records = texts.flat_map(|text| read_records(&text).expect("records"));
    let own = records.filter(|record| record.kind == "addition" && record.facts.contains_key("own"));
    assert_eq!(kinds, own.map(|record| record.facts["resource"].clone()).collect());
}
