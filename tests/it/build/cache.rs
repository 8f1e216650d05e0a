//! The cache: nothing in it decides a byte of an image, nobody but the user may change it, and without it everything goes on.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use bootsmith::digest::{Descriptor, Digest};
use bootsmith::layer::compress;
use serde_json::{Value, json};

use super::project::{Project, Seen, TOOLS, base_with, run};
use super::refused::with_mounts;
use crate::fixture::{self, Place};
use crate::skip;

const NOTE: &str = "note: cannot use the cache, using a temporary folder: ";
const WAY: &str = "; set XDG_CACHE_HOME to use another folder";

fn root(project: &Project) -> PathBuf {
    project.path("cache/bootsmith")
}

/// What a build gives that has no cache but its own.
fn expected() -> (Project, Vec<u8>) {
    let project = Project::new();
    run(&mut project.build()).expect(0);
    let tarball = project.tarball();
    fs::remove_dir_all(project.path("out")).expect("an output folder");
    (project, tarball)
}

/// It was done without the cache, and said so once.
#[track_caller]
fn went_on_without(seen: Seen, reason: &str) {
    let seen = seen.expect(0);
    assert_eq!(seen.err, format!("{NOTE}{reason}{WAY}\n"));
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let below = entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] });
    below.collect()
}

#[test]
fn its_folders_are_for_the_user_alone_whatever_the_umask() {
    for umask in ["000", "022", "777"] {
        let project = Project::new();
        run(&mut project.through("sh", &["-c", &format!("umask {umask}; exec \"$0\" \"$@\"; : ")])).expect(0);
        let mut folders = vec![root(&project)];
        while let Some(folder) = folders.pop() {
            let mode = fs::metadata(&folder).expect("a folder").mode() & 0o7777;
            assert_eq!(mode, 0o700, "umask {umask}: {}", folder.display());
            let entries = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
            folders.extend(entries.filter(|path| path.is_dir()));
        }
    }
}

#[test]
fn a_folder_that_others_may_change_is_not_used() {
    for name in ["", "1"] {
        let (project, tarball) = expected();
        let folder = root(&project).join(name);
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).expect("an own folder");
        let shown = folder.display().to_string();
        let reason = format!("`{}` may be written to by other users (mode 0777)", shown.trim_end_matches('/'));
        went_on_without(run(&mut project.build()), &reason);
        assert!(project.tarball() == tarball, "the same bytes");
    }
}

#[test]
fn a_folder_of_somebody_else_is_not_used() {
    let (project, tarball) = expected();
    if std::os::unix::fs::chown(root(&project), Some(65534), None).is_err() {
        return skip::missing("this user cannot give a folder away");
    }
    went_on_without(run(&mut project.build()), &format!("`{}` belongs to the user 65534", root(&project).display()));
    assert!(project.tarball() == tarball, "the same bytes");
    let seen = run(project.bootsmith().args(["cache", "clean"])).expect(3);
    assert!(seen.err.contains("belongs to the user 65534"), "{}", seen.err);
}

#[test]
fn a_link_in_place_of_a_folder_is_not_followed() {
    for name in ["", "1", "1/blobs", "1/checked-layers", "1/checked-listings", "1/tools"] {
        let (project, tarball) = expected();
        let folder = root(&project).join(name);
        let victim = project.path("victim");
        fs::create_dir(&victim).expect("room");
        fs::write(victim.join("precious"), b"precious").expect("room");
        fs::remove_dir_all(&folder).expect("a folder of the cache");
        symlink(&victim, PathBuf::from(folder.display().to_string().trim_end_matches('/'))).expect("room");
        run(&mut project.build()).expect(0);
        assert!(project.tarball() == tarball, "the same bytes");
        assert_eq!(files_below(&victim), [victim.join("precious")], "{name}");
        run(project.bootsmith().args(["cache", "clean"]));
        assert_eq!(files_below(&victim), [victim.join("precious")], "{name}: not cleaned either");
    }
}

#[test]
fn links_in_place_of_its_files_are_not_followed() {
    let (project, tarball) = expected();
    let victims: Vec<_> = files_below(&root(&project))
        .into_iter()
        .enumerate()
        .map(|(number, path)| {
            let victim = project.path(&format!("victim{number}"));
            fs::rename(&path, &victim).expect("room");
            symlink(&victim, &path).expect("room");
            (fs::read(&victim).expect("a file"), victim)
        })
        .collect();
    assert!(victims.len() > 3, "{victims:?}");
    run(&mut project.build()).expect(0);
    assert!(project.tarball() == tarball, "the same bytes");
    for (before, victim) in victims {
        assert!(fs::read(&victim).ok() == Some(before), "{}", victim.display());
    }
}

#[test]
fn a_place_where_nothing_can_be_made() {
    let (project, tarball) = expected();
    let seen = run(project.build().env("XDG_CACHE_HOME", "/proc/nowhere"));
    went_on_without(seen, "cannot create the folder `/proc/nowhere`: No such file or directory (os error 2)");
    assert!(project.tarball() == tarball, "the same bytes");
}

/// As `OpenShift` runs containers, and with `--user` where nobody made a home.
#[test]
fn a_user_without_a_home() {
    let project = Project::new();
    fs::create_dir(project.path("out")).expect("room");
    fs::set_permissions(project.path("out"), Permissions::from_mode(0o777)).expect("an own folder");
    let Some(mut build) = project.build_as_somebody_else() else { return };
    build.env_remove("XDG_CACHE_HOME").env("HOME", "/");
    went_on_without(run(&mut build), "cannot create the folder `/.cache`: Permission denied (os error 13)");
    assert_eq!(bootsmith::inspect::verify(&project.path(super::project::TARBALL)).expect("a tarball").faults, []);
}

#[test]
fn a_read_only_cache_is_told_of() {
    let (project, tarball) = expected();
    let script = "mount --bind cache cache; mount -o remount,bind,ro cache; exec \"$0\" \"$@\"";
    let Some(seen) = with_mounts(&project, script) else { return };
    let folder = root(&project).join("1");
    let reason = format!("cannot write to `{}`: Read-only file system (os error 30)", folder.display());
    let seen = seen.expect(0);
    assert!(seen.err.starts_with(NOTE) && seen.err.contains(&folder.display().to_string()), "{reason}: {}", seen.err);
    assert!(project.tarball() == tarball, "the same bytes");
}

/// An archive as Docker up to 24 saves it: its layers are plain tars, which the cache holds compressed.
fn docker_archive(project: &Project) {
    let place = Place::new();
    fs::write(place.path("base.tar"), base_with(&TOOLS, 0)).expect("room");
    let files: Vec<_> = TOOLS.iter().map(|tool| format!("usr/bin/{tool}")).collect();
    let files: Vec<_> =
        files.iter().map(|path| (path.as_str(), bootsmith::tree::Mode::Executable, "a program")).collect();
    let tar = fixture::tar_of(&fixture::layer("base", &files));
    let config = json!({
        "os": "linux",
        "architecture": "amd64",
        "config": { "Cmd": ["sh"] },
        "rootfs": { "type": "layers", "diff_ids": [Digest::of(&tar)] },
    });
    let config = config.to_string().into_bytes();
    let name = format!("{}.json", Digest::of(&config).hex());
    let manifest = json!([{ "Config": name, "RepoTags": ["base:1"], "Layers": ["layer.tar"] }]).to_string();
    let entries: [(&str, &[u8]); 3] = [(&name, &config), ("layer.tar", &tar), ("manifest.json", manifest.as_bytes())];
    fixture::write_tar(&project.path("save.tar"), &entries);
}

/// A record of the cache as somebody writes it who may: its checksum is right.
fn write_record(path: &Path, body: &Value) {
    let key = Digest::from_hex(&path.file_name().expect("a name").to_string_lossy()).expect("a key");
    let body = body.to_string();
    fs::write(path, format!("{}\n{body}", Digest::of(format!("{key}\n{body}").as_bytes()))).expect("room");
}

fn read_record(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("a record");
    serde_json::from_str(text.split_once('\n').expect("a checksum").1).expect("JSON")
}

/// Whoever can write to the cache, a pull request that shares it for instance, decides nothing in an image.
#[test]
fn a_forged_cache_reaches_no_image() {
    let project = Project::new();
    docker_archive(&project);
    let bases = ["oci:base.tar", "docker-archive:save.tar"];
    let tarballs = bases.map(|base| {
        run(project.build().args(["--base", base])).expect(0);
        project.tarball()
    });
    let records = root(&project).join("1/checked-layers");
    let blobs = root(&project).join("1/blobs");
    let names = files_below(&records);
    assert_eq!(names.len(), 5, "three layers of the payload, one of each base: {names:?}");
    let evil_tar = fixture::tar_of(&fixture::layer(
        "evil",
        &[("bootstrap/bin/bootstrap", bootsmith::tree::Mode::Executable, "#!/bin/sh\necho evil\n")],
    ));
    let mut evil = Vec::new();
    let packed = compress(evil_tar.as_slice(), &mut evil).expect("memory");
    fs::write(blobs.join(packed.blob.digest.hex()), &evil).expect("room");
    for forge in ["blob", "both", "tar", "bytes"] {
        for path in &names {
            let mut record = read_record(path);
            let kept = Descriptor { digest: Digest::of(&[]), size: 0 };
            assert_ne!(record["blob"], json!(kept));
            match forge {
                "blob" => record["blob"] = json!(packed.blob),
                "both" => record = json!(packed),
                "tar" => record["tar"] = json!(packed.tar),
                _ => {
                    let blob = Digest::parse(record["blob"]["digest"].as_str().expect("a digest")).expect("a digest");
                    fs::write(blobs.join(blob.hex()), &evil).expect("room");
                }
            }
            write_record(path, &record);
        }
        for (base, tarball) in bases.iter().zip(&tarballs) {
            fs::remove_dir_all(project.path("out")).expect("an output folder");
            let seen = run(project.build().args(["--base", base])).expect(0);
            assert!(project.tarball() == *tarball, "{forge}, {base}: the same bytes\n{}", seen.err);
        }
    }
}
