//! The release data, read by the shells that a base may have.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::skip;

/// Prints every record that it sources: the number of its words, then the words, each ended by a NUL.
const VISITOR: &str = r#"
record() { printf '%s\0' "$#" "$@"; }
environment() { record environment "$@"; }
parameter() { record parameter "$@"; }
network() { record network "$@"; }
service() { record service "$@"; }
script() { record script "$@"; }
migration() { record migration "$@"; }
. "$1/release"
record description "$description"
. "$1/environments/production/release"
"#;

fn release_spec(values: &[String]) -> String {
    let words = values.iter().map(|value| spec_text(value)).collect::<Vec<_>>().join(", ");
    let mut text = format!(
        "[project]\nname = \"hostile\"\nversion = \"1.0.0\"\ndescription = {}\n\
             [bootstrap]\nplatforms = [\"compose\"]\nallow = [\"B033\"]\n[services.web]\nimage = \"docker.io/library/app:1.0\"\n\
             [scripts.say]\nservice = \"web\"\ncommand = [\"say\", {words}]\n\
             [[migrations]]\nname = \"move\"\nrelease = \"1.0.0\"\nservice = \"web\"\n\
             up = \"{FILE}\"\ndown = \"{FILE}\"\nrunner = [\"say\", {words}, \"{{file}}\"]\n",
        spec_text(values.last().expect("values")),
    );
    for (index, value) in values.iter().enumerate() {
        let value = spec_text(value);
        let _ = writeln!(text, "[parameters.P{index}]\ndescription = {value}\ndefault = {value}");
        let _ = writeln!(text, "[scripts.s{index}]\ndescription = {value}\nservice = \"web\"\ncommand = [\"true\"]");
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
    let (up, down) = (format!("up={FILE}"), format!("down={FILE}"));
    let mut migration =
        owned(&["migration", "move", "release=1.0.0", "service=web", "mode=run", &up, &down, "--", "say"]);
    migration.extend(values.iter().cloned());
    migration.push("{file}".to_owned());
    records.push(migration);
    records
}

/// A record without the digest of what a migration does, which other tests look at.
fn without_digest(mut record: Vec<String>) -> Vec<String> {
    if record[0] == "migration" {
        let at = record.iter().position(|word| word.starts_with("content=")).expect("a digest");
        record.remove(at);
    }
    record
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
        .filter(|record| matches!(record[0].as_str(), "description" | "parameter" | "script" | "migration"))
        .map(without_digest)
        .collect();
    let expected = expected(&values);
    assert_eq!(told.len(), expected.len(), "{shell:?}");
    for (told, expected) in told.iter().zip(&expected) {
        assert_eq!(told, expected, "{shell:?}");
    }
}

/// Whether a shell is here; with `BOOTSMITH_E2E=1` it must be.
fn is_here(shell: &[&str]) -> bool {
    let here = Command::new(shell[0]).args(&shell[1..]).args(["-c", ":"]).output().is_ok_and(|it| it.status.success());
    if !here {
        skip::missing(format!("{shell:?} is not on this machine"));
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
