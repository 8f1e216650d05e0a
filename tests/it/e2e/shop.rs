//! The shop's life: a real `PostgreSQL`, data that stays, environments side by side; on Compose and on a swarm of one node.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use bootsmith::plan::Platform;

use super::engine::{Surroundings, docker, everything_of, on_every_engine, push, run as run_docker};
use super::own_engine::OwnEngine;
use super::own_registry::OwnRegistry;
use super::product::{Product, name_on};

on_every_engine! {
    environments_live_side_by_side
    an_upgrade_brings_the_next_release
    a_copied_release_needs_its_old_registry_no_more
    a_bundle_is_all_that_an_engine_needs
}

/// On Compose its life is the operator's handbook (`super::handbook`).
#[test]
fn a_product_lives_on_a_swarm() {
    run(Platform::Swarm, a_product_lives);
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
    assert!(seen.out.starts_with("PGDMP"), "a dump on standard output");
    assert_eq!(seen.err, "", "a script that writes data says nothing of its own");
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

/// Of the registry that it comes from nothing is left, neither in the image nor in what runs.
fn a_copied_release_needs_its_old_registry_no_more(surroundings: &Surroundings) {
    let (old, new) = (OwnRegistry::start(), OwnRegistry::start());
    let from = Surroundings { registry: old.address(), ..surroundings.clone() };
    let mut shop = Shop::new(&from, "e2e-copy", 18_400);
    shop.product.copy_to(&format!("{}/air", new.address()));
    let old = old.block();
    let product = &shop.product;
    for image in ["web:1.4.2", "database:1.0.0"] {
        docker(&["image", "rm", "--force", &format!("{}/{}/{image}", old.address(), product.name)]);
    }
    product.run(&["up", "testing"]).expect(0);
    assert!(shop.request("POST", "/orders", r#"{"item": "tea"}"#).contains("tea"));
    let running = everything_of(&product.name, "testing");
    assert!(running.len() > 3, "{running:?}");
    let ids: Vec<_> = running.iter().map(String::as_str).collect();
    let inspected = docker(&[&["inspect"], &ids[..]].concat());
    assert!(inspected.contains(&new.address()) && !inspected.contains(&old.address()), "{inspected}");
    let image = docker(&["image", "inspect", product.image()]);
    assert!(!image.contains(&old.address()), "{image}");
    let grep = ["run", "--rm", "--entrypoint", "grep", product.image(), "-rlF", &old.address(), "/bootstrap"];
    assert_eq!(String::from_utf8_lossy(&run_docker(&grep).stdout), "");
    product.run(&["down", "testing", "--volumes", "--yes"]).expect(0);
    old.expect_nobody_asked();
}

/// An engine that has no image, and no registry anywhere.
fn a_bundle_is_all_that_an_engine_needs(surroundings: &Surroundings) {
    let mut registry = OwnRegistry::start();
    let from = Surroundings { registry: registry.address(), ..surroundings.clone() };
    let shop = Shop::new(&from, "e2e-bundle", 18_500);
    let product = &shop.product;
    let bundle = product.bundle();
    registry.stop();
    let engine = OwnEngine::start_empty(surroundings.platform).unwrap_or_else(|reason| panic!("{reason}"));
    assert_eq!(docker(&["image", "ls", "--quiet"]), "");
    docker(&["load", "--quiet", "--input", bundle.to_str().expect("a UTF-8 path")]);
    let given = fs::File::open(&bundle).expect("the bundle");
    let loaded = product.run_with(&[], &["load", "testing"], given).expect(0);
    assert!(loaded.err.contains("are there"), "{}", loaded.err);
    product.run(&["images", "testing", "--check"]).expect(0);
    product.run(&["up", "testing"]).expect(0);
    let web = &product.replicas("testing", "web")[0];
    let orders = |arguments: &[&str]| docker(&[&["exec", web, "wget", "-q", "-O", "-"], arguments].concat());
    let written = orders(&["--post-data", r#"{"item": "tea"}"#, "http://127.0.0.1/orders"]);
    assert!(written.contains("tea"), "{written}");
    assert!(orders(&["http://127.0.0.1/orders"]).contains("tea"));
    product.run(&["down", "testing", "--volumes", "--yes"]).expect(0);
    drop(engine);
}
