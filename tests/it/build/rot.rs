//! Bytes that change while the system says that nothing did: a disk, a network or a snapshot that returns others than were written. Inode, size
//! and all times of the file are as they were; only who hashes what is copied can see it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::project::{Project, TARBALL, run, succeeds};
use crate::skip;

/// A bit in the middle of the large layer of the base.
const INSIDE: usize = 2_500_000;

/// A project whose base and output lie in memory, where a write through a mapping changes no time.
struct InMemory {
    project: Project,
    folder: tempfile::TempDir,
}

impl InMemory {
    fn new() -> Option<Self> {
        let without = |reason| {
            skip::missing(reason);
            None
        };
        let Ok(folder) = tempfile::tempdir_in("/dev/shm") else { return without("there is no /dev/shm") };
        if !succeeds("python3", &["-c", "import mmap"]) {
            return without("there is no python3, which maps a file into memory");
        }
        let project = Project::slow();
        fs::rename(project.path("base.tar"), project.path("on-disk.tar")).expect("a rename");
        fs::copy(project.path("on-disk.tar"), folder.path().join("base.tar")).expect("room");
        Some(Self { project, folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn build(&self) -> Command {
        let mut build = self.project.build_into(self.path("out"));
        build.arg("--base").arg(format!("oci:{}", self.path("base.tar").display()));
        build
    }

    /// Flips a bit, and nothing that the system says of the file changes.
    fn rot(&self, name: &str) {
        const SCRIPT: &str = "import mmap,sys\n\
            with open(sys.argv[1],'r+b') as file:\n    \
                memory=mmap.mmap(file.fileno(),0)\n    \
                memory[int(sys.argv[2])]^=1\n";
        let path = self.path(name);
        let before = state(&path);
        assert!(succeeds("python3", &["-c", SCRIPT, &path.display().to_string(), &INSIDE.to_string()]));
        assert_eq!(state(&path), before, "no new time");
    }
}

/// Everything that could tell one state of a file from another without reading it.
fn state(path: &Path) -> (u64, u64, (i64, i64), (i64, i64)) {
    let metadata = fs::metadata(path).expect("a file");
    let (modified, changed) = ((metadata.mtime(), metadata.mtime_nsec()), (metadata.ctime(), metadata.ctime_nsec()));
    (metadata.ino(), metadata.size(), modified, changed)
}

#[test]
fn a_base_that_rotted_ends_a_build_with_3() {
    let Some(place) = InMemory::new() else { return };
    for _ in 0..2 {
        run(&mut place.build()).expect(0);
    }
    place.rot("base.tar");
    for output_is_there in [true, false] {
        let seen = run(&mut place.build()).expect(3);
        assert!(seen.err.contains("base.tar` is damaged or was tampered with: the layer sha256:"), "{}", seen.err);
        if output_is_there {
            fs::remove_dir_all(place.path("out")).expect("an output folder");
        }
    }
    assert_eq!(fs::read_dir(place.path("out")).expect("a folder").count(), 0, "nothing was written");
}

#[test]
fn an_output_that_rotted_is_written_again() {
    let Some(place) = InMemory::new() else { return };
    run(&mut place.build()).expect(0);
    let tarball = place.path(TARBALL);
    let before = fs::read(&tarball).expect("a tarball");
    place.rot(TARBALL);
    assert!(fs::read(&tarball).expect("a tarball") != before);
    run(&mut place.build()).expect(0);
    assert!(fs::read(&tarball).expect("a tarball") == before);
}

/// A disk with one wrong bit: a file system in a file, changed while it is not mounted.
#[test]
fn a_disk_with_one_wrong_bit_below_a_known_base_ends_a_build_with_3() {
    let project = Project::slow();
    let sh = |script: &str| {
        let mut command = project.through("unshare", &["--mount", "sh", "-c", &format!("set -e\n{script}")]);
        run(&mut command)
    };
    let size = fs::metadata(project.path("base.tar")).expect("a base").len() / 1024 + 16 * 1024;
    let made = sh(&format!(
        "truncate -s {size}k disk; mkfs.ext4 -q -O ^has_journal disk; mkdir mounted; mount -o loop disk mounted\n\
         cp base.tar mounted/base.tar; umount mounted"
    ));
    if made.code != Some(0) {
        return skip::missing(format!("this user cannot mount a file system from a file: {}", made.err.trim()));
    }
    let build = "mount -o loop disk mounted; cd mounted; cp ../bootstrap.toml .; cp -r ../config ../scripts .\n\
        code=0; \"$0\" \"$@\" || code=$?\n\
        stat --format '%i %s %y %z' base.tar; cd ..; umount mounted; exit $code";
    let good = sh(build).expect(0);
    flip_on_disk(&project);
    let bad = sh(build).expect(3);
    assert!(bad.err.contains("base.tar` is damaged or was tampered with: the layer sha256:"), "{}", bad.err);
    let last = |text: &str| text.lines().last().map(str::to_owned);
    assert_eq!(last(&good.out), last(&bad.out), "inode, size and times are as they were");
}

/// Finds the base's bytes on the disk, and changes one of them.
fn flip_on_disk(project: &Project) {
    /// A block of the file system: it is in one piece on the disk.
    const BLOCK: usize = 1024;
    let base = fs::read(project.path("base.tar")).expect("a base");
    let mut disk = fs::read(project.path("disk")).expect("a disk");
    let start = INSIDE / BLOCK * BLOCK;
    let block = &base[start..start + BLOCK];
    let found = (0..disk.len()).step_by(BLOCK).filter(|place| disk[*place..].starts_with(block)).collect::<Vec<_>>();
    for place in &found {
        disk[place + INSIDE % BLOCK] ^= 1;
    }
    assert!(!found.is_empty(), "the base is on the disk");
    fs::write(project.path("disk"), disk).expect("room");
}
