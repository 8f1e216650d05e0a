//! `bootsmith tag list`: every page of a list that has an end.

use bootsmith::registry::{Access, Credential, RegistryError, Secret, Session, tags};
use serde_json::{Value, json};

use super::authorities::Authority;
use super::client::{ANNA, Hurried, Push, told};
use super::command::User;
use super::connection::Server;
use super::http::Answer;
use super::server::{Fault, Login, refuse};

const TAGS: [&str; 7] = ["1.10.0", "1.9.0", "1.9.0-rc.10", "1.9.0-rc.9", "latest", "stable", "v1.9.1"];
const SORTED: [&str; 7] = ["1.9.0-rc.9", "1.9.0-rc.10", "1.9.0", "v1.9.1", "1.10.0", "latest", "stable"];

/// Gives a repository tags, of which so many are on a page.
fn fill(server: &Server, page_size: usize) {
    let image = b"{}".to_vec();
    let digest = bootsmith::digest::Digest::of(&image).to_string();
    let mut state = server.state();
    state.manifests.insert(("shop".to_owned(), digest.clone()), image);
    state.tags.extend(TAGS.map(|tag| (("shop".to_owned(), tag.to_owned()), digest.clone())));
    state.page_size = Some(page_size);
}

fn filled(page_size: usize) -> Server {
    let server = Server::start();
    fill(&server, page_size);
    server
}

/// The list, and the pauses that it would have taken.
fn listed(push: &Push) -> (Result<Vec<String>, RegistryError>, Vec<u64>) {
    let client = Hurried::new(&push.client);
    let session = Session::open(&client, &push.registry, &push.access, &|_| ());
    (session.and_then(|session| tags(&session, "shop")), client.pauses())
}

#[track_caller]
fn is_refused(server: &Server, message: &str) {
    let error = listed(&Push::to(server)).0.expect_err("it must fail");
    assert_eq!(told(&error).replace(&server.name(), "REGISTRY"), message);
}

#[test]
fn tags_come_by_version_from_every_page() {
    for (size, pages) in [(1, 7), (2, 4), (3, 3), (7, 1), (100, 1)] {
        let server = filled(size);
        assert_eq!(listed(&Push::to(&server)).0.expect("a list"), SORTED);
        assert_eq!(server.count("GET", "/tags/list"), pages);
        let state = server.state();
        let first = state.log.iter().find(|seen| seen.head.path.ends_with("/tags/list")).expect("a request");
        assert_eq!(first.head.parameter("n"), Some("1000"));
    }
}

#[test]
fn a_page_that_does_not_come_is_asked_for_again() {
    let server = filled(3);
    server.fails("GET", "/tags/list", 2, Fault::Answer(Answer::new(503)));
    let (list, pauses) = listed(&Push::to(&server));
    assert_eq!((list.expect("a list").len(), pauses), (TAGS.len(), vec![1]));
}

#[test]
fn the_next_page_may_be_named_in_full() {
    let server = filled(3);
    server.state().pages_at = format!("http://{}", server.name());
    server.state().login = Login::Basic(ANNA.to_owned());
    assert_eq!(listed(&Push::to(&server).for_anna()).0.expect("a list"), SORTED);
}

/// Whoever has it is asked, but not shown the login.
#[test]
fn a_page_on_another_host_gets_no_credentials() {
    let (server, other) = (filled(3), filled(3));
    server.state().pages_at = format!("http://{}", other.name());
    server.state().login = Login::Basic(ANNA.to_owned());
    assert_eq!(listed(&Push::to(&server).for_anna()).0.expect("a list"), SORTED);
    assert_eq!((server.count("GET", "/tags/list"), other.count("GET", "/tags/list")), (1, 2));
    assert!(other.state().log.iter().all(|seen| seen.head.header("authorization").is_none()));
}

#[test]
fn a_page_without_encryption_is_not_asked_for() {
    let (authority, plain) = (Authority::new(), filled(3));
    let server = Server::with_tls(authority.certify("127.0.0.1", false));
    fill(&server, 3);
    server.state().pages_at = format!("http://{}", plain.name());
    let mut push = Push::to(&server);
    push.client.ca_files = vec![authority.file()];
    let error = listed(&push).0.expect_err("it must fail");
    assert!(told(&error).contains("which is not encrypted"), "{}", told(&error));
    assert!(plain.state().log.is_empty());
}

#[test]
fn a_list_without_end_has_one() {
    let message = "cannot list the tags of `REGISTRY/shop`: the list has no end";
    // The same page again.
    let server = filled(3);
    server.fails("GET", "/tags/list", 0, Fault::Header("link", "</v2/shop/tags/list?n=1000>; rel=next".to_owned()));
    is_refused(&server, message);
    assert_eq!(server.count("GET", "/tags/list"), 1);
    // Another page each time.
    let server = Server::start();
    for number in 1..=1100 {
        let body = json!({ "tags": ["1"] });
        let link = format!("</v2/shop/tags/list?page={number}>; rel=\"next\"");
        let answer = Answer::new(200).with("link", link).json(&body);
        server.fails("GET", "/tags/list", number, Fault::Answer(answer));
    }
    is_refused(&server, message);
    assert_eq!(server.count("GET", "/tags/list"), 1000);
    // One page that does not end.
    let server = Server::start();
    server.fails("GET", "/tags/list", 0, Fault::Endless);
    is_refused(&server, "the list of the tags of `REGISTRY/shop` is too large: more than 8388608 bytes");
}

#[test]
fn what_is_no_list_is_said() {
    let what = "cannot list the tags of `REGISTRY/shop`";
    for (body, reason) in [
        ("<html>", "the response is not a list of tags"),
        ("[]", "the response is not a list of tags"),
        (r#"{"tags":[1]}"#, "the response is not a list of tags"),
        (r#"{"tags":["1","\u001b[31m"]}"#, "the response contains an invalid tag"),
        (r#"{"tags":[""]}"#, "the response contains an invalid tag"),
    ] {
        let server = filled(3);
        server.fails("GET", "/tags/list", 0, Fault::Body(body.as_bytes().to_vec()));
        is_refused(&server, &format!("{what}: {reason}"));
    }
    let server = filled(3);
    server.fails("GET", "/tags/list", 0, Fault::Header("link", "<ftp://x/>; rel=next".to_owned()));
    is_refused(&server, &format!("{what}: invalid `Link`"));
}

#[test]
fn a_repository_that_is_not_there_is_said() {
    let server = Server::start();
    is_refused(
        &server,
        "cannot list the tags of `REGISTRY/shop`: `127.0.0.1` answers 404, NAME_UNKNOWN: repository name not known to registry; \
         hint: the registry does not have it; some registries require that a repository is created first",
    );
    let server = filled(3);
    server.fails("GET", "/tags/list", 0, Fault::Answer(refuse(403, "DENIED", "no")));
    is_refused(
        &server,
        "cannot list the tags of `REGISTRY/shop`: `127.0.0.1` answers 403, DENIED: no; \
         hint: it may require a login: log in with `docker login REGISTRY`, or use `--username` and `--password-stdin`",
    );
}

/// A repository whose last tag was removed.
#[test]
fn a_repository_without_tags_has_none() {
    let server = filled(3);
    for body in [r#"{"name":"shop","tags":null}"#, r#"{"name":"shop","tags":[]}"#, "{}"] {
        server.state().rules.clear();
        server.fails(
            "GET",
            "/tags/list",
            0,
            Fault::Answer(Answer { body: body.as_bytes().to_vec(), ..Answer::new(200) }),
        );
        assert_eq!(listed(&Push::to(&server)).0.expect("a list"), [""; 0], "{body}");
    }
}

#[test]
fn a_token_is_for_reading_that_repository() {
    let server = filled(3);
    let challenge = format!("Bearer realm=\"http://{}/token\",service=\"test\"", server.name());
    server.state().login = Login::Bearer { challenge, basic: None, expires_in: None };
    let access = Access {
        credential: Some(Credential::Password { username: "anna".to_owned(), password: Secret::new("hunter2") }),
        ..Access::default()
    };
    assert_eq!(listed(&Push { access, ..Push::to(&server) }).0.expect("a list"), SORTED);
    let state = server.state();
    let token = state.log.iter().find(|seen| seen.head.path == "/token").expect("a token");
    assert_eq!(token.head.parameter("scope"), Some("repository:shop:pull"));
}

#[test]
fn a_user_gets_lines_or_json() {
    let (user, server) = (User::new(), filled(3));
    let repository = format!("{}/shop", server.name());
    let seen = user.runs(&[], &["tag", "list", &repository], "").expect(0);
    assert_eq!((seen.out, seen.err), (format!("{}\n", SORTED.join("\n")), String::new()));
    let seen = user.runs(&[], &["tag", "list", &repository, "--json"], "").expect(0);
    let document: Value = serde_json::from_str(&seen.out).expect("JSON");
    assert_eq!(document, json!({ "repository": repository, "tags": SORTED }));
    let image = format!("{repository}:1");
    let seen = user.runs(&[], &["tag", "list", &image], "").expect(2);
    assert_eq!(
        seen.err,
        format!(
            "error: `{image}` is an image, not a repository\n\
             hint: name the repository alone, as in `registry.example.com/shop/bootstrap`\n"
        )
    );
    user.runs(&[], &["tag", "list", "Shop"], "").expect(2);
    user.runs(&[], &["tag"], "").expect(2);
    user.runs(&[], &["tag", "list", &format!("{}/other", server.name())], "").expect(3);
}
