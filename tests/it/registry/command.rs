//! `bootsmith push` as a user runs it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::client::ANNA;
use super::connection::Server;
use super::http::Answer;
use super::server::{Fault, Login, refuse};
use crate::fixture::{Place, scratch_image, write};
use crate::seen::Seen;

/// A tarball, and a home with nothing in it.
pub(super) struct User {
    place: Place,
    digest: String,
}

impl User {
    pub(super) fn new() -> Self {
        let place = Place::new();
        std::fs::create_dir(place.path("home")).expect("room");
        let receipt = write(&scratch_image(&["linux/amd64"]), &place.path("out.tar"));
        Self { place, digest: receipt.digest.to_string() }
    }

    /// A file in the home.
    pub(super) fn has(&self, name: &str, text: &str) -> PathBuf {
        let path = self.place.path("home").join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("room");
        std::fs::write(&path, text).expect("room");
        path
    }

    /// `bootsmith push out.tar …`.
    pub(super) fn pushes(&self, arguments: &[&str], input: &str) -> Seen {
        self.pushes_with(&[], arguments, input)
    }

    /// The same with more in the environment.
    pub(super) fn pushes_with(&self, environment: &[(&str, &str)], arguments: &[&str], input: &str) -> Seen {
        self.runs(environment, &[&["push", "out.tar"], arguments].concat(), input)
    }

    /// The program with these arguments.
    pub(super) fn runs(&self, environment: &[(&str, &str)], arguments: &[&str], input: &str) -> Seen {
        let home = self.place.path("home");
        let path = format!("{}:{}", home.display(), std::env::var("PATH").expect("a PATH"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_bootsmith"))
            .args(arguments)
            .current_dir(home.parent().expect("a folder"))
            .env_clear()
            .env("PATH", path)
            .env("HOME", &home)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // Who does not want a password does not read it.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        Seen::from(child.wait_with_output().expect("the program ends"))
    }

    /// The digest of the tarball's image.
    pub(super) fn digest(&self) -> &str {
        &self.digest
    }
}

#[test]
fn the_digest_alone_is_on_standard_output() {
    let (user, server) = (User::new(), Server::start());
    let seen = user.pushes(&[&format!("{}/shop/bootstrap:1.4.2", server.name())], "").expect(0);
    assert_eq!(seen.out, format!("{}\n", user.digest()));
    let lines: Vec<_> = seen.err.lines().collect();
    let (tag, blobs) = lines.split_last().expect("lines");
    assert_eq!(*tag, format!("{}/shop/bootstrap:1.4.2", server.name()));
    assert_eq!(blobs.len(), 3);
    assert!(blobs.iter().all(|line| line.starts_with("sha256:") && line.ends_with(" B: sent")), "{}", seen.err);
}

#[test]
fn several_references_share_what_they_have() {
    let (user, server) = (User::new(), Server::start());
    let references = ["a:1", "a:2", "b:1"].map(|name| format!("{}/{name}", server.name()));
    let seen = user.pushes(&references.each_ref().map(String::as_str), "").expect(0);
    assert_eq!(server.count("PUT", "/blobs/"), 3);
    assert_eq!(seen.err.matches(": mounted from another repository").count(), 3, "{}", seen.err);
    let tags: Vec<_> = server.state().tags.values().cloned().collect();
    assert_eq!(tags, [user.digest(), user.digest(), user.digest()]);
}

#[test]
fn what_another_repository_has_is_named() {
    let (user, server) = (User::new(), Server::start());
    user.pushes(&[&format!("{}/a:1", server.name())], "").expect(0);
    let (from, to) = (format!("{}/a", server.name()), format!("{}/b:1", server.name()));
    user.pushes(&["--mount-from", &from, &to], "").expect(0);
    assert_eq!(server.count("PUT", "/blobs/"), 3);
}

#[test]
fn what_cannot_be_meant_is_a_fault_of_the_command_line() {
    let user = User::new();
    for (arguments, input, expected) in [
        (
            &["shop"][..],
            "",
            "error: `shop` has no tag\nhint: a reference is `registry/repository:tag`, as in `registry.example.com/shop/bootstrap:1.4.2`\n",
        ),
        (
            &["a.example/shop:1", "b.example/shop:1", "--username", "anna", "--password-stdin"],
            "hunter2",
            "error: one login was given for several registries: `a.example` and `b.example`\nhint: push to one registry at a time\n",
        ),
        (
            &["a.example/shop:1", "--username", "anna", "--password-stdin"],
            "\n",
            "error: there is no password on standard input\nhint: for example: printf %s \"$PASSWORD\" | bootsmith push … --username NAME --password-stdin\n",
        ),
    ] {
        let seen = user.pushes(arguments, input).expect(2);
        assert_eq!((seen.out.as_str(), seen.err.as_str()), ("", expected));
    }
    for arguments in [&["--username", "anna"][..], &["--password-stdin"], &["--timeout", "0"]] {
        user.pushes(arguments, "").expect(2);
    }
}

#[test]
fn surroundings_that_refuse_are_told_apart() {
    let (user, server) = (User::new(), Server::start());
    let reference = format!("{}/shop:1", server.name());
    server.fails("POST", "/blobs/", 0, Fault::Answer(refuse(403, "DENIED", "no")));
    let seen = user.pushes(&[&reference], "").expect(3);
    assert_eq!(seen.out, "");
    assert!(seen.err.contains("`127.0.0.1` answers 403, DENIED: no\nhint: it may require a login: "), "{}", seen.err);
    user.has("ca.pem", "no certificate");
    let seen = user.pushes(&[&reference, "--ca-file", "home/ca.pem"], "").expect(3);
    assert_eq!(
        seen.err,
        "error: `home/ca.pem` contains no PEM certificate\nhint: a certificate in PEM starts with `-----BEGIN CERTIFICATE-----`\n"
    );
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let seen = user.pushes(&[&format!("{port}/shop:1")], "").expect(3);
    let expected =
        format!("error: cannot connect to the registry `{port}`\n  because: it cannot be reached: Connection refused");
    assert!(seen.err.starts_with(&expected), "{}", seen.err);
}

/// The pause is real here.
#[test]
fn what_is_tried_again_is_told() {
    let (user, server) = (User::new(), Server::start());
    let answer = Answer::new(429).with("retry-after", "0");
    server.fails("PUT", "/manifests/1", 1, Fault::Answer(answer));
    let seen = user.pushes(&[&format!("{}/shop:1", server.name())], "").expect(0);
    assert!(seen.err.contains("\nretrying in 0 s: cannot set the tag `1`: `127.0.0.1` answers 429"), "{}", seen.err);
}

/// What passed before the tarball turned out to be damaged is not named by anything.
#[test]
fn a_damaged_tarball_is_not_tagged() {
    let (user, server) = (User::new(), Server::start());
    let path = user.place.path("out.tar");
    let mut bytes = std::fs::read(&path).expect("a tarball");
    // The last blob: before the two empty blocks, and its padding.
    let last = bytes.iter().rposition(|byte| *byte != 0).expect("content");
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).expect("room");
    let seen = user.pushes(&[&format!("{}/shop:1", server.name())], "").expect(3);
    assert!(seen.err.contains("it is damaged: its bytes have the digest sha256:"), "{}", seen.err);
    assert!(server.state().tags.is_empty() && server.state().manifests.is_empty());
}

#[test]
fn a_password_comes_from_standard_input() {
    let (user, server) = (User::new(), Server::start());
    server.state().login = Login::Basic(ANNA.to_owned());
    let reference = format!("{}/shop:1", server.name());
    let arguments = [reference.as_str(), "--username", "anna", "--password-stdin"];
    for input in ["hunter2", "hunter2\n", "hunter2\r\n"] {
        user.pushes(&arguments, input).expect(0);
    }
    let seen = user.pushes(&arguments, "guessed").expect(3);
    assert!(!seen.err.contains("guessed"), "{}", seen.err);
    assert!(
        seen.err.contains("requires a login, and rejected the given credentials\nhint: log in again"),
        "{}",
        seen.err
    );
}
