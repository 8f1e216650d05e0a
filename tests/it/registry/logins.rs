//! The logins that docker, its helpers and podman keep on a machine.

use std::os::unix::fs::PermissionsExt as _;

use super::client::ANNA;
use super::command::User;
use super::connection::Server;
use super::server::Login;

/// A registry that wants `anna` with `hunter2`.
fn guarded() -> Server {
    let server = Server::start();
    server.state().login = Login::Basic(ANNA.to_owned());
    server
}

fn kept(server: &Server, auth: &str) -> String {
    format!(r#"{{ "auths": {{ "{}": {{ "auth": "{auth}" }} }} }}"#, server.name())
}

const ANNA_KEPT: &str = "YW5uYTpodW50ZXIy";
/// `anna:guessed`.
const WRONG: &str = "YW5uYTpndWVzc2Vk";

#[test]
fn a_login_is_found_where_docker_and_podman_keep_it() {
    for (name, environment) in [
        (".docker/config.json", &[][..]),
        ("docker/config.json", &[("DOCKER_CONFIG", "home/docker")]),
        (".config/containers/auth.json", &[]),
        ("config/containers/auth.json", &[("XDG_CONFIG_HOME", "home/config")]),
        ("run/containers/auth.json", &[("XDG_RUNTIME_DIR", "home/run")]),
        ("auth.json", &[("REGISTRY_AUTH_FILE", "home/auth.json")]),
    ] {
        let (user, server) = (User::new(), guarded());
        user.has(name, &kept(&server, ANNA_KEPT));
        user.pushes_with(environment, &[&format!("{}/shop:1", server.name())], "").expect(0);
    }
}

#[test]
fn the_first_file_that_has_a_login_counts() {
    let (user, server) = (User::new(), guarded());
    user.has("auth.json", r#"{ "auths": {} }"#);
    user.has(".docker/config.json", &kept(&server, ANNA_KEPT));
    user.has(".config/containers/auth.json", &kept(&server, WRONG));
    let reference = format!("{}/shop:1", server.name());
    let environment = [("REGISTRY_AUTH_FILE", "home/auth.json")];
    user.pushes_with(&environment, &[&reference], "").expect(0);
    user.has("auth.json", &kept(&server, WRONG));
    user.pushes_with(&environment, &[&reference], "").expect(3);
    user.pushes_with(&environment, &[&reference, "--username", "anna", "--password-stdin"], "hunter2").expect(0);
}

/// A helper whose answer is this script's.
fn helper(user: &User, script: &str) {
    let path = user.has("docker-credential-test", &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a file");
}

#[test]
fn a_helper_is_asked() {
    for of in ["credsStore", "credHelpers"] {
        let (user, server) = (User::new(), guarded());
        let value =
            if of == "credsStore" { r#""test""#.to_owned() } else { format!(r#"{{ "{}": "test" }}"#, server.name()) };
        user.has(".docker/config.json", &format!(r#"{{ "{of}": {value} }}"#));
        let answer = r#"{"ServerURL":"x","Username":"anna","Secret":"hunter2"}"#;
        helper(&user, &format!("[ \"$1\" = get ] && [ \"$(cat)\" = {} ] && echo '{answer}'", server.name()));
        user.pushes(&[&format!("{}/shop:1", server.name())], "").expect(0);
    }
}

#[test]
fn a_helper_that_has_nothing_is_passed_over() {
    let (user, server) = (User::new(), guarded());
    let auths = kept(&server, ANNA_KEPT);
    user.has(".docker/config.json", &auths.replacen('{', r#"{ "credsStore": "test","#, 1));
    helper(&user, "cat >/dev/null; echo 'credentials not found in native keychain'; exit 1");
    user.pushes(&[&format!("{}/shop:1", server.name())], "").expect(0);
}

/// What it prints may be a secret.
#[test]
fn a_helper_that_fails_is_named_and_not_quoted() {
    for (script, expected) in [
        ("cat >/dev/null; echo hunter2; echo hunter2 >&2; exit 3", "failed: exit status: 3"),
        ("cat >/dev/null; echo hunter2", "did not return a login"),
    ] {
        let (user, server) = (User::new(), guarded());
        user.has(".docker/config.json", r#"{ "credsStore": "test" }"#);
        helper(&user, script);
        let seen = user.pushes(&[&format!("{}/shop:1", server.name())], "").expect(3);
        let hint = "fix it, or use `--username` and `--password-stdin`";
        assert_eq!(
            seen.err,
            format!("error: the credential helper `docker-credential-test` {expected}\nhint: {hint}\n")
        );
    }
    let (user, server) = (User::new(), guarded());
    user.has(".docker/config.json", r#"{ "credsStore": "missing" }"#);
    let seen = user.pushes(&[&format!("{}/shop:1", server.name())], "").expect(3);
    assert!(
        seen.err.starts_with("error: the credential helper `docker-credential-missing` cannot be started: "),
        "{}",
        seen.err
    );
}

/// A helper that waits for somebody who is not there.
#[test]
fn a_helper_that_does_not_answer_is_named_and_not_waited_for() {
    for script in ["sleep 600", "cat >/dev/null; exec >&-; sleep 600", "cat >/dev/null; sleep 600 & echo '{' ; exit 0"]
    {
        let (user, server) = (User::new(), guarded());
        user.has(".docker/config.json", r#"{ "credsStore": "test" }"#);
        helper(&user, script);
        let seen = user.pushes(&[&format!("{}/shop:1", server.name()), "--timeout", "1"], "").expect(3);
        assert_eq!(
            seen.err,
            "error: the credential helper `docker-credential-test` did not answer within 1 s\n\
             hint: fix it, or use `--username` and `--password-stdin`\n"
        );
    }
}

/// A secret that nobody wants is not asked for, and whoever keeps it is not disturbed.
#[test]
fn a_helper_is_asked_when_a_login_is_wanted() {
    let (user, server) = (User::new(), Server::start());
    user.has(".docker/config.json", r#"{ "credsStore": "test" }"#);
    helper(&user, "exit 3");
    user.pushes(&[&format!("{}/shop:1", server.name())], "").expect(0);
    server.state().login = Login::Basic(ANNA.to_owned());
    let seen = user.pushes(&[&format!("{}/shop:2", server.name())], "").expect(3);
    assert!(seen.err.contains("`docker-credential-test` failed: exit status: 3"), "{}", seen.err);
}

/// docker makes such a file, and takes it.
#[test]
fn an_empty_file_of_logins_is_passed_over() {
    let (user, server) = (User::new(), guarded());
    user.has(".docker/config.json", "");
    user.has(".config/containers/auth.json", &kept(&server, ANNA_KEPT));
    user.pushes(&[&format!("{}/shop:1", server.name())], "").expect(0);
}
