//! What the records of an environment say beyond its manifests: how files are mounted, what a target must have, rules of the release.
//!
//! Takes in the release's data and the hashes of its files; gives out facts. Whatever kind of record there is, something is made of it: the
//! entrypoint reads them all. Shows no content of a file and no value of a secret.

use std::collections::{BTreeMap, BTreeSet};

use crate::render::{ReadRecord, read_records};

use super::facts::{Fact, Facts};

/// The records of an environment.
#[derive(Default)]
pub(super) struct Records {
    records: Vec<ReadRecord>,
    /// The hash of every file, by its path below the environment's folder.
    files: BTreeMap<String, String>,
}

/// What has a section of its own, or belongs to a service; the manifest of the service has its constraints.
const SAID_ELSEWHERE: [&str; 11] = [
    "parameter",
    "mount",
    "service",
    "script",
    "migration",
    "network",
    "volume",
    "host_file",
    "external_secret",
    "constraint",
    "addition",
];
/// Digests over what other facts say one by one.
const DIGESTS: [&str; 2] = ["definition", "digest"];

impl Records {
    /// What is said where there are no records.
    pub(super) const EMPTY: Self = Self { records: Vec::new(), files: BTreeMap::new() };

    /// Reads the release's data of an environment.
    pub(super) fn read(data: &[u8], files: BTreeMap<String, String>) -> Result<Self, String> {
        let text = std::str::from_utf8(data).map_err(|_| "it is not UTF-8 text".to_owned())?;
        let records = read_records(text).ok_or("it holds something that is not a record")?;
        Ok(Self { records, files })
    }

    /// What the record of that name says; the command of a script as one fact.
    pub(super) fn of(&self, kind: &str, name: &str) -> Facts {
        self.find(kind, name).map(record_facts).unwrap_or_default()
    }

    /// What shapes a service: its record, what is mounted into it, the parameters that it uses.
    pub(super) fn of_service(&self, name: &str) -> Facts {
        let Some(record) = self.find("service", name) else { return Facts::new() };
        let mounts: Vec<_> = words(record, "mounts").filter_map(|id| self.find("mount", id)).collect();
        let mut facts = record_facts(record);
        facts.retain(|key, _| key != "mounts" && key != "parameters");
        facts.extend(mounts.iter().flat_map(|mount| self.mount_facts(mount, &mounts)));
        let used: BTreeSet<_> = mounts.iter().chain([&record]).flat_map(|record| words(record, "parameters")).collect();
        facts.extend(
            used.into_iter().map(|parameter| (format!("parameter {parameter}.default"), self.default_of(parameter))),
        );
        facts
    }

    /// What a service is called in the manifests.
    pub(super) fn object_of_service<'b>(&'b self, name: &'b str) -> &'b str {
        let object = self.find("service", name).and_then(|record| record.facts.get("object"));
        object.map_or(name, String::as_str)
    }

    /// Networks, volumes and secrets that the target has, or gets, by their names in the spec.
    pub(super) fn objects(&self) -> BTreeMap<String, Facts> {
        let object = |record: &ReadRecord| {
            let name = record.words.first()?;
            let source = record.facts.get("source").unwrap_or(name);
            Some(match record.kind.as_str() {
                "network" | "volume" => (format!("{}s.{name}", record.kind), record_facts(record)),
                "host_file" => (format!("secrets.{source}"), single("path", name.clone())),
                "external_secret" => {
                    let key = record.facts.get("key").cloned().unwrap_or_default();
                    (format!("secrets.{source}"), Facts::from([fact("name", name.clone()), fact("key", key)]))
                }
                _ => return None,
            })
        };
        self.records.iter().filter_map(object).collect()
    }

    /// Everything else: hooks, scripts behind commands, rules for upgrades.
    pub(super) fn rules(&self) -> BTreeMap<String, Facts> {
        let mut rules: BTreeMap<String, Facts> = BTreeMap::new();
        for record in self.records.iter().filter(|record| !SAID_ELSEWHERE.contains(&record.kind.as_str())) {
            match record.kind.as_str() {
                "environment" => rules.entry("target".to_owned()).or_default().extend(record_facts(record)),
                "hook" => add_hook(&mut rules, record),
                kind => {
                    let name = record.words.iter().fold(kind.to_owned(), |name, word| name + " " + word);
                    rules.entry(name).or_default().extend(record_facts(record));
                }
            }
        }
        rules
    }

    fn find(&self, kind: &str, name: &str) -> Option<&ReadRecord> {
        self.records.iter().find(|record| record.kind == kind && record.words.first().is_some_and(|word| word == name))
    }

    /// Who may read a mounted file or folder, and what is in it.
    fn mount_facts(&self, mount: &ReadRecord, mounts: &[&ReadRecord]) -> Vec<(String, Fact)> {
        let said = |key: &str| mount.facts.get(key).cloned().unwrap_or_default();
        let owner = |mount: &ReadRecord| ["uid", "gid", "mode"].map(|key| mount.facts.get(key).cloned());
        let same_source = |other: &&&ReadRecord| {
            ["source", "parameter"].iter().all(|key| other.facts.get(*key) == mount.facts.get(*key))
        };
        let has_several = mounts.iter().filter(same_source).any(|other| owner(other) != owner(mount));
        let kind = if said("kind") == "secret" { "secret" } else { "config" };
        let by_owner =
            if has_several { format!(" of {}:{} {}", said("uid"), said("gid"), said("mode")) } else { String::new() };
        let name = format!("{kind} {}{by_owner}", said("source"));
        let mut facts = vec![
            (format!("{name}.owner"), Fact::from(format!("{}:{}", said("uid"), said("gid")))),
            (format!("{name}.mode"), Fact::from(said("mode"))),
        ];
        facts.extend(
            mount.facts.get("parameter").map(|parameter| (format!("{name}.parameter"), parameter.clone().into())),
        );
        facts.extend(
            mount.facts.get("parameter").map(|parameter| (format!("{name}.default"), self.default_of(parameter))),
        );
        let content = ["file", "pieces", "directory"].into_iter().filter_map(|key| mount.facts.get(key));
        facts.extend(content.flat_map(|path| self.content_facts(&name, path)));
        facts
    }

    /// The hash of a file, or of every file of a folder; in addition to its bytes, a text is made of parameters.
    fn content_facts(&self, name: &str, path: &str) -> Vec<(String, Fact)> {
        let below = self.files.range(path.to_owned()..).take_while(|(file, _)| file.starts_with(path));
        let meant = below.filter(|(file, _)| file.len() == path.len() || file[path.len()..].starts_with('/'));
        let fact = |(file, hash): (&String, &String)| {
            let place = file.strip_prefix("configs/").and_then(|file| file.split_once('/')).map(|(_, place)| place);
            let place = place.map_or_else(|| ".content".to_owned(), |place| format!("/{place}"));
            (format!("{name}{place}"), Fact::hidden("there", format!("{file} {hash}")))
        };
        meant.map(fact).collect()
    }

    /// What a parameter is when nothing is given.
    fn default_of(&self, name: &str) -> Fact {
        let said = |key: &str| self.find("parameter", name).and_then(|record| record.facts.get(key));
        parameter_default(said("default").map(String::as_str), said("secret").is_some())
    }
}

/// The default of a parameter; that of a secret is not shown.
pub(super) fn parameter_default(default: Option<&str>, is_secret: bool) -> Fact {
    match (default, is_secret) {
        (Some(value), true) => Fact::hidden("********", value),
        (Some(value), false) => Fact::from(format!("{value:?}")),
        (None, true) => Fact::hidden("(none)", "secret"),
        (None, false) => Fact::from("(none)".to_owned()),
    }
}

/// Hooks of one point run in their order.
fn add_hook(rules: &mut BTreeMap<String, Facts>, record: &ReadRecord) {
    let [point, script] = record.words.as_slice() else { return };
    let facts = rules.entry(format!("hook {point}")).or_default();
    let before = facts.get("scripts").map(|scripts| format!("{} ", scripts.text())).unwrap_or_default();
    facts.insert("scripts".to_owned(), Fact::from(before + script));
}

fn record_facts(record: &ReadRecord) -> Facts {
    let value = |(key, value): (&String, &String)| {
        let is_digest = DIGESTS.contains(&key.as_str());
        (key.clone(), if is_digest { Fact::Digest(value.clone()) } else { Fact::from(value.clone()) })
    };
    let mut facts: Facts = record.facts.iter().map(value).collect();
    if !record.command.is_empty() {
        facts.insert("command".to_owned(), Fact::from(format!("{:?}", record.command)));
    }
    facts
}

fn words<'a>(record: &'a ReadRecord, key: &str) -> impl Iterator<Item = &'a str> {
    record.facts.get(key).into_iter().flat_map(|list| list.split_whitespace())
}

fn fact(name: &str, value: String) -> (String, Fact) {
    (name.to_owned(), Fact::from(value))
}

fn single(name: &str, value: String) -> Facts {
    Facts::from([fact(name, value)])
}
