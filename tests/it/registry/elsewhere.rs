//! A registry that leads elsewhere: its login does not go there.

use super::client::{ANNA, Push};
use super::connection::Server;
use super::http::Answer;
use super::server::{Fault, Login};

fn with_password() -> Server {
    let server = Server::start();
    server.state().login = Login::Basic(ANNA.to_owned());
    server
}

fn heard_a_secret(server: &Server) -> bool {
    server.state().log.iter().any(|seen| seen.head.header("authorization").is_some())
}

#[test]
fn a_relative_location_is_resolved() {
    for location in [
        "upload-0?state=a%2Fb%3D",
        "../uploads/upload-0?state=a%2Fb%3D",
        "/v2/shop/blobs/uploads/upload-0?state=a%2Fb%3D",
    ] {
        let server = Server::start();
        server.fails("POST", "/blobs/uploads/", 1, Fault::Header("location", location.to_owned()));
        Push::to(&server).run().is_done(&server);
    }
}

#[test]
fn a_location_that_is_none_is_said() {
    for (fault, reason) in [
        (Fault::Without("location"), "the response has no `Location`"),
        (Fault::Header("location", "ftp://x/".to_owned()), "invalid `Location`"),
        (Fault::Header("location", "http://anna:x@y/".to_owned()), "invalid `Location`"),
    ] {
        let server = Server::start();
        server.fails("POST", "/blobs/uploads/", 0, fault);
        let message = format!("cannot begin the upload of the blob sha256:…: {reason}");
        Push::to(&server).run().is_refused(&server, &message);
    }
}

/// Uploads go where the registry says, but not its login.
#[test]
fn a_location_on_another_host_gets_no_credentials() {
    let (server, other) = (with_password(), Server::start());
    let location = format!("http://{}/elsewhere", other.name());
    server.fails("POST", "/blobs/uploads/", 0, Fault::Header("location", location));
    let stored = Answer::new(201);
    other.fails("PUT", "/elsewhere", 0, Fault::Answer(stored));
    let outcome = Push::to(&server).for_anna().run();
    outcome.result.expect_err("the blobs are elsewhere");
    assert_eq!(other.count("PUT", "/elsewhere"), 3);
    assert!(!heard_a_secret(&other) && heard_a_secret(&server));
}

/// As registries do whose blobs are in an object store.
#[test]
fn a_redirect_to_another_host_gets_no_credentials() {
    let (server, other) = (with_password(), Server::start());
    Push::to(&server).for_anna().run().is_done(&server);
    other.state().blobs = server.state().blobs.clone();
    let blobs: Vec<_> = server.state().blobs.keys().map(|(_, digest)| digest.clone()).collect();
    for digest in &blobs {
        let location = format!("http://{}/v2/shop/blobs/{digest}", other.name());
        server.fails("HEAD", digest, 0, Fault::Answer(Answer::new(307).with("location", location)));
    }
    let outcome = Push::to(&server).for_anna().run();
    assert_eq!(outcome.is_done(&server).outcomes(), [bootsmith::registry::BlobOutcome::Present; 3]);
    assert_eq!(other.count("HEAD", "/blobs/"), 3);
    assert!(!heard_a_secret(&other) && heard_a_secret(&server));
}

#[test]
fn a_body_is_not_sent_after_a_redirect() {
    let (server, other) = (Server::start(), Server::start());
    let answer = Answer::new(307).with("location", format!("http://{}/elsewhere", other.name()));
    server.fails("PUT", "/blobs/uploads/", 0, Fault::Answer(answer));
    Push::to(&server).run().is_refused(&server, "cannot store the blob sha256:…: `127.0.0.1` answers 307");
    assert!(other.state().log.is_empty());
}

#[test]
fn a_redirect_without_end_has_one() {
    let server = Server::start();
    server.fails("HEAD", "/blobs/", 0, Fault::Round);
    Push::to(&server)
        .run()
        .is_refused(&server, "cannot check `REGISTRY/shop` for the blob sha256:…: more than 10 redirects");
}

fn with_realm(realm: &str) -> Server {
    let server = Server::start();
    let challenge = format!("Bearer realm=\"{realm}\",service=\"test\"");
    server.state().login = Login::Bearer { challenge, basic: None, expires_in: None };
    server
}

#[test]
fn a_token_service_on_another_host_gets_no_credentials() {
    let other = Server::start();
    let server = with_realm(&format!("http://{}/token", other.other_name()));
    Push::to(&server).for_anna().run().is_refused(
        &server,
        "`REGISTRY` uses the token service `localhost`, which is another host: the login for `REGISTRY` is not sent there; \
         hint: if `localhost` belongs to the registry, add `--token-host localhost`",
    );
    assert!(other.state().log.is_empty(), "it is not even asked");
}

#[test]
fn a_token_service_that_was_named_gets_the_credentials() {
    let server = Server::start();
    let challenge = format!("Bearer realm=\"http://{}/token\"", server.other_name());
    server.state().login = Login::Bearer { challenge, basic: Some(ANNA.to_owned()), expires_in: None };
    let mut push = Push::to(&server).for_anna();
    push.access.token_hosts = vec!["localhost".to_owned()];
    push.run().is_done(&server);
}

/// A login that was not given cannot be lost.
#[test]
fn a_token_service_on_another_host_is_asked_by_nobody() {
    let server = Server::start();
    let challenge = format!("Bearer realm=\"http://{}/token\"", server.other_name());
    server.state().login = Login::Bearer { challenge, basic: None, expires_in: None };
    Push::to(&server).run().is_done(&server);
}
