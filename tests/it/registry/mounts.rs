//! Blobs that another repository of the registry has are taken over from there.

use bootsmith::registry::BlobOutcome;

use super::client::Push;
use super::connection::Server;
use super::http::Answer;
use super::server::{Fault, refuse};

/// A registry whose repository `base` has every blob of the image.
fn with_base() -> Server {
    let server = Server::start();
    Push::to(&server).run().is_done(&server);
    {
        let mut state = server.state();
        let blobs = std::mem::take(&mut state.blobs);
        state.blobs = blobs.into_iter().map(|((_, digest), bytes)| (("base".to_owned(), digest), bytes)).collect();
        state.manifests.clear();
        state.tags.clear();
        state.log.clear();
    }
    server
}

fn push(server: &Server, from: &[&str]) -> super::client::Outcome {
    Push { mount_from: from.iter().map(|&name| name.to_owned()).collect(), ..Push::to(server) }.run()
}

#[test]
fn what_another_repository_has_is_not_sent() {
    let server = with_base();
    let outcome = push(&server, &["other", "base"]);
    assert_eq!(outcome.is_done(&server).outcomes(), [BlobOutcome::Mounted; 3]);
    assert_eq!((server.count("POST", ""), server.count("PUT", "/blobs/")), (3, 0));
}

/// 202 instead of 201: the registry does not mount, but has begun an upload, which is used.
#[test]
fn a_mount_that_becomes_an_upload_is_used_as_one() {
    let server = with_base();
    server.fails("POST", "/blobs/uploads/", 0, Fault::NoMount);
    let outcome = push(&server, &["base"]);
    assert_eq!(outcome.is_done(&server).outcomes(), [BlobOutcome::Sent; 3]);
    assert_eq!((server.count("POST", ""), server.count("PUT", "/blobs/")), (3, 3));
}

#[test]
fn a_repository_that_may_not_be_read_is_done_without() {
    for answer in [refuse(403, "DENIED", "no"), refuse(401, "UNAUTHORIZED", "no"), Answer::new(404)] {
        let server = with_base();
        let answer = answer.with("www-authenticate", "Basic realm=\"x\"");
        server.fails("HEAD", "/v2/base/", 0, Fault::Answer(answer));
        let outcome = push(&server, &["base"]);
        assert_eq!(outcome.is_done(&server).outcomes(), [BlobOutcome::Sent; 3]);
    }
}

#[test]
fn a_mount_that_fails_for_a_moment_is_tried_again() {
    let server = with_base();
    server.fails("POST", "/blobs/uploads/", 1, Fault::Answer(Answer::new(503)));
    let outcome = push(&server, &["base"]);
    assert_eq!(outcome.is_done(&server).waited(&[1]).outcomes(), [BlobOutcome::Mounted; 3]);
}
