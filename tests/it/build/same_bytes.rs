//! Same project, same bytes: whatever the folder, the user's settings or the cache.

use std::fs;
use std::process::Command;

use super::project::{Project, SPEC, TARBALL, run};

/// The tarball and its receipt.
fn outputs(project: &Project) -> [Vec<u8>; 2] {
    let receipt = fs::read(project.path(TARBALL).with_extension("json")).expect("a receipt");
    [project.tarball(), receipt]
}

fn build(command: &mut Command) {
    run(command).expect(0);
}

#[test]
fn the_surroundings_do_not_reach_the_bytes() {
    let plain = Project::new();
    build(&mut plain.build());
    let expected = outputs(&plain);
    let other = Project::new();
    // Every file of the other project is private, and its folders were filled in another order.
    build(Command::new("chmod").args(["-R", "go="]).arg(other.path("")));
    fs::create_dir_all(other.path("tmp")).expect("room");
    let mut strange = other.through("sh", &["-c", "umask 077; exec \"$0\" \"$@\""]);
    strange
        .env("TZ", "Asia/Kathmandu")
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("LANG", "tr_TR.UTF-8")
        .env("TMPDIR", other.path("tmp"));
    strange.env_remove("XDG_CACHE_HOME").env("HOME", other.path("home")).env("USER", "somebody").env("COLUMNS", "20");
    build(&mut strange);
    assert!(outputs(&other) == expected, "other surroundings give other bytes");
    assert!(other.path("home/.cache/bootsmith").is_dir(), "the cache is below HOME");
}

#[test]
fn the_cache_does_not_reach_the_bytes() {
    let project = Project::new();
    build(&mut project.build());
    let cold = outputs(&project);
    fs::remove_dir_all(project.path("out")).expect("an output folder");
    build(&mut project.build());
    assert!(outputs(&project) == cold, "a warm cache gives other bytes");
    fs::remove_dir_all(project.path("out")).expect("an output folder");
    build(project.build().env_remove("XDG_CACHE_HOME"));
    assert!(outputs(&project) == cold, "no cache gives other bytes");
}

#[test]
fn the_way_to_the_spec_does_not_reach_the_bytes() {
    let project = Project::new();
    build(&mut project.build());
    let expected = outputs(&project);
    fs::rename(project.path("out"), project.path("first")).expect("a rename");
    let mut absolute = project.build_into(project.path("out"));
    build(absolute.arg("--file").arg(project.path("bootstrap.toml")).current_dir("/"));
    assert!(outputs(&project) == expected, "an absolute path gives other bytes");
}

#[test]
fn another_epoch_gives_other_bytes_and_the_same_epoch_the_same() {
    let project = Project::new();
    let of_epoch = |epoch: &str| {
        build(project.build().env("SOURCE_DATE_EPOCH", epoch));
        outputs(&project)
    };
    let (first, second, again) = (of_epoch("1700000000"), of_epoch("1700000001"), of_epoch("1700000000"));
    assert!(first != second, "the epoch is in the image");
    assert!(first == again, "one epoch, one image");
    let seen = run(project.build().env("SOURCE_DATE_EPOCH", "yesterday")).expect(3);
    assert!(seen.err.starts_with("error: the environment variable SOURCE_DATE_EPOCH: "), "{}", seen.err);
    assert!(outputs(&project) == again, "the older output is as it was");
}

#[test]
fn a_changed_release_gives_other_bytes_and_keeps_the_layers_that_did_not_change() {
    let project = Project::new();
    build(&mut project.build());
    let layers = || {
        let receipt: serde_json::Value = serde_json::from_slice(&outputs(&project)[1]).expect("JSON");
        receipt["images"][0]["layers"].as_array().expect("layers").clone()
    };
    let before = layers();
    project.write("bootstrap.toml", SPEC.replace("web:1.0", "web:1.1"));
    build(&mut project.build());
    let after = layers();
    assert_eq!(before[..before.len() - 1], after[..after.len() - 1]);
    assert_ne!(before.last(), after.last());
}
