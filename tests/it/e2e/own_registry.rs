//! A registry that a test may stop: Debian's `docker-registry` on a free port of the loopback interface.

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Runs until it is dropped.
pub(crate) struct OwnRegistry {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl OwnRegistry {
    /// Starts one and waits until it answers.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port");
        let blobs = folder.path().join("blobs");
        let config = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            blobs.display()
        );
        let file = folder.path().join("config.yml");
        fs::write(&file, config).expect("a writable folder");
        let mut process = Command::new("docker-registry");
        process.arg("serve").arg(file).env("OTEL_TRACES_EXPORTER", "none");
        process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let registry = Self { process: process.spawn().expect("docker-registry starts"), address, _folder: folder };
        let start = Instant::now();
        while !registry.answers() {
            assert!(start.elapsed() < Duration::from_secs(20), "the registry answers");
            thread::sleep(Duration::from_millis(50));
        }
        registry
    }

    /// `127.0.0.1:<port>`
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// From here on nobody answers at its address.
    pub(crate) fn stop(&mut self) {
        self.process.kill().expect("the registry runs");
        self.process.wait().expect("it ends");
        assert!(!self.answers(), "the registry is gone");
    }

    /// Stops it, and from here on notices who asks at its address.
    pub(crate) fn block(mut self) -> BlockedAddress {
        self.stop();
        let listener = TcpListener::bind(self.address).expect("the address is free again");
        listener.set_nonblocking(true).expect("a listener that does not wait");
        BlockedAddress { listener }
    }

    fn answers(&self) -> bool {
        TcpStream::connect(self.address).is_ok()
    }
}

impl Drop for OwnRegistry {
    fn drop(&mut self) {
        // Failing means that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where a registry was.
pub(crate) struct BlockedAddress {
    listener: TcpListener,
}

impl BlockedAddress {
    /// `127.0.0.1:<port>`
    pub(crate) fn address(&self) -> String {
        self.listener.local_addr().expect("a listener has an address").to_string()
    }

    /// Whoever connected since it is blocked still waits for an answer.
    pub(crate) fn expect_nobody_asked(&self) {
        let asked = self.listener.accept();
        assert!(matches!(&asked, Err(error) if error.kind() == ErrorKind::WouldBlock), "{asked:?}");
    }
}
