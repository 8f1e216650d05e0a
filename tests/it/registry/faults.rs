//! What passes is waited out, what stays is said, and a body never goes twice into the same upload.

use bootsmith::registry::BlobOutcome;

use super::client::Push;
use super::connection::Server;
use super::http::Answer;
use super::server::{Fault, refuse};
use crate::fixture::scratch_image;

/// Every request that a push makes, once its registry is known.
const REQUESTS: [(&str, &str); 6] = [
    ("HEAD", "/blobs/sha256:"),
    ("POST", "/blobs/uploads/"),
    ("PUT", "/blobs/uploads/"),
    ("PUT", "/manifests/sha256:"),
    ("PUT", "/manifests/1"),
    ("HEAD", "/manifests/1"),
];

fn ill(status: u16) -> Fault {
    Fault::Answer(refuse(status, "UNKNOWN", "not now"))
}

#[test]
fn everything_is_asked_for_and_sent_once() {
    let server = Server::start();
    let outcome = Push::to(&server).run();
    outcome.is_done(&server).waited(&[]);
    assert_eq!(outcome.outcomes(), [BlobOutcome::Sent; 3]);
    let counts = REQUESTS.map(|(method, part)| server.count(method, part));
    assert_eq!(counts, [3, 3, 3, 1, 1, 1]);
}

#[test]
fn what_is_there_is_not_sent_again() {
    let server = Server::start();
    Push::to(&server).run().is_done(&server);
    let again = Push::to(&server).run();
    assert_eq!(again.is_done(&server).outcomes(), [BlobOutcome::Present; 3]);
    assert_eq!((server.count("POST", ""), server.count("PUT", "/blobs/")), (3, 3));
}

/// The registry of the tests refuses a manifest whose blobs are missing, and an index whose manifests are.
#[test]
fn children_come_before_indexes_and_tags_last() {
    let server = Server::start();
    let image = scratch_image(&["linux/amd64", "linux/arm64"]);
    let outcome = Push { image: image.clone(), tags: vec!["1", "latest"], ..Push::to(&server) }.run();
    outcome.is_done(&server);
    let put: Vec<_> = {
        let state = server.state();
        let puts = state.log.iter().filter(|seen| seen.head.method == "PUT" && seen.head.path.contains("/manifests/"));
        puts.map(|seen| seen.head.path.trim_start_matches("/v2/shop/manifests/").to_owned()).collect()
    };
    let children = image.images().iter().map(|image| image.manifest.descriptor.digest.to_string());
    let rest = [image.digest().to_string(), "1".to_owned(), "latest".to_owned()];
    assert_eq!(put, children.chain(rest).collect::<Vec<_>>());
}

#[test]
fn what_a_registry_cannot_do_at_the_moment_is_done_a_moment_later() {
    for (method, part) in REQUESTS {
        for status in [408, 429, 500, 502, 503, 504] {
            let server = Server::start();
            server.fails(method, part, 1, ill(status));
            Push::to(&server).run().is_done(&server).waited(&[1]);
        }
    }
    let server = Server::start();
    server.fails("GET", "/v2/", 1, ill(503));
    Push::to(&server).run().is_done(&server).waited(&[1]);
}

#[test]
fn a_registry_says_when_it_wants_to_be_asked_again() {
    for (method, part) in REQUESTS {
        for (headers, pause) in [
            (vec![("retry-after", "7")], 7),
            (vec![("retry-after", "0")], 0),
            (vec![("retry-after", "soon")], 1),
            (vec![("retry-after", "Sat, 21 Nov 2026 10:00:09 GMT"), ("date", "Sat, 21 Nov 2026 10:00:00 GMT")], 9),
        ] {
            let server = Server::start();
            let answer = headers.iter().fold(Answer::new(429), |answer, (name, value)| answer.with(name, *value));
            server.fails(method, part, 1, Fault::Answer(answer));
            Push::to(&server).run().is_done(&server).waited(&[pause]);
        }
    }
}

#[test]
fn a_registry_that_wants_to_be_left_alone_for_an_hour_is() {
    let server = Server::start();
    let answer = refuse(429, "TOOMANYREQUESTS", "slow down").with("retry-after", "3600");
    server.fails("PUT", "/manifests/1", 0, Fault::Answer(answer));
    Push::to(&server).run().waited(&[]).is_refused(
        &server,
        "cannot set the tag `1`: `127.0.0.1` answers 429, TOOMANYREQUESTS: slow down; retry after 3600 s; \
         hint: the registry limits the rate of requests: try again later, or log in",
    );
}

#[test]
fn a_registry_that_stays_ill_is_given_up() {
    let server = Server::start();
    server.fails("GET", "/v2/", 0, ill(503));
    Push::to(&server)
        .run()
        .waited(&[1, 2, 4, 8])
        .is_refused(&server, "cannot connect to the registry `REGISTRY`: `127.0.0.1` answers 503, UNKNOWN: not now");
    assert_eq!(server.count("GET", "/v2/"), 5);
    let server = Server::start();
    server.fails("PUT", "/manifests/1", 0, ill(500));
    Push::to(&server)
        .run()
        .waited(&[1, 2, 4, 8])
        .is_refused(&server, "cannot set the tag `1`: `127.0.0.1` answers 500, UNKNOWN: not now");
    assert_eq!(server.count("PUT", "/manifests/1"), 5);
}

#[test]
fn a_connection_that_breaks_off_is_made_again() {
    for (method, part) in REQUESTS {
        let server = Server::start();
        server.fails(method, part, 1, Fault::Reset);
        Push::to(&server).run().is_done(&server).waited(&[1]);
    }
}

#[test]
fn a_body_that_broke_off_goes_into_a_new_upload() {
    let server = Server::start();
    server.fails("PUT", "/blobs/uploads/", 1, Fault::ResetInBody);
    Push::to(&server).run().is_done(&server).waited(&[1]);
    assert_eq!(server.uploads(), 4, "three blobs, and one again");
}

#[test]
fn an_answer_that_was_lost_is_no_reason_to_do_it_again() {
    let server = Server::start();
    server.fails("PUT", "/blobs/uploads/", 1, Fault::ResetAfter);
    server.fails("PUT", "/manifests/1", 1, Fault::ResetAfter);
    let outcome = Push::to(&server).run();
    outcome.is_done(&server).waited(&[1, 1]);
    assert_eq!(outcome.outcomes(), [BlobOutcome::Sent; 3]);
    assert_eq!(server.count("PUT", "/blobs/"), 3);
    assert_eq!(server.count("PUT", "/manifests/1"), 1, "a tag is set once");
}

/// The registry has forgotten the upload that it has just begun, as behind a balancer without affinity.
#[test]
fn an_upload_that_is_forgotten_begins_anew_once() {
    let server = Server::start();
    let forgotten = || Fault::Answer(refuse(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"));
    server.fails("PUT", "/blobs/uploads/", 1, forgotten());
    Push::to(&server).run().is_done(&server).waited(&[]);
    let server = Server::start();
    server.fails("PUT", "/blobs/uploads/", 0, forgotten());
    Push::to(&server).run().waited(&[]).is_refused(
        &server,
        "cannot store the blob sha256:…: `127.0.0.1` answers 404, BLOB_UPLOAD_UNKNOWN: blob upload unknown to registry; \
         hint: the registry does not have it; some registries require that a repository is created first",
    );
}

#[test]
fn what_is_not_allowed_is_said_at_once() {
    for (method, part, what) in [
        ("POST", "/blobs/uploads/", "begin the upload of the blob sha256:…"),
        ("PUT", "/blobs/uploads/", "store the blob sha256:…"),
        ("PUT", "/manifests/sha256:", "store the manifest sha256:…"),
        ("PUT", "/manifests/1", "set the tag `1`"),
    ] {
        let server = Server::start();
        server.fails(method, part, 0, Fault::Answer(refuse(403, "DENIED", "requested access is denied")));
        let login =
            "it may require a login: log in with `docker login REGISTRY`, or use `--username` and `--password-stdin`";
        let right = "the credentials do not allow this, or the registry did not ask for them";
        for (push, hint) in [(Push::to(&server), login), (Push::to(&server).for_anna(), right)] {
            let said = "answers 403, DENIED: requested access is denied";
            let message = format!("cannot {what}: `127.0.0.1` {said}; hint: {hint}");
            push.run().waited(&[]).is_refused(&server, &message);
        }
    }
}

#[test]
fn what_is_too_large_is_said_at_once() {
    let server = Server::start();
    server.fails("PUT", "/blobs/uploads/", 0, Fault::Answer(Answer::new(413)));
    Push::to(&server).run().waited(&[]).is_refused(
        &server,
        "cannot store the blob sha256:…: `127.0.0.1` answers 413; hint: the registry, or a proxy in front of it, limits the size \
         of uploads: raise the limit (nginx: client_max_body_size)",
    );
}

#[test]
fn what_a_registry_says_is_fit_for_a_terminal() {
    let server = Server::start();
    let answer = refuse(400, "NAME_INVALID", &format!("\u{1b}[31mred\r\n{}", "x".repeat(5000)));
    server.fails("POST", "/blobs/uploads/", 0, Fault::Answer(answer));
    let outcome = Push::to(&server).run();
    let error = outcome.result.expect_err("it must fail").to_string();
    assert!(error.ends_with("xxx") && error.len() < 500 && !error.contains(char::is_control), "{error}");
    assert!(error.contains("NAME_INVALID:  [31mred  xxx"), "{error}");
}
