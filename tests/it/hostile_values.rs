//! Values survive exactly: what is written in `bootstrap.toml` comes out of the payload, of Compose and of every shell as it went in.
//!
//! Takes in the traps of YAML, TOML, shells and templates, and random Unicode without the characters that the spec refuses. Hundreds of
//! values share one spec, so that Compose is started once.

mod e2e;
mod kubernetes;
mod shells;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use bootsmith::path::{RelativePath, is_direction_control};
use bootsmith::pipeline::{Prepared, prepare};
use bootsmith::plan::{Platform, Selection};
use bootsmith::source::Source;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde::Deserialize;

use crate::fixture;
use crate::schemas;

/// What parsers of YAML 1.1 and 1.2, shells, Tera and Compose are known to read as something else.
pub(crate) const TRAPS: &[&str] = &[
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
pub(crate) fn spec_text(value: &str) -> String {
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

/// The one file of the project.
const FILE: &str = "migration.sql";

fn prepared(spec: &str) -> Prepared {
    prepared_for(spec, Platform::Compose)
}

fn prepared_for(spec: &str, platform: Platform) -> Prepared {
    let files = BTreeMap::from([(FILE.to_owned(), Source::File(Arc::from(b"select 1;\n".as_slice())))]);
    let sources = fixture::sources(spec, files);
    let selection = Selection { platforms: vec![platform.name().to_owned()], ..Selection::default() };
    match prepare(&sources, &selection) {
        Ok(prepared) => {
            assert_eq!(schemas::violations(&prepared), [""; 0], "{spec}");
            prepared
        }
        Err(bootsmith::pipeline::PrepareError::Input(diagnostics)) => {
            panic!("{}", diagnostics.sorted().iter().map(|diagnostic| format!("{diagnostic}\n")).collect::<String>())
        }
        Err(error) => panic!("{error}"),
    }
}

/// A file of the payload's last layer, below the one environment.
fn file(prepared: &Prepared, path: &str) -> Vec<u8> {
    let path = RelativePath::parse(&format!("bootstrap/{path}")).expect("a path of the test");
    let payload = prepared.payloads.values().next().expect("one platform");
    let file = payload.environments.get(&path);
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
        self.assert_holds_with(values, reader, &as_read, &as_read);
    }

    /// The same where the environment is read in another way than the rest.
    fn assert_holds_with(
        &self,
        values: &[String],
        reader: &str,
        as_read: impl Fn(&str) -> String,
        in_environment: impl Fn(&str) -> String,
    ) {
        let web = &self.services["web"];
        assert_eq!(web.command.len(), values.len() + 1, "words of the command, as {reader} reads them");
        for (index, value) in values.iter().enumerate() {
            let expected = Some(as_read(value));
            let key = format!("key_{index}");
            let of_environment = Some(in_environment(value));
            assert_eq!(web.environment.get(&key).cloned(), of_environment, "environment, as {reader} reads it");
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
