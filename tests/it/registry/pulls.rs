//! Pulling: what comes is held against its digest before it has a name, and goes on where it broke off.

use std::fs;

use bootsmith::digest::Digest;
use bootsmith::epoch::Epoch;
use bootsmith::image::{Base, Image, assemble};
use bootsmith::registry::{Access, PullError, Session, Wanted, WantedLayers, is_pulled, pull};
use bootsmith::store::{BaseReference, Cache, open_base};
use bootsmith::tree::Mode;

use super::client::{Hurried, Push, masked, told};
use super::connection::Server;
use super::http::Answer;
use super::server::Fault;
use crate::build::project::random_text;
use crate::fixture::{self, architecture};

/// A registry with an image, one layer of which comes in several pieces, and a place for what is pulled.
pub(super) struct Place {
    server: Server,
    image: Image,
    pub(super) cache: Cache,
}

/// Of every architecture.
const ALL: WantedLayers<'static> = WantedLayers::Of(&[]);
const NOISE: usize = 400_000;

impl Place {
    pub(super) fn new(architectures: &[&str]) -> Self {
        let large = fixture::layer("base", &[("noise", Mode::Plain, &random_text(NOISE))]);
        let architectures: Vec<_> = architectures.iter().map(|text| architecture(text)).collect();
        let base = Base::scratch(&architectures).expect("a base");
        let layers = [vec![large], fixture::payload()].concat();
        let image = assemble(&base, &layers, &fixture::settings(), Epoch::default()).expect("an image");
        let server = Server::start();
        Push { image: image.clone(), ..Push::to(&server) }.run().is_done(&server);
        server.state().log.clear();
        Self { server, image, cache: Cache::temporary().expect("a cache") }
    }

    /// The digest of the large layer, as its path has it.
    pub(super) fn large(&self) -> String {
        self.layer().0
    }

    fn layer(&self) -> (String, Vec<u8>) {
        let digest = self.image.images()[0].layers[0].packed.blob.digest.to_string();
        let bytes = self.server.state().blobs[&("shop".to_owned(), digest.clone())].clone();
        (digest, bytes)
    }

    fn pull_of(
        &self,
        name: &str,
        digest: Option<Digest>,
        layers: WantedLayers<'_>,
    ) -> (Result<Digest, PullError>, Vec<u64>) {
        self.pull_by(&Push::to(&self.server), name, digest, layers)
    }

    fn pull_by(
        &self,
        push: &Push,
        name: &str,
        digest: Option<Digest>,
        layers: WantedLayers<'_>,
    ) -> (Result<Digest, PullError>, Vec<u64>) {
        let client = Hurried::new(&push.client);
        let result = Session::open(&client, &push.registry, &Access::default(), &|_| ()).map_err(PullError::from);
        let wanted = Wanted { repository: "shop", name, digest, layers };
        (result.and_then(|session| pull(&session, wanted, &self.cache.pulled())), client.pauses())
    }

    /// By its tag.
    pub(super) fn pull(&self) -> (Result<Digest, PullError>, Vec<u64>) {
        self.pull_of("1", None, ALL)
    }

    /// It is there, and every byte of it is right.
    #[track_caller]
    fn is_done(&self, (result, pauses): (Result<Digest, PullError>, Vec<u64>), expected: &[u64]) {
        assert_eq!(result.map_err(|error| error.to_string()), Ok(self.image.digest()));
        assert_eq!(pauses, expected);
        self.is_whole();
    }

    #[track_caller]
    fn is_whole(&self) {
        let reference = format!("r.example/shop@{}", self.image.digest());
        let base =
            open_base(&BaseReference::parse(&reference).expect("a reference"), &[], &self.cache).expect("a base");
        assert_eq!(base.digest(), Some(self.image.digest()));
        let blobs =
            |layers: &[bootsmith::layer::Layer]| layers.iter().map(|layer| layer.packed.blob).collect::<Vec<_>>();
        assert_eq!(blobs(&base.images()[0].layers), blobs(&self.image.images()[0].layers));
    }

    /// It failed with this message, and the large layer has no name.
    #[track_caller]
    fn is_refused(&self, (result, _): (Result<Digest, PullError>, Vec<u64>), message: &str) {
        let told = match result.expect_err("it must fail") {
            PullError::Registry(error) => told(&error),
            error => error.to_string(),
        };
        assert_eq!(masked(&told.replace(&self.server.name(), "REGISTRY")), message);
        assert!(!is_pulled(self.image.digest(), ALL, &self.cache.pulled()));
    }
}

#[test]
fn an_image_is_pulled_once() {
    let place = Place::new(&["linux/amd64"]);
    assert!(!is_pulled(place.image.digest(), ALL, &place.cache.pulled()));
    place.is_done(place.pull(), &[]);
    assert_eq!((place.server.count("GET", "/manifests/"), place.server.count("GET", "/blobs/")), (1, 4));
    assert!(is_pulled(place.image.digest(), ALL, &place.cache.pulled()));
    place.is_done(place.pull_of("x", Some(place.image.digest()), ALL), &[]);
    assert_eq!((place.server.count("GET", "/manifests/"), place.server.count("GET", "/blobs/")), (1, 4));
}

#[test]
fn only_the_layers_that_are_wanted_are_pulled() {
    let place = Place::new(&["linux/amd64", "linux/arm64"]);
    let wanted = [architecture("linux/arm64")];
    assert!(!is_pulled(place.image.digest(), WantedLayers::Of(&wanted), &place.cache.pulled()));
    let (result, _) = place.pull_of("1", None, WantedLayers::Of(&wanted));
    assert_eq!(result.map_err(|error| error.to_string()), Ok(place.image.digest()));
    assert!(is_pulled(place.image.digest(), WantedLayers::Of(&wanted), &place.cache.pulled()));
    let none = [architecture("linux/s390x")];
    let fresh = Place { cache: Cache::temporary().expect("a cache"), ..place };
    let (result, _) = fresh.pull_of("1", None, WantedLayers::Of(&none));
    assert_eq!(result.map_err(|error| error.to_string()), Ok(fresh.image.digest()));
    let layers = fresh.image.images()[0].layers.iter().map(|layer| layer.packed.blob);
    assert!(layers.into_iter().all(|layer| !fresh.cache.pulled().has(layer)), "no layer is for this architecture");
}

#[test]
fn a_layer_goes_on_where_it_broke_off() {
    let place = Place::new(&["linux/amd64"]);
    place.server.fails("GET", &place.large(), 1, Fault::Cut(150_000));
    place.is_done(place.pull(), &[1]);
    let ranges = ranges(&place);
    assert_eq!(ranges.len(), 2, "{ranges:?}");
    let start: usize = ranges[1]
        .as_deref()
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
        .expect("a range");
    assert!(ranges[0].is_none() && start > 0 && start <= 150_000, "{ranges:?}");
}

fn ranges(place: &Place) -> Vec<Option<String>> {
    let large = place.large();
    let state = place.server.state();
    let asked = state.log.iter().filter(|seen| seen.head.method == "GET" && seen.head.path.ends_with(&large));
    asked.map(|seen| seen.head.header("range").map(str::to_owned)).collect()
}

#[test]
fn what_an_earlier_pull_received_is_used() {
    let place = Place::new(&["linux/amd64"]);
    place.server.fails("GET", &place.large(), 1, Fault::Cut(150_000));
    place.server.fails("GET", &place.large(), 2, Fault::Answer(Answer::new(403)));
    place.pull().0.expect_err("it must fail");
    place.is_done(place.pull(), &[]);
    assert!(ranges(&place)[2].is_some());
}

#[test]
fn a_registry_that_gives_no_parts_gives_the_whole() {
    for (fault, requests) in [
        (Fault::Whole, 2),
        (Fault::Answer(Answer::new(416)), 3),
        (Fault::Header("content-range", "bytes 7-9/10".to_owned()), 3),
    ] {
        let place = Place::new(&["linux/amd64"]);
        place.server.fails("GET", &place.large(), 1, Fault::Cut(150_000));
        place.server.fails("GET", &place.large(), 2, fault);
        place.is_done(place.pull(), &[1]);
        assert_eq!(ranges(&place).len(), requests);
    }
}

#[test]
fn what_a_registry_cannot_do_at_the_moment_is_done_a_moment_later() {
    for part in ["/manifests/1", "/blobs/sha256:"] {
        for fault in [Fault::Reset, Fault::Answer(Answer::new(503)), Fault::Answer(Answer::new(429)), Fault::Cut(10)] {
            let place = Place::new(&["linux/amd64"]);
            place.server.fails("GET", part, 1, fault);
            place.is_done(place.pull(), &[1]);
        }
        let place = Place::new(&["linux/amd64"]);
        place.server.fails("GET", part, 1, Fault::Hang);
        place.is_done(place.pull_by(&Push::to(&place.server).impatient(), "1", None, ALL), &[1]);
    }
}

#[test]
fn a_truncated_layer_is_never_stored() {
    let place = Place::new(&["linux/amd64"]);
    let (digest, bytes) = place.layer();
    place.server.fails("GET", &digest, 0, Fault::Body(bytes[..1000].to_vec()));
    let size = bytes.len();
    let message =
        format!("cannot pull the blob sha256:…; because the connection was lost: it ended after 5000 of {size} bytes");
    // From the second time on the rest is asked for, and the same bytes come as the rest: five times in all.
    let (result, _) = place.pull();
    let told = match result.expect_err("it must fail") {
        PullError::Registry(error) => masked(&told(&error)),
        error => error.to_string(),
    };
    assert_eq!(told, message);
    assert!(!is_pulled(place.image.digest(), ALL, &place.cache.pulled()));
}

#[test]
fn an_overlong_layer_is_never_stored() {
    let place = Place::new(&["linux/amd64"]);
    let (digest, bytes) = place.layer();
    let message =
        format!("cannot pull the blob sha256:…: it has more than the {} bytes that its manifest says", bytes.len());
    place.server.fails("GET", &digest, 0, Fault::Body([&bytes[..], b"and more"].concat()));
    place.is_refused(place.pull(), &message);
    let place = Place::new(&["linux/amd64"]);
    place.server.fails("GET", &place.large(), 0, Fault::Endless);
    place.is_refused(place.pull(), &message);
}

#[test]
fn a_garbled_layer_is_never_stored() {
    let place = Place::new(&["linux/amd64"]);
    let (digest, mut bytes) = place.layer();
    bytes[5000] ^= 1;
    place.server.fails("GET", &digest, 0, Fault::Body(bytes));
    place.is_refused(
        place.pull(),
        "the blob sha256:… should have the digest sha256:…, but `REGISTRY` says what has sha256:…; \
         hint: something between this machine and the registry changes content",
    );
    place.server.state().rules.clear();
    place.is_done(place.pull(), &[]);
}

/// A part that was garbled before is found by the digest of the whole, and thrown away once.
#[test]
fn a_garbled_part_of_before_is_thrown_away() {
    let place = Place::new(&["linux/amd64"]);
    let (digest, mut bytes) = place.layer();
    bytes[5000] ^= 1;
    bytes.truncate(150_000);
    place.server.fails("GET", &digest, 1, Fault::Body(bytes));
    let (result, pauses) = place.pull();
    place.is_done((result, pauses), &[1]);
    assert_eq!(ranges(&place).len(), 3);
}

#[test]
fn a_manifest_with_another_digest_is_refused() {
    for fault in
        [Fault::Body(b"{}".to_vec()), Fault::Header("docker-content-digest", format!("sha256:{}", "0".repeat(64)))]
    {
        let place = Place::new(&["linux/amd64"]);
        place.server.fails("GET", "/manifests/1", 0, fault);
        place.is_refused(
            place.pull(),
            "the manifest `1` should have the digest sha256:…, but `REGISTRY` says what has sha256:…; \
             hint: something between this machine and the registry changes content",
        );
    }
    let place = Place::new(&["linux/amd64"]);
    let moved = Digest::of(b"another image");
    let (result, _) = place.pull_of("1", Some(moved), ALL);
    assert!(result.expect_err("it must fail").to_string().contains("should have the digest"));
}

/// As `oras push` writes it.
const ARTIFACT: &str = r#"{
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "artifactType": "application/vnd.example.release",
    "config": {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "size": 2
    },
    "layers": []
}"#;

#[test]
fn what_is_no_image_is_refused() {
    for (text, reason) in [
        ("{}", "it is of the kind `nothing known`"),
        (
            r#"{"mediaType":"application/vnd.docker.distribution.manifest.v1+prettyjws"}"#,
            "it is of the kind `application/vnd.docker.distribution.manifest.v1+prettyjws`",
        ),
        ("<html>", "expected value at line 1 column 1"),
        (ARTIFACT, "it is an artifact (a signature, an SBOM or a chart), not an image"),
        (
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#,
            "it is an artifact (a signature, an SBOM or a chart), not an image",
        ),
    ] {
        let place = Place::new(&["linux/amd64"]);
        place.server.fails(
            "GET",
            "/manifests/1",
            0,
            Fault::Answer(Answer { body: text.as_bytes().to_vec(), ..Answer::new(200) }),
        );
        place.is_refused(place.pull(), &format!("cannot use the image `sha256:…`: {reason}"));
    }
    let place = Place::new(&["linux/amd64"]);
    place.server.fails("GET", "/manifests/1", 0, Fault::Endless);
    place.is_refused(place.pull(), "the manifest `1` is too large: more than 8388608 bytes");
}

/// What was damaged on the disk counts as absent, and is pulled again.
#[test]
fn what_was_damaged_is_pulled_again() {
    let place = Place::new(&["linux/amd64"]);
    place.is_done(place.pull(), &[]);
    let layout = place.cache.pulled().layout(place.image.digest());
    let blob = layout.join("blobs/sha256").join(place.large().trim_start_matches("sha256:"));
    let mut bytes = fs::read(&blob).expect("a blob");
    bytes[5000] ^= 1;
    fs::write(&blob, bytes).expect("room");
    assert!(!is_pulled(place.image.digest(), ALL, &place.cache.pulled()));
    place.is_done(place.pull(), &[]);
}

#[test]
fn two_pulls_share_what_comes() {
    let place = Place::new(&["linux/amd64"]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| place.pull().0.expect("an image"));
        }
    });
    place.is_whole();
    assert_eq!(place.server.count("GET", &place.large()), 1, "the others wait for the first");
}

/// It is never silent, and would take hours.
#[test]
fn a_registry_that_sends_a_byte_now_and_then_is_given_up() {
    let place = Place::new(&["linux/amd64"]);
    place.server.fails("GET", &place.large(), 0, Fault::Drip);
    let (result, pauses) = place.pull_by(&Push::to(&place.server).impatient(), "1", None, ALL);
    let Err(PullError::Registry(error)) = result else { panic!("it must fail: {result:?}") };
    let told = told(&error);
    assert!(told.contains("because the transfer is too slow: ") && told.contains("hint: try again when"), "{told}");
    assert_eq!(pauses, [1, 2, 4, 8]);
    assert!(!is_pulled(place.image.digest(), ALL, &place.cache.pulled()));
}
