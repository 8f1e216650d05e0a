//! A base whose layers were looked into before: nothing is unpacked again, and every byte is verified in every build all the same.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bootsmith::image::Base;
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

/// A base that was built with before.
struct Known {
    place: Place,
    cache: Cache,
}

impl Known {
    fn new() -> Self {
        let place = Place::new();
        let cache = Cache::open(&place.path("cache")).expect("a cache");
        let known = Self { place, cache };
        fs::write(known.base(), &*BASE).expect("room");
        known.build().expect("a tarball");
        known
    }

    fn base(&self) -> PathBuf {
        self.place.path("base.tar")
    }

    fn output(&self) -> PathBuf {
        self.place.path("out.tar")
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
        write_archive(&fixture::image(&base), &fixture::reference(), &self.output(), progress)
    }

    /// What a user is told who sees the base for the first time.
    fn fault_at_first_sight(&self) -> String {
        let cache = Cache::temporary().expect("a cache");
        message(&open(&self.base(), &cache).expect_err("a bad base"))
    }

    fn records(&self, kind: &str) -> PathBuf {
        self.place.path("cache").join("1").join(kind)
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

/// Changes a bit of a file far inside.
pub(super) fn flip(path: &Path) {
    let mut file = File::options().read(true).write(true).open(path).expect("a file");
    let mut byte = [0];
    file.seek(SeekFrom::Start(INSIDE)).and_then(|_| file.read_exact(&mut byte)).expect("a byte");
    byte[0] ^= 1;
    file.seek(SeekFrom::Start(INSIDE)).and_then(|_| file.write_all(&byte)).expect("room");
}

#[test]
fn a_base_that_was_tampered_with_gives_the_error_of_the_first_sight_and_no_output() {
    let known = Known::new();
    let before = fs::read(known.output()).expect("a tarball");
    flip(&known.base());
    let expected = known.fault_at_first_sight();
    assert!(expected.contains("base.tar` is damaged or was tampered with: the layer sha256:"), "{expected}");
    known.open();
    for output_is_there in [true, false] {
        for _ in 0..2 {
            let error = known.build().expect_err("other bytes");
            assert_eq!(message(&error), expected);
        }
        assert_eq!(fs::read(known.output()).ok(), output_is_there.then(|| before.clone()), "as it was");
        if output_is_there {
            fs::remove_file(known.output()).expect("a file");
        }
    }
    assert_eq!(known.files(), ["base.tar", "cache"]);
}

#[test]
fn an_output_that_is_up_to_date_is_left_alone_and_one_that_rotted_is_written_again() {
    let known = Known::new();
    let before = fs::read(known.output()).expect("a tarball");
    assert!(known.build().expect("a tarball").unchanged);
    flip(&known.output());
    assert!(!known.build().expect("a tarball").unchanged);
    assert!(fs::read(known.output()).expect("a tarball") == before);
}

#[test]
fn a_base_that_changes_while_it_is_copied_is_noticed() {
    let known = Known::new();
    fs::remove_file(known.output()).expect("a file");
    let changes: [&dyn Fn(); 2] = [&|| flip(&known.base()), &|| {
        File::options().write(true).open(known.base()).and_then(|file| file.set_len(INSIDE)).expect("a file");
    }];
    for change in changes {
        let changed = Cell::new(false);
        let progress = |bytes| {
            if bytes > LARGE_PIECE && !changed.replace(true) {
                change();
            }
        };
        let error = known.build_watched(&progress).expect_err("other bytes than before");
        assert!(changed.get());
        assert!(matches!(error, StoreError::SourceChanged), "{error}");
        assert_eq!(known.files(), ["base.tar", "cache"]);
        fs::write(known.base(), &*BASE).expect("room");
    }
}

#[test]
fn what_is_in_a_layer_is_looked_up_in_verified_bytes_alone() {
    let known = Known::new();
    let forget = || {
        for kind in ["checked-listings", "tools"] {
            fs::remove_dir_all(known.records(kind)).expect("records");
        }
    };
    forget();
    require_tools(&known.open(), &tools(), &known.cache).expect("a shell");
    forget();
    flip(&known.base());
    let error = require_tools(&known.open(), &tools(), &known.cache).expect_err("other bytes");
    assert_eq!(message(&error), known.fault_at_first_sight());
}

#[test]
fn bytes_of_a_file_are_read_when_they_are_the_promised_ones() {
    let known = Known::new();
    let read = |base: &Base| {
        let layer = base.images()[0].layers.last().expect("the large layer");
        let mut bytes = Vec::new();
        layer.content.reader().map(|mut reader| reader.read_to_end(&mut bytes).expect("readable")).map(|_| bytes)
    };
    assert!(read(&known.open()).is_ok());
    flip(&known.base());
    assert!(matches!(read(&known.open()), Err(ReadError::Wrong(_))));
}

#[test]
fn the_program_ends_with_3_and_leaves_the_old_tarball() {
    let project = Project::slow();
    run(&mut project.build()).expect(0);
    let before = project.tarball();
    flip(&project.path("base.tar"));
    project.change("shop\"\nversion", "shop\"\n# another output\nversion");
    let seen = run(&mut project.build()).expect(3);
    assert!(seen.err.contains("base.tar` is damaged or was tampered with: the layer sha256:"), "{}", seen.err);
    assert!(seen.err.contains("hint: download or create the file again; nothing was written"), "{}", seen.err);
    assert!(project.tarball() == before, "as it was");
    assert_eq!(project.outputs(), ["shop-1.4.2-compose.json", "shop-1.4.2-compose.tar"]);
}
