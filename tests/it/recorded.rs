//! What the builder records, the entrypoint takes: the writer in Rust and the gate in awk know one grammar.
//!
//! Takes in random specs with odd names, texts and paths; of every one that builds, the gate (`lib/gate.sh`) must take each file that it
//! will source, and must refuse what mutations make of it, unless that is a record again. The seed is printed with a failure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bootsmith::path::RelativePath;
use bootsmith::pipeline::{self, PrepareError};
use bootsmith::plan::{Platform, Selection};
use bootsmith::render::read_records;
use bootsmith::source::Source;

use crate::build::project::Random;
use crate::fixture;
use crate::hostile_values::{TRAPS, spec_text};
use crate::schemas;

/// So many specs that build, and so many with everything (`BOOTSMITH_E2E=1`); `SPECS` sets another number.
const SPECS: usize = 2_000;
const ALL_SPECS: usize = 10_000;
/// So many mutations of what is written.
const MUTATIONS: usize = 3_000;
/// Files that one awk reads.
const BATCH: usize = 1_000;

/// Texts that look like the grammar they stand in.
const LOOKALIKES: &[&str] = &[
    "--directory=/srv/../backup",
    "down=x/..",
    "pieces=x/../y",
    "file='../x'",
    "up=..",
    "../../..",
    "' x='y",
    "'\nservice 'x",
    "\\'",
    "'\\''",
    "${PATH}",
    "\"${PATH-}\"",
    "{{file}}",
    "{% if %}",
    "--",
    "=",
    "a=b",
    "mode=bootstrap",
    "$(id)",
    "`id`",
    "service 'web'",
    "\n\n",
    "'",
    "''",
    "|",
];
const PARAMETERS: &[&str] = &[
    "SHELL_COLOR",
    "SHELLS",
    "BASH_COLOR",
    "BOOTS_PRICE",
    "BOOTSTRAP",
    "PATHS",
    "PATH_",
    "HOME_PAGE",
    "ENV_",
    "LDAP_URL",
    "PS5",
    "SSHD",
    "DOCKERS",
    "COMPOSER",
    "LCD",
    "A",
    "A__",
    "X_1",
    "IFS_",
    "TMPDIRS",
    "version",
    "logLevel",
    "work",
    "_TAG",
    "visited",
    "path",
    "b_2",
];
const NAMES: &[&str] = &[
    "web",
    "a",
    "service",
    "parameter",
    "b-2",
    "x--y",
    "upgrade",
    "release",
    "literal",
    "wave",
    "My_Web.1",
    "1.0",
    "a_b",
    "No",
    "end-",
];
const FILES: &[&str] = &["a.sh", "scripts/b.sh", "scripts/x..y/..c.sh", "migrations/.../d.sh", "it's/a $(b)/e.sh"];
const POINTS: &[&str] = &["pre-up", "post-up", "pre-upgrade", "post-migrate", "pre-down"];

/// A spec in the making.
struct Maker<'a> {
    random: &'a mut Random,
    text: String,
}

impl Maker<'_> {
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random.below(limit as u64)).expect("a small number")
    }

    fn one_of<'t>(&mut self, list: &[&'t str]) -> &'t str {
        list[self.below(list.len())]
    }

    fn maybe(&mut self) -> bool {
        self.below(2) == 0
    }

    /// A text as TOML, up to three odd ones in a row.
    fn odd(&mut self) -> String {
        let mut value = String::new();
        for _ in 0..=self.below(3) {
            let list = if self.maybe() { TRAPS } else { LOOKALIKES };
            value.push_str(self.one_of(list));
        }
        spec_text(&value)
    }

    fn odds(&mut self, most: usize) -> String {
        (0..self.below(most + 1)).map(|_| ", ".to_owned() + &self.odd()).collect()
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{line}");
    }

    /// Some of a list, each once.
    fn some<'t>(&mut self, list: &[&'t str], most: usize) -> Vec<&'t str> {
        let start = self.below(list.len());
        let count = self.below(most + 1);
        (0..count).map(|index| list[(start + index * 3) % list.len()]).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn spec(mut self, platform: Platform) -> String {
        let lossy = ["services.*", "services.*.configs.*.uid", "services.*.secrets.*.uid", "services.*.secrets.*.mode"];
        let lossy = lossy.map(|feature| {
            format!("{{ code = \"B037\", feature = \"{feature}\", platform = \"kubernetes\", reason = \"test\" }}")
        });
        let description = self.odd();
        self.line(&format!("[project]\nname = \"p\"\nversion = \"1.0.0\"\ndescription = {description}"));
        self.line(&format!("[bootstrap]\nplatforms = [\"{}\"]\nallow = [{}]", platform.name(), lossy.join(", ")));
        let parameters = self.some(PARAMETERS, 4);
        for name in &parameters {
            self.parameter(name);
        }
        let services = self.some(NAMES, 2);
        let services = if services.is_empty() { vec!["web"] } else { services };
        let content = match parameters.first() {
            Some(name) => format!("\"a ${{{name}}} '\\n\""),
            None => self.odd(),
        };
        let conf = self.one_of(&["conf", "Web.conf", "conf.pieces", "2_", "folder.x"]);
        let secret = self.one_of(&["pw", "DB_Password", "pw.1"]);
        self.line(&format!("[configs.\"{conf}\"]\ncontent = {content}\n[configs.folder]\ndirectory = \"folder\"\n[parameters.PW]\nsecret = true"));
        self.line(&format!("[secrets.\"{secret}\"]\nparameter = \"PW\""));
        if self.maybe() && platform == Platform::Compose {
            let path = self.one_of(&["/srv/a=b", "/srv/x..y", "/srv/it's", "/srv/a b"]);
            self.line(&format!("[secrets.host]\nhost-file = \"{path}\""));
        }
        for service in &services {
            let (mode, uid) = (self.one_of(&["0444", "0400", "0755"]), self.one_of(&["0", "999", "65534"]));
            let arguments = self.odds(3);
            self.line(&format!(
                "[services.\"{service}\"]\nimage = \"docker.io/library/app:1\"\ncommand = [\"x\"{arguments}]"
            ));
            self.line(&format!(
                "configs = [{{ source = \"{conf}\", target = \"/etc/c\", uid = \"{uid}\", mode = \"{mode}\" }}, {{ source = \"folder\", target = \"/etc/f\" }}]"
            ));
            self.line(&format!("secrets = [\"{secret}\"]"));
        }
        let scripts = self.some(&["report", "a-b", "c"], 3);
        for name in &scripts {
            self.script(name, services[0]);
        }
        self.hooks(&scripts);
        self.migrations(services[0]);
        self.upgrade(scripts.first().copied());
        self.text
    }

    fn parameter(&mut self, name: &str) {
        let description = self.odd();
        self.line(&format!("[parameters.{name}]\ndescription = {description}"));
        match self.below(4) {
            0 => self.line("type = \"integer\"\nmin = -3\nmax = 9223372036854775807\ndefault = \"5\""),
            1 => self.line("enum = [\"a'b\", \"$$5\", \"x=y\"]\ndefault = \"a'b\""),
            2 => self.line("pattern = \"a|'b'|.*\"\ndefault = \"x\""),
            _ => {
                let default = self.odd();
                self.line(&format!("default = {default}"));
            }
        }
    }

    fn script(&mut self, name: &str, service: &str) {
        let description = self.odd();
        self.line(&format!("[scripts.{name}]\ndescription = {description}\nservice = \"{service}\""));
        if self.maybe() {
            let file = self.one_of(FILES);
            self.line(&format!("file = {}", spec_text(file)));
        } else {
            let arguments = self.odds(4);
            self.line(&format!("command = [\"x\"{arguments}]"));
        }
    }

    fn hooks(&mut self, scripts: &[&str]) {
        let points = self.some(POINTS, 2);
        if let (Some(script), false) = (scripts.first(), points.is_empty()) {
            self.line("[hooks]");
            for point in &points {
                self.line(&format!("{point} = [\"{script}\"]"));
            }
        }
        if let (Some(script), true) = (scripts.last(), self.maybe()) {
            self.line(&format!("[users]\nadd = \"{script}\""));
        }
    }

    fn migrations(&mut self, service: &str) {
        for name in self.some(&["m", "down", "n-1"], 2) {
            let (up, arguments) = (self.one_of(FILES), self.odds(2));
            self.line(&format!(
                "[[migrations]]\nname = \"{name}\"\nrelease = \"1.0.0\"\nservice = \"{service}\"\nup = {}",
                spec_text(up)
            ));
            if self.maybe() {
                self.line(&format!("runner = [\"x\"{arguments}, \"--file={{file}}\"]"));
            }
            if self.maybe() {
                let down = self.one_of(FILES);
                self.line(&format!("down = {}\ncompatible = true", spec_text(down)));
            }
        }
    }

    fn upgrade(&mut self, script: Option<&str>) {
        match (self.below(5), script) {
            (0, _) => self.line("[upgrade]"),
            (1, _) => self.line("[upgrade]\nrollback = true"),
            (2, _) => self.line("[upgrade]\nrollback = false\nfrom = \">=1.0.0, <2.0.0\""),
            (3, Some(script)) => {
                self.line(&format!("[upgrade]\nbackup = {{ script = \"{script}\", max-age = \"24h\" }}"));
            }
            _ => {}
        }
    }
}

/// What is sourced of a record: `release` and the pieces of configs. Nothing when the spec does not build, and why.
fn sourced(spec: &str, platform: Platform) -> Result<Vec<(&'static str, String)>, String> {
    let bytes = |text: &str| Source::File(Arc::from(text.as_bytes()));
    let mut files: BTreeMap<_, _> = FILES.iter().map(|path| ((*path).to_owned(), bytes("true\n"))).collect();
    let names = ["index.html", "..a/b..", "it's", "a=b/$(id)"];
    let folder = names.iter().filter_map(|name| Some((RelativePath::parse(name).ok()?, Arc::from(b"x".as_slice()))));
    files.insert("folder".to_owned(), Source::Folder(folder.collect()));
    let sources = fixture::sources(spec, files);
    let prepared = pipeline::prepare(&sources, &Selection::default()).map_err(|error| match error {
        PrepareError::Input(found) => found.sorted().iter().map(|one| format!("{one}\n")).collect::<String>(),
        other => panic!("{other}"),
    })?;
    assert_eq!(schemas::violations(&prepared), [""; 0], "{spec}");
    let folder = "bootstrap/environments/production";
    let files: BTreeMap<_, _> = prepared.payloads[&platform].environments.iter().collect();
    let file = |path: &str| {
        let place = RelativePath::parse(&format!("{folder}/{path}")).expect("a path of ours");
        String::from_utf8(files[&place].bytes.to_vec()).expect("records are text")
    };
    let release = file("release");
    // A config of the product may be called as if it were pieces.
    let pieces: Vec<_> = pieces_of(&release).iter().map(|path| ("pieces", file(path))).collect();
    Ok(std::iter::once(("release", release)).chain(pieces).collect())
}

/// The files that a release says hold the pieces of a config.
fn pieces_of(release: &str) -> BTreeSet<String> {
    let records = read_records(release).unwrap_or_default();
    records.into_iter().filter_map(|mut record| record.facts.remove("pieces")).collect()
}

/// Files that the gate refuses, with the reason.
fn refused(folder: &Path, files: &[(&'static str, String)]) -> BTreeMap<usize, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/entrypoint");
    let mut refused = BTreeMap::new();
    for kind in ["release", "pieces"] {
        let paths = files.iter().enumerate().filter(|(_, (of, _))| *of == kind).map(|(index, (_, text))| {
            let path = folder.join(index.to_string());
            fs::write(&path, text).expect("room");
            path
        });
        let paths: Vec<_> = paths.collect();
        for batch in paths.chunks(BATCH) {
            let mut command = Command::new("sh");
            command.args(["-c", ". \"$root/lib/gate.sh\"; list_refused \"$@\"", "gate", kind]).args(batch);
            let output = command.env("root", &root).env("LC_ALL", "C").output().expect("a shell");
            assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                let (path, reason) = line.split_once('|').expect("FILE|LINE|REASON");
                let name = Path::new(path).file_name().and_then(|name| name.to_str()).expect("a name of the test");
                refused.insert(name.parse().expect("a number"), reason.to_owned());
            }
        }
    }
    refused
}

fn seed() -> u64 {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("SEED={seed}");
    seed
}

/// Files of as many random specs that build.
fn written(random: &mut Random, specs: usize) -> Vec<(&'static str, String)> {
    let (mut files, mut refused) = (Vec::new(), 0);
    let mut built = 0;
    while built < specs {
        let platform = Platform::ALL[built % Platform::ALL.len()];
        let spec = Maker { random, text: String::new() }.spec(platform);
        match sourced(&spec, platform) {
            Ok(of_spec) => {
                files.extend(of_spec);
                built += 1;
            }
            Err(why) => {
                refused += 1;
                assert!(refused < 20 + specs / 2, "specs hardly ever build: {why}\n{spec}");
            }
        }
    }
    files
}

#[test]
fn what_is_written_is_taken() {
    let usual = if std::env::var_os("BOOTSMITH_E2E").is_some() { ALL_SPECS } else { SPECS };
    let specs = std::env::var("SPECS").ok().and_then(|specs| specs.parse().ok()).unwrap_or(usual);
    let files = written(&mut Random::new(seed()), specs);
    let folder = tempfile::tempdir().expect("a temporary folder");
    if let Some((index, reason)) = refused(folder.path(), &files).first_key_value() {
        panic!("{reason}\n{}", files[*index].1);
    }
    for (_, text) in &files {
        assert!(read_records(text).is_some(), "{text}");
    }
}

/// One byte taken out, put in, or doubled: where a shell would not read plain records any more, the gate says no. What the shell runs is
/// found out by a shell that has no functions but ours, in an empty folder.
#[test]
fn what_is_not_a_record_is_refused() {
    let mut random = Random::new(seed() + 1);
    let files = written(&mut random, 60);
    let mut below = |limit: usize| usize::try_from(random.below(limit as u64)).expect("a small number");
    let inserted = ["'", "\"", "$(id)", "`id`", ";", " ", "\n", "\\", "=", "|", "&", ">x", "../", "$x", "#", "(", "x"];
    let mutations: Vec<_> = (0..MUTATIONS)
        .map(|_| {
            let (kind, text) = &files[below(files.len())];
            let mut text = text.clone();
            for _ in 0..=below(2) {
                let at = (0..=below(text.len())).rev().find(|at| text.is_char_boundary(*at)).expect("the beginning");
                match below(3) {
                    0 if at < text.len() => drop(text.remove(at)),
                    _ => text.insert_str(at, inserted[below(inserted.len())]),
                }
            }
            (*kind, text)
        })
        .collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refused = refused(folder.path(), &mutations);
    let mut taken = 0;
    for (index, (_, text)) in mutations.iter().enumerate().filter(|(index, _)| !refused.contains_key(index)) {
        let whole = if text.ends_with('\n') { text.clone() } else { format!("{text}\n") };
        assert!(read_records(&whole).is_some(), "taken by the gate, and not a record:\n{text}\n({index})");
        taken += 1;
    }
    assert!(taken > MUTATIONS / 10 && refused.len() > MUTATIONS / 10, "{taken} taken, {} refused", refused.len());
}
