//! Names as Compose has them, on an engine: services, volumes, networks and configs with capitals, dots and `_`, and parameters with small letters.

use bootsmith::plan::Platform;

use super::engine::{Surroundings, docker, everything_of, on_every_engine};
use super::product::{Product, box_product};

on_every_engine! {
    a_product_with_names_of_compose_is_operated_by_them
}

const SPEC: &str = r#"
[parameters.log_level]
default = "info"
[parameters.version]
default = "none"

[services."My_Web.1"]
image = "sample/box:1.0.0"
init = true
stop_grace_period = "1s"
command = ["sh", "-c", "echo level ${log_level} version $$version; httpd -f -p 8080 -h /etc/shown"]
environment = { version = "${version}" }
configs = [{ source = "Web.conf", target = "/etc/shown/greeting" }]
volumes = ["My_Data.1:/data"]
networks = ["Back.end"]
deploy = { endpoint_mode = "dnsrr", update_config = { monitor = "1s" } }

[services.caller]
image = "sample/box:1.0.0"
init = true
stop_grace_period = "1s"
command = ["sh", "-c", "while :; do sleep 1; done"]
depends_on = ["My_Web.1"]
networks = ["Back.end"]
deploy = { endpoint_mode = "dnsrr", update_config = { monitor = "1s" } }

[volumes."My_Data.1"]
[networks."Back.end"]
[configs."Web.conf"]
content = "good day"

[scripts.look]
service = "My_Web.1"
command = ["cat", "/etc/shown/greeting"]
[scripts.apart]
service = "My_Web.1"
mode = "run"
command = ["cat", "/etc/shown/greeting"]
"#;

/// What the service says to another one, which calls it by the name of the spec.
fn greeting(product: &Product) -> String {
    let caller = product.replicas("production", "caller");
    docker(&["exec", &caller[0], "wget", "-q", "-O", "-", "http://My_Web.1:8080/greeting"])
}

fn a_product_with_names_of_compose_is_operated_by_them(surroundings: &Surroundings) {
    let mut product = box_product(surroundings, "e2e-names", SPEC);
    product.given = vec!["log_level=debug".to_owned(), "version=7".to_owned()];
    product.run(&["up"]).expect(0);
    assert_eq!(greeting(&product), "good day");
    let ps = product.run(&["ps"]).expect(0).out;
    assert!(ps.lines().any(|line| line.starts_with("My_Web.1 ") && line.contains("1/1")), "{ps}");
    let logs = product.run(&["logs", "My_Web.1"]).expect(0).out;
    assert!(logs.contains("level debug version 7"), "{logs}");
    assert_eq!(product.run(&["run", "look"]).expect(0).out.trim(), "good day");
    assert_eq!(product.run(&["run", "apart"]).expect(0).out.trim(), "good day");

    product.given.clear();
    product.edit("good day", "good evening");
    product.build(Some("1.1.0"));
    let plan = product.run(&["plan", "--exit-code"]).expect(10).out;
    assert!(plan.contains("My_Web.1: ") && plan.contains("caller: keep"), "{plan}");
    product.run(&["upgrade"]).expect(0);
    assert_eq!(greeting(&product), "good evening");
    let logs = product.run(&["logs", "My_Web.1"]).expect(0).out;
    assert!(logs.contains("level debug version 7"), "what was given is given again: {logs}");

    product.run(&["scale", "My_Web.1=2"]).expect(0);
    assert_eq!(product.replicas("production", "My_Web.1").len(), 2);
    product.run(&["up"]).expect(0);
    assert_eq!(product.replicas("production", "My_Web.1").len(), 2, "the scale is recorded");
    product.run(&["restart", "My_Web.1"]).expect(0);
    product.run(&["rollback"]).expect(0);
    assert_eq!(greeting(&product), "good day");
    leave_out_the_service(&mut product, surroundings.platform);
    product.run(&["down", "--volumes", "--yes"]).expect(0);
    assert_eq!(everything_of(&product.name, "production"), Vec::<String>::new());
}

/// A release without the service: it is removed, and nothing of it stays.
fn leave_out_the_service(product: &mut Product, platform: Platform) {
    product.edit("services.\"My_Web.1\"", "services.other");
    product.edit("\"My_Web.1\"", "\"other\"");
    product.build(Some("1.2.0"));
    product.run(&["up"]).expect(0);
    assert_eq!(product.replicas("production", "My_Web.1"), Vec::<String>::new());
    if platform == Platform::Swarm {
        let services = docker(&["service", "ls", "--format", "{{.Name}}"]);
        assert!(!services.contains(&format!("{}_My_Web-1", product.target("production"))), "{services}");
    }
}
