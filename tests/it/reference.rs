//! The reference pages list what the program takes, no more and no less.
//!
//! The program is asked, the page is read, the two lists are held against each other. `docs/reference/diagnostics.md` is written
//! by `cargo xtask tidy --write`, which also checks it.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

type Words = BTreeSet<String>;

fn page(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The text between a heading and the next one of the same depth.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section `{heading}`"));
    rest.split("\n## ").next().unwrap_or(rest)
}

/// The text between two marks.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no `{start}`"));
    rest.split(end).next().unwrap_or(rest)
}

fn words(text: &str) -> Words {
    text.split_whitespace().map(str::to_owned).collect()
}

/// What stands in backquotes in the first column of the tables.
fn first_column(text: &str) -> Words {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.flat_map(quoted).collect()
}

fn quoted(text: &str) -> Words {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn bootsmith(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bootsmith")).args(arguments).env_clear().output().expect("the program starts")
}

/// What `check` says of a spec.
fn report_on(spec: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("bootstrap.toml");
    fs::write(&path, spec).expect("a writable folder");
    let output = bootsmith(&["check", "--file", path.to_str().expect("UTF-8")]);
    String::from_utf8(output.stderr).expect("UTF-8")
}

/// The known keys that the hint lists when a table of a spec has an unknown one.
fn known_keys(table: &str) -> Words {
    let project = if table == "project" { "" } else { "project = { name = \"p\", version = \"1.0.0\" }\n" };
    let report = report_on(&format!("{project}[{table}]\n\"unknown key\" = 1\n"));
    let (_, of_unknown) = report.split_once("unknown key `unknown key`").unwrap_or_else(|| panic!("{table}: {report}"));
    between(of_unknown, "known keys: ", "\n").split(", ").map(str::to_owned).collect()
}

#[test]
fn every_key_of_a_table_is_on_the_page() {
    let page = page("docs/reference/spec.md");
    let tables = [
        ("project", "`[project]`"),
        ("bootstrap", "`[bootstrap]`"),
        ("parameters.P", "`[parameters.NAME]`"),
        ("configs.c", "`[configs.NAME]`"),
        ("secrets.s", "`[secrets.NAME]`"),
        ("platforms.kubernetes", "`[platforms.NAME]`"),
        ("scripts.s", "`[scripts.NAME]`"),
        ("[migrations]", "`[[migrations]]`"),
        ("upgrade", "`[upgrade]`"),
    ];
    for (table, heading) in tables {
        let section = section(&page, heading);
        let known = known_keys(table);
        let absent: Vec<_> = known.difference(&quoted(section)).cloned().collect();
        assert!(absent.is_empty(), "{heading} does not say: {absent:?}");
        let surplus: Vec<_> = first_column(section).difference(&known).cloned().collect();
        assert!(surplus.is_empty(), "{heading} has keys that are refused: {surplus:?}");
    }
}

#[test]
fn every_key_of_a_service_is_on_the_page() {
    let page = page("docs/reference/spec.md");
    let service = section(&page, "`[services.NAME]`");
    let taken = words(between(service, "each with its values checked: `", "`"));
    let own = first_column(between(service, "**Of our own:**", "**Refused:**"));
    let own = own.iter().map(|key| key.split('.').next().unwrap_or(key).to_owned()).collect();
    let known = known_keys("services.web");
    assert_eq!(&taken | &own, known);

    let others: Words = keys_of_compose().difference(&known).cloned().collect();
    let refused = refused_keys(&others);
    assert_eq!(words(between(service, "**Refused:** `", "`")), refused);
    assert_eq!(refused, others, "what the schema has is taken or refused, with a reason");
}

/// The keys of a service in the Compose Specification's JSON schema, which is written in three parts.
fn keys_of_compose() -> Words {
    let schema = page("templates/compose/compose-spec.json");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    let parts = ["service", "container_spec", "workload_spec"].map(|part| &schema["$defs"][part]["properties"]);
    parts.iter().flat_map(|part| part.as_object().expect("properties").keys().cloned()).collect()
}

/// Those that a service must not have, for a reason.
fn refused_keys(keys: &Words) -> Words {
    let lines: String = keys.iter().map(|key| format!("{key} = 1\n")).collect();
    let report = report_on(&format!("project = {{ name = \"p\", version = \"1.0.0\" }}\n[services.web]\n{lines}"));
    report
        .split("error[B014]: service `web` has `")
        .skip(1)
        .map(|rest| rest.split('`').next().unwrap_or(rest).to_owned())
        .collect()
}

/// Words that start with two hyphens.
fn options(text: &str) -> Words {
    let is_inner = |character: char| character.is_ascii_lowercase() || character == '-';
    let names = text.split("--").skip(1).map(|rest| &rest[..rest.find(|end| !is_inner(end)).unwrap_or(rest.len())]);
    names.filter(|name| name.starts_with(|first: char| first.is_ascii_lowercase())).map(str::to_owned).collect()
}

#[test]
fn every_option_of_bootsmith_is_on_the_page() {
    let page = page("docs/reference/commands.md");
    let shared = options(section(&page, "Options of every command that reads a spec"));
    let registry = options(section(&page, "Options of every command that talks to a registry"));
    for (command, reads_spec, talks) in [
        ("build", true, true),
        ("check", true, false),
        ("render", true, false),
        ("lock", false, true),
        ("outdated", false, true),
        ("inspect", false, true),
        ("verify", false, true),
        ("pull", false, true),
        ("push", false, true),
        ("copy", false, true),
        ("bundle", false, true),
        ("tag list", false, true),
        ("cache list", false, false),
        ("cache clean", false, false),
        ("diff", false, true),
        ("explain", false, false),
    ] {
        let help =
            String::from_utf8(bootsmith(&[&command.split(' ').collect::<Vec<_>>()[..], &["--help"]].concat()).stdout)
                .expect("UTF-8");
        let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        let mut taken: Words = lines.flat_map(|line| options(line.split("  ").next().unwrap_or(line))).collect();
        taken.remove("help");
        // Indented lines are output, but for the usage.
        let is_own = |line: &&str| !line.starts_with("    ") || line.starts_with("    bootsmith ");
        let mut listed: Words = section(&page, command).lines().filter(is_own).flat_map(options).collect();
        if reads_spec {
            listed.extend(shared.clone());
        }
        if talks {
            listed.extend(registry.clone());
        }
        assert_eq!(listed, taken, "{command}");
    }
}

/// What the entrypoint says that a command takes.
fn options_of_entrypoint(command: &str) -> Words {
    let script = ". templates/entrypoint/lib/arguments.sh && options_of \"$1\"";
    let output = Command::new("sh").args(["-c", script, "sh", command]).output().expect("a shell");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    options(&String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn every_option_of_the_entrypoint_is_in_the_handbook() {
    let handbook = page("docs/operator.md");
    let table = between(&handbook, "| option | taken by | meaning |\n", "\n\n");
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|row| row.trim_matches('|').split(" | ").collect()).collect();
    let commands = "help version alias explain doctor config images plan pull load up upgrade migrate downgrade rollback stop start restart scale ps \
                    logs history run down unlock";
    for command in commands.split(' ') {
        let takes = |row: &&Vec<&str>| words(&row[1].replace(['`', ','], " ")).contains(command);
        let listed: Words = rows.iter().filter(takes).flat_map(|row| options(row[0])).collect();
        assert_eq!(listed, options_of_entrypoint(command), "{command}");
    }
}

#[test]
fn the_fault_that_the_readme_shows_is_that_of_the_fixture() {
    let readme = page("README.md");
    let shown = between(&readme, "```text\nerror[", "```");
    // A fixture is named after its fault; a user's file is `bootstrap.toml`.
    let picture = page("tests/spec/invalid/unknown-environment.stderr");
    let picture = picture.replace("unknown-environment.toml", "bootstrap.toml");
    assert_eq!(format!("error[{shown}").trim_end(), picture.trim_end());
}
