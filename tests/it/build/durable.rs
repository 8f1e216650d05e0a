//! What has its name is on the disk: the program is watched at the door through which it asks the system for that.
//!
//! A library of a few lines of C stands before `fsync` and writes down which file is synchronised, and whether the tarball has its name by then.

use std::fs;
use std::path::Path;

use super::project::{Project, TARBALL, run, succeeds};
use crate::skip;

const WATCH: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int fsync(int file) {
    char link[64], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (readlink(link, path, sizeof path - 1) < 0) abort();
    FILE *seen = fopen(getenv("WATCH_SEEN"), "a");
    fprintf(seen, "%s %s\n", access(getenv("WATCH_NAME"), F_OK) ? "before" : "after", path);
    fclose(seen);
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    return real(file);
}
"#;

#[test]
fn a_tarball_is_on_the_disk_before_it_has_its_name_and_its_name_before_the_build_ends() {
    let project = Project::new();
    project.write("watch.c", WATCH);
    let [source, library, seen] = ["watch.c", "watch.so", "seen"].map(|name| project.path(name).display().to_string());
    if !succeeds("cc", &["-shared", "-fPIC", "-o", &library, &source, "-ldl"]) {
        return skip::missing("there is no C compiler");
    }
    let mut build = project.build();
    build.env("LD_PRELOAD", library).env("WATCH_SEEN", &seen).env("WATCH_NAME", project.path(TARBALL));
    run(&mut build).expect(0);
    let seen =
        fs::read_to_string(seen).expect("the program synchronises something, or is linked so that nobody can watch it");
    let out = fs::canonicalize(project.path("out")).expect("a folder").display().to_string();
    let synced = |when: &str, path: &str| seen.lines().any(|line| line == format!("{when} {path}"));
    let begins = |when: &str, name: &str| {
        let start = format!("{when} {out}/.{name}.");
        seen.lines()
            .position(|line| line.starts_with(&start) && Path::new(line).extension().is_some_and(|e| e == "tmp"))
    };
    assert!(
        begins("before", "shop-1.4.2-compose.tar").is_some(),
        "the tarball itself, still without its name:\n{seen}"
    );
    assert!(synced("after", &out), "the folder, after that:\n{seen}");
    let receipt = begins("after", "shop-1.4.2-compose.json").expect("the receipt, after the tarball");
    let folders = seen.lines().skip(receipt).filter(|line| *line == format!("after {out}")).count();
    assert_eq!(folders, 1, "the folder once more, for the receipt:\n{seen}");
    let before_receipt = seen.lines().take(receipt).filter(|line| *line == format!("after {out}")).count();
    assert_eq!(before_receipt, 1, "a receipt never without its tarball:\n{seen}");
}
