//! Files of a project that cannot be part of a release: each one clear error with its code, and no build that waits for ever.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use super::project::{Project, run, succeeds};
use crate::skip;

/// The one error of a build, its hint and picture left out.
fn fault(project: &Project) -> String {
    fault_of(project, &mut project.build())
}

fn fault_of(project: &Project, build: &mut Command) -> String {
    let seen = run(build).expect(1);
    let errors: Vec<_> = seen.err.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(errors.len(), 1, "{}", seen.err);
    assert!(seen.err.contains("--> bootstrap.toml:"), "the picture shows where: {}", seen.err);
    assert!(!project.path("out").exists(), "nothing is written");
    let real = project.path("").canonicalize().expect("a folder");
    assert!(!seen.err.contains(&real.display().to_string()), "a path of the machine: {}", seen.err);
    errors[0].to_owned()
}

/// Puts something else in place of the script, and of a file in the directory config.
fn assert_refused(put: impl Fn(&std::path::Path) -> bool, script: &str, config: &str) {
    for (name, expected) in [("scripts/report.sh", script), ("config/site.conf", config)] {
        let project = Project::new();
        fs::remove_file(project.path(name)).expect("a file");
        if !put(&project.path(name)) {
            skip::missing("this machine does not let this user make one");
            return;
        }
        let text = fault(&project);
        assert_eq!(text, expected);
    }
}

#[test]
fn a_named_pipe() {
    assert_refused(
        |path| succeeds("mkfifo", &[&path.display().to_string()]),
        "error[B017]: `scripts/report.sh` is not a regular file, but a named pipe",
        "error[B017]: `config` is not a regular file, but a named pipe",
    );
}

#[test]
fn a_device() {
    assert_refused(
        |path| succeeds("mknod", &[&path.display().to_string(), "c", "1", "5"]),
        "error[B017]: `scripts/report.sh` is not a regular file, but a character device",
        "error[B017]: `config` is not a regular file, but a character device",
    );
}

#[test]
fn a_socket() {
    assert_refused(
        |path| UnixListener::bind(path).is_ok(),
        "error[B017]: `scripts/report.sh` is not a regular file, but a socket",
        "error[B017]: `config` is not a regular file, but a socket",
    );
}

#[test]
fn a_link_that_leaves() {
    for target in ["/etc/passwd", "/dev/zero", "../../../../etc/passwd"] {
        assert_refused(
            |path| symlink(target, path).is_ok(),
            "error[B017]: `scripts/report.sh` leaves the project folder through a symbolic link",
            "error[B017]: `config` leaves the project folder through a symbolic link",
        );
    }
}

#[test]
fn a_link_that_stays_is_followed() {
    let project = Project::new();
    run(&mut project.build()).expect(0);
    let expected = project.tarball();
    for name in ["scripts/report.sh", "config/site.conf"] {
        fs::rename(project.path(name), project.path(&format!("{name}.real"))).expect("a rename");
    }
    fs::create_dir_all(project.path("real")).expect("room");
    fs::rename(project.path("config/site.conf.real"), project.path("real/site.conf")).expect("a rename");
    symlink("report.sh.real", project.path("scripts/report.sh")).expect("a link");
    symlink("../real/site.conf", project.path("config/site.conf")).expect("a link");
    run(&mut project.build()).expect(0);
    assert!(project.tarball() == expected, "a link stands for its file");
}

#[test]
fn a_link_to_a_folder_in_a_folder() {
    let refused = |target: &str, name: &str| {
        let project = Project::new();
        project.write("config/more/deep.conf", "deep");
        symlink(target, project.path(name)).expect("a link");
        fault(&project)
    };
    let prefix = "error[B017]: `config` holds the symbolic link";
    assert_eq!(refused("more", "config/again"), format!("{prefix} `config/again` to the folder `config/more`"));
    assert_eq!(refused(".", "config/circle"), format!("{prefix} `config/circle` to the folder `config`"));
    assert_eq!(refused("../..", "config/more/all"), format!("{prefix} `config/more/all` to the folder `.`"));
    // Where a link leads outside of the project is the machine's business.
    let leaves = "error[B017]: `config` leaves the project folder through a symbolic link";
    assert_eq!(refused("/usr", "config/system"), leaves);
}

#[test]
fn a_folder_that_may_not_be_read() {
    let project = Project::new();
    let Some(mut other) = project.build_as_somebody_else() else { return };
    fs::set_permissions(project.path("config/more"), fs::Permissions::from_mode(0o700)).expect("an own folder");
    let text = fault_of(&project, &mut other);
    assert_eq!(text, "error[B016]: `config` cannot be read: `config/more`: Permission denied (os error 13)");
}

#[test]
fn a_name_that_is_no_text() {
    let project = Project::new();
    fs::write(project.path("config").join(OsStr::from_bytes(b"caf\xe9.conf")), "x").expect("room");
    assert_eq!(fault(&project), "error[B017]: `config` holds a file whose name is not UTF-8: `caf\u{fffd}.conf`");
}

#[test]
fn a_name_that_hides() {
    for name in ["a\u{202e}fnoc.exe", "line\nfeed", "back\\slash"] {
        let project = Project::new();
        fs::write(project.path("config").join(name), "x").expect("room");
        let text = fault(&project);
        assert!(text.starts_with("error[B017]: `config` holds a file whose name "), "{name:?}: {text}");
    }
}

#[test]
fn a_file_that_is_too_large() {
    let project = Project::new();
    project.write("config/site.conf", vec![b'x'; 1_000_001]);
    assert_eq!(fault(&project), "error[B027]: `config` is longer than 1000000 bytes");
    project.write("config/site.conf", vec![b'x'; 600_000]);
    project.write("config/more/deep.conf", vec![b'x'; 600_000]);
    assert_eq!(fault(&project), "error[B027]: `config` is longer than 1000000 bytes");
    let project = Project::new();
    project.write("scripts/report.sh", ["#!/bin/sh\n", &"#".repeat(200_000)].concat());
    assert!(fault(&project).starts_with("error[B027]: `scripts/report.sh` has 200010 bytes"), "{}", fault(&project));
    // A file without an end is not read to its end.
    let project = Project::new();
    fs::File::create(project.path("config/site.conf")).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
    assert_eq!(fault(&project), "error[B027]: `config` is longer than 1000000 bytes");
}

#[test]
fn a_file_that_is_not_there() {
    let project = Project::new();
    fs::remove_dir_all(project.path("config")).expect("a folder");
    assert_eq!(fault(&project), "error[B016]: `config` does not exist");
}
