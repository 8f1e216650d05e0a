//! The life of a small product on Compose, in a minute: what `cargo xtask test` runs on a real engine when not everything is asked for.

use super::engine::{docker, everything_of, surroundings};
use super::product::{Product, box_product};

/// A service that says which release it is, and where it was told so.
const SERVICE: &str = r#"
[services.web]
image = "sample/box:1.0.0"
command = ["sh", "-c", "echo ${PROJECT_VERSION} $$(cat /etc/greeting); while :; do sleep 1; done"]
configs = [{ source = "greeting", target = "/etc/greeting" }]
healthcheck = { test = ["CMD", "true"], interval = "1s" }
stop_grace_period = "1s"
volumes = ["data:/data"]

[volumes.data]

[configs.greeting]
content = "good day"
"#;

/// What the one replica has said.
fn said(product: &Product) -> String {
    let replicas = product.replicas("production", "web");
    assert_eq!(replicas.len(), 1, "{replicas:?}");
    docker(&["logs", &replicas[0]])
}

#[test]
fn a_small_product_comes_up_is_upgraded_taken_back_and_removed() {
    let Some(surroundings) = surroundings() else { return };
    let mut product = box_product(&surroundings, "e2e-first", SERVICE);
    product.run(&["up"]).expect(0);
    assert_eq!(said(&product), "1.0.0 good day");
    let ps = product.run(&["ps"]).expect(0).out;
    assert!(ps.lines().any(|line| line.starts_with("web") && line.contains("running") && line.contains("1/1")), "{ps}");
    let first = product.all_replicas("production");
    product.run(&["up"]).expect(0);
    assert_eq!(product.all_replicas("production"), first, "a second `up` changes no container");

    product.edit("good day", "good evening");
    product.build(Some("1.1.0"));
    product.run(&["plan", "--exit-code"]).expect(10);
    product.run(&["upgrade"]).expect(0);
    assert_eq!(said(&product), "1.1.0 good evening");
    product.run(&["rollback"]).expect(0);
    assert_eq!(said(&product), "1.0.0 good day");
    let history = product.run(&["history"]).expect(0).out;
    let good = history.lines().filter(|line| line.split_whitespace().any(|word| word == "ok"));
    assert_eq!(good.count(), 3, "{history}");

    product.run(&["down", "--volumes", "--yes"]).expect(0);
    assert_eq!(everything_of(&product.name, "production"), Vec::<String>::new());
}
