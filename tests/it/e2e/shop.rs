//! The shop's life: a real `PostgreSQL`, data that stays, environments side by side.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use super::engine::{Surroundings, containers_of, containers_of_service, docker, everything_of, surroundings};
use super::product::Product;

/// The shop under another name, its ports moved, its images in the test's registry.
fn shop(surroundings: &Surroundings, name: &str, first_port: u16) -> Product {
    let registry = format!("{}/{name}", surroundings.registry);
    for (local, remote) in [("shop/web:1.4.2", "web:1.4.2"), ("sample/database:1.0.0", "database:1.0.0")] {
        let remote = format!("{registry}/{remote}");
        docker(&["tag", local, &remote]);
        docker(&["push", "--quiet", &remote]);
        docker(&["image", "rm", &remote]);
    }
    let ports = |offset| format!("127.0.0.1:{}:80", first_port + offset);
    let range = format!("\"{}-{}:80\"", first_port + 2, first_port + 6);
    let mut product = Product::of_example(
        surroundings,
        name,
        "shop",
        &[
            ("name = \"shop\"\nversion", &format!("name = \"{name}\"\nversion")),
            ("repository = \"shop/bootstrap\"", &format!("repository = \"{name}/bootstrap\"")),
            ("REGISTRY = \"docker.io/shop\"", &format!("REGISTRY = \"{registry}\"")),
            ("docker.io/sample/database:1.0.0", "${REGISTRY}/database:1.0.0"),
            ("127.0.0.1:8080:80", &ports(0)),
            ("127.0.0.1:8081:80", &ports(1)),
            ("\"8082-8091:80\"", &range),
        ],
    );
    product.given.push("DB_PASSWORD=it's $ecret".to_owned());
    product
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

#[test]
fn a_product_lives() {
    let Some(surroundings) = surroundings() else { return };
    let product = shop(&surroundings, "e2e-life", 18_100);
    let target = product.target("testing");

    let doctor = product.run(&["doctor", "testing"]).expect(0);
    assert!(doctor.out.contains("engine"), "{doctor:?}");
    product.run(&["pull", "testing"]).expect(0);
    product.run(&["images", "testing", "--check"]).expect(0);
    assert_eq!(everything_of(&product.name, "testing"), Vec::<String>::new(), "pull brings images and nothing else");

    product.run(&["up", "testing"]).expect(0);
    assert!(request(18_101, "GET", "/", "").contains("testing"));
    assert!(request(18_101, "POST", "/orders", r#"{"item": "tea"}"#).contains("tea"));
    let ps = product.run(&["ps", "testing"]).expect(0);
    for service in ["database", "web", "worker"] {
        assert!(ps.out.lines().any(|line| line.starts_with(service) && line.contains("running")), "{}", ps.out);
    }
    let json = product.run(&["ps", "testing", "--output", "json"]).expect(0);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("ps prints JSON");
    assert_eq!(json["services"].as_array().map(Vec::len), Some(3), "{json}");
    assert!(product.run(&["logs", "testing", "web"]).expect(0).out.contains("serving on port 80"));

    let ids = containers_of(&target);
    product.run(&["up", "testing"]).expect(0);
    assert_eq!(containers_of(&target), ids, "a second `up` changes no container");

    product.run(&["scale", "testing", "worker=3"]).expect(0);
    assert_eq!(containers_of_service(&target, "worker").len(), 3);
    product.run(&["up", "testing"]).expect(0);
    assert_eq!(containers_of_service(&target, "worker").len(), 3, "a later `up` keeps the scale");
    product.run(&["scale", "testing", "worker=default"]).expect(0);
    assert_eq!(containers_of_service(&target, "worker").len(), 1);

    let dump = product.path("shop.dump");
    let seen = product.run_with(&[], &["run", "backup", "testing"], Stdio::null()).expect(0);
    assert!(seen.err.is_empty() || !seen.err.contains("error"), "{}", seen.err);
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!(
            "docker run --rm -i -v /var/run/docker.sock:/var/run/docker.sock {}/bootstrap:1.4.2 run backup testing > '{}'",
            product.name,
            dump.display()
        ))
        .env("DB_PASSWORD", "unused")
        .status()
        .expect("sh starts");
    assert!(output.success());
    assert!(fs::read(&dump).expect("a dump").starts_with(b"PGDMP"), "the dump is what pg_dump wrote");

    product.run(&["stop", "testing"]).expect(0);
    product.run(&["up", "testing"]).expect(0);
    assert!(request(18_101, "GET", "/orders", "").contains("tea"), "the row is there after stop and up");

    request(18_101, "POST", "/orders", r#"{"item": "coffee"}"#);
    product.run_with(&[], &["run", "restore", "testing"], File::open(&dump).expect("the dump")).expect(0);
    let orders = request(18_101, "GET", "/orders", "");
    assert!(orders.contains("tea") && !orders.contains("coffee"), "restore puts back what backup wrote: {orders}");
    product.run_with(&[], &["run", "restore", "testing"], Stdio::null()).expect(3);

    product.run(&["down", "testing"]).expect(0);
    assert_eq!(containers_of(&target), Vec::<String>::new());
    let volumes = docker(&["volume", "ls", "--quiet", "--filter", &format!("name={target}_dbdata")]);
    assert_eq!(volumes, format!("{target}_dbdata"), "data outlives `down`");
    product.run(&["up", "testing"]).expect(0);
    assert!(request(18_101, "GET", "/orders", "").contains("tea"));
    product.run(&["down", "testing", "--volumes", "--yes"]).expect(0);
    assert_eq!(everything_of(&product.name, "testing"), Vec::<String>::new());
}

#[test]
fn environments_live_side_by_side() {
    let Some(surroundings) = surroundings() else { return };
    let product = shop(&surroundings, "e2e-sides", 18_200);
    product.run(&["up", "testing"]).expect(0);
    product.run(&["up", "production"]).expect(0);
    request(18_201, "POST", "/orders", r#"{"item": "tea"}"#);
    assert_eq!(containers_of_service(&product.target("production"), "web").len(), 2);
    let port = docker(&["port", &containers_of_service(&product.target("production"), "web")[0], "80/tcp"]);
    let port = port.lines().next().and_then(|line| line.rsplit(':').next()).and_then(|port| port.parse().ok());
    let orders = request(port.expect("a published port"), "GET", "/orders", "");
    assert!(orders.contains("200 OK") && !orders.contains("tea"), "production has its own database: {orders}");
    product.run(&["down", "production"]).expect(0);
    assert!(request(18_201, "GET", "/orders", "").contains("tea"), "testing goes on");
}

#[test]
fn an_upgrade_brings_the_next_release() {
    let Some(surroundings) = surroundings() else { return };
    let mut product = shop(&surroundings, "e2e-next", 18_300);
    product.run(&["up", "testing"]).expect(0);
    request(18_301, "POST", "/orders", r#"{"item": "tea"}"#);
    let database = containers_of_service(&product.target("testing"), "database");

    let next = format!("{}/{}/web:1.5.0", surroundings.registry, product.name);
    docker(&["tag", "shop/web:1.5.0", &next]);
    docker(&["push", "--quiet", &next]);
    docker(&["image", "rm", &next]);
    product.build(Some("1.5.0"));
    let seen = product.run(&["upgrade", "testing"]).expect(0);
    assert!(seen.err.contains("tea"), "the hook `pre-upgrade` ran and printed the orders: {seen:?}");
    assert!(seen.out.is_empty(), "standard output belongs to scripts that write data: {}", seen.out);
    assert!(request(18_301, "GET", "/", "").contains("1.5.0"));
    assert!(request(18_301, "GET", "/orders", "").contains("tea"));
    assert_eq!(
        containers_of_service(&product.target("testing"), "database"),
        database,
        "what did not change is not touched"
    );
}
