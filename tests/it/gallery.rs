//! `tests/gallery/<name>/<platform>/`: what a spec becomes, file by file, and the digest of the image.
//!
//! A change of bytes is a change to explain. `BLESS=1 cargo test` writes the gallery anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bootsmith::epoch::Epoch;
use bootsmith::host;
use bootsmith::pipeline::{self, Workplace};
use bootsmith::plan::{Platform, Selection};
use bootsmith::store::Cache;

use crate::schemas;

const GALLERY: &str = "tests/gallery";

/// A spec and the folder that shows what becomes of it on a platform.
pub(crate) struct Exhibit {
    pub(crate) spec: PathBuf,
    pub(crate) platform: Platform,
    pub(crate) folder: PathBuf,
}

const COMPOSE: &[Platform] = &[Platform::Compose];
const COMPOSE_AND_KUBERNETES: &[Platform] = &[Platform::Compose, Platform::Kubernetes];
const COMPOSE_AND_SWARM: &[Platform] = &[Platform::Compose, Platform::Swarm];
const SWARM_AND_KUBERNETES: &[Platform] = &[Platform::Swarm, Platform::Kubernetes];

/// Every spec on the platforms that it is for: examples, and specs of the gallery's own.
pub(crate) fn exhibits() -> Vec<Exhibit> {
    let example = |name: &str| Path::new("examples").join(name).join("bootstrap.toml");
    let own = |name: &str| Path::new(GALLERY).join(name).join("bootstrap.toml");
    [
        (example("shop"), "shop", Platform::ALL),
        (example("wordpress"), "wordpress", Platform::ALL),
        (own("every-key"), "every-key", COMPOSE_AND_KUBERNETES),
        (own("kubernetes-odds"), "kubernetes-odds", &[Platform::Kubernetes]),
        (own("portable"), "portable", Platform::ALL),
        (own("additions"), "additions", Platform::ALL),
        (own("names"), "names", Platform::ALL),
        (own("not-on-compose"), "not-on-compose", SWARM_AND_KUBERNETES),
        (own("not-on-swarm"), "not-on-swarm", COMPOSE_AND_KUBERNETES),
        (own("not-on-kubernetes"), "not-on-kubernetes", COMPOSE_AND_SWARM),
        (own("on-compose-alone"), "on-compose-alone", COMPOSE),
        (own("on-swarm-alone"), "on-swarm-alone", &[Platform::Swarm]),
    ]
    .into_iter()
    .flat_map(|(spec, name, platforms)| platforms.iter().map(move |platform| exhibit(&spec, name, *platform)))
    .collect()
}

fn exhibit(spec: &Path, name: &str, platform: Platform) -> Exhibit {
    Exhibit { spec: spec.to_owned(), platform, folder: Path::new(GALLERY).join(name).join(platform.name()) }
}

/// What is selected to show an exhibit.
pub(crate) fn selection(platform: Platform) -> Selection {
    Selection {
        base: Some("scratch".to_owned()),
        allow: vec!["B049".to_owned()],
        needs_base: true,
        architectures: vec!["linux/amd64".to_owned()],
        platforms: vec![platform.name().to_owned()],
        ..Selection::default()
    }
}

/// Every file that comes from the spec, by path, and the digest of the image on nothing.
fn render(spec: &Path, platform: Platform) -> BTreeMap<String, Vec<u8>> {
    let (_, prepared) =
        host::prepare(spec, &selection(platform)).unwrap_or_else(|failure| panic!("{}: {failure:?}", spec.display()));
    assert_eq!(schemas::violations(&prepared), [""; 0], "{}", spec.display());
    let output = tempfile::tempdir().expect("a temporary folder");
    let cache = Cache::temporary().expect("a cache");
    let place = Workplace { project: output.path(), output: output.path(), cache: &cache, epoch: Epoch::default() };
    let built = pipeline::build(&prepared, place, &|_| {}).expect("a build on scratch");
    let verification = bootsmith::inspect::verify(&built[0].path).expect("a tarball");
    assert_eq!(verification.faults, [], "{}", spec.display());
    let mut files = BTreeMap::from([("digest".to_owned(), format!("{}\n", built[0].receipt.digest).into_bytes())]);
    for payload in prepared.payloads.values() {
        for (path, file) in payload.environments.iter().filter(|(path, _)| is_shown(path.as_str())) {
            files.insert(path.as_str().trim_start_matches("bootstrap/").to_owned(), file.bytes.to_vec());
        }
    }
    files
}

/// Of what is for programs, the verdicts alone: the rest says again what other files show.
fn is_shown(path: &str) -> bool {
    path == "bootstrap/spec/portability.json" || !path.starts_with("bootstrap/spec/")
}

fn on_disk(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries =
        walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    let file = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(folder).expect("a walk stays below its root");
        (path.to_string_lossy().into_owned(), fs::read(entry.path()).expect("a readable file"))
    };
    entries.map(file).collect()
}

#[test]
fn what_is_rendered_is_what_the_gallery_shows() {
    let bless = std::env::var_os("BLESS").is_some();
    for exhibit in exhibits() {
        let rendered = render(&exhibit.spec, exhibit.platform);
        if bless {
            let _ = fs::remove_dir_all(&exhibit.folder);
            for (path, bytes) in &rendered {
                let place = exhibit.folder.join(path);
                fs::create_dir_all(place.parent().expect("a file in a folder")).expect("a writable repository");
                fs::write(place, bytes).expect("a writable repository");
            }
        }
        let shown = on_disk(&exhibit.folder);
        let paths = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(paths(&rendered), paths(&shown), "{}", exhibit.folder.display());
        for (path, bytes) in &rendered {
            let (rendered, shown) = (String::from_utf8_lossy(bytes), String::from_utf8_lossy(&shown[path]));
            assert_eq!(rendered, shown, "{}/{path}", exhibit.folder.display());
        }
    }
}
