//! Registries that do the right thing and say it in another way than the specification has it.

use bootsmith::digest::Digest;

use super::client::Push;
use super::connection::Server;
use super::http::Answer;
use super::server::{Fault, Login, refuse};

/// Quay answers 202 to a manifest; others say 200.
#[test]
fn a_manifest_is_taken_in_with_any_of_these() {
    for status in [200, 201, 202] {
        let server = Server::start();
        server.fails("PUT", "/manifests/", 0, Fault::Status(status));
        Push::to(&server).run().waited(&[]).is_done(&server);
    }
}

#[test]
fn a_manifest_that_is_taken_in_and_not_there_is_not_believed() {
    let server = Server::start();
    server.fails("PUT", "/manifests/sha256:", 0, Fault::Answer(Answer::new(202)));
    let message = "the manifest sha256:… should have the digest sha256:…, but `REGISTRY` says that it is not there; \
                   hint: something between this machine and the registry changes content";
    Push::to(&server).run().is_refused(&server, message);
}

#[test]
fn a_blob_is_taken_in_with_any_of_these() {
    for status in [200, 201, 202, 203, 204] {
        let server = Server::start();
        server.fails("PUT", "/blobs/uploads/", 0, Fault::Status(status));
        Push::to(&server).run().waited(&[]).is_done(&server);
    }
}

#[test]
fn a_blob_that_is_taken_in_and_not_there_is_not_believed() {
    for status in [200, 202] {
        let server = Server::start();
        server.fails("PUT", "/blobs/uploads/", 0, Fault::Answer(Answer::new(status)));
        let message = format!("cannot store the blob sha256:…: the registry answers {status}, and does not have it");
        Push::to(&server).run().is_refused(&server, &message);
    }
}

/// ECR says 400, Harbor 412, Artifact Registry 409, and others what they like.
#[test]
fn the_same_content_to_a_tag_that_cannot_be_changed_is_a_success() {
    for status in [400, 403, 405, 409, 412, 422] {
        let server = Server::start();
        Push::to(&server).run().is_done(&server);
        server.state().immutable = Some(status);
        Push::to(&server).run().waited(&[]).is_done(&server);
    }
}

#[test]
fn other_content_to_a_tag_that_cannot_be_changed_is_refused() {
    let server = Server::start();
    Push::to(&server).run().is_done(&server);
    let before = server.state().tags.clone();
    let other = Digest::of(b"{}").to_string();
    let key = ("shop".to_owned(), "1".to_owned());
    server.state().manifests.insert((key.0.clone(), other.clone()), b"{}".to_vec());
    server.state().tags.insert(key.clone(), other.clone());
    server.state().immutable = Some(409);
    let error = Push::to(&server).run().result.expect_err("another image has the tag").to_string();
    assert!(error.starts_with("cannot set the tag `1`: `127.0.0.1` answers 409, TAG_IMMUTABLE: "), "{error}");
    assert_eq!(server.state().tags[&key], other, "as it was");
    server.state().tags = before;
}

/// Whether a blob is there is a question that not everybody may ask, and not every registry answers.
#[test]
fn a_blob_that_cannot_be_asked_for_is_sent() {
    for status in [401, 403, 405] {
        let server = Server::start();
        server.fails("HEAD", "/blobs/", 0, Fault::Answer(Answer::new(status)));
        Push::to(&server).run().waited(&[]).is_done(&server);
    }
}

#[test]
fn a_right_that_is_missing_is_told_of_where_something_is_stored() {
    let server = Server::start();
    server.fails("HEAD", "/blobs/", 0, Fault::Answer(refuse(403, "DENIED", "no")));
    server.fails("POST", "/blobs/uploads/", 0, Fault::Answer(refuse(403, "DENIED", "no")));
    let message = "cannot begin the upload of the blob sha256:…: `127.0.0.1` answers 403, DENIED: no; hint: it may require a \
                   login: log in with `docker login REGISTRY`, or use `--username` and `--password-stdin`";
    Push::to(&server).run().is_refused(&server, message);
}

#[test]
fn a_token_is_found_under_either_name_and_its_life_may_be_a_text() {
    for body in [
        r#"{"token":"","access_token":"token-1"}"#,
        r#"{"token":null,"access_token":"token-1","expires_in":"300","issued_at":"yesterday"}"#,
        r#"{"token":"token-1","expires_in":"soon"}"#,
    ] {
        let server = Server::start();
        let challenge = format!("Bearer realm=\"http://{}/token\",service=\"test\"", server.name());
        server.state().login = Login::Bearer { challenge, basic: None, expires_in: Some(300) };
        // What the body says is what the registry has granted.
        server.fails("GET", "/token", 1, Fault::Body(body.as_bytes().to_vec()));
        Push::to(&server).run().is_done(&server);
    }
}
