//! `bootsmith push` and `pull` against Debian's docker-registry, with a login and with TLS of an own authority; skopeo says what is there.

mod process;

use std::io::Write as _;
use std::process::{Command, Stdio};

use bootsmith::epoch::Epoch;
use bootsmith::image::{Base, Image, assemble};
use bootsmith::inspect;
use bootsmith::tree::Mode;

use crate::fixture::{self, Place};
use crate::seen::Seen;
use process::{Guarded, USER};

/// A bootstrap image with a layer that takes more than one piece to send.
fn image(architectures: &[&str]) -> Image {
    let mut state = 1_u32;
    let noise: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        format!("{state:08x}")
    })
    .take(500_000)
    .collect();
    let large = fixture::layer("large", &[("large", Mode::Plain, &noise)]);
    let architectures: Vec<_> = architectures.iter().map(|text| fixture::architecture(text)).collect();
    let base = Base::scratch(&architectures).expect("a base");
    assemble(&base, &[vec![large], fixture::payload()].concat(), &fixture::settings(), Epoch::default())
        .expect("an image")
}

struct Pusher<'a> {
    registry: &'a Guarded,
    place: Place,
    digest: String,
}

impl<'a> Pusher<'a> {
    fn new(registry: &'a Guarded, architectures: &[&str]) -> Self {
        let place = Place::new();
        let receipt = fixture::write(&image(architectures), &place.path("out.tar"));
        Self { registry, place, digest: receipt.digest.to_string() }
    }

    fn push(&self, arguments: &[&str], password: &str) -> Seen {
        let tarball = self.place.path("out.tar").display().to_string();
        self.run(&[&["push", &tarball], arguments].concat(), password)
    }

    fn run(&self, arguments: &[&str], password: &str) -> Seen {
        let mut program = Command::new(env!("CARGO_BIN_EXE_bootsmith"));
        program.args(arguments).args(["--username", USER, "--password-stdin"]);
        program.env("HOME", self.place.path("home")).env("XDG_CACHE_HOME", self.place.path("cache"));
        let program = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().expect("the program starts");
        child.stdin.take().expect("a pipe").write_all(password.as_bytes()).expect("it is read");
        Seen::from(child.wait_with_output().expect("the program ends"))
    }

    /// `bootsmith pull` into a tarball of this name.
    fn pulls(&self, reference: &str, name: &str) -> Seen {
        let (authority, tarball) = (self.registry.authority(), self.place.path(name));
        let reference = format!("{}/{reference}", self.registry.name());
        let (authority, tarball) = (authority.display().to_string(), tarball.display().to_string());
        self.run(&["pull", &reference, &tarball, "--ca-file", &authority], process::PASSWORD).expect(0)
    }

    /// With everything that it takes.
    fn pushes(&self, reference: &str) -> Seen {
        let authority = self.registry.authority();
        let reference = format!("{}/{reference}", self.registry.name());
        self.push(&["--ca-file", &authority.display().to_string(), &reference], process::PASSWORD).expect(0)
    }
}

#[test]
fn a_pushed_image_is_what_other_tools_find() {
    let Some(registry) = Guarded::start() else { return };
    for (architectures, tag) in [(&["linux/amd64"][..], "one"), (&["linux/amd64", "linux/arm64"], "two")] {
        let pusher = Pusher::new(&registry, architectures);
        let seen = pusher.pushes(&format!("shop/bootstrap:{tag}"));
        assert_eq!(seen.out, format!("{}\n", pusher.digest));
        assert_eq!(registry.digest(&format!("shop/bootstrap:{tag}")), pusher.digest);
        // A copy reads every blob, and holds it against its digest.
        registry.copy(&format!("shop/bootstrap:{tag}"), &pusher.place.path("copy"));
        let index = std::fs::read_to_string(pusher.place.path("copy").join("index.json")).expect("a copy");
        assert!(index.contains(&pusher.digest), "{index}");
    }
}

#[test]
fn a_pulled_image_is_the_pushed_one() {
    let Some(registry) = Guarded::start() else { return };
    let pusher = Pusher::new(&registry, &["linux/amd64", "linux/arm64"]);
    pusher.pushes("shop/bootstrap:1.4.2");
    let seen = pusher.pulls("shop/bootstrap:1.4.2", "one.tar");
    assert_eq!(seen.out, format!("{}\n", pusher.digest));
    let verify = |name: &str| inspect::verify(&pusher.place.path(name)).expect("a tarball");
    assert_eq!(verify("one.tar"), verify("out.tar"), "blob by blob");
    // The second time everything is there, and only the tag is asked for.
    let asked = registry.lines();
    let again = pusher.pulls("shop/bootstrap:1.4.2", "two.tar");
    assert_eq!(again.err.matches(": already there").count(), 3, "{}", again.err);
    assert!(registry.lines() - asked < 10, "{} requests", registry.lines() - asked);
    let [one, two] = ["one.tar", "two.tar"].map(|name| fixture::digest_of_file(&pusher.place.path(name)));
    assert_eq!(one, two);
}

/// This registry keeps no list of referrers, and there is no tag for them either.
#[test]
fn what_is_in_a_registry_is_looked_at() {
    let Some(registry) = Guarded::start() else { return };
    let pusher = Pusher::new(&registry, &["linux/amd64", "linux/arm64"]);
    for tag in ["latest", "1.10.0", "1.9.0", "1.9.0-rc.1"] {
        pusher.pushes(&format!("shop/bootstrap:{tag}"));
    }
    let authority = registry.authority().display().to_string();
    let asks = |arguments: &[&str]| {
        let seen = pusher.run(&[arguments, &["--ca-file", &authority]].concat(), process::PASSWORD).expect(0);
        seen.out
    };
    let json = |arguments: &[&str]| serde_json::from_str::<serde_json::Value>(&asks(arguments)).expect("JSON");
    let (tarball, reference) =
        (pusher.place.path("out.tar").display().to_string(), format!("{}/shop/bootstrap:1.9.0", registry.name()));
    let [mut file, mut image] = [&tarball, &reference].map(|name| json(&["inspect", name, "--json"]));
    assert_eq!(image["referrers"].take(), serde_json::json!([]));
    assert_eq!(image["image"]["digest"], *pusher.digest);
    for part in ["images", "digest", "index", "annotations"] {
        assert_eq!(file["image"][part].take(), image["image"][part].take(), "{part}");
    }
    // Its large layer is not listed in `contents.json`.
    let [file, image] = [&tarball, &reference].map(|name| {
        let arguments = ["verify", name, "--json", "--ca-file", &authority];
        pusher.run(&arguments, process::PASSWORD).expect(1).out
    });
    assert_eq!(file, image);
    let repository = format!("{}/shop/bootstrap", registry.name());
    assert_eq!(asks(&["tag", "list", &repository]), "1.9.0-rc.1\n1.9.0\n1.10.0\nlatest\n");
    let absent = format!("{}/shop/absent", registry.name());
    let seen = pusher.run(&["tag", "list", &absent, "--ca-file", &authority], process::PASSWORD).expect(3);
    assert!(seen.err.contains("answers 404"), "{}", seen.err);
}

#[test]
fn what_a_registry_has_is_not_sent_again() {
    let Some(registry) = Guarded::start() else { return };
    let pusher = Pusher::new(&registry, &["linux/amd64"]);
    let seen = pusher.pushes("a:1");
    assert_eq!(seen.err.matches(": sent").count(), 4, "{}", seen.err);
    assert_eq!((registry.count("PUT", "/v2/a/blobs/uploads/"), registry.count("PUT", "/v2/a/manifests/")), (4, 2));
    let seen = pusher.pushes("a:2");
    assert_eq!(seen.err.matches(": already there").count(), 4, "{}", seen.err);
    assert_eq!((registry.count("PUT", "/v2/a/blobs/uploads/"), registry.count("PUT", "/v2/a/manifests/")), (4, 4));
    let from = format!("{}/a", registry.name());
    let authority = registry.authority().display().to_string();
    let reference = format!("{}/b:1", registry.name());
    let arguments = ["--ca-file", &authority, "--mount-from", &from, &reference];
    let seen = pusher.push(&arguments, process::PASSWORD).expect(0);
    assert_eq!(seen.err.matches(": mounted from another repository").count(), 4, "{}", seen.err);
    assert_eq!(registry.count("PUT", "/v2/b/blobs/uploads/"), 0);
    assert_eq!(registry.digest("b:1"), pusher.digest);
}

#[test]
fn who_is_not_trusted_gets_nothing() {
    let Some(registry) = Guarded::start() else { return };
    let pusher = Pusher::new(&registry, &["linux/amd64"]);
    let reference = format!("{}/a:1", registry.name());
    let authority = registry.authority().display().to_string();
    let seen = pusher.push(&["--ca-file", &authority, &reference], "guessed").expect(3);
    assert!(seen.err.contains("rejected the given credentials") && !seen.err.contains("guessed"), "{}", seen.err);
    let seen = pusher.push(&[&reference], process::PASSWORD).expect(3);
    assert!(seen.err.contains("its certificate is not trusted"), "{}", seen.err);
    assert_eq!(registry.count("PUT", "/v2/"), 0);
}
