//! An output that cannot be written: exit code 3, one clear error, the older output as it was, nothing left behind.

use std::fs;

use super::project::{Project, Seen, TARBALL, run, succeeds};
use crate::skip;

/// A project with an output, and a change that makes the next build write another.
fn changed_after_a_build() -> (Project, Vec<u8>) {
    let project = Project::slow();
    run(&mut project.build()).expect(0);
    let before = project.tarball();
    project.change("DESCRIPTION", "another");
    (project, before)
}

fn assert_one_error(seen: &Seen, expected: &str) {
    assert_eq!(seen.err.lines().filter(|line| line.starts_with("error")).count(), 1, "{}", seen.err);
    assert!(seen.err.contains(expected), "{}", seen.err);
    assert_eq!(seen.out, "");
}

fn assert_as_it_was(project: &Project, before: &[u8]) {
    assert!(project.tarball() == before, "the older output changed");
    assert_eq!(project.outputs(), ["shop-1.4.2-compose.json", "shop-1.4.2-compose.tar"]);
}

#[test]
fn a_file_in_place_of_the_folder() {
    let project = Project::new();
    project.write("out", "in the way");
    let seen = run(&mut project.build()).expect(3);
    assert_one_error(&seen, "cannot create the folder `out`\n  because: File exists");
    assert_eq!(fs::read(project.path("out")).ok().as_deref(), Some(b"in the way".as_slice()));
    project.write("bare", "a file on the way");
    let seen = run(&mut project.build_into("bare/out")).expect(3);
    assert_one_error(&seen, "cannot create the folder `bare/out`\n  because: Not a directory");
}

#[test]
fn a_folder_in_place_of_the_tarball() {
    let project = Project::new();
    fs::create_dir_all(project.path(TARBALL)).expect("room");
    let seen = run(&mut project.build()).expect(3);
    assert_one_error(&seen, "error: cannot write `out/shop-1.4.2-compose.tar`");
    assert_eq!(project.outputs(), ["shop-1.4.2-compose.tar"]);
}

/// The limit of the process takes the place of a full disk where nobody may mount one.
#[test]
fn a_limit_on_the_size_of_files() {
    let (project, before) = changed_after_a_build();
    let mut limited = project.through("sh", &["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$0\" \"$@\""]);
    let seen = run(&mut limited).expect(3);
    assert_one_error(&seen, "error: cannot write `out/shop-1.4.2-compose.tar`\n  because: File too large");
    assert_as_it_was(&project, &before);
}

/// Runs a script in which a mount is nobody else's; it gets the program as `$0` and its arguments.
pub(crate) fn with_mounts(project: &Project, script: &str) -> Option<Seen> {
    const UNSHARE: [&str; 2] = ["--map-root-user", "--mount"];
    if !succeeds("unshare", &[&UNSHARE[..], &["mount", "-t", "tmpfs", "tmpfs", "/mnt"]].concat()) {
        skip::missing("this machine does not let this user mount anything");
        return None;
    }
    let script = format!("set -e\n{script}");
    Some(run(&mut project.through("unshare", &[&UNSHARE[..], &["sh", "-c", &script]].concat())))
}

#[test]
fn a_read_only_folder() {
    let (project, before) = changed_after_a_build();
    let script = "mount --bind out out; mount -o remount,bind,ro out; exec \"$0\" \"$@\"";
    let Some(seen) = with_mounts(&project, script) else { return };
    assert_one_error(&seen.expect(3), "because: Read-only file system");
    assert_as_it_was(&project, &before);
}

#[test]
fn a_full_disk() {
    let (project, before) = changed_after_a_build();
    let room = before.len() * 3 / 2 / 1024;
    // The old output fits, a second one beside it does not.
    let script = format!(
        "cp -r out kept; mount -t tmpfs -o size={room}k tmpfs out; cp kept/* out\n\
         code=0; \"$0\" \"$@\" || code=$?\n\
         ls -A out; diff -r kept out; exit $code"
    );
    let Some(seen) = with_mounts(&project, &script) else { return };
    let seen = seen.expect(3);
    assert_eq!(seen.out, "shop-1.4.2-compose.json\nshop-1.4.2-compose.tar\n", "only the old output, as it was");
    let expected = "error: cannot write `out/shop-1.4.2-compose.tar`\n  because: No space left on device";
    assert!(seen.err.starts_with(expected), "{}", seen.err);
}

/// A cache is a convenience: where it cannot be, or is full, the build goes on without.
#[test]
fn a_full_cache() {
    let (project, _) = changed_after_a_build();
    let script = "rm -rf cache/bootsmith; mkdir -p cache; mount -t tmpfs -o size=16k tmpfs cache; exec \"$0\" \"$@\"";
    let Some(seen) = with_mounts(&project, script) else { return };
    seen.expect(0);
    assert_eq!(bootsmith::inspect::verify(&project.path(TARBALL)).expect("a tarball").faults, []);
}

#[test]
fn a_disk_that_is_full_while_the_receipt_is_written() {
    let project = Project::new();
    fs::create_dir_all(project.path("out/shop-1.4.2-compose.json")).expect("room");
    let seen = run(&mut project.build()).expect(3);
    assert_one_error(&seen, "error: cannot write `out/shop-1.4.2-compose.json`");
    assert_eq!(project.outputs(), ["shop-1.4.2-compose.json", "shop-1.4.2-compose.tar"]);
}

/// A user who may not write there; root may write everywhere, so that another user has to be taken.
#[test]
fn a_folder_of_somebody_else() {
    let (project, before) = changed_after_a_build();
    let Some(mut other) = project.build_as_somebody_else() else { return };
    let seen = run(other.env_remove("XDG_CACHE_HOME")).expect(3);
    assert_one_error(&seen, "because: Permission denied");
    assert_as_it_was(&project, &before);
}
