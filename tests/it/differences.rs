//! `diff` names every service that `up` would recreate.
//!
//! Takes in random pairs of releases that differ in one or a few places; what a service is made of is asked of the entrypoint itself, whose
//! digest decides on the target. The seed is printed with a failure.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bootsmith::epoch::Epoch;
use bootsmith::inspect::{self, Difference};
use bootsmith::path::RelativePath;
use bootsmith::pipeline::{self, PrepareError, Prepared, Workplace};
use bootsmith::plan::{Platform, Selection};
use bootsmith::source::{Source, Sources};
use bootsmith::store::Cache;

use crate::build::project::Random;
use crate::fixture;
use crate::schemas;

const TEMPLATE: &str = r#"
[project]
name = "shop"
version = "1.0.0"
[bootstrap]
platforms = ["compose", "swarm", "kubernetes"]
allow = [
    { code = "B033", reason = "of the test" },
    { code = "B037", feature = "services.*.configs.*.uid", platform = "kubernetes", reason = "of the test" },
    { code = "B037", feature = "services.*.configs.*.mode", platform = "kubernetes", reason = "of the test" },
    { code = "B037", feature = "services.*.secrets.*.gid", platform = "kubernetes", reason = "of the test" },
    { code = "B037", feature = "services.*.volumes.*", reason = "of the test" },
    { code = "B037", feature = "volumes.*.labels", reason = "of the test" },
    { code = "B037", feature = "networks.*.internal", reason = "of the test" },
]
[parameters.LEVEL]
default = @default@
[parameters.GREETING]
@greeting@
[parameters.PASSWORD]
secret = true
required = @required@
[parameters.OTHER]
secret = true
[parameters.UNUSED]
default = @unused@
[services.web]
image = "docker.io/library/@image@"
command = ["serve", @argument@]
environment = { LEVEL = "${LEVEL}", MODE = @mode@ }
read_only = @read-only@
configs = [
    { source = "site", target = @target@, uid = @uid@, gid = "0", mode = @file-mode@ },
    { source = "page", target = "/etc/page", mode = @page-mode@ },
    { source = "greeting", target = "/etc/greeting" },
]
secrets = [{ source = "password", uid = "0", gid = @secret-gid@, mode = @secret-mode@ }]
volumes = [@volumes@]
networks = ["front"@more-networks@]
depends_on = [@depends@]
healthcheck = { test = ["CMD", "true"], interval = @interval@ }
@ports@
[services.web.deploy]
replicas = @replicas@
[services.worker]
image = "docker.io/library/worker:1"
configs = [{ source = "site", target = "/etc/site", mode = @worker-mode@ }]
secrets = [@worker-secrets@]
[services.plain]
image = "docker.io/library/plain:1"
[networks.front]
@network@
[networks.back]
[volumes.data]
@volume@
[volumes.more]
[configs.site]
directory = @directory@
[configs.page]
content = @content@
[configs.greeting]
content = "${GREETING}, ${LEVEL}\n"
[secrets.password]
parameter = @secret-parameter@
[scripts.report]
service = "web"
command = ["report", @script@]
description = @description@
[environments.production]
"#;

/// What stands at each place of the template: values that are taken on every platform.
const CHOICES: &[(&str, &[&str])] = &[
    ("default", &["\"info\"", "\"debug\"", "\"\"", "\"a b\""]),
    ("greeting", &["default = \"hello\"", "default = \"it's\"", "secret = true", "required = true"]),
    ("required", &["true", "false"]),
    ("unused", &["\"1\"", "\"2\""]),
    ("image", &["web:1", "web:2", "web:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]),
    ("argument", &["\"a\"", "\"a\", \"b\"", "\"a b\"", "\"$${LEVEL}\"", "\"${LEVEL}\""]),
    ("mode", &["\"fast\"", "\"slow\"", "\"\"", "\"a\\nb\""]),
    ("read-only", &["true", "false"]),
    ("target", &["\"/etc/site\"", "\"/srv/site\""]),
    ("uid", &["\"0\"", "\"33\"", "\"1000\""]),
    ("file-mode", &["\"0444\"", "\"0400\"", "\"0555\""]),
    ("page-mode", &["\"0444\"", "\"0440\""]),
    ("secret-gid", &["\"0\"", "\"70\""]),
    ("secret-mode", &["\"0400\"", "\"0444\"", "\"0440\""]),
    ("volumes", &["\"data:/data\"", "\"data:/data:ro\"", "\"more:/data\"", "\"data:/data\", \"more:/more\"", ""]),
    ("more-networks", &["", ", \"back\""]),
    ("depends", &["", "\"worker\""]),
    ("interval", &["\"1s\"", "\"2s\""]),
    ("ports", &["", "expose = [\"80\"]", "expose = [\"81\", \"80\"]", "expose = [\"80\", \"81\"]"]),
    ("replicas", &["1", "2"]),
    ("worker-mode", &["\"0444\"", "\"0400\""]),
    ("worker-secrets", &["", "{ source = \"password\", mode = \"0400\" }", "\"password\""]),
    ("network", &["", "internal = true"]),
    ("volume", &["", "labels = { tier = \"a\" }"]),
    ("directory", &["\"site\"", "\"site-2\"", "\"site-3\""]),
    ("content", &["\"listen 80\\n\"", "\"listen 81\\n\"", "\"listen ${LEVEL}\\n\""]),
    ("secret-parameter", &["\"PASSWORD\"", "\"OTHER\""]),
    ("script", &["\"a\"", "\"b\""]),
    ("description", &["\"Report\"", "\"Reports\""]),
];

/// Which of the values stands at each place.
type Chosen = Vec<usize>;

const PLATFORMS: [Platform; 3] = [Platform::Compose, Platform::Swarm, Platform::Kubernetes];
const PAIRS: usize = 24;

/// Prints FOLDER|SERVICE|DIGEST for every service of every folder. A secret is what its parameter's default is; no image is on a target.
const DIGESTS: &str = r#"
set -u
work=$1 lib=$2
shift 2
root=/nowhere
newline='
'
for part in message text release parameters files state; do . "$lib/$part.sh"; done
stored_salt() { printf salt; }
previous_secret() { return 1; }
stored_secret() { return 1; }
for folder do
    rm -rf "$work"; mkdir -p "$work/services" "$work/mounts"
    release_root=$folder/bootstrap
    load_environment production
    read_parameters
    read_mounts
    for name in $service_names; do
        load_service "$name"
        printf '%s|%s|%s\n' "$folder" "$name" "$(config_digest "$service_image")"
    done
done
"#;

fn sources(chosen: &Chosen) -> Sources {
    let mut spec = TEMPLATE.to_owned();
    for ((place, values), index) in CHOICES.iter().zip(chosen) {
        spec = spec.replace(&format!("@{place}@"), values[*index]);
    }
    let folder = |files: &[(&str, &str)]| {
        let file = |(path, text): &(&str, &str)| {
            (RelativePath::parse(path).expect("a path of the test"), Arc::from(text.as_bytes()))
        };
        Source::Folder(files.iter().map(file).collect())
    };
    let files = BTreeMap::from([
        ("site".to_owned(), folder(&[("index.html", "hello"), ("css/site.css", "a {}")])),
        ("site-2".to_owned(), folder(&[("index.html", "hello"), ("css/site.css", "b {}")])),
        ("site-3".to_owned(), folder(&[("index.html", "hello"), ("css/other.css", "a {}")])),
    ]);
    fixture::sources(&spec, files)
}

fn prepare(chosen: &Chosen) -> Prepared {
    let selection = Selection {
        base: Some("scratch".to_owned()),
        allow: vec!["B049".to_owned()],
        needs_base: true,
        ..Selection::default()
    };
    let prepared = pipeline::prepare(&sources(chosen), &selection).unwrap_or_else(|error| match error {
        PrepareError::Input(found) => {
            panic!("{}", found.sorted().iter().map(|one| format!("{one}\n")).collect::<String>())
        }
        other => panic!("{other}"),
    });
    assert_eq!(schemas::violations(&prepared), [""; 0]);
    prepared
}

/// Builds the images and lays out what the entrypoint reads, each in a folder of its platform.
fn lay_out(chosen: &Chosen, folder: &Path, cache: &Cache) {
    let prepared = prepare(chosen);
    let place = Workplace { project: folder, output: folder, cache, epoch: Epoch::default() };
    pipeline::build(&prepared, place, &|_| {}).expect("a build on scratch");
    for (platform, payload) in &prepared.payloads {
        for (path, file) in payload.environments.iter() {
            let path = folder.join(platform.name()).join(path.as_str());
            fs::create_dir_all(path.parent().expect("a file in a folder")).expect("room");
            fs::write(path, &file.bytes).expect("room");
        }
    }
}

/// A temporary folder in memory, where there is one: hundreds of tarballs are written and synchronized.
fn memory_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder")
}

/// The digest of each service, by folder.
fn digests(folders: &[String]) -> BTreeMap<String, BTreeMap<String, String>> {
    let work = memory_folder();
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/entrypoint/lib");
    let mut command = Command::new("sh");
    command.args(["-c", DIGESTS, "digests"]).arg(work.path().join("work")).arg(library).args(folders);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let output = command.output().expect("a shell");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let mut digests: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).expect("UTF-8").lines() {
        let [folder, service, digest] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        digests.entry(folder.to_owned()).or_default().insert(service.to_owned(), digest.to_owned());
    }
    digests
}

fn difference(old: &Path, new: &Path, platform: Platform) -> Difference {
    let open = |folder: &Path| {
        let path = folder.join(format!("shop-1.0.0-{}.tar", platform.name()));
        inspect::open(&path).expect("a tarball")
    };
    inspect::difference(&open(old), &open(new)).expect("two releases")
}

/// A release, and one that has another value in up to three places.
fn pair(random: &mut Random) -> (Chosen, Chosen) {
    let mut below = |limit: usize| usize::try_from(random.below(limit as u64)).expect("a small number");
    let old: Chosen = CHOICES.iter().map(|(_, values)| below(values.len())).collect();
    let mut new = old.clone();
    for _ in 0..=below(3) {
        let place = below(CHOICES.len());
        new[place] = below(CHOICES[place].1.len());
    }
    (old, new)
}

#[test]
fn a_service_that_would_be_recreated_is_named() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("SEED={seed}");
    let (mut random, place) = (Random::new(seed), memory_folder());
    let cache = Cache::temporary().expect("a cache");
    let folder = |index: usize, side: &str| place.path().join(format!("{index}-{side}"));
    let pairs: Vec<_> = (0..PAIRS).map(|_| pair(&mut random)).collect();
    let mut folders = Vec::new();
    for (index, (old, new)) in pairs.iter().enumerate() {
        for (side, chosen) in [("old", old), ("new", new)] {
            lay_out(chosen, &folder(index, side), &cache);
            let of_platform = |platform: &Platform| folder(index, side).join(platform.name()).display().to_string();
            folders.extend(PLATFORMS.iter().map(of_platform));
        }
    }
    let digests = digests(&folders);
    let mut differing = 0;
    for (index, (old, new)) in pairs.iter().enumerate() {
        for platform in PLATFORMS {
            let digest = |side: &str| &digests[&folder(index, side).join(platform.name()).display().to_string()];
            let (before, after) = (digest("old"), digest("new"));
            let recreated: BTreeSet<_> =
                after.iter().filter(|(name, digest)| before.get(*name) != Some(*digest)).collect();
            let found = difference(&folder(index, "old"), &folder(index, "new"), platform);
            let services = found.environments.iter().flat_map(|environment| &environment.body.services);
            let named: Vec<_> = services.map(|item| item.name.as_str()).collect();
            let changed = CHOICES.iter().zip(old.iter().zip(new)).filter(|(_, (old, new))| old != new);
            let changed: Vec<_> =
                changed.map(|((name, values), (old, new))| (name, values[*old], values[*new])).collect();
            for (service, _) in recreated {
                assert!(named.contains(&service.as_str()), "{service} on {}: {changed:?}, {found:?}", platform.name());
                differing += 1;
            }
            assert!(changed.is_empty() || !found.is_empty(), "nothing of {changed:?} on {}", platform.name());
        }
    }
    assert!(differing > PAIRS, "{differing} services would be recreated: the pairs show too little");
}
