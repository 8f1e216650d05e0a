//! An engine over TCP, without its socket.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;

use super::engine::{everything_of, surroundings};
use super::product::Product;

/// Passes connections on loopback to the engine's socket, until the test ends.
fn proxy() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound port");
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            thread::spawn(move || pass(connection));
        }
    });
    address
}

/// Copies both ways; the end of one direction is passed on, as hijacked streams of the engine need it.
fn pass(client: TcpStream) -> io::Result<()> {
    let engine = UnixStream::connect("/var/run/docker.sock")?;
    let (mut from_client, mut to_engine) = (client.try_clone()?, engine.try_clone()?);
    let upstream = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_engine);
        let _ = to_engine.shutdown(Shutdown::Write);
    });
    let (mut from_engine, mut to_client) = (engine, client);
    let _ = io::copy(&mut from_engine, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Write);
    let _ = upstream.join();
    Ok(())
}

#[test]
fn an_engine_is_operated_over_tcp() {
    let Some(surroundings) = surroundings() else { return };
    let host = format!("tcp://{}", proxy());
    let spec = r#"
[project]
name = "e2e-tcp"
version = "1.0.0"

[configs.greeting]
content = "hello over TCP\n"

[services.web]
image = "sample/box:1.0.0"
command = ["sh", "-c", "cat /etc/greeting; while :; do sleep 1; done"]
configs = [{ source = "greeting", target = "/etc/greeting" }]
read_only = true
stop_grace_period = "1s"

[scripts.greet]
command = ["cat", "/etc/greeting"]
service = "web"
"#;
    let product = Product::new(&surroundings, "e2e-tcp", spec);
    product.run_over_network(&host, &["doctor"]).expect(0);
    product.run_over_network(&host, &["up"]).expect(0);
    assert_eq!(product.run_over_network(&host, &["run", "greet"]).expect(0).out, "hello over TCP\n");
    assert!(product.run_over_network(&host, &["logs", "web"]).expect(0).out.contains("hello over TCP"));
    product.run_over_network(&host, &["down", "--volumes", "--yes"]).expect(0);
    assert_eq!(everything_of("e2e-tcp", "production"), Vec::<String>::new());
}
