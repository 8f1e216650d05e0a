//! Proxies: what goes through one, what does not, and that nobody sees a login that is not his.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::authorities::Authority;
use super::client::ANNA;
use super::command::User;
use super::connection::Server;
use super::http::{Answer, Head, Stream};
use super::server::Login;
use crate::seen::Seen;

/// A proxy on the loopback interface, to which every name means one registry.
struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Head>>>,
}

impl Proxy {
    /// Leads to a registry whoever shows this login, or everybody.
    fn to(server: &Server, login: Option<&'static str>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (seen, target) = (Arc::<Mutex<Vec<Head>>>::default(), server.name());
        let shared = Arc::clone(&seen);
        // It ends with the test.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, target) = (Arc::clone(&shared), target.clone());
                thread::spawn(move || stream.and_then(|stream| serve(stream, &target, login, &seen)));
            }
        });
        Self { address, seen }
    }

    /// Where it leads to when it has this login.
    fn url(&self, login: &str) -> String {
        format!("http://{login}{}", self.address)
    }

    /// What it was asked for, each once.
    fn asked(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("no panic");
        let mut asked: Vec<_> = seen.iter().map(|head| format!("{} {}", head.method, head.path)).collect();
        asked.dedup();
        asked
    }
}

fn serve(mut stream: TcpStream, target: &str, login: Option<&str>, seen: &Mutex<Vec<Head>>) -> io::Result<()> {
    let mut rest = Vec::new();
    let Some(head) = Head::read(&mut stream, &mut rest)? else { return Ok(()) };
    let is_welcome = login.is_none_or(|login| head.header("proxy-authorization") == Some(login));
    seen.lock().expect("no panic").push(head);
    if !is_welcome {
        let answer = Answer::new(407).with("proxy-authenticate", "Basic realm=\"proxy\"");
        answer.write(&mut stream as &mut dyn Stream, false)?;
        return stream.shutdown(Shutdown::Both);
    }
    let mut there = TcpStream::connect(target)?;
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut back, mut from_there) = (stream.try_clone()?, there.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_there, &mut back);
        back.shutdown(Shutdown::Both)
    });
    let _ = io::copy(&mut stream, &mut there);
    there.shutdown(Shutdown::Both)
}

/// No resolver knows this name (RFC 2606): who reaches it does so by a proxy.
const NAME: &str = "registry.invalid";
const REFERENCE: &str = "registry.invalid/shop:1";

/// A registry with TLS and a login under a name that only a proxy knows.
struct Behind {
    user: User,
    server: Server,
    authority: Authority,
}

impl Behind {
    fn new() -> Self {
        let authority = Authority::new();
        let server = Server::with_tls(authority.certify(NAME, false));
        server.state().login = Login::Basic(ANNA.to_owned());
        Self { user: User::new(), server, authority }
    }

    fn pushes(&self, environment: &[(&str, &str)]) -> Seen {
        let authority = self.authority.file().display().to_string();
        let arguments = ["--ca-file", &authority, "--username", "anna", "--password-stdin", REFERENCE];
        self.user.pushes_with(environment, &arguments, "hunter2")
    }
}

#[test]
fn https_goes_through_a_tunnel() {
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let behind = Behind::new();
        let proxy = Proxy::to(&behind.server, None);
        let seen = behind.pushes(&[(variable, &proxy.url(""))]).expect(0);
        assert_eq!(seen.out, format!("{}\n", behind.user.digest()));
        assert_eq!(behind.server.state().tags.len(), 1);
        assert_eq!(proxy.asked(), ["CONNECT registry.invalid:443"]);
        // The login for the registry is in the tunnel.
        let heads = proxy.seen.lock().expect("no panic");
        assert!(heads.iter().all(|head| head.header("authorization").is_none()), "{heads:?}");
    }
}

#[test]
fn http_goes_through_a_tunnel_too() {
    let (user, server) = (User::new(), Server::start());
    let proxy = Proxy::to(&server, None);
    user.pushes_with(&[("HTTP_PROXY", &proxy.url(""))], &["--plain-http", REFERENCE], "").expect(0);
    assert_eq!(proxy.asked(), ["CONNECT registry.invalid:80"]);
    assert_eq!(server.state().tags.len(), 1);
}

#[test]
fn what_needs_no_proxy_goes_through_none() {
    let behind = Behind::new();
    let proxy = Proxy::to(&behind.server, None);
    let url = proxy.url("");
    for environment in [
        &[("HTTPS_PROXY", url.as_str()), ("NO_PROXY", "other.example, invalid")][..],
        &[("https_proxy", &url), ("no_proxy", "*")],
        // That one is for http.
        &[("HTTP_PROXY", &url)],
    ] {
        let seen = behind.pushes(environment).expect(3);
        assert!(seen.err.contains("because: it cannot be reached: failed to lookup"), "{}", seen.err);
    }
    // This machine is reached without one, whatever is said.
    let server = Server::start();
    let reference = format!("{}/shop:1", server.name());
    behind.user.pushes_with(&[("ALL_PROXY", &url)], &[&reference], "").expect(0);
    assert!(proxy.asked().is_empty());
    behind.pushes(&[("HTTPS_PROXY", &url), ("NO_PROXY", "other.example")]).expect(0);
}

#[test]
fn a_proxy_is_shown_its_login() {
    let behind = Behind::new();
    let proxy = Proxy::to(&behind.server, Some(ANNA));
    behind.pushes(&[("HTTPS_PROXY", &proxy.url("anna:hunter%32@"))]).expect(0);
}

#[test]
fn the_login_of_a_proxy_is_not_told() {
    let behind = Behind::new();
    let proxy = Proxy::to(&behind.server, Some("Basic another"));
    let name = proxy.address.to_string();
    let refused = format!("because: it cannot be reached: the proxy `{name}` answers 407\n");
    let closed =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).expect("a port");
    let unreachable =
        format!("because: it cannot be reached: the proxy `{closed}`: Connection refused (os error 111)\n");
    let fault = |what| format!("because: it cannot be reached: the environment variable `HTTPS_PROXY` {what}\n");
    let none = fault("is not a valid proxy address");
    let socks = fault("names a proxy that is neither http nor https");
    for (url, expected) in [
        (proxy.url("bob:s3cret@"), refused),
        (format!("http://bob:s3cret@{closed}"), unreachable),
        ("http://bob:s3cret@".to_owned(), none),
        (format!("socks5://bob:s3cret@{closed}"), socks),
    ] {
        let seen = behind.pushes(&[("HTTPS_PROXY", &url)]).expect(3);
        assert!(seen.err.contains(&expected), "{}", seen.err);
        for secret in ["s3cret", "bob", "Ym9iOnMzY3JldA"] {
            assert!(!seen.err.contains(secret), "{}", seen.err);
        }
    }
    assert!(behind.server.state().log.is_empty());
}
