//! `verify` notices whatever is changed of an image, though every digest is made right again.
//!
//! Random changes of a configuration, of the order of layers and of the layers themselves, in a tarball with the headers of bootsmith and in one of
//! another program. The seed is printed; `BOOTSMITH_SEED` gives the same changes again.

mod changes;
mod parts;

use bootsmith::inspect;
use bootsmith::store::{BaseReference, open_base};

use crate::build::project::{Project, TARBALL, run};
use crate::fixture::{self, Place, write};
use changes::{Random, change};
use parts::{Frame, Parts};

/// Each is a tarball that is written and verified.
const MUTATIONS: usize = 1000;
/// A real release is larger: that many of them will do.
const OF_A_RELEASE: usize = 60;

/// Holds that every change of an image is noticed.
fn hold(original: &Parts, mutations: usize, seed: u64) {
    let place = Place::new();
    let path = place.path("out.tar");
    for frame in Frame::ALL {
        original.write(&path, frame);
        let verification = inspect::verify(&path).expect("a file");
        assert_eq!(verification.faults, [], "unchanged, {frame:?}");
    }
    let mut random = Random::new(seed);
    for number in 0..mutations {
        let (mut changed, frame) = (original.clone(), *random.one_of(&Frame::ALL));
        let mut what = change(&mut changed, frame, &mut random);
        while changed == *original {
            what = change(&mut changed, frame, &mut random);
        }
        changed.write(&path, frame);
        let faults = inspect::verify(&path).expect("a file").faults;
        assert!(!faults.is_empty(), "seed {seed}, mutation {number}, {frame:?}: {what} was not noticed");
    }
}

fn seed() -> u64 {
    let given = std::env::var("BOOTSMITH_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
    println!("BOOTSMITH_SEED={seed}");
    seed
}

#[test]
fn every_change_of_an_image_is_noticed() {
    let place = Place::new();
    fixture::base_archive(&place.path("base.tar"), &["linux/amd64"]);
    let reference = BaseReference::parse(&format!("oci:{}", place.path("base.tar").display())).expect("a reference");
    let base = open_base(&reference, &[], &place.cache).expect("a base");
    write(&fixture::image(&base), &place.path("out.tar"));
    hold(&Parts::of(&place.path("out.tar")), MUTATIONS, seed());
}

#[test]
fn every_change_of_a_release_is_noticed() {
    let project = Project::new();
    run(&mut project.build()).expect(0);
    hold(&Parts::of(&project.path(TARBALL)), OF_A_RELEASE, seed());
}
