//! `tests/gallery/<name>/`: what a spec becomes, file by file, and the digest of the image.
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

const GALLERY: &str = "tests/gallery";

/// A spec and the folder that shows what becomes of it on a platform.
struct Exhibit {
    spec: PathBuf,
    platform: Platform,
    folder: PathBuf,
}

/// Compose stands in the folder itself, every other platform in one of its own beside it.
fn exhibits() -> Vec<Exhibit> {
    let own = |name: &str| Path::new(GALLERY).join(name);
    let example = |name: &str| Path::new("examples").join(name).join("bootstrap.toml");
    let exhibit = |spec: PathBuf, platform: Platform, folder: PathBuf| Exhibit { spec, platform, folder };
    vec![
        exhibit(example("shop"), Platform::Compose, own("shop")),
        exhibit(example("wordpress"), Platform::Compose, own("wordpress")),
        exhibit(own("every-key/bootstrap.toml"), Platform::Compose, own("every-key/rendered")),
        exhibit(example("shop"), Platform::Kubernetes, own("shop/kubernetes")),
        exhibit(example("wordpress"), Platform::Kubernetes, own("wordpress/kubernetes")),
        exhibit(own("every-key/bootstrap.toml"), Platform::Kubernetes, own("every-key/kubernetes")),
        exhibit(own("kubernetes-odds/bootstrap.toml"), Platform::Kubernetes, own("kubernetes-odds/kubernetes")),
    ]
}

/// Every file that comes from the spec, by path, and the digest of the image on nothing.
fn render(spec: &Path, platform: Platform) -> BTreeMap<String, Vec<u8>> {
    let selection = Selection {
        base: Some("scratch".to_owned()),
        needs_base: true,
        architectures: vec!["linux/amd64".to_owned()],
        platforms: vec![platform.name().to_owned()],
        ..Selection::default()
    };
    let (_, prepared) =
        host::prepare(spec, &selection).unwrap_or_else(|failure| panic!("{}: {failure:?}", spec.display()));
    let output = tempfile::tempdir().expect("a temporary folder");
    let cache = Cache::temporary().expect("a cache");
    let place = Workplace { project: output.path(), output: output.path(), cache: &cache, epoch: Epoch::default() };
    let built = pipeline::build(&prepared, place, &|_| {}).expect("a build on scratch");
    let mut files = BTreeMap::from([("digest".to_owned(), format!("{}\n", built[0].receipt.digest).into_bytes())]);
    for payload in prepared.payloads.values() {
        for (path, file) in
            payload.environments.iter().filter(|(path, _)| !path.as_str().starts_with("bootstrap/spec/"))
        {
            files.insert(path.as_str().trim_start_matches("bootstrap/").to_owned(), file.bytes.to_vec());
        }
    }
    files
}

fn on_disk(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries =
        walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    let file = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(folder).expect("a walk stays below its root");
        (path.to_string_lossy().into_owned(), fs::read(entry.path()).expect("a readable file"))
    };
    // A platform below another's folder is an exhibit of its own.
    let is_other = |path: &String| Platform::ALL.iter().any(|other| path.starts_with(&format!("{}/", other.name())));
    entries.map(file).filter(|(path, _)| !is_other(path)).collect()
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
