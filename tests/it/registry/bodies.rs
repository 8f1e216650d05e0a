//! Bodies: those that hang, those that never end, and those of the tarball that are not what they should be.

use std::io::Write as _;
use std::thread;

use bootsmith::digest::{Descriptor, Digest};
use bootsmith::image::Image;
use bootsmith::layer::content::Content;
use bootsmith::layer::slice::FileSlice;
use bootsmith::layer::unverified::{Origin, Unverified};
use bootsmith::layer::{Layer, Packed};

use super::client::Push;
use super::connection::Server;
use super::http::Answer;
use super::server::{Fault, Login};
use crate::fixture::{self, Place};

#[test]
fn an_answer_that_does_not_come_is_not_waited_for() {
    thread::scope(|scope| {
        for (method, part) in [("HEAD", "/blobs/"), ("PUT", "/blobs/uploads/"), ("PUT", "/manifests/1")] {
            scope.spawn(move || {
                let server = Server::start();
                server.fails(method, part, 1, Fault::Hang);
                Push::to(&server).impatient().run().is_done(&server).waited(&[1]);
            });
        }
    });
}

#[test]
fn an_answer_that_never_comes_is_an_error() {
    let server = Server::start();
    server.fails("PUT", "/manifests/1", 0, Fault::Hang);
    let outcome = Push::to(&server).impatient().run();
    let error = super::client::told(outcome.waited(&[1, 2, 4, 8]).result.as_ref().expect_err("it must fail"));
    assert!(error.starts_with("cannot set the tag `1`; because the connection was idle for too long"), "{error}");
}

#[test]
fn an_answer_that_does_not_go_on_is_not_waited_for() {
    let server = with_tokens();
    server.fails("GET", "/token", 0, Fault::HangInBody);
    let outcome = Push::to(&server).impatient().run();
    let error = super::client::told(outcome.result.as_ref().expect_err("it must fail"));
    assert!(
        error.starts_with("cannot read the response of the token service; because the connection was idle"),
        "{error}"
    );
}

#[test]
fn an_answer_that_never_ends_is_cut_off() {
    let server = with_tokens();
    server.fails("GET", "/token", 0, Fault::Endless);
    Push::to(&server)
        .run()
        .waited(&[])
        .is_refused(&server, "the response of the token service is too large: more than 262144 bytes");
    // What is said about a fault is worth less than the fault.
    let server = Server::start();
    server.fails("HEAD", "/manifests/1", 0, Fault::Without("docker-content-digest"));
    server.fails("GET", "/manifests/1", 0, Fault::Endless);
    let error = Push::to(&server).run().result.expect_err("it must fail").to_string();
    assert_eq!(error, "the manifest of the tag `1` is too large: more than 8388608 bytes");
}

fn with_tokens() -> Server {
    let server = Server::start();
    let challenge = format!("Bearer realm=\"http://{}/token\",service=\"test\"", server.name());
    server.state().login = Login::Bearer { challenge, basic: None, expires_in: Some(300) };
    server
}

/// An image whose second layer is a file with these bytes instead of the right ones.
fn with_layer(place: &Place, expected: &[u8], actual: &[u8]) -> Image {
    let path = place.path("blob");
    std::fs::write(&path, actual).expect("room");
    let file = std::fs::File::open(&path).expect("a file");
    let described = Descriptor::of(expected);
    let packed = Packed { tar: described, blob: described };
    let size = actual.len() as u64;
    let origin = Origin { path, what: "the layer".to_owned() };
    let content = Content::File(Unverified::new(FileSlice::whole(file, size), packed.blob.digest, origin));
    let layer = Layer { role: "damaged".to_owned(), packed, content };
    let base = bootsmith::image::Base::scratch(&[fixture::architecture("linux/amd64")]).expect("a base");
    let layers = [fixture::payload(), vec![layer]].concat();
    bootsmith::image::assemble(&base, &layers, &fixture::settings(), bootsmith::epoch::Epoch::default())
        .expect("an image")
}

#[test]
fn a_damaged_blob_is_never_stored() {
    let right: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let mut garbled = right.clone();
    garbled[2_999_999] ^= 1;
    let hint = "hint: build the tarball again, or use another copy; nothing was tagged";
    for (actual, fault) in [
        (garbled, "it is damaged: its bytes have the digest sha256:…"),
        (right[..2_000_000].to_vec(), "it is truncated to 2000000 bytes"),
    ] {
        let (server, place) = (Server::start(), Place::new());
        let image = with_layer(&place, &right, &actual);
        let push = Push { image, ..Push::to(&server) };
        push.run().waited(&[]).is_refused(&server, &format!("cannot send the blob sha256:…: {fault}; {hint}"));
        assert!(!server.state().blobs.keys().any(|(_, digest)| *digest == Digest::of(&right).to_string()));
        assert_eq!(server.count("PUT", "/manifests/"), 0);
    }
}

/// What follows the bytes that were promised is not sent: the blob is the promised one.
#[test]
fn an_overlong_blob_is_cut_where_it_should_end() {
    let (server, place) = (Server::start(), Place::new());
    let right = b"a layer".repeat(1000);
    let image = with_layer(&place, &right, &[&right[..], b" and more"].concat());
    Push { image, ..Push::to(&server) }.run().is_done(&server);
}

/// A file that is written to while it is pushed is noticed by its digest.
#[test]
fn a_blob_that_changes_on_the_way_is_never_stored() {
    let (server, place) = (Server::start(), Place::new());
    let right = vec![7; 3_000_000];
    let image = with_layer(&place, &right, &right);
    let mut file = std::fs::File::options().write(true).open(place.path("blob")).expect("a file");
    file.write_all(b"changed").expect("room");
    let outcome = Push { image, ..Push::to(&server) }.run();
    let error = outcome.result.expect_err("it must fail").to_string();
    assert!(error.contains("it is damaged"), "{error}");
    assert!(server.state().tags.is_empty());
}

/// Who announces a large body hears a refusal before it is sent.
#[test]
fn a_large_body_is_announced() {
    let (server, place) = (Server::start(), Place::new());
    let right = vec![7; 3_000_000];
    server.fails("PUT", "/blobs/uploads/", 0, Fault::Answer(Answer::new(413)));
    let image = with_layer(&place, &right, &right);
    let push = Push { image, ..Push::to(&server) };
    let error = push.run().result.expect_err("it must fail").to_string();
    assert!(error.contains("answers 413"), "{error}");
    let state = server.state();
    let large = state.log.iter().find(|seen| seen.head.method == "PUT" && seen.head.length() == right.len());
    let large = large.expect("the largest is the first");
    assert_eq!((large.head.header("expect"), large.body.len()), (Some("100-continue"), 0));
}
