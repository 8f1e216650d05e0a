//! SIGKILL at random moments: under the final name there is always a whole tarball, and what is left behind harms no later build.

use std::fs;
use std::io::ErrorKind;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::project::{Project, Random, SPEC, TARBALL, digest, run};

const KILLS: usize = 50;
/// A build that is over before its moment comes is no kill; on a busy machine there are more of them.
const MOST_TRIES: usize = 1000;

/// Two releases of one name, and the digests of their tarballs and receipts.
struct Releases {
    specs: [String; 2],
    tarballs: [String; 2],
    receipts: [String; 2],
    /// How long a build takes that finds nothing in its cache.
    cold: Duration,
}

fn build_both(project: &Project) -> Releases {
    let specs = ["old", "new"].map(|word| SPEC.replace("DESCRIPTION", word));
    let mut cold = Duration::ZERO;
    let built = specs.each_ref().map(|spec| {
        empty_cache(project);
        project.write("bootstrap.toml", spec);
        let started = Instant::now();
        run(&mut project.build()).expect(0);
        cold = started.elapsed();
        let tarball = project.path(TARBALL);
        [digest(&tarball), digest(&tarball.with_extension("json"))]
    });
    let [[old, old_receipt], [new, new_receipt]] = built;
    Releases { specs, tarballs: [old, new], receipts: [old_receipt, new_receipt], cold }
}

#[test]
fn a_killed_build_leaves_the_old_tarball_or_the_new_one() {
    let project = Project::slow();
    let releases = build_both(&project);
    let mut random = Random::new(20_261_121);
    let mut kills = 0;
    for round in 0..MOST_TRIES {
        if kills == KILLS {
            break;
        }
        project.write("bootstrap.toml", &releases.specs[round % 2]);
        // Some builds find a cache that a killed one left, some none.
        if round % 4 == 0 {
            empty_cache(&project);
        }
        let moment = releases.cold.mul_f64(f64::from(u32::try_from(random.below(1000)).expect("below 1000")) / 1000.0);
        kills += usize::from(is_killed_after(&project, moment));
        assert_whole(&project, &releases);
    }
    assert_eq!(kills, KILLS, "so many of {MOST_TRIES} builds were killed before their end");
    for (spec, expected) in releases.specs.iter().zip(&releases.tarballs) {
        project.write("bootstrap.toml", spec);
        run(&mut project.build()).expect(0);
        assert_eq!(digest(&project.path(TARBALL)), *expected, "the cache is sound");
    }
    assert_eq!(
        project.outputs(),
        ["shop-1.4.2-compose.json", "shop-1.4.2-compose.tar"],
        "what was left behind is swept"
    );
}

/// A build that was killed early has made none.
fn empty_cache(project: &Project) {
    match fs::remove_dir_all(project.path("cache")) {
        Err(error) if error.kind() != ErrorKind::NotFound => panic!("the cache cannot be removed: {error}"),
        Ok(()) | Err(_) => {}
    }
}

/// Whether the build was still running at that moment.
fn is_killed_after(project: &Project, moment: Duration) -> bool {
    let mut child = project.build().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    thread::sleep(moment);
    // `kill` sends SIGKILL.
    child.kill().expect("a child that was not waited for");
    child.wait().expect("a child").code().is_none()
}

fn assert_whole(project: &Project, releases: &Releases) {
    let path = project.path(TARBALL);
    let verification = bootsmith::inspect::verify(&path).expect("a tarball that can be read");
    assert_eq!(verification.faults, []);
    assert!(releases.tarballs.contains(&digest(&path)), "neither the old tarball nor the new one");
    assert!(
        releases.receipts.contains(&digest(&path.with_extension("json"))),
        "neither the old receipt nor the new one"
    );
}

/// Two builds at once into one folder: each leaves a whole tarball, the last one stays.
#[test]
fn builds_at_the_same_time_do_not_disturb_each_other() {
    let project = Project::slow();
    let releases = build_both(&project);
    let other = project.path("other.toml");
    fs::write(&other, &releases.specs[0]).expect("room");
    for _ in 0..5 {
        empty_cache(&project);
        let mut first = project.build().stdout(Stdio::null()).spawn().expect("the program starts");
        let mut second =
            project.build().args(["--file", "other.toml"]).stdout(Stdio::null()).spawn().expect("the program starts");
        let codes = [&mut first, &mut second].map(|child| child.wait().expect("a child").code());
        assert_eq!(codes, [Some(0); 2]);
        assert_whole(&project, &releases);
    }
    assert_eq!(project.outputs().len(), 2, "no temporary file is left");
}
