//! Who we are: passwords, tokens and their ends.

use bootsmith::registry::{Credential, Secret};

use super::client::{ANNA, Push, told};
use super::connection::Server;
use super::http::{Answer, parameters};
use super::server::{Fault, Login, refuse};

fn with_tokens(expires_in: Option<u64>) -> Server {
    let server = Server::start();
    let challenge = format!("Bearer realm=\"http://{}/token\",service=\"registry of the test\"", server.name());
    server.state().login = Login::Bearer { challenge, basic: Some(ANNA.to_owned()), expires_in };
    server
}

const LOGIN_AGAIN: &str = "hint: log in again with `docker login REGISTRY`, or check the permissions of this user";

#[test]
fn a_password_is_sent_to_who_asks_for_it() {
    let server = Server::start();
    server.state().login = Login::Basic(ANNA.to_owned());
    Push::to(&server).for_anna().run().is_done(&server);
    assert_eq!(server.state().log[0].head.header("authorization"), None, "not before it is asked for");
}

#[test]
fn a_registry_that_asks_for_nothing_gets_nothing() {
    let server = Server::start();
    Push::to(&server).for_anna().run().is_done(&server);
    assert!(server.state().log.iter().all(|seen| seen.head.header("authorization").is_none()));
}

#[test]
fn one_token_is_enough_for_a_push() {
    let server = with_tokens(Some(300));
    Push::to(&server).for_anna().run().is_done(&server);
    let state = server.state();
    assert_eq!(state.count("GET", "/token"), 1);
    let asked = state.log.iter().find(|seen| seen.head.path == "/token").expect("a request");
    assert_eq!(asked.head.parameter("scope"), Some("repository:shop:pull,push"));
    assert_eq!(asked.head.parameter("service"), Some("registry of the test"));
}

#[test]
fn a_mount_asks_for_both_repositories() {
    let server = with_tokens(Some(300));
    Push { mount_from: vec!["base".to_owned()], ..Push::to(&server) }.for_anna().run().is_done(&server);
    let state = server.state();
    let asked: Vec<_> = state.log.iter().filter_map(|seen| seen.head.query.get("scope")).collect();
    assert!(
        asked.contains(&&vec!["repository:base:pull".to_owned(), "repository:shop:pull,push".to_owned()]),
        "{asked:?}"
    );
}

/// Without `expires_in` a token lives for 60 s: it is renewed before the registry has to refuse it.
#[test]
fn a_token_is_renewed_before_it_ends() {
    for (expires_in, pause, tokens) in [(None, 45, 1), (None, 55, 2), (Some(300), 55, 1)] {
        let server = with_tokens(expires_in);
        let answer = Answer::new(503).with("retry-after", pause.to_string());
        server.fails("PUT", "/manifests/1", 1, Fault::Answer(answer));
        Push::to(&server).for_anna().run().is_done(&server).waited(&[pause]);
        let refused = server.count("GET", "/token");
        assert_eq!(refused, tokens, "{expires_in:?}, {pause}");
    }
}

/// The registry refuses a token while the push is going on: it is renewed once, and the body goes into a new upload.
#[test]
fn a_token_that_ends_in_mid_push_is_renewed() {
    for (method, part) in
        [("HEAD", "/blobs/"), ("POST", "/blobs/uploads/"), ("PUT", "/blobs/uploads/"), ("PUT", "/manifests/1")]
    {
        let server = with_tokens(Some(300));
        let challenge = match &server.state().login {
            Login::Bearer { challenge, .. } => challenge.clone(),
            _ => unreachable!("the login of the test"),
        };
        server.fails(
            method,
            part,
            2 - usize::from(part == "/manifests/1"),
            Fault::Answer(Answer::new(401).with("www-authenticate", challenge)),
        );
        Push::to(&server).for_anna().run().is_done(&server).waited(&[]);
        assert_eq!(server.count("GET", "/token"), 2, "{method} {part}");
    }
}

#[test]
fn a_second_refusal_is_the_end() {
    for (method, part, what) in [
        ("HEAD", "/blobs/", "check `REGISTRY/shop` for the blob sha256:…"),
        ("PUT", "/blobs/uploads/", "store the blob sha256:…"),
        ("PUT", "/manifests/1", "set the tag `1`"),
    ] {
        let server = Server::start();
        server.state().login = Login::Basic(ANNA.to_owned());
        let answer = Answer::new(401).with("www-authenticate", "Basic realm=\"x\"");
        server.fails(method, part, 0, Fault::Answer(answer));
        let message =
            format!("cannot {what}: `REGISTRY` requires a login, and rejected the given credentials; {LOGIN_AGAIN}");
        Push::to(&server).for_anna().run().waited(&[]).is_refused(&server, &message);
        let tried = server.count(method, part);
        assert!(tried <= 2 * 3, "each of three blobs is tried twice: {tried}");
    }
}

#[test]
fn a_wrong_password_is_the_end() {
    for server in [with_tokens(Some(300)), Server::start()] {
        if matches!(server.state().login, Login::Nobody) {
            server.state().login = Login::Basic(ANNA.to_owned());
        }
        let mut push = Push::to(&server).for_anna();
        let password = Secret::new("guessed");
        push.access.credential = Some(Credential::Password { username: "anna".to_owned(), password });
        let error = told(&push.run().result.expect_err("it must fail"));
        assert!(error.contains("requires a login, and rejected the given credentials"), "{error}");
        assert!(!error.contains("guessed"), "{error}");
    }
}

#[test]
fn nobody_is_told_to_log_in() {
    let server = Server::start();
    server.state().login = Login::Basic(ANNA.to_owned());
    Push::to(&server).run().is_refused(
        &server,
        "cannot check `REGISTRY/shop` for the blob sha256:…: `REGISTRY` requires a login; hint: log in with `docker login REGISTRY`, \
         or use `--username` and `--password-stdin`",
    );
}

#[test]
fn an_identity_token_is_exchanged() {
    let server = with_tokens(Some(300));
    let mut push = Push::to(&server);
    push.access.credential = Some(Credential::IdentityToken(Secret::new("identity&token")));
    push.run().is_done(&server);
    let state = server.state();
    let asked = state.log.iter().find(|seen| seen.head.path == "/token").expect("a request");
    let form = parameters(&String::from_utf8_lossy(&asked.body));
    let field = |name: &str| form.get(name).and_then(|values| values.first()).map(String::as_str);
    assert_eq!((asked.head.method.as_str(), field("grant_type")), ("POST", Some("refresh_token")));
    assert_eq!((field("refresh_token"), field("scope")), (Some("identity&token"), Some("repository:shop:pull,push")));
}

#[test]
fn a_token_service_that_is_ill_for_a_moment_is_asked_again() {
    let server = with_tokens(Some(300));
    server.fails("GET", "/token", 1, Fault::Answer(Answer::new(503)));
    Push::to(&server).for_anna().run().is_done(&server);
}

#[test]
fn what_is_no_token_is_refused() {
    for (answer, reason) in [
        (Answer { body: b"<html>".to_vec(), ..Answer::new(200) }, "the token service did not return a token"),
        (Answer { body: b"{}".to_vec(), ..Answer::new(200) }, "the token service did not return a token"),
        (
            Answer { body: br#"{"token":"a\r\nb: c"}"#.to_vec(), ..Answer::new(200) },
            "the token service returned an invalid token",
        ),
    ] {
        let server = with_tokens(Some(300));
        server.fails("GET", "/token", 0, Fault::Answer(answer));
        let message = format!("cannot get a token for `REGISTRY`: {reason}");
        Push::to(&server).for_anna().run().is_refused(&server, &message);
    }
}

/// A registry, or who stands before it, may quote what it was sent.
#[test]
fn a_secret_that_is_quoted_is_masked() {
    let server = with_tokens(Some(300));
    let said = refuse(400, "DENIED", "token-1 of anna:hunter2, YW5uYTpodW50ZXIy");
    server.fails("PUT", "/manifests/1", 0, Fault::Answer(said));
    Push::to(&server)
        .for_anna()
        .run()
        .is_refused(&server, "cannot set the tag `1`: `127.0.0.1` answers 400, DENIED: *** of anna:***, ***");
}

#[test]
fn a_login_of_an_unknown_kind_is_said() {
    let server = Server::start();
    server.fails("GET", "/v2/", 0, Fault::Answer(Answer::new(401).with("www-authenticate", "Negotiate")));
    Push::to(&server).for_anna().run().is_refused(
        &server,
        "cannot connect to the registry `REGISTRY`: the registry requires an unknown kind of authentication",
    );
}

/// Every token ends at once, as when the registry gets a new key: the push goes on with new ones.
#[test]
fn tokens_that_are_all_forgotten_are_renewed() {
    let server = with_tokens(Some(300));
    let push = Push::to(&server).for_anna();
    push.run().is_done(&server);
    server.state().forget_tokens();
    push.run().is_done(&server);
}
