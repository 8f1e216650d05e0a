//! The logins that are kept on this machine: those of docker, of its credential helpers, and of podman.
//!
//! Takes in a registry and a repository; gives out the credential that is kept for them. Files are read in the order of
//! `docs/reference/registry.md`; what a helper prints is never shown.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::registry::{Credential, Secret};

/// A login cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// A file cannot be read.
    #[error("cannot read the logins in `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be; what exactly would show what is in it.
    #[error("the logins in `{}` cannot be parsed: {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, without what is in it.
        what: String,
    },
    /// A helper does not do what it is asked to.
    #[error("the credential helper `{helper}` {what}")]
    Helper {
        /// The program.
        helper: String,
        /// What it does instead.
        what: String,
    },
}

/// A file of logins, as docker and podman have it.
#[derive(Deserialize)]
struct Logins {
    #[serde(default)]
    auths: BTreeMap<String, Login>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Deserialize)]
struct Login {
    #[serde(default)]
    auth: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default, rename = "identitytoken")]
    identity_token: Option<String>,
    #[serde(default, rename = "registrytoken")]
    registry_token: Option<String>,
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

const DOCKER_HUB: &str = "docker.io";
/// Under what docker keeps the login of Docker Hub.
const DOCKER_HUB_SERVER: &str = "https://index.docker.io/v1/";
/// No login is longer.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;
/// What a helper calls a token that is not a password.
const TOKEN_USER: &str = "<token>";

/// The credential that is kept for a repository of a registry; a helper may take so long.
pub fn find(registry: &str, repository: &str, timeout: Duration) -> Result<Option<Credential>, CredentialError> {
    for path in files() {
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => continue,
            Err(source) => return Err(CredentialError::Read { path, source }),
        };
        if let Some(credential) = find_in(&path, &text, registry, repository, timeout)? {
            return Ok(Some(credential));
        }
    }
    Ok(None)
}

/// Where logins are kept: podman's by name, docker's, podman's of the session and of the user.
fn files() -> Vec<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| !path.as_os_str().is_empty());
    let home = folder("HOME");
    let docker = folder("DOCKER_CONFIG").or_else(|| home.as_ref().map(|home| home.join(".docker")));
    let user = folder("XDG_CONFIG_HOME").or_else(|| home.map(|home| home.join(".config")));
    let podman =
        [folder("XDG_RUNTIME_DIR"), user].into_iter().flatten().map(|folder| folder.join("containers/auth.json"));
    let docker = docker.map(|folder| folder.join("config.json"));
    folder("REGISTRY_AUTH_FILE").into_iter().chain(docker).chain(podman).collect()
}

fn find_in(
    path: &Path,
    text: &[u8],
    registry: &str,
    repository: &str,
    timeout: Duration,
) -> Result<Option<Credential>, CredentialError> {
    // As docker and podman take it: a file that was made and never written to.
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    let bad = |what: String| CredentialError::Content { path: path.to_owned(), what };
    // What serde says quotes what it found: only the place is shown.
    let logins: Logins = serde_json::from_slice(text)
        .map_err(|error| bad(format!("invalid JSON at line {}, column {}", error.line(), error.column())))?;
    let helper = logins.helpers.iter().find(|(server, _)| place(server) == registry).map(|(_, helper)| helper);
    if let Some(helper) = helper.or(logins.store.as_ref()) {
        let server = if registry == DOCKER_HUB { DOCKER_HUB_SERVER } else { registry };
        if let Some(credential) = ask_helper(helper, server, timeout)? {
            return Ok(Some(credential));
        }
    }
    let whole = format!("{registry}/{repository}");
    let is_for = |key: &str| whole == key || whole.strip_prefix(key).is_some_and(|rest| rest.starts_with('/'));
    let matching = logins.auths.iter().filter(|(server, _)| is_for(&place(server)));
    let nearest = matching.max_by_key(|(server, _)| place(server).len());
    nearest.map_or(Ok(None), |(server, login)| login.credential().map_err(|what| bad(format!("`{server}`: {what}"))))
}

/// `host[:port][/path]`, without what docker writes around it.
fn place(server: &str) -> String {
    let bare = server.strip_prefix("https://").or_else(|| server.strip_prefix("http://")).unwrap_or(server);
    let bare = bare.trim_end_matches('/');
    let bare = bare.strip_suffix("/v1").or_else(|| bare.strip_suffix("/v2")).unwrap_or(bare);
    match bare.split_once('/').map_or((bare, ""), |(host, path)| (host, path)) {
        ("index.docker.io" | "registry-1.docker.io", "") => DOCKER_HUB.to_owned(),
        _ => bare.to_owned(),
    }
}

impl Login {
    fn credential(&self) -> Result<Option<Credential>, &'static str> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&self.registry_token) {
            return Ok(Some(Credential::RegistryToken(Secret::new(token))));
        }
        if let Some(token) = given(&self.identity_token) {
            return Ok(Some(Credential::IdentityToken(Secret::new(token))));
        }
        if let Some(auth) = given(&self.auth) {
            return decode(&auth).map(Some).ok_or("`auth` is not base64 of a name and a password");
        }
        let password =
            |username| Some(Credential::Password { username, password: Secret::new(given(&self.password)?) });
        Ok(given(&self.username).and_then(password))
    }
}

fn decode(auth: &str) -> Option<Credential> {
    let pair = String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok()?;
    // docker pads the password with zeros.
    let (username, password) = pair.trim_end_matches('\0').split_once(':')?;
    Some(Credential::Password { username: username.to_owned(), password: Secret::new(password) })
}

/// Asks a helper (docker-credential-helpers protocol: the server on standard input, an answer in JSON).
fn ask_helper(name: &str, server: &str, timeout: Duration) -> Result<Option<Credential>, CredentialError> {
    let helper = format!("docker-credential-{name}");
    let failed = |what: String| CredentialError::Helper { helper: helper.clone(), what };
    if name.contains('/') {
        return Err(failed("has a name that is a path".to_owned()));
    }
    let mut process = Command::new(&helper)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}")))?;
    if let Some(mut input) = process.stdin.take() {
        // A helper that does not read fails by itself.
        let _ = input.write_all(server.as_bytes());
    }
    let Some((status, said)) =
        wait(&mut process, timeout).map_err(|error| failed(format!("cannot be read: {error}")))?
    else {
        return Err(failed(format!("did not answer within {} s", timeout.as_secs())));
    };
    if !status.success() {
        // The words of docker-credential-helpers for "not found"; anything else is a helper that is broken or locked.
        let has_none = String::from_utf8_lossy(&said).contains("credentials not found");
        return if has_none { Ok(None) } else { Err(failed(format!("failed: {status}"))) };
    }
    let answer: Answer = serde_json::from_slice(&said).map_err(|_| failed("did not return a login".to_owned()))?;
    let secret = Secret::new(answer.secret);
    Ok(Some(match answer.username.as_str() {
        TOKEN_USER => Credential::IdentityToken(secret),
        _ => Credential::Password { username: answer.username, password: secret },
    }))
}

/// What a process prints, and how it ends; `None` when it takes too long: then it is ended.
fn wait(process: &mut Child, timeout: Duration) -> io::Result<Option<(ExitStatus, Vec<u8>)>> {
    /// How often a process is looked at that has said everything.
    const STEP: Duration = Duration::from_millis(10);
    let deadline = Instant::now() + timeout;
    let stdout = process.stdout.take();
    let (sender, receiver) = mpsc::channel();
    // What it has started may hold the pipe when it is gone itself: nobody waits for this thread then.
    thread::spawn(move || {
        let mut said = Vec::new();
        let read = stdout.map_or(Ok(0), |stdout| stdout.take(MAX_ANSWER_BYTES).read_to_end(&mut said));
        let _ = sender.send(read.map(|_| said));
    });
    if let Ok(said) = receiver.recv_timeout(timeout) {
        let said = said?;
        while Instant::now() < deadline {
            if let Some(status) = process.try_wait()? {
                return Ok(Some((status, said)));
            }
            thread::sleep(STEP);
        }
    }
    process.kill()?;
    process.wait()?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str, registry: &str, repository: &str) -> Result<Option<Credential>, CredentialError> {
        find_in(Path::new("config.json"), text.as_bytes(), registry, repository, Duration::from_secs(60))
    }

    fn password(username: &str, password: &str) -> Credential {
        Credential::Password { username: username.to_owned(), password: Secret::new(password) }
    }

    #[test]
    fn a_login_is_found_under_every_name_that_programs_write() {
        for key in ["r.example", "https://r.example", "https://r.example/v2/", "http://r.example/v1/", "r.example/"] {
            let text =
                format!(r#"{{ "auths": {{ "other.example": {{}}, "{key}": {{ "auth": "YW5uYTpodW50OmVyMg==" }} }} }}"#);
            assert_eq!(look(&text, "r.example", "a").ok(), Some(Some(password("anna", "hunt:er2"))), "{key}");
            assert_eq!(look(&text, "r.example:5000", "a").ok(), Some(None), "{key}");
        }
        let hub = r#"{ "auths": { "https://index.docker.io/v1/": { "username": "anna", "password": "x" } } }"#;
        assert_eq!(look(hub, "docker.io", "library/a").ok(), Some(Some(password("anna", "x"))));
    }

    #[test]
    fn the_nearest_of_several_logins_counts() {
        let text = r#"{ "auths": {
            "r.example": { "username": "all", "password": "1" },
            "r.example/shop": { "username": "shop", "password": "2" },
            "r.example/shop/web": { "registrytoken": "3" } } }"#;
        for (repository, expected) in [
            ("other", password("all", "1")),
            ("shopping", password("all", "1")),
            ("shop/bootstrap", password("shop", "2")),
            ("shop/web", Credential::RegistryToken(Secret::new("3"))),
        ] {
            assert_eq!(look(text, "r.example", repository).ok(), Some(Some(expected)), "{repository}");
        }
    }

    #[test]
    fn a_login_that_cannot_be_understood_is_not_shown() {
        for (text, expected) in [
            (
                r#"{ "auths": { "r.example": { "auth": "hunter2" } } }"#,
                "`r.example`: `auth` is not base64 of a name and a password",
            ),
            (r#"{ "auths": "hunter2" }"#, "invalid JSON at line 1, column 20"),
        ] {
            let error = look(text, "r.example", "a").expect_err(text).to_string();
            assert_eq!(error, format!("the logins in `config.json` cannot be parsed: {expected}"));
        }
    }

    #[test]
    fn an_empty_file_holds_no_login() {
        for text in ["", "\n", "{}"] {
            assert_eq!(look(text, "r.example", "a").ok(), Some(None), "{text:?}");
        }
    }

    #[test]
    fn a_helper_that_is_no_program_name_is_not_started() {
        let text = r#"{ "credsStore": "../evil" }"#;
        let error = look(text, "r.example", "a").expect_err("a path").to_string();
        assert_eq!(error, "the credential helper `docker-credential-../evil` has a name that is a path");
    }
}
