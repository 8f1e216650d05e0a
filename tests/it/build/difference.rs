//! What one release changes of another, as an operator reads it before an upgrade.

use bootsmith::epoch::Epoch;
use bootsmith::image::{Base, assemble};
use bootsmith::tree::Mode;

use super::project::{Project, TARBALL, base_with, run};
use crate::fixture::{self, Place};

const OLD: &str = r#"
[project]
name = "shop"
version = "1.4.2"

[bootstrap]
platforms = ["compose"]
base = "oci:base.tar"

[parameters.DB_PASSWORD]
description = "Password of the database"
secret = true
required = true
[parameters.LEVEL]
description = "How much is logged"
default = "info"

[services.web]
image = "docker.io/library/web:1.0"
environment = { LEVEL = "${LEVEL}", DB_PASSWORD_FILE = "/run/secrets/db" }
configs = [{ source = "site", target = "/etc/site" }]
secrets = ["db"]
volumes = ["data:/data"]
[services.old]
image = "docker.io/library/old:1.0"

[secrets.db]
parameter = "DB_PASSWORD"
[configs.site]
content = "listen 80;\n"
[volumes.data]

[scripts.report]
file = "scripts/report.sh"
service = "web"

[environments.production]
[environments.staging]
[environments.testing]
[environments.testing.services.web]
environment = { TESTED = "yes" }
"#;

/// A project whose release 1.4.2 is in `old`, and whose next one is in `out`.
fn after_a_change() -> Project {
    let project = Project::new();
    project.write("bootstrap.toml", OLD);
    run(&mut project.build_into("old")).expect(0);
    for (from, to) in [
        ("1.4.2", "1.5.0"),
        ("web:1.0", "web:1.1"),
        ("default = \"info\"", "required = true"),
        ("DB_PASSWORD_FILE = ", "MODE = \"fast\", DB_PASSWORD_FILE = "),
        ("listen 80", "listen 81"),
        (
            "[services.old]\nimage = \"docker.io/library/old:1.0\"",
            "[services.new]\nimage = \"docker.io/library/new:1.0\"\nread_only = true",
        ),
        ("[volumes.data]", "[volumes.data]\n[volumes.more]"),
        ("[\"data:/data\"]", "[\"data:/data\", \"more:/more\"]"),
        ("[environments.staging]\n", ""),
        (
            "[environments.production]",
            "[[migrations]]\nrelease = \"1.5.0\"\nname = \"add\"\nservice = \"web\"\nup = \"add.sh\"\n\n[environments.canary]\n[environments.production]",
        ),
    ] {
        project.change(from, to);
    }
    project.write("add.sh", "add\n");
    project.write("scripts/report.sh", "#!/bin/sh\necho another report\n");
    run(&mut project.build()).expect(0);
    project
}

const NEW: &str = "out/shop-1.5.0-compose.tar";

fn diff(project: &Project, arguments: &[&str]) -> super::project::Seen {
    run(project.bootsmith().args(["diff", "old/shop-1.4.2-compose.tar", NEW]).args(arguments))
}

#[test]
fn a_tree_for_people() {
    let project = after_a_change();
    let tree = diff(&project, &[]).expect(0).out;
    assert_eq!(
        tree,
        r#"shop 1.4.2 -> 1.5.0 for compose
├─ canary: added
├─ production, testing
│  ├─ now required: LEVEL
│  ├─ services
│  │  ├─ new: added (docker.io/library/new:1.0)
│  │  ├─ old: removed (docker.io/library/old:1.0)
│  │  └─ web
│  │     ├─ config site.content      as it was -> changed
│  │     ├─ environment.MODE         (none) -> fast
│  │     ├─ image                    docker.io/library/web:1.0 -> docker.io/library/web:1.1
│  │     ├─ parameter LEVEL.default  "info" -> (none)
│  │     └─ volumes.more:/more       (none) -> more:/more
│  ├─ migrations
│  │  └─ add: added (of 1.5.0, run in web, irreversible)
│  ├─ parameters
│  │  └─ LEVEL
│  │     ├─ default   "info" -> (none)
│  │     └─ required  no -> yes
│  ├─ configs
│  │  └─ site: changed
│  └─ networks, volumes and other objects
│     └─ volumes.more: added
├─ staging: removed
└─ files of scripts and migrations
   ├─ migrations/add.sh: added
   └─ scripts/report.sh: changed
"#
    );
}

#[test]
fn markdown_for_release_notes() {
    let project = after_a_change();
    let markdown = diff(&project, &["--markdown"]).expect(0).out;
    assert_eq!(
        markdown,
        r#"# shop 1.4.2 → 1.5.0 (compose)

`shop/bootstrap:1.4.2` → `shop/bootstrap:1.5.0`

## canary: added

## production, testing

**Now required:** `LEVEL`

### Services

- `new` added: `docker.io/library/new:1.0`
- `old` removed: `docker.io/library/old:1.0`
- `web`
  - config site.content: `as it was` → `changed`
  - environment.MODE: none → `fast`
  - image: `docker.io/library/web:1.0` → `docker.io/library/web:1.1`
  - parameter LEVEL.default: `"info"` → `(none)`
  - volumes.more:/more: none → `more:/more`

### Migrations

- `add` added: `of 1.5.0, run in web, irreversible`

### Parameters

- `LEVEL`
  - default: `"info"` → none
  - required: `no` → `yes`

### Configs

- `site` changed

### Networks, volumes and other objects

- `volumes.more` added

## staging: removed

## Files of scripts and migrations

- `migrations/add.sh` added
- `scripts/report.sh` changed
"#
    );
}

#[test]
fn json_for_programs_and_an_exit_code_for_pipelines() {
    let project = after_a_change();
    let seen = diff(&project, &["--json", "--exit-code"]).expect(10);
    let document: serde_json::Value = serde_json::from_str(&seen.out).expect("JSON");
    assert_eq!((&document["from"]["version"], &document["to"]["version"]), (&"1.4.2".into(), &"1.5.0".into()));
    let production = &document["environments"][1];
    assert_eq!(production["name"], "production");
    assert_eq!(production["must_be_given"], serde_json::json!(["LEVEL"]));
    let image =
        serde_json::json!({ "what": "image", "from": "docker.io/library/web:1.0", "to": "docker.io/library/web:1.1" });
    let web = production["services"].as_array().expect("items").iter().find(|item| item["name"] == "web");
    assert!(web.expect("an item")["changes"].as_array().expect("changes").contains(&image), "{production}");
    let same = ["diff", NEW, NEW, "--exit-code"];
    assert_eq!(run(project.bootsmith().args(same)).expect(0).out, "shop 1.5.0 -> 1.5.0 for compose: no difference\n");
}

/// The version alone is no difference: it is in every manifest.
#[test]
fn a_release_that_only_moves_its_version_differs_in_nothing() {
    for platform in ["compose", "swarm", "kubernetes"] {
        let project = Project::new();
        let tools = bootsmith::pipeline::tools(bootsmith::plan::Platform::Kubernetes);
        if platform == "kubernetes" {
            let places = tools.iter().flat_map(|tool| &tool.places);
            let names: Vec<_> = places
                .filter_map(|place| match place {
                    bootsmith::store::Place::Command(name) => Some(name.clone()),
                    _ => None,
                })
                .collect();
            project.write("base.tar", base_with(&names, 0));
        }
        project.change("\"compose\"", &format!("\"{platform}\""));
        run(&mut project.build_into("old")).expect(0);
        project.change("1.4.2", "1.4.3");
        run(&mut project.build()).expect(0);
        let (old, new) = (format!("old/shop-1.4.2-{platform}.tar"), format!("out/shop-1.4.3-{platform}.tar"));
        let seen = run(project.bootsmith().args(["diff", &old, &new, "--exit-code"])).expect(0);
        assert_eq!(seen.out, format!("shop 1.4.2 -> 1.4.3 for {platform}: no difference\n"));
    }
}

/// What decides what `up` does and is in no manifest of Compose: modes, owners, hooks, rules.
#[test]
fn what_is_only_recorded_is_compared() {
    const ALLOW: &str = r#"allow = [{ code = "B037", feature = "services.*.volumes.*", reason = "one node" }]"#;
    for (platform, more) in [("compose", ""), ("swarm", ALLOW)] {
        let project = Project::new();
        project.write("bootstrap.toml", OLD.replace("[\"compose\"]", &format!("[\"{platform}\"]\n{more}")));
        run(&mut project.build_into("old")).expect(0);
        for (from, to) in [
            ("secrets = [\"db\"]", "secrets = [{ source = \"db\", mode = \"0400\", uid = \"33\" }]"),
            (
                "[volumes.data]",
                "[volumes.data]\n[networks.default]\ninternal = true\n[hooks]\npre-upgrade = [\"report\"]",
            ),
            ("default = \"info\"", "default = \"info\"\npattern = \"info|debug\""),
        ] {
            project.change(from, to);
        }
        run(&mut project.build()).expect(0);
        let (old, new) = (format!("old/shop-1.4.2-{platform}.tar"), format!("out/shop-1.4.2-{platform}.tar"));
        let tree = run(project.bootsmith().args(["diff", "--exit-code", &old, &new])).expect(10).out;
        for line in [
            "secret db.mode 0444 -> 0400",
            "secret db.owner 0:0 -> 33:0",
            "pattern (none) -> info|debug",
            "hook pre-upgrade: added (scripts report)",
            "internal (none) -> true",
        ] {
            let words = tree.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains(line), "{line}\n{tree}");
        }
        assert!(!tree.contains(" 256") && !tree.contains(" 292"), "{tree}");
        let markdown = run(project.bootsmith().args(["diff", "--markdown", &old, &new])).expect(0).out;
        assert!(markdown.contains("  - secret db.mode: `0444` → `0400`\n"), "{markdown}");
    }
}

#[test]
fn what_cannot_be_held_against_each_other_is_refused() {
    let project = Project::new();
    run(&mut project.build()).expect(0);
    let seen = run(project.bootsmith().args(["diff", TARBALL, "base.tar"])).expect(2);
    assert_eq!(
        seen.err,
        "error: `base.tar` is not a bootstrap image, or has a format that this version of bootsmith does not support\n\
         hint: `diff` takes two images of one project and one platform, the older first\n"
    );
    project.change("name = \"shop\"", "name = \"stall\"");
    run(&mut project.build_into("other")).expect(0);
    let seen = run(project.bootsmith().args(["diff", TARBALL, "other/stall-1.4.2-compose.tar"])).expect(2);
    assert!(seen.err.starts_with("error: cannot compare shop for compose with stall for compose\n"), "{}", seen.err);
    run(project.bootsmith().args(["diff", "nothing.tar", TARBALL])).expect(3);
}

/// A tarball of ours whose manifest somebody has written over.
#[test]
fn a_manifest_that_is_no_yaml_is_said() {
    let project = Project::new();
    run(&mut project.build()).expect(0);
    let image =
        bootsmith::inspect::open(&project.path(TARBALL)).and_then(|archive| archive.to_image()).expect("a tarball");
    let layers = &image.images()[0].layers;
    let mut files = fixture::files_of(layers.last().expect("the environments"));
    let manifest = files.keys().find(|path| path.ends_with("compose.yaml")).cloned().expect("a manifest");
    files.insert(manifest.clone(), "services: {web: [hunter2".to_owned());
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), Mode::Plain, text.as_str())).collect();
    let base = Base::scratch(&[fixture::architecture("linux/amd64")]).expect("a base");
    let broken = assemble(&base, &[fixture::layer("environments", &files)], &fixture::settings(), Epoch::default());
    let place = Place::new();
    let path = place.path("broken.tar").display().to_string();
    fixture::write(&broken.expect("an image"), &place.path("broken.tar"));
    let seen = run(project.bootsmith().args(["diff", TARBALL, &path])).expect(3);
    assert!(seen.err.starts_with(&format!("error: `{path}` has an invalid `{manifest}`: ")), "{}", seen.err);
    assert!(!seen.err.contains("hunter2"), "{}", seen.err);
}
