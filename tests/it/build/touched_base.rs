//! A base whose content is known, in a file that was touched since: it is verified while it is copied, and no build is less careful.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use bootsmith::image::Base;
use bootsmith::layer::content::Content;
use bootsmith::layer::unverified::ReadError;
use bootsmith::store::{
    BaseReference, Cache, Place as ToolPlace, Progress, Receipt, StoreError, Tool, open_base, require_tools,
    write_archive,
};

use super::project::{Project, TOOLS, base_with, run};
use crate::fixture::{self, Place, message};

/// Its large layer takes several pieces to copy.
static BASE: LazyLock<Vec<u8>> = LazyLock::new(|| base_with(&TOOLS, 4_000_000));
/// Far inside the large layer, behind the first piece.
const INSIDE: u64 = 2_500_000;

/// Only the large layer is copied in such pieces.
const LARGE_PIECE: u64 = 100_000;

/// A base that was built with before, and was touched since.
struct Touched {
    place: Place,
    cache: Cache,
}

impl Touched {
    fn new() -> Self {
        let place = Place::new();
        let cache = Cache::open(&place.path("cache")).expect("a cache");
        let touched = Self { place, cache };
        fs::write(touched.base(), &*BASE).expect("room");
        settle();
        touched.build().expect("a tarball");
        touched.touch();
        touched
    }

    fn base(&self) -> PathBuf {
        self.place.path("base.tar")
    }

    fn output(&self) -> PathBuf {
        self.place.path("out.tar")
    }

    fn touch(&self) {
        let file = File::options().write(true).open(self.base()).expect("a file");
        file.set_modified(SystemTime::now()).expect("a time");
        settle();
    }

    fn tamper(&self) {
        flip(&self.base());
        settle();
    }

    fn open(&self) -> Base {
        open(&self.base(), &self.cache).expect("a base")
    }

    fn build(&self) -> Result<Receipt, StoreError> {
        self.build_watched(&|_| ())
    }

    fn build_watched(&self, progress: Progress<'_>) -> Result<Receipt, StoreError> {
        let base = open(&self.base(), &self.cache)?;
        require_tools(&base, &tools(), &self.cache)?;
        write_archive(&fixture::image(&base), &fixture::reference(), &self.output(), &self.cache, progress)
    }

    /// What somebody is told who sees the base for the first time.
    fn fault_at_first_sight(&self) -> String {
        let cache = Cache::temporary().expect("a cache");
        message(&open(&self.base(), &cache).expect_err("a bad base"))
    }

    fn is_trusted(&self) -> bool {
        unverified(&self.open()) == 0
    }

    fn records(&self, kind: &str) -> PathBuf {
        self.place.path("cache").join("1").join(kind)
    }

    fn stamps(&self) -> usize {
        fs::read_dir(self.records("stamps")).expect("a folder").count()
    }

    /// What lies beside the output: no temporary file.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.output().parent().expect("a folder")).expect("a folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn open(path: &Path, cache: &Cache) -> Result<Base, StoreError> {
    let reference = BaseReference::parse(&format!("oci:{}", path.display())).expect("a reference");
    open_base(&reference, &[], cache)
}

fn tools() -> Vec<Tool> {
    vec![Tool::new("sh", [ToolPlace::File("/usr/bin/sh".to_owned())])]
}

fn unverified(base: &Base) -> usize {
    let layers = base.images().iter().flat_map(|image| &image.layers);
    layers.filter(|layer| matches!(layer.content, Content::Unverified(_))).count()
}

fn flip(path: &Path) {
    let mut file = File::options().read(true).write(true).open(path).expect("a file");
    let mut byte = [0];
    file.seek(SeekFrom::Start(INSIDE)).and_then(|_| file.read_exact(&mut byte)).expect("a byte");
    byte[0] ^= 1;
    file.seek(SeekFrom::Start(INSIDE)).and_then(|_| file.write_all(&byte)).expect("room");
}

/// A change must be a moment old before it is believed.
fn settle() {
    std::thread::sleep(Duration::from_millis(40));
}

#[test]
fn a_touched_base_is_verified_while_it_is_copied_and_trusted_after() {
    let touched = Touched::new();
    let before = fs::read(touched.output()).expect("a tarball");
    fs::remove_file(touched.output()).expect("a file");
    assert_eq!(unverified(&touched.open()), 1, "the large layer alone is left for the copy");
    touched.build().expect("a tarball");
    assert!(touched.is_trusted());
    assert_eq!(fs::read(touched.output()).ok(), Some(before));
}

#[test]
fn a_base_that_was_tampered_with_gives_the_error_of_the_first_sight_and_no_output() {
    let touched = Touched::new();
    let before = fs::read(touched.output()).expect("a tarball");
    touched.tamper();
    let expected = touched.fault_at_first_sight();
    assert!(expected.contains("base.tar` is damaged or was tampered with: the layer sha256:"), "{expected}");
    touched.open();
    let stamps = touched.stamps();
    for output_is_there in [true, false] {
        for _ in 0..2 {
            let error = touched.build().expect_err("other bytes");
            assert_eq!(message(&error), expected);
        }
        assert_eq!(fs::read(touched.output()).ok(), output_is_there.then(|| before.clone()), "as it was");
        if output_is_there {
            fs::remove_file(touched.output()).expect("a file");
        }
    }
    assert!(!touched.is_trusted());
    assert_eq!(touched.stamps(), stamps, "the small layer was recorded when it was opened, the large one never");
    assert_eq!(touched.files(), ["base.tar", "cache"]);
}

#[test]
fn an_output_that_is_up_to_date_is_left_alone_when_the_base_is_verified() {
    let touched = Touched::new();
    assert_eq!(unverified(&touched.open()), 1);
    assert!(touched.build().expect("a tarball").unchanged);
    assert!(touched.is_trusted());
}

#[test]
fn a_base_that_changes_while_it_is_copied_is_noticed() {
    let touched = Touched::new();
    fs::remove_file(touched.output()).expect("a file");
    let changes: [&dyn Fn(); 2] = [&|| flip(&touched.base()), &|| {
        File::options().write(true).open(touched.base()).and_then(|file| file.set_len(INSIDE)).expect("a file");
    }];
    for change in changes {
        let changed = Cell::new(false);
        let progress = |bytes| {
            if bytes > LARGE_PIECE && !changed.replace(true) {
                change();
            }
        };
        let error = touched.build_watched(&progress).expect_err("other bytes than before");
        assert!(changed.get());
        assert!(matches!(error, StoreError::SourceChanged), "{error}");
        assert_eq!(touched.files(), ["base.tar", "cache"]);
        fs::write(touched.base(), &*BASE).expect("room");
        settle();
        assert!(!touched.is_trusted());
    }
}

#[test]
fn a_base_that_is_touched_while_it_is_copied_is_not_trusted_after() {
    let touched = Touched::new();
    fs::remove_file(touched.output()).expect("a file");
    let file = File::options().write(true).open(touched.base()).expect("a file");
    let progress = |bytes| {
        if bytes > LARGE_PIECE {
            file.set_modified(SystemTime::now()).expect("a time");
        }
    };
    touched.build_watched(&progress).expect("what was copied has the right digest");
    settle();
    assert!(!touched.is_trusted());
}

#[test]
fn what_is_in_a_layer_is_looked_up_in_verified_bytes_alone() {
    let touched = Touched::new();
    let forget = || {
        for kind in ["listings", "tools"] {
            fs::remove_dir_all(touched.records(kind)).expect("records");
        }
    };
    forget();
    let base = touched.open();
    assert_eq!(unverified(&base), 1);
    require_tools(&base, &tools(), &touched.cache).expect("a shell");
    forget();
    touched.tamper();
    let error = require_tools(&touched.open(), &tools(), &touched.cache).expect_err("other bytes");
    assert_eq!(message(&error), touched.fault_at_first_sight());
}

#[test]
fn unverified_bytes_are_read_when_they_are_the_promised_ones() {
    let touched = Touched::new();
    let read = |base: &Base| {
        let layer = base.images()[0].layers.last().expect("the large layer");
        let mut bytes = Vec::new();
        layer.content.reader().map(|mut reader| reader.read_to_end(&mut bytes).expect("readable")).map(|_| bytes)
    };
    assert!(read(&touched.open()).is_ok());
    touched.tamper();
    assert!(matches!(read(&touched.open()), Err(ReadError::Wrong(_))));
}

#[test]
fn the_program_ends_with_3_and_leaves_the_old_tarball() {
    let project = Project::slow();
    settle();
    run(&mut project.build()).expect(0);
    let before = project.tarball();
    flip(&project.path("base.tar"));
    settle();
    project.change("shop\"\nversion", "shop\"\n# another output\nversion");
    let seen = run(&mut project.build()).expect(3);
    assert!(seen.err.contains("base.tar` is damaged or was tampered with: the layer sha256:"), "{}", seen.err);
    assert!(seen.err.contains("hint: fetch or make the file again; nothing was written"), "{}", seen.err);
    assert!(project.tarball() == before, "as it was");
    assert_eq!(project.outputs(), ["shop-1.4.2-compose.json", "shop-1.4.2-compose.tar"]);
}
