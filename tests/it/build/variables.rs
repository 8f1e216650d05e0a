//! Where `${NAME}` is put in: profiles, base, architectures, and variables that some environments alone have.

use super::project::{Project, TARBALL, run};

const SPEC: &str = r#"
[project]
name = "shop"
version = "1.4.2"

[bootstrap]
base = "oci:${BASE}.tar"
architectures = ["${SYSTEM}/amd64"]
repository = "${REGISTRY}/bootstrap"

[variables]
BASE = "base"
SYSTEM = "linux"
REGISTRY = "registry.example.com"
TOOLS = "debug"
STAGE = "${ENVIRONMENT}-stage"
HOST = "${SITE}.${STAGE}.example.com"

[service-defaults]
profiles = ["${TOOLS}"]

[services.web]
image = "docker.io/library/web:1.0"
defaults = false
environment = { HOST = "${HOST}" }

[services.debugger]
image = "docker.io/library/debugger:1.0"

[services.tester]
image = "docker.io/library/tester:1.0"
profiles = ["for-${ENVIRONMENT}"]

[environments.production]
variables = { SITE = "shop" }

[environments.testing]
profiles = ["${TOOLS}", "for-testing"]
variables = { SITE = "test" }
"#;

fn project() -> Project {
    let project = Project::new();
    project.write("bootstrap.toml", SPEC);
    project
}

#[test]
fn variables_are_put_into_profiles() {
    let project = project();
    run(&mut project.build()).expect(0);
    let archive = bootsmith::inspect::open(&project.path(TARBALL)).expect("a tarball");
    let services = |environment: &str| {
        let path = format!("bootstrap/environments/{environment}/release");
        let release = archive.payload_file(&path).expect("a layer").expect("a release");
        let release = String::from_utf8(release).expect("UTF-8");
        let names = release.lines().filter_map(|line| line.strip_prefix("service '")?.split('\'').next());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(services("production"), ["web"]);
    assert_eq!(services("testing"), ["debugger", "tester", "web"]);
}

#[test]
fn variables_are_put_into_base_architectures_and_repository() {
    let project = project();
    let seen = run(&mut project.build()).expect(0);
    assert!(seen.out.contains("registry.example.com/bootstrap:1.4.2"), "{}", seen.out);
    project.change("SYSTEM = \"linux\"", "SYSTEM = \"plan9\"");
    let seen = run(&mut project.build()).expect(3);
    assert!(seen.err.contains("plan9/amd64"), "{}", seen.err);
    project.change("BASE = \"base\"", "BASE = \"nowhere\"");
    let seen = run(&mut project.build()).expect(3);
    assert!(seen.err.contains("nowhere.tar"), "{}", seen.err);
}

/// What an environment alone knows is no fault of the release, as long as nothing of the release uses it.
#[test]
fn a_variable_may_use_what_environments_alone_know() {
    let project = project();
    run(&mut project.build()).expect(0);
    project.change("bootstrap\"\n", "${HOST}\"\n");
    let seen = run(&mut project.build()).expect(1);
    assert!(seen.err.starts_with("error[B008]: `${HOST}` is neither a variable nor a parameter"), "{}", seen.err);
}

#[test]
fn a_variable_that_nothing_uses_is_a_warning() {
    const UNUSED: &str = r#"
[project]
name = "shop"
version = "1.4.2"
description = "${IN_PROJECT}"

[bootstrap]
base = "oci:${IN_BASE}.tar"

[variables]
IN_BASE = "base"
IN_PROJECT = "a shop"
IN_VARIABLE = "x"
IN_FILE = "${IN_VARIABLE}"
IN_TEMPLATE = "x"
IN_SERVICE_LEFT_OUT = "x"
IN_COMMENT = "x" # ${IN_COMMENT}
IN_SCRIPT = "of the shell"

[services.web]
image = "docker.io/library/web:1.0"
env_file = "web.env"
configs = ["page"]

[services.left-out]
image = "docker.io/library/${IN_SERVICE_LEFT_OUT}:1.0"
enabled = false

[configs.page]
file = "page.tera"

[scripts.report]
file = "scripts/report.sh"
service = "web"

[environments.production]
variables = { IN_COMMENT = "y", IN_PRODUCTION = "z" }
"#;
    let project = Project::new();
    project.write("bootstrap.toml", UNUSED);
    project.write("web.env", "A=${IN_FILE}\n");
    project.write("page.tera", "{{ IN_TEMPLATE }}\n");
    project.write("scripts/report.sh", "#!/bin/sh\necho \"${IN_SCRIPT}\"\n");
    let seen = run(&mut project.build()).expect(0);
    let warnings: Vec<_> = seen.err.lines().filter(|line| line.starts_with("warning")).collect();
    let unused = |name: &str| format!("warning[B033]: nothing uses the variable `{name}`");
    let left_out = "warning[B033]: no environment runs the service `left-out`".to_owned();
    assert_eq!(warnings, [unused("IN_COMMENT"), unused("IN_SCRIPT"), left_out, unused("IN_PRODUCTION")]);
}
