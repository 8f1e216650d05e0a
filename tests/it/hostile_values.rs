//! Values survive exactly: what is written in `bootstrap.toml` comes out of the payload, of Compose and of every shell as it went in.
//!
//! Takes in the traps of YAML, TOML, shells and templates, and random Unicode without the characters that the spec refuses. Hundreds of
//! values share one spec, so that Compose is started once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use bootsmith::path::{RelativePath, is_direction_control};
use bootsmith::pipeline::{Prepared, prepare};
use bootsmith::plan::{Platform, Selection};
use bootsmith::source::Sources;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde::Deserialize;

/// What parsers of YAML 1.1 and 1.2, shells, Tera and Compose are known to read as something else.
const TRAPS: &[&str] = &[
    "",
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    " \n ",
    "a ",
    " a",
    "a\n",
    "\na",
    "a\n\n",
    "a\n b\n  c",
    "a\tb",
    "\ta",
    "a\n\tb",
    "a \n b",
    "no",
    "No",
    "NO",
    "yes",
    "Yes",
    "on",
    "off",
    "y",
    "n",
    "Y",
    "N",
    "true",
    "True",
    "false",
    "FALSE",
    "null",
    "Null",
    "NULL",
    "~",
    "0",
    "-0",
    "+1",
    "007",
    "0755",
    "0o7",
    "0o755",
    "0x1F",
    "0b11",
    "1_000",
    "1e3",
    "1.",
    ".5",
    "1.0",
    "1.10",
    "-1",
    "12e03",
    "685_230.15",
    ".inf",
    "-.inf",
    ".Inf",
    ".nan",
    ".NaN",
    "inf",
    "nan",
    "1:30",
    "1:30:00",
    "190:20:30",
    "22:22",
    "2026-11-21",
    "2026-11-21T10:00:00Z",
    "2026-11-21 10:00:00",
    "=",
    "<<",
    "<<: *a",
    "# x",
    "a # x",
    "a #",
    "#",
    "a: b",
    "a:",
    ": ",
    ":",
    ":a",
    "a:b",
    "- x",
    "-",
    "--",
    "---",
    "--- a",
    "...",
    "? ",
    "?",
    "? a",
    "[",
    "]",
    "[a]",
    "{",
    "}",
    "{}",
    "{a: b}",
    "{{ }}",
    "{{ x }}",
    "{% raw %}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{{",
    "}}",
    ",",
    "a, b",
    "&a",
    "*a",
    "&a b",
    "!tag",
    "!!str a",
    "!",
    "|",
    "|-",
    "|+2",
    ">",
    ">-",
    "%",
    "%YAML 1.2",
    "%%",
    "%s",
    "%d%n",
    "@",
    "@a",
    "`",
    "`x`",
    "'",
    "''",
    "'a'",
    "it's",
    "'\\''",
    "\"",
    "\"\"",
    "\"a\"",
    "a\"b",
    "\\",
    "\\\\",
    "\\n",
    "\\u0041",
    "\\x41",
    "a\\",
    "a\\\nb",
    "\\'",
    "\\\"",
    "$",
    "$$",
    "$$$",
    "$a",
    "$A",
    "${",
    "${}",
    "${X}",
    "$${X}",
    "${X:-a}",
    "${X?}",
    "$(id)",
    "$((1))",
    "`id`",
    "$'a'",
    "a$",
    "$PATH",
    "${PATH}",
    "*",
    "?*",
    "~/x",
    "~root",
    "a;b",
    "a|b",
    "a&b",
    "a>b",
    "!!",
    "-n",
    "-e",
    "-c",
    "--help",
    "=x",
    "a=b",
    "a==b",
    "\\c",
    "a\\cb",
    "é",
    "ß",
    "日本語",
    "😀",
    "👩‍👩‍👧‍👦",
    "e\u{301}",
    "\u{feff}",
    "\u{feff}a",
    "\u{a0}",
    "\u{2028}",
    "a\u{2028}b",
    "\u{2029}",
    "\u{200b}",
    "\u{ad}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{fffe}",
    "\u{10ffff}",
    "\u{e000}",
    "\u{f8ff}",
    "\u{1f1e9}\u{1f1ea}",
    "\u{3000}",
    "key: |\n  a\n  b\n",
    "a:\n  - b\n  - c",
    "<xml a=\"b\">&amp;</xml>",
    "{\"json\": [1, null, \"a\"]}",
    "SELECT '1' || \"b\" -- x;",
    "C:\\Users\\x",
    "\\\\host\\share",
    "a\n---\nb",
    "a\n...\nb",
    "a\n# b\nc",
];

/// A text of honest characters: the spec refuses control characters but line feed and tab, and those that change the direction.
fn random_text() -> impl Strategy<Value = String> {
    let honest = any::<char>().prop_filter("a character that the spec takes", |character| {
        !is_direction_control(*character) && (!character.is_control() || matches!(character, '\n' | '\t'))
    });
    prop_oneof![
        proptest::collection::vec(honest, 0..24).prop_map(String::from_iter),
        "[ \\t\\n:#'\"\\\\$&*!|>%@`{}\\[\\],?~=<-]{1,12}",
        "[-+.0-9_:eExXoTZ]{1,12}",
    ]
}

fn hostile() -> impl Strategy<Value = String> {
    let trap = || proptest::sample::select(TRAPS).prop_map(str::to_owned);
    prop_oneof![
        3 => trap(),
        3 => random_text(),
        2 => (trap(), random_text()).prop_map(|(trap, text)| trap + &text),
        2 => (random_text(), trap()).prop_map(|(text, trap)| text + &trap),
        2 => (trap(), trap()).prop_map(|(first, second)| format!("{first}\n{second}")),
        1 => (random_text(), 100_usize..4000).prop_map(|(text, times)| text.repeat(times / (text.len() + 1) + 1)),
    ]
}

/// Every trap, and as many others as make up the number; the same in every run.
fn sample(count: usize) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let mut random = || hostile().new_tree(&mut runner).expect("a strategy that rejects little").current();
    let mut values: Vec<_> = TRAPS.iter().map(|trap| (*trap).to_owned()).collect();
    values.extend(["x".repeat(100_000), "'\"\\$ ".repeat(5_000), "line\n".repeat(5_000)]);
    values.extend(std::iter::repeat_with(&mut random).take(count.saturating_sub(values.len())));
    values
}

/// As TOML 1.0 writes a text, whatever is in it.
fn toml_text(value: &str) -> String {
    let mut text = String::from("\"");
    for character in value.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            _ => text.push(character),
        }
    }
    text + "\""
}

/// As the spec wants a text that stands for itself: a dollar is doubled.
fn spec_text(value: &str) -> String {
    toml_text(&value.replace('$', "$$"))
}

/// A spec that has every value in an environment, in a command, in an entrypoint and in labels.
fn spec(values: &[String]) -> String {
    let list = values.iter().map(|value| spec_text(value)).collect::<Vec<_>>().join(", ");
    let mut text = format!(
        "[project]\nname = \"hostile\"\nversion = \"1.0.0\"\n[bootstrap]\nplatforms = [\"compose\"]\nallow = [\"B021\"]\n\
         [services.web]\nimage = \"docker.io/library/app:1.0\"\ncommand = [\"serve\", {list}]\nentrypoint = [\"run\", {list}]\n"
    );
    for section in ["environment", "labels"] {
        let _ = writeln!(text, "[services.web.{section}]");
        for (index, value) in values.iter().enumerate() {
            let _ = writeln!(text, "key_{index} = {}", spec_text(value));
        }
    }
    text
}

/// The same, and every value as the content of a config.
fn spec_with_configs(values: &[String]) -> String {
    let mut text = spec(values);
    let mount = |index| format!("{{ source = \"c{index}\", target = \"/etc/c{index}\" }}");
    let mounts: Vec<_> = (0..values.len()).map(mount).collect();
    text = text.replace("[services.web]\n", &format!("[services.web]\nconfigs = [{}]\n", mounts.join(", ")));
    for (index, value) in values.iter().enumerate() {
        let _ = writeln!(text, "[configs.c{index}]\ncontent = {}", spec_text(value));
    }
    text
}

fn prepared(spec: &str) -> Prepared {
    let sources =
        Sources { spec_file: Arc::from("bootstrap.toml"), spec_text: Arc::from(spec), files: BTreeMap::new() };
    match prepare(&sources, &Selection::default()) {
        Ok(prepared) => prepared,
        Err(bootsmith::pipeline::PrepareError::Input(diagnostics)) => {
            panic!("{}", diagnostics.sorted().iter().map(|diagnostic| format!("{diagnostic}\n")).collect::<String>())
        }
        Err(error) => panic!("{error}"),
    }
}

/// A file of the payload's last layer, below the one environment.
fn file(prepared: &Prepared, path: &str) -> Vec<u8> {
    let path = RelativePath::parse(&format!("bootstrap/{path}")).expect("a path of the test");
    let file = prepared.payloads[&Platform::Compose].environments.get(&path);
    file.unwrap_or_else(|| panic!("no `{path}`")).bytes.to_vec()
}

fn text(prepared: &Prepared, path: &str) -> String {
    String::from_utf8(file(prepared, path)).expect("UTF-8")
}

/// What a reader of a manifest sees; a scalar that is no text is none of ours.
#[derive(Deserialize)]
struct Manifest {
    services: BTreeMap<String, ManifestService>,
}

#[derive(Deserialize)]
struct ManifestService {
    command: Vec<String>,
    entrypoint: Vec<String>,
    environment: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
}

impl Manifest {
    /// Asserts that every value is everywhere it was put; `as_read` is how this reader gives out a value.
    fn assert_holds(&self, values: &[String], reader: &str, as_read: impl Fn(&str) -> String) {
        let web = &self.services["web"];
        assert_eq!(web.command.len(), values.len() + 1, "words of the command, as {reader} reads them");
        for (index, value) in values.iter().enumerate() {
            let expected = Some(as_read(value));
            let key = format!("key_{index}");
            assert_eq!(web.environment.get(&key).cloned(), expected, "environment, as {reader} reads it");
            assert_eq!(web.labels.get(&key).cloned(), expected, "labels, as {reader} reads them");
            assert_eq!(web.command.get(index + 1).cloned(), expected, "command, as {reader} reads it");
            assert_eq!(web.entrypoint.get(index + 1).cloned(), expected, "entrypoint, as {reader} reads it");
        }
    }
}

/// In a manifest a dollar is doubled: Compose interpolates it.
fn doubled(value: &str) -> String {
    value.replace('$', "$$")
}

fn assert_survive(values: &[String]) {
    let prepared = prepared(&spec_with_configs(values));
    let manifest = text(&prepared, "environments/production/compose.yaml");
    let manifest: Manifest = serde_saphyr::from_str(&manifest).expect("YAML");
    manifest.assert_holds(values, "the payload", doubled);
    for (index, value) in values.iter().enumerate() {
        let content = file(&prepared, &format!("environments/production/configs/c{index}"));
        assert_eq!(String::from_utf8_lossy(&content), *value, "config");
    }
}

#[test]
fn every_trap_survives_the_payload() {
    assert_survive(&sample(0));
}

proptest! {
    // 64 specs with 20 values each.
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_survive_the_payload(values in proptest::collection::vec(hostile(), 20)) {
        assert_survive(&values);
    }
}

/// A rule is held against what a value stands for, not against how it is written.
#[test]
fn the_words_of_a_parameter_are_what_they_stand_for() {
    let spec = "[project]\nname = \"hostile\"\nversion = \"1.0.0\"\n[bootstrap]\nplatforms = [\"compose\"]\nallow = [\"B033\"]\n\
                [services.web]\nimage = \"docker.io/library/app:1.0\"\n\
                [parameters.PRICE]\nenum = [\"$$5\", \"$$10\"]\ndefault = \"$$5\"\ndescription = \"$$\"\n";
    let release = text(&prepared(spec), "environments/production/release");
    assert!(release.contains(" default='$5' enum='$5 $10' description='$'\n"), "{release}");
}

/// The release data, read by the shells that a base may have.
mod shells {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// Prints every record that it sources: the number of its words, then the words, each ended by a NUL.
    const VISITOR: &str = r#"
record() { printf '%s\0' "$#" "$@"; }
environment() { record environment "$@"; }
parameter() { record parameter "$@"; }
network() { record network "$@"; }
service() { record service "$@"; }
script() { record script "$@"; }
. "$1/release"
record description "$description"
. "$1/environments/production/release"
"#;

    fn release_spec(values: &[String]) -> String {
        let words = values.iter().map(|value| spec_text(value)).collect::<Vec<_>>().join(", ");
        let mut text = format!(
            "[project]\nname = \"hostile\"\nversion = \"1.0.0\"\ndescription = {}\n\
             [bootstrap]\nplatforms = [\"compose\"]\nallow = [\"B033\"]\n[services.web]\nimage = \"docker.io/library/app:1.0\"\n\
             [scripts.say]\nservice = \"web\"\ncommand = [\"say\", {words}]\n",
            spec_text(values.last().expect("values")),
        );
        for (index, value) in values.iter().enumerate() {
            let value = spec_text(value);
            let _ = writeln!(text, "[parameters.P{index}]\ndescription = {value}\ndefault = {value}");
            let _ =
                writeln!(text, "[scripts.s{index}]\ndescription = {value}\nservice = \"web\"\ncommand = [\"true\"]");
        }
        text
    }

    /// What a shell reads, one record a line of words. Every parameter is given the value after its own.
    fn read(shell: &[&str], folder: &Path, values: &[String]) -> Vec<Vec<String>> {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).args(["-c", VISITOR, "visitor"]).arg(folder);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(values.iter().enumerate().map(|(index, value)| (format!("P{index}"), value)));
        let output = command.output().expect("the shell starts");
        assert!(output.status.success(), "{shell:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell:?}");
        let out = String::from_utf8(output.stdout).expect("UTF-8");
        let mut words = out.split_terminator('\0').map(str::to_owned);
        let mut records = Vec::new();
        while let Some(count) = words.next() {
            let count = count.parse().unwrap_or_else(|_| panic!("{shell:?}: `{count}` is no number of words"));
            records.push(words.by_ref().take(count).collect());
        }
        records
    }

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// The records of values, in the order of their names.
    fn expected(values: &[String]) -> Vec<Vec<String>> {
        let value = |name: &str| values[name[1..].parse::<usize>().expect("a name of the test")].as_str();
        let names = |letter: &str| {
            let mut names: Vec<_> = (0..values.len()).map(|index| format!("{letter}{index}")).collect();
            names.sort();
            names
        };
        let mut records = vec![owned(&["description", values.last().expect("values")])];
        records.extend(names("P").iter().map(|name| {
            let value = value(name);
            owned(&["parameter", name, "given", value, &format!("default={value}"), &format!("description={value}")])
        }));
        records.extend(names("s").iter().map(|name| {
            let description = format!("description={}", value(name));
            owned(&["script", name, "mode=exec", "service=web", &description, "--", "true"])
        }));
        let mut say = owned(&["script", "say", "mode=exec", "service=web", "description=", "--", "say"]);
        say.extend(values.iter().cloned());
        records.push(say);
        records
    }

    fn assert_read(shell: &[&str]) {
        let values: Vec<_> = sample(400).into_iter().filter(|value| value.len() < 10_000).collect();
        let prepared = prepared(&release_spec(&values));
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir_all(folder.path().join("environments/production")).expect("room");
        for path in ["release", "environments/production/release"] {
            std::fs::write(folder.path().join(path), file(&prepared, path)).expect("room");
        }
        let records = read(shell, folder.path(), &values);
        let told: Vec<_> = records
            .into_iter()
            .filter(|record| matches!(record[0].as_str(), "description" | "parameter" | "script"))
            .collect();
        let expected = expected(&values);
        assert_eq!(told.len(), expected.len(), "{shell:?}");
        for (told, expected) in told.iter().zip(&expected) {
            assert_eq!(told, expected, "{shell:?}");
        }
    }

    /// Whether a shell is here; with `BOOTSMITH_E2E=1` it must be.
    fn is_here(shell: &[&str]) -> bool {
        let here =
            Command::new(shell[0]).args(&shell[1..]).args(["-c", ":"]).output().is_ok_and(|it| it.status.success());
        assert!(here || std::env::var_os("BOOTSMITH_E2E").is_none_or(|value| value != "1"), "{shell:?} is missing");
        if !here {
            println!("skipped: {shell:?} is not on this machine");
        }
        here
    }

    #[test]
    fn the_shell_of_this_machine_reads_values_exactly() {
        assert_read(&["sh"]);
    }

    #[test]
    fn every_shell_reads_values_exactly() {
        for shell in [["dash"].as_slice(), &["busybox", "sh"], &["bash", "--posix"]] {
            if is_here(shell) {
                assert_read(shell);
            }
        }
    }
}

/// The same values through Compose itself.
mod e2e {
    use std::io::Write as _;
    use std::process::{Command, Output, Stdio};

    use super::*;

    /// The image of the archive that `cargo xtask base` makes.
    const BASE_IMAGE: &str = "bootsmith/base:compose";

    /// What the entrypoint would fill in: this product has one service and no mounts.
    const FILLED_IN: [(&str, &str); 2] = [("BOOTSMITH_REPLICAS_WEB", "1"), ("BOOTSMITH_DIGEST_WEB", "0")];

    /// A Compose that reads a manifest from standard input.
    enum Compose {
        /// The plugin of this machine.
        Plugin,
        /// The plugin in the base image.
        InBase,
        /// The old program.
        Old,
    }

    impl Compose {
        fn command(&self) -> Command {
            let mut command = Command::new(if matches!(self, Self::Old) { "docker-compose" } else { "docker" });
            if matches!(self, Self::InBase) {
                command.args(["run", "--rm", "--interactive", "--network", "none"]);
                command.args(FILLED_IN.iter().flat_map(|(name, _)| ["--env", name]));
                command.args([BASE_IMAGE, "docker"]);
            }
            if !matches!(self, Self::Old) {
                command.arg("compose");
            }
            command.args(["--project-name", "hostile", "--file", "-", "config"]);
            if !matches!(self, Self::Old) {
                command.args(["--format", "json"]);
            }
            command.envs(FILLED_IN);
            command
        }

        /// The resolved manifest. Compose doubles every dollar in it, so that it can be read again.
        fn resolve(&self, manifest: &str) -> String {
            let output = with_input(self.command(), manifest);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).expect("UTF-8").replace("$$", "$")
        }
    }

    fn with_input(mut command: Command, input: &str) -> Output {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("Compose starts");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        std::thread::scope(|scope| {
            // Compose may end early and say why; then nobody reads the rest.
            scope.spawn(move || drop(stdin.write_all(input.as_bytes())));
            child.wait_with_output().expect("Compose ends")
        })
    }

    fn succeeds(program: &str, arguments: &[&str]) -> bool {
        Command::new(program).args(arguments).stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
    }

    /// Compose v2 of this machine, else of the base.
    fn compose() -> Result<Compose, &'static str> {
        if succeeds("docker", &["compose", "version"]) {
            return Ok(Compose::Plugin);
        }
        let base = std::env::var("BOOTSMITH_BASE")
            .map_err(|_| "there is no `docker compose`, and BOOTSMITH_BASE names no base")?;
        if succeeds("docker", &["load", "--input", &base]) {
            Ok(Compose::InBase)
        } else {
            Err("there is no `docker compose`, and no engine takes the base")
        }
    }

    fn compose_or_skip() -> Option<Compose> {
        match compose() {
            Ok(compose) => Some(compose),
            Err(reason) if std::env::var_os("BOOTSMITH_E2E").is_some_and(|value| value == "1") => panic!("{reason}"),
            Err(reason) => {
                println!("skipped: {reason}");
                None
            }
        }
    }

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
        let found =
            std::env::split_paths(&path).map(|folder| folder.join("docker-compose")).find(|file| file.is_file());
        let program = found.and_then(|file| std::fs::read(file).ok()).ok_or("there is no `docker-compose`")?;
        let first =
            String::from_utf8_lossy(program.split(|byte| *byte == b'\n').next().unwrap_or_default()).into_owned();
        let python = first.strip_prefix("#!").filter(|python| python.contains("python"));
        python.map(|python| python.trim().to_owned()).ok_or("`docker-compose` is not the old one")
    }

    #[test]
    fn values_survive_the_old_compose() {
        let python = match python_of_old_compose() {
            Ok(python) => python,
            Err(reason) => return println!("skipped: {reason}"),
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
}
