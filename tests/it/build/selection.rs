//! What is selected, printed and allowed: environments, `--json`, `--allow`, colours, exit codes.

use std::fs;
use std::io::Read;

use super::project::{Project, SPEC, TARBALL, run, succeeds};
use crate::skip;

const ENVIRONMENTS: &str = r#"
# production-comment
[environments.development.services.web]
environment = { MODE = "development-value" }
[environments.testing]
extends = "development"
[environments.production]
variables = { HOST = "production-variable" }
[environments.production.services.web]
environment = { MODE = "production-value" }
[environments.production.services.vault]
image = "docker.io/library/production-image:1.0"
configs = [{ source = "keys", target = "/keys" }]
[environments.production.configs.keys]
file = "production/keys.conf"
[environments.production.scripts.rotate]
file = "production/rotate.sh"
service = "vault"
"#;

fn project_with_environments() -> Project {
    let project = Project::new();
    project.write("bootstrap.toml", SPEC.to_owned() + ENVIRONMENTS);
    project.write("production/keys.conf", "production-config\n");
    project.write("production/rotate.sh", "#!/bin/sh\necho production-script\n");
    project
}

/// Every byte of the tarball, its layers unpacked.
fn unpacked(project: &Project) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = fs::File::open(project.path(TARBALL)).expect("a tarball");
    let mut archive = tar::Archive::new(file);
    for entry in archive.entries().expect("a tar") {
        let mut content = Vec::new();
        entry.expect("an entry").read_to_end(&mut content).expect("content");
        if content.starts_with(&[0x1f, 0x8b]) {
            flate2::read::GzDecoder::new(content.as_slice()).read_to_end(&mut bytes).expect("a layer");
        } else {
            bytes.extend(content);
        }
    }
    bytes
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn one_environment_holds_nothing_of_the_others() {
    let project = project_with_environments();
    run(&mut project.build()).expect(0);
    let whole = unpacked(&project);
    let words = ["-comment", "-value", "-image", "-config", "-script"].map(|word| format!("production{word}"));
    for word in &words {
        assert!(holds(&whole, word), "the whole image holds `{word}`");
    }
    run(project.build().args(["--environment", "testing"])).expect(0);
    let testing = unpacked(&project);
    assert!(holds(&testing, "development-value"), "testing extends development");
    for word in words.iter().map(String::as_str).chain(["environments/production", "rotate.sh", "'vault'"]) {
        assert!(!holds(&testing, word), "the image of testing holds `{word}`");
    }
    let archive = bootsmith::inspect::open(&project.path(TARBALL)).expect("a tarball");
    assert_eq!(archive.payload_file("bootstrap/spec/bootstrap.toml").expect("a layer"), None, "the spec tells of all");
    assert_eq!(bootsmith::inspect::verify(&project.path(TARBALL)).expect("a tarball").faults, []);
}

#[test]
fn environments_are_selected_by_name() {
    let project = project_with_environments();
    let environments = |arguments: &[&str]| {
        run(project.build().args(arguments)).expect(0);
        let seen = run(project.bootsmith().args(["inspect", "--json", TARBALL])).expect(0);
        let json: serde_json::Value = serde_json::from_str(&seen.out).expect("JSON");
        json["image"]["annotations"]["io.bootsmith.environments"].as_str().map(str::to_owned)
    };
    assert_eq!(environments(&[]).as_deref(), Some("development production testing"));
    let two = ["--environment", "testing", "--environment", "production"];
    assert_eq!(environments(&two).as_deref(), Some("production testing"));
    let seen = run(project.build().args(["--environment", "testin"])).expect(2);
    assert!(seen.err.contains("error[B012]: unknown environment `testin`"), "{}", seen.err);
    assert!(seen.err.contains("did you mean `testing`?"), "{}", seen.err);
}

#[test]
fn the_one_environment_of_a_spec_that_declares_none_may_be_the_default() {
    let project = Project::new();
    project.change("platforms", "default-environment = \"production\"\nplatforms");
    run(&mut project.build()).expect(0);
    let archive = bootsmith::inspect::open(&project.path(TARBALL)).expect("a tarball");
    let release = archive.payload_file("bootstrap/release").expect("a layer").expect("a release");
    assert!(holds(&release, "default_environment='production'\n"), "{}", String::from_utf8_lossy(&release));
}

#[test]
fn json_is_the_receipt() {
    let project = Project::new();
    for _ in 0..2 {
        let seen = run(project.build().arg("--json")).expect(0);
        let printed: serde_json::Value = serde_json::from_str(&seen.out).expect("JSON and nothing else");
        let receipt = fs::read(project.path(TARBALL).with_extension("json")).expect("a receipt");
        let receipt: serde_json::Value = serde_json::from_slice(&receipt).expect("JSON");
        assert_eq!(printed, serde_json::json!([{ "path": TARBALL, "receipt": receipt }]));
        assert_eq!(receipt["reference"], "docker.io/shop/bootstrap:1.4.2");
        assert_eq!(seen.err, "");
    }
}

#[test]
fn the_table_says_what_was_built() {
    let project = Project::new();
    let seen = run(&mut project.build()).expect(0);
    let lines: Vec<Vec<_>> = seen.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["IMAGE", "PLATFORM", "SIZE", "LAYERS", "DIGEST"]);
    let receipt = fs::read(project.path(TARBALL).with_extension("json")).expect("a receipt");
    let receipt: serde_json::Value = serde_json::from_slice(&receipt).expect("JSON");
    assert_eq!(lines[1][0], "docker.io/shop/bootstrap:1.4.2");
    assert_eq!(lines[1].last().copied(), receipt["digest"].as_str());
    assert_eq!(lines[2], [TARBALL]);
}

#[test]
fn a_lint_is_an_error_until_it_is_allowed() {
    let project = Project::new();
    project.change("web:1.0", "web");
    let refused = run(&mut project.build()).expect(1);
    assert!(refused.err.starts_with("error[B018]: "), "{}", refused.err);
    let allowed = run(project.build().args(["--allow", "B018"])).expect(0);
    assert!(allowed.err.starts_with("warning[B018]: "), "{}", allowed.err);
    project.change("platforms", "allow = [\"B018\"]\nplatforms");
    assert!(run(&mut project.build()).expect(0).err.starts_with("warning[B018]: "));
    let unknown = run(project.build().args(["--allow", "B002"])).expect(2);
    assert!(unknown.err.contains("B002"), "{}", unknown.err);
}

#[test]
fn a_port_for_each_replica_is_a_matter_of_compose_alone() {
    let project = Project::new();
    project.change(
        "configs = [{",
        "ports = [\"8080:80\"]\ndeploy = { replicas = 2 }\nkubernetes = { service-type = \"NodePort\" }\nconfigs = [{",
    );
    project.change(r#"["compose"]"#, r#"["compose", "swarm", "kubernetes"]"#);
    let check = |platforms: &[&str]| run(project.bootsmith().arg("check").args(platforms));
    for platform in ["swarm", "kubernetes"] {
        assert_eq!(check(&["--platform", platform]).expect(0).err, "");
    }
    let scarce = "service `web` has 2 replicas, but on one engine `8080` can be published by 1 of them";
    assert!(check(&["--platform", "compose"]).expect(1).err.contains(scarce));
    assert!(check(&[]).expect(1).err.contains(scarce));
}

#[test]
fn an_allowance_that_accepts_nothing_is_a_warning_where_its_platform_is_built() {
    let project = Project::new();
    let allowance =
        r#"{ code = "B037", feature = "services.*.logging", platform = "PLATFORM", reason = "logs go elsewhere" }"#;
    project.change("platforms", &format!("allow = [{allowance}]\nplatforms"));
    project.change("PLATFORM", "compose");
    let warned = run(project.bootsmith().arg("check")).expect(0);
    let message = "warning[B039]: nothing that is used changes its meaning in this way\n --> bootstrap.toml:8:19\n";
    assert!(warned.err.starts_with(message) && warned.err.contains("hint: take it out"), "{}", warned.err);
    assert!(warned.out.contains("1 warnings"), "{}", warned.out);
    // Built in part, a release does not use everything.
    assert_eq!(run(project.bootsmith().args(["check", "--environment", "production"])).expect(0).err, "");
    project.change(r#"platform = "compose""#, r#"platform = "swarm""#);
    assert_eq!(run(project.bootsmith().arg("check")).expect(0).err, "");
}

#[test]
fn exit_codes_tell_whose_fault_it_is() {
    let project = Project::new();
    run(project.build().arg("--colour")).expect(2);
    run(project.bootsmith().arg("biuld")).expect(2);
    run(&mut project.bootsmith()).expect(2);
    run(project.build().args(["--file", "nowhere.toml"])).expect(3);
    run(project.bootsmith().args(["verify", "nowhere.tar"])).expect(3);
    project.write("noise.toml", b"\xff\xfe");
    run(project.build().args(["--file", "noise.toml"])).expect(3);
    run(&mut project.build()).expect(0);
    run(project.bootsmith().args(["verify", TARBALL])).expect(0);
    let mut bytes = project.tarball();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(project.path(TARBALL), bytes).expect("room");
    run(project.bootsmith().args(["verify", TARBALL])).expect(1);
    project.change("name = \"shop\"", "name = \"Shop\"");
    run(&mut project.build()).expect(1);
}

const ESCAPE: char = '\u{1b}';

#[test]
fn there_are_no_colours_where_there_is_no_terminal() {
    let project = Project::new();
    let good = run(&mut project.build()).expect(0);
    project.change("name = \"shop\"", "name = \"Shop\"");
    let bad = run(project.build().env("TERM", "xterm-256color")).expect(1);
    for text in [good.out, good.err, bad.out, bad.err] {
        assert!(!text.contains(ESCAPE), "{text:?}");
    }
}

#[test]
fn no_color_is_honoured_on_a_terminal() {
    if !succeeds("script", &["--quiet", "--command", "true", "/dev/null"]) {
        skip::missing("there is no `script` to make a terminal");
        return;
    }
    let project = Project::new();
    project.change("name = \"shop\"", "name = \"Shop\"");
    let on_terminal = |variables: &[(&str, &str)]| {
        let command = format!("{} check", env!("CARGO_BIN_EXE_bootsmith"));
        let mut terminal = std::process::Command::new("script");
        terminal.args(["--quiet", "--return", "--command", &command, "/dev/null"]).current_dir(project.path(""));
        run(terminal
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("TERM", "xterm-256color")
            .envs(variables.iter().copied()))
        .expect(1)
        .out
    };
    assert!(on_terminal(&[]).contains(ESCAPE), "colours on a terminal");
    assert!(!on_terminal(&[("NO_COLOR", "1")]).contains(ESCAPE), "{:?}", on_terminal(&[("NO_COLOR", "1")]));
}
