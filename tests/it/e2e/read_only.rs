//! Who only looks needs no more than to look: an engine behind a proxy that refuses everything but GET and HEAD.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread;

use super::engine::{Surroundings, on_every_engine};
use super::product::{STEADY, box_product};

on_every_engine! {
    commands_that_look_only_look
}

/// An engine on loopback that nobody can change through it.
struct Proxy {
    address: SocketAddr,
    refused: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let refused = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&refused);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                thread::spawn(move || pass(connection, &seen));
            }
        });
        Self { address, refused }
    }

    fn refused(&self) -> Vec<String> {
        self.refused.lock().expect("no panic").clone()
    }
}

/// One request a connection, so that every request is looked at.
fn pass(client: TcpStream, refused: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut client = client;
    let (mut request, mut line) = (String::new(), String::new());
    reader.read_line(&mut request)?;
    let mut head = request.clone();
    while reader.read_line(&mut line)? > 2 {
        if !line.to_ascii_lowercase().starts_with("connection:") {
            head.push_str(&line);
        }
        line.clear();
    }
    if !request.starts_with("GET ") && !request.starts_with("HEAD ") {
        refused.lock().expect("no panic").push(request.trim().to_owned());
        let text = r#"{"message": "this engine is read-only"}"#;
        let length = text.len();
        return write!(
            client,
            "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
        );
    }
    let mut engine = UnixStream::connect("/var/run/docker.sock")?;
    write!(engine, "{head}Connection: close\r\n\r\n")?;
    io::copy(&mut engine, &mut client)?;
    client.shutdown(Shutdown::Write)
}

fn commands_that_look_only_look(surroundings: &Surroundings) {
    let spec = format!(
        "{STEADY}[parameters.LEVEL]\ndefault = \"low\"\n\n[services.steady.environment]\nLEVEL = \"${{LEVEL}}\"\n"
    );
    let mut product = box_product(surroundings, "e2e-look", &spec);
    product.given.push("LEVEL=high".to_owned());
    product.run(&["up"]).expect(0);
    product.given.clear();
    let proxy = Proxy::start();
    let host = format!("tcp://{}", proxy.address);
    let look = |words: &[&str]| product.run_over_network(&host, words).expect(0).out;
    assert!(look(&["plan", "--exit-code"]).contains("steady: keep"), "the recorded parameter is known");
    assert!(look(&["ps"]).contains("running"));
    assert!(look(&["history"]).contains("1 *"));
    assert!(look(&["doctor"]).contains("revision 1"));
    look(&["logs"]);
    look(&["images"]);
    look(&["migrate", "--list"]);
    look(&["up", "--dry-run"]);
    assert_eq!(proxy.refused(), Vec::<String>::new());
    product.run_over_network(&host, &["restart"]).expect(3);
    assert!(!proxy.refused().is_empty(), "the proxy refuses what changes something");
}
