//! The registry of the tests on a port of the loopback interface.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::http::{Answer, Head, Stream};
use super::server::{Fault, Registry, Seen, State};

/// A registry that listens until it is dropped.
pub(super) struct Server {
    registry: Registry,
    address: SocketAddr,
    is_done: Arc<AtomicBool>,
}

/// A test that waits longer for the other side has failed.
const TIMEOUT: Duration = Duration::from_secs(300);

impl Server {
    /// Without encryption.
    pub(super) fn start() -> Self {
        Self::listen(None)
    }

    /// With TLS.
    pub(super) fn with_tls(tls: rustls::ServerConfig) -> Self {
        Self::listen(Some(Arc::new(tls)))
    }

    fn listen(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (registry, is_done) = (Registry::default(), Arc::new(AtomicBool::new(false)));
        let (shared, done) = (registry.clone(), Arc::clone(&is_done));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if done.load(Ordering::SeqCst) {
                    break;
                }
                let (shared, done, tls) = (shared.clone(), Arc::clone(&done), tls.clone());
                thread::spawn(move || stream.and_then(|stream| serve(&shared, &done, stream, tls)));
            }
        });
        Self { registry, address, is_done }
    }

    /// `127.0.0.1:<port>`.
    pub(super) fn name(&self) -> String {
        self.address.to_string()
    }

    /// The same under another name, which is another host for whoever guards credentials.
    pub(super) fn other_name(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// What it has and was asked.
    pub(super) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.registry.state()
    }

    /// How many requests of a kind came.
    pub(super) fn count(&self, method: &str, part: &str) -> usize {
        self.state().count(method, part)
    }

    /// How many uploads were begun.
    pub(super) fn uploads(&self) -> usize {
        self.state().uploads()
    }

    /// Adds a fault to the requests of a method and a part of a path: to one by its number, or with 0 to all.
    pub(super) fn fails(&self, method: &'static str, part: &str, number: usize, fault: Fault) -> &Self {
        self.state().rule(method, part, number, fault);
        self
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_done.store(true, Ordering::SeqCst);
        // Wakes who listens.
        let _ = TcpStream::connect(self.address);
        if !thread::panicking() {
            self.state().hold();
        }
    }
}

fn serve(
    registry: &Registry,
    is_done: &AtomicBool,
    stream: TcpStream,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let socket = stream.try_clone()?;
    let mut stream: Box<dyn Stream> = match tls {
        Some(config) => {
            let connection = rustls::ServerConnection::new(config).map_err(io::Error::other)?;
            Box::new(rustls::StreamOwned::new(connection, stream))
        }
        None => Box::new(stream),
    };
    let mut rest = Vec::new();
    let result = loop {
        match Head::read(&mut *stream, &mut rest) {
            Ok(Some(head)) => {
                if let Err(error) = exchange(registry, is_done, &head, &mut *stream, &mut rest) {
                    break Err(error);
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let _ = socket.shutdown(Shutdown::Both);
    result
}

/// One request and what becomes of it; an error ends the connection.
fn exchange(
    registry: &Registry,
    is_done: &AtomicBool,
    head: &Head,
    stream: &mut dyn Stream,
    rest: &mut Vec<u8>,
) -> io::Result<()> {
    let is_head = head.method == "HEAD";
    let fault = registry.state().fault(head);
    let early = |body: Vec<u8>| registry.state().log.push(Seen { head: head.clone(), body });
    let broken = || io::Error::from(io::ErrorKind::ConnectionReset);
    match &fault {
        Some(Fault::Answer(answer)) => {
            // Who has announced the body does not send it after such an answer.
            if head.header("expect").is_none() {
                head.body(stream, rest, head.length())?;
            }
            early(Vec::new());
            if head.length() == 0 {
                return answer.write(stream, is_head);
            }
            answer.clone().with("connection", "close").write(stream, is_head)?;
            return Err(broken());
        }
        Some(Fault::Reset) => {
            early(Vec::new());
            return Err(broken());
        }
        Some(Fault::ResetInBody) => {
            early(head.body(stream, rest, head.length() / 2)?);
            return Err(broken());
        }
        Some(Fault::Hang) => {
            early(Vec::new());
            return hang(is_done);
        }
        Some(Fault::HangInBody) => {
            early(Vec::new());
            stream.write_all(b"HTTP/1.1 200 -\r\ncontent-length: 1000\r\n\r\n{")?;
            stream.flush()?;
            return hang(is_done);
        }
        Some(Fault::Endless) => {
            early(Vec::new());
            stream.write_all(b"HTTP/1.1 200 -\r\ntransfer-encoding: chunked\r\n\r\n")?;
            while !is_done.load(Ordering::SeqCst) {
                stream.write_all(b"10\r\n[[[[[[[[[[[[[[[[\r\n")?;
            }
            return Err(broken());
        }
        Some(Fault::Round) => {
            early(Vec::new());
            return Answer::new(307).with("location", head.path.clone()).write(stream, is_head);
        }
        _ => {}
    }
    let body = head.body(stream, rest, head.length())?;
    early(body.clone());
    let answer = match &fault {
        Some(Fault::NoMount) => {
            let repository = head.path.trim_start_matches("/v2/").split("/blobs/").next().unwrap_or_default();
            registry.state().accept(repository)
        }
        Some(Fault::Whole) => registry.state().answer(&head.clone().without("range"), &body),
        _ => registry.state().answer(head, &body),
    };
    match fault {
        Some(Fault::ResetAfter) => Err(broken()),
        Some(Fault::Cut(size)) => {
            answer.write_cut(stream, size)?;
            Err(broken())
        }
        Some(Fault::Drip) => {
            answer.write_cut(stream, 0)?;
            for byte in answer.body.iter().take_while(|_| !is_done.load(Ordering::SeqCst)) {
                stream.write_all(&[*byte])?;
                stream.flush()?;
                thread::sleep(Duration::from_millis(20));
            }
            Err(broken())
        }
        Some(Fault::Body(body)) => Answer { body, ..answer }.write(stream, is_head),
        Some(Fault::Status(status)) => Answer { status, body: Vec::new(), ..answer }.write(stream, is_head),
        Some(Fault::Header(name, value)) => answer.with(name, value).write(stream, is_head),
        Some(Fault::Without(name)) => {
            let headers = answer.headers.into_iter().filter(|(other, _)| other != name).collect();
            Answer { headers, ..answer }.write(stream, is_head)
        }
        _ => answer.write(stream, is_head),
    }
}

fn hang(is_done: &AtomicBool) -> io::Result<()> {
    while !is_done.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(20));
    }
    Err(io::ErrorKind::ConnectionReset.into())
}
