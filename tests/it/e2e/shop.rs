//! The shop's life: a real `PostgreSQL`, data that stays, environments side by side; on Compose and on a swarm of one node.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use bootsmith::plan::Platform;

use super::engine::{Surroundings, docker, everything_of, on_every_engine};
use super::product::{Product, name_on};

on_every_engine! {
    a_product_lives
    environments_live_side_by_side
    an_upgrade_brings_the_next_release
}

/// Ports of the tests on a swarm are so far from those on Compose.
const PORTS_BETWEEN_PLATFORMS: u16 = 50;

/// The shop under another name, its ports moved, its images in the test's registry.
struct Shop {
    product: Product,
    first_port: u16,
}

impl Shop {
    fn new(surroundings: &Surroundings, name: &str, first_port: u16) -> Self {
        let name = name_on(surroundings.platform, name);
        let registry = format!("{}/{name}", surroundings.registry);
        push("shop/web:1.4.2", &format!("{registry}/web:1.4.2"));
        push("sample/database:1.0.0", &format!("{registry}/database:1.0.0"));
        let first_port = match surroundings.platform {
            Platform::Swarm => first_port + PORTS_BETWEEN_PLATFORMS,
            _ => first_port,
        };
        let mut replace = vec![
            ("name = \"shop\"\nversion", format!("name = \"{name}\"\nversion")),
            ("repository = \"shop/bootstrap\"", format!("repository = \"{name}/bootstrap\"")),
            ("REGISTRY = \"docker.io/shop\"", format!("REGISTRY = \"{registry}\"")),
            ("docker.io/sample/database:1.0.0", "${REGISTRY}/database:1.0.0".to_owned()),
        ];
        replace.extend(match surroundings.platform {
            Platform::Swarm => ports_of_the_node(first_port),
            _ => ports_of_the_engine(first_port),
        });
        let replace: Vec<_> = replace.iter().map(|(from, to)| (*from, to.as_str())).collect();
        let mut product = Product::of_example(surroundings, &name, "shop", &replace);
        product.given.push("DB_PASSWORD=it's $ecret".to_owned());
        Self { product, first_port }
    }

    /// A request to `testing`.
    fn request(&self, method: &str, path: &str, body: &str) -> String {
        request(self.first_port + 1, method, path, body)
    }
}

/// Brings an image into the test's registry, and leaves none of that name in the engine.
fn push(local: &str, remote: &str) {
    docker(&["tag", local, remote]);
    docker(&["push", "--quiet", remote]);
    docker(&["image", "rm", remote]);
}

/// The spec's own ports, at other numbers.
fn ports_of_the_engine(first: u16) -> Vec<(&'static str, String)> {
    let address = |port| format!("127.0.0.1:{port}:80");
    vec![
        ("127.0.0.1:8080:80", address(first)),
        ("127.0.0.1:8081:80", address(first + 1)),
        ("\"8082-8091:80\"", format!("\"{}-{}:80\"", first + 2, first + 6)),
    ]
}

/// Kernels without `ip_vs`, as those of many build machines, have neither virtual addresses nor the routing mesh of a swarm: names lead to the
/// replicas themselves, and each publishes a port on its node. Two replicas on one node leave the number to the engine.
fn ports_of_the_node(first: u16) -> Vec<(&'static str, String)> {
    let number = |port| format!("{{ target = 80, published = \"{port}\", mode = \"host\" }}");
    vec![
        ("[service-defaults]\n", "[service-defaults]\ndeploy = { endpoint_mode = \"dnsrr\" }\n".to_owned()),
        ("\"127.0.0.1:8080:80\"", number(first)),
        ("\"127.0.0.1:8081:80\"", number(first + 1)),
        ("\"8082-8091:80\"", "{ target = 80, mode = \"host\" }".to_owned()),
    ]
}

/// A request of HTTP/1.0: the status line and the body.
fn request(port: u16, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the service listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: shop\r\nContent-Length: {length}\r\n\r\n{body}")
        .expect("a connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn a_product_lives(surroundings: &Surroundings) {
    let shop = Shop::new(surroundings, "e2e-life", 18_100);
    let product = &shop.product;
    let worker_count = || product.replicas("testing", "worker").len();

    let doctor = product.run(&["doctor", "testing"]).expect(0);
    assert!(doctor.out.contains("engine"), "{doctor:?}");
    product.run(&["pull", "testing"]).expect(0);
    product.run(&["images", "testing", "--check"]).expect(0);
    assert_eq!(everything_of(&product.name, "testing"), Vec::<String>::new(), "pull brings images and nothing else");

    product.run(&["up", "testing"]).expect(0);
    assert!(shop.request("GET", "/", "").contains("testing"));
    assert!(shop.request("POST", "/orders", r#"{"item": "tea"}"#).contains("tea"));
    let ps = product.run(&["ps", "testing"]).expect(0);
    for service in ["database", "web", "worker"] {
        assert!(ps.out.lines().any(|line| line.starts_with(service) && line.contains("running")), "{}", ps.out);
    }
    let json = product.run(&["ps", "testing", "--output", "json"]).expect(0);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("ps prints JSON");
    assert_eq!(json["services"].as_array().map(Vec::len), Some(3), "{json}");
    assert!(product.run(&["logs", "testing", "web"]).expect(0).out.contains("serving on port 80"));

    let ids = product.all_replicas("testing");
    assert_eq!(ids.len(), 3);
    product.run(&["up", "testing"]).expect(0);
    assert_eq!(product.all_replicas("testing"), ids, "a second `up` changes no container");

    product.run(&["scale", "testing", "worker=3"]).expect(0);
    assert_eq!(worker_count(), 3);
    product.run(&["up", "testing"]).expect(0);
    assert_eq!(worker_count(), 3, "a later `up` keeps the scale");
    product.run(&["scale", "testing", "worker=default"]).expect(0);
    assert_eq!(worker_count(), 1);

    let dump = product.path("shop.dump");
    let seen = product.run_with(&[], &["run", "backup", "testing"], Stdio::null()).expect(0);
    assert!(seen.err.is_empty() || !seen.err.contains("error"), "{}", seen.err);
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!(
            "docker run --rm -i -v /var/run/docker.sock:/var/run/docker.sock {} run backup testing > '{}'",
            product.image(),
            dump.display()
        ))
        .env("DB_PASSWORD", "unused")
        .status()
        .expect("sh starts");
    assert!(output.success());
    assert!(fs::read(&dump).expect("a dump").starts_with(b"PGDMP"), "the dump is what pg_dump wrote");

    product.run(&["stop", "testing"]).expect(0);
    product.run(&["up", "testing"]).expect(0);
    assert!(shop.request("GET", "/orders", "").contains("tea"), "the row is there after stop and up");

    shop.request("POST", "/orders", r#"{"item": "coffee"}"#);
    product.run_with(&[], &["run", "restore", "testing"], File::open(&dump).expect("the dump")).expect(0);
    let orders = shop.request("GET", "/orders", "");
    assert!(orders.contains("tea") && !orders.contains("coffee"), "restore puts back what backup wrote: {orders}");
    product.run_with(&[], &["run", "restore", "testing"], Stdio::null()).expect(3);

    product.run(&["down", "testing"]).expect(0);
    assert_eq!(product.all_replicas("testing"), Vec::<String>::new());
    let data = format!("{}_dbdata", product.target("testing"));
    let volumes = docker(&["volume", "ls", "--quiet", "--filter", &format!("name={data}")]);
    assert_eq!(volumes, data, "data outlives `down`");
    product.run(&["up", "testing"]).expect(0);
    assert!(shop.request("GET", "/orders", "").contains("tea"));
    product.run(&["down", "testing", "--volumes", "--yes"]).expect(0);
    assert_eq!(everything_of(&product.name, "testing"), Vec::<String>::new());
}

fn environments_live_side_by_side(surroundings: &Surroundings) {
    let shop = Shop::new(surroundings, "e2e-sides", 18_200);
    let product = &shop.product;
    product.run(&["up", "testing"]).expect(0);
    product.run(&["up", "production"]).expect(0);
    shop.request("POST", "/orders", r#"{"item": "tea"}"#);
    let web = product.replicas("production", "web");
    assert_eq!(web.len(), 2);
    let port = docker(&["port", &web[0], "80/tcp"]);
    let port = port.lines().next().and_then(|line| line.rsplit(':').next()).and_then(|port| port.parse().ok());
    let orders = request(port.expect("a published port"), "GET", "/orders", "");
    assert!(orders.contains("200 OK") && !orders.contains("tea"), "production has its own database: {orders}");
    product.run(&["down", "production"]).expect(0);
    assert!(shop.request("GET", "/orders", "").contains("tea"), "testing goes on");
}

fn an_upgrade_brings_the_next_release(surroundings: &Surroundings) {
    let mut shop = Shop::new(surroundings, "e2e-next", 18_300);
    shop.product.run(&["up", "testing"]).expect(0);
    shop.request("POST", "/orders", r#"{"item": "tea"}"#);
    let database = shop.product.replicas("testing", "database");

    push("shop/web:1.5.0", &format!("{}/{}/web:1.5.0", surroundings.registry, shop.product.name));
    shop.product.build(Some("1.5.0"));
    let seen = shop.product.run(&["upgrade", "testing"]).expect(0);
    assert!(seen.err.contains("tea"), "the hook `pre-upgrade` ran and printed the orders: {seen:?}");
    assert!(seen.out.is_empty(), "standard output belongs to scripts that write data: {}", seen.out);
    assert!(shop.request("GET", "/", "").contains("1.5.0"));
    assert!(shop.request("GET", "/orders", "").contains("tea"));
    assert_eq!(shop.product.replicas("testing", "database"), database, "what did not change is not touched");
}
