//! A registry that says another digest than it should is not believed, and what it has is not tagged.

use super::client::Push;
use super::connection::Server;
use super::server::Fault;

const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const HINT: &str = "hint: something between this machine and the registry changes content";

fn wrong() -> Fault {
    Fault::Header("docker-content-digest", OTHER.to_owned())
}

#[test]
fn a_wrong_digest_is_the_end() {
    for (method, part, what) in
        [("PUT", "/blobs/uploads/", "the blob sha256:…"), ("PUT", "/manifests/sha256:", "the manifest sha256:…")]
    {
        let server = Server::start();
        server.fails(method, part, 0, wrong());
        let message = format!("{what} should have the digest sha256:…, but `REGISTRY` says sha256:…; {HINT}");
        Push::to(&server).run().waited(&[]).is_refused(&server, &message);
    }
}

#[test]
fn a_blob_that_is_there_under_another_digest_is_the_end() {
    let server = Server::start();
    Push::to(&server).run().is_done(&server);
    server.state().tags.clear();
    server.fails("HEAD", "/blobs/", 0, wrong());
    let message = format!("the blob sha256:… should have the digest sha256:…, but `REGISTRY` says sha256:…; {HINT}");
    Push::to(&server).run().is_refused(&server, &message);
}

/// A blob of another size is another blob: it is sent again.
#[test]
fn a_blob_of_another_size_is_not_there() {
    let server = Server::start();
    Push::to(&server).run().is_done(&server);
    server.fails("HEAD", "/blobs/", 1, Fault::Header("content-length", "1".to_owned()));
    Push::to(&server).run().is_done(&server);
    assert_eq!(server.count("PUT", "/blobs/"), 4);
}

#[test]
fn a_tag_that_names_something_else_is_said() {
    let server = Server::start();
    server.fails("HEAD", "/manifests/1", 0, wrong());
    let error = Push::to(&server).run().result.expect_err("it must fail").to_string();
    assert!(error.starts_with("the tag `1` should have the digest sha256:") && error.ends_with(OTHER), "{error}");
}

/// Without the header the bytes count.
#[test]
fn a_registry_that_says_no_digest_is_read_back() {
    let server = Server::start();
    for (method, part) in [("HEAD", "/manifests/"), ("GET", "/manifests/"), ("PUT", "/"), ("HEAD", "/blobs/")] {
        server.fails(method, part, 0, Fault::Without("docker-content-digest"));
    }
    Push::to(&server).run().is_done(&server);
    assert_eq!(server.count("GET", "/manifests/1"), 1);
}

#[test]
fn a_tag_that_is_gone_is_said() {
    let server = Server::start();
    server.fails("HEAD", "/manifests/1", 0, Fault::Answer(super::http::Answer::new(404)));
    let error = Push::to(&server).run().result.expect_err("it must fail").to_string();
    assert!(error.ends_with("says that it is not there"), "{error}");
}
