//! A registry on this machine for the end-to-end tests: Debian's `docker-registry` on a free port of the loopback interface, with
//! its blobs in a temporary folder. It ends when the value is dropped.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::packages;

const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A running registry.
pub(crate) struct Registry {
    process: Child,
    address: SocketAddrV4,
    folder: TempDir,
}

impl Registry {
    /// Starts a registry and waits until it answers.
    pub(crate) fn start() -> Result<Self> {
        packages::ensure(&[packages::REGISTRY])?;
        let folder = tempfile::tempdir()?;
        let address = free_address()?;
        let config = folder.path().join("config.yml");
        let storage = folder.path().join("blobs");
        fs::write(&config, config_text(&storage.to_string_lossy(), address))?;
        let log = fs::File::create(folder.path().join("log"))?;
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start `docker-registry`")?;
        let mut registry = Self { process, address, folder };
        registry.wait()?;
        Ok(registry)
    }

    /// Where it listens: `127.0.0.1:<port>`.
    pub(crate) fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// Where its blobs are. A registry whose blobs are removed is an empty one: it keeps nothing in memory.
    pub(crate) fn storage(&self) -> PathBuf {
        self.folder.path().join("blobs")
    }

    fn wait(&mut self) -> Result<()> {
        let started = Instant::now();
        while !answers(self.address) {
            if let Some(status) = self.process.try_wait()? {
                bail!("`docker-registry` ended: {status}\n{}", self.log());
            }
            if started.elapsed() > START_TIMEOUT {
                bail!("`docker-registry` does not answer on {}\n{}", self.address, self.log());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // Failing means that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The port is free when this returns; the system hands out others before it comes back to this one.
fn free_address() -> Result<SocketAddrV4> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(SocketAddrV4::new(Ipv4Addr::LOCALHOST, listener.local_addr()?.port()))
}

fn config_text(storage: &str, address: SocketAddrV4) -> String {
    format!(
        "version: 0.1\nlog: {{level: warn}}\nstorage:\n  filesystem: {{rootdirectory: '{storage}'}}\n  delete: {{enabled: true}}\n\
         http: {{addr: '{address}'}}\n"
    )
}

fn answers(address: SocketAddrV4) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address.into(), Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /v2/ HTTP/1.0\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_answers_until_it_is_dropped() {
        if !packages::are_here(&[packages::REGISTRY]) && !packages::may_install() {
            return crate::skipped::note(
                "registry::tests::a_registry_answers_until_it_is_dropped",
                "docker-registry is not here",
            );
        }
        let registry = Registry::start().expect("a registry");
        let address = registry.address();
        assert!(answers(address));
        drop(registry);
        assert!(!answers(address));
    }
}
