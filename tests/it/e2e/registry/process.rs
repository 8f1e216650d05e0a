//! Debian's docker-registry on a free port of the loopback interface, guarded by a login and by TLS of an own authority. It ends when the
//! value is dropped.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::skip;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// Who may push.
pub(super) const USER: &str = "anna";
/// With this password.
pub(super) const PASSWORD: &str = "hunter2";
/// The same as `htpasswd -B` writes it.
const HTPASSWD: &str = "anna:$2b$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.\n";
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A registry that wants a login.
pub(super) struct Guarded {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Guarded {
    /// Starts one; `None` where there is none and nobody insists.
    pub(super) fn start() -> Option<Self> {
        if Command::new("docker-registry").arg("--version").output().is_err() {
            skip::missing("docker-registry is missing: `cargo xtask e2e` provides it");
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        write_certificates(folder.path());
        fs::write(folder.path().join("htpasswd"), HTPASSWD).expect("room");
        fs::write(folder.path().join("config.yml"), config(&folder.path().display().to_string(), port)).expect("room");
        let log = fs::File::create(folder.path().join("log")).expect("room");
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(folder.path().join("config.yml"))
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .expect("docker-registry starts");
        let registry = Self { process, port, folder };
        registry.wait();
        Some(registry)
    }

    fn wait(&self) {
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(started.elapsed() < START_TIMEOUT, "docker-registry does not listen\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// `127.0.0.1:<port>`.
    pub(super) fn name(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The certificate of its authority.
    pub(super) fn authority(&self) -> PathBuf {
        self.folder.path().join("trusted/ca.crt")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).expect("a log")
    }

    /// How many requests of a method and the start of a path were answered with a success.
    pub(super) fn count(&self, method: &str, start: &str) -> usize {
        let request = format!("\"{method} {start}");
        let log = self.log();
        log.lines().filter(|line| line.contains(&request) && line.contains("HTTP/1.1\" 201")).count()
    }

    /// How much it has logged.
    pub(super) fn lines(&self) -> usize {
        self.log().lines().count()
    }

    /// What skopeo says the digest of an image is.
    pub(super) fn digest(&self, reference: &str) -> String {
        self.skopeo(&["inspect", "--format", "{{.Digest}}"], &["--cert-dir", "--creds"], reference, &[])
    }

    /// Copies an image and everything that belongs to it into a layout.
    pub(super) fn copy(&self, reference: &str, folder: &Path) {
        let target = format!("oci:{}:copy", folder.display());
        self.skopeo(&["copy", "--all", "--quiet"], &["--src-cert-dir", "--src-creds"], reference, &[&target]);
    }

    fn skopeo(&self, command: &[&str], options: &[&str; 2], reference: &str, rest: &[&str]) -> String {
        let [trusted, login] = options;
        let output = Command::new("skopeo")
            .args(command)
            .arg(trusted)
            .arg(self.folder.path().join("trusted"))
            .args([login, &*format!("{USER}:{PASSWORD}")])
            .arg(format!("docker://{}/{reference}", self.name()))
            .args(rest)
            .output()
            .expect("skopeo starts");
        assert!(output.status.success(), "skopeo: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Failing means that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// An authority, and a certificate of it for this machine.
fn write_certificates(folder: &Path) {
    let mut params = CertificateParams::new(Vec::new()).expect("an authority has no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority of the tests");
    let authority = CertifiedIssuer::self_signed(params, key()).expect("a certificate");
    let own = key();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
    let certificate = certificate.signed_by(&own, &authority).expect("a certificate");
    fs::create_dir(folder.join("trusted")).expect("room");
    for (name, pem) in
        [("trusted/ca.crt", authority.pem()), ("server.crt", certificate.pem()), ("server.key", own.serialize_pem())]
    {
        fs::write(folder.join(name), pem).expect("room");
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn config(folder: &str, port: u16) -> String {
    format!(
        "version: 0.1\nlog: {{level: info, accesslog: {{disabled: false}}}}\n\
         storage:\n  filesystem: {{rootdirectory: '{folder}/blobs'}}\n\
         auth:\n  htpasswd: {{realm: test, path: '{folder}/htpasswd'}}\n\
         http:\n  addr: '127.0.0.1:{port}'\n  tls: {{certificate: '{folder}/server.crt', key: '{folder}/server.key'}}\n"
    )
}
