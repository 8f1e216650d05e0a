//! What changes between two deployments: good releases, bad ones, scales, stops, removal.

use super::engine::{Surroundings, docker, everything_of, ledger_of, on_every_engine};
use super::product::{API_KEY, Product, STEADY, box_product, renew_user_alone};

on_every_engine! {
    a_second_up_changes_nothing
    a_bad_update_is_put_back
    a_changed_config_recreates_its_users_alone
    a_scale_is_kept_until_it_is_forgotten
    stop_keeps_the_data_and_start_brings_all_back
    down_leaves_nothing
}

/// Two replicas that are healthy, and write what they are.
const WEB: &str = r#"
[services.web]
image = "sample/box:1.0.0"
command = ["sh", "-c", "echo release one; while :; do sleep 1; done"]
healthcheck = { test = ["CMD", "true"], interval = "2s" }
stop_grace_period = "1s"
deploy = { replicas = 2, update_config = { monitor = "3s" } }
"#;

/// The digests that the replicas of a service bear.
fn digests(product: &Product, service: &str) -> Vec<String> {
    let format = "{{index .Config.Labels \"io.bootsmith.config-digest\"}}";
    let of = |id: &String| docker(&["container", "inspect", "--format", format, id]);
    let mut digests: Vec<_> = product.replicas("production", service).iter().map(of).collect();
    digests.dedup();
    digests
}

fn a_second_up_changes_nothing(surroundings: &Surroundings) {
    let product = box_product(surroundings, "e2e-same", &format!("{STEADY}{WEB}"));
    product.run(&["up"]).expect(0);
    let ids = product.all_replicas("production");
    assert_eq!(ids.len(), 3);
    product.run(&["up"]).expect(0);
    assert_eq!(product.all_replicas("production"), ids);
}

/// The old release is live, and is labelled as the old one.
fn a_bad_update_is_put_back(surroundings: &Surroundings) {
    let mut product = box_product(surroundings, "e2e-bad", &format!("{STEADY}{WEB}"));
    product.run(&["up"]).expect(0);
    let (before, steady) = (digests(&product, "web"), product.replicas("production", "steady"));
    product.edit("echo release one; while :; do sleep 1; done", "echo no luck in two; exit 3");
    product.build(None);
    let seen = product.run(&["up", "--timeout", "90"]);
    let seen = seen.expect(4);
    assert!(seen.err.contains("web") && seen.err.contains("no luck in two"), "who, and its log: {}", seen.err);
    assert_eq!(digests(&product, "web"), before);
    assert_eq!(product.replicas("production", "web").len(), 2);
    assert_eq!(product.replicas("production", "steady"), steady);
    product.edit("echo no luck in two; exit 3", "echo release two; while :; do sleep 1; done");
    product.build(None);
    product.run(&["up"]).expect(0);
    assert_ne!(digests(&product, "web"), before, "the next good release goes on from there");
}

fn a_changed_config_recreates_its_users_alone(surroundings: &Surroundings) {
    let rest = r#"
[configs.settings]
content = "level=one\n"
[services.user]
image = "sample/box:1.0.0"
command = ["sh", "-c", "cat /etc/settings; while :; do sleep 1; done"]
configs = [{ source = "settings", target = "/etc/settings" }]
stop_grace_period = "1s"
"#;
    let mut product = box_product(surroundings, "e2e-conf", &format!("{STEADY}{rest}"));
    product.run(&["up"]).expect(0);
    product.edit("level=one", "level=two");
    product.build(None);
    assert!(renew_user_alone(&product).contains("level=two"));
}

fn a_scale_is_kept_until_it_is_forgotten(surroundings: &Surroundings) {
    let product = box_product(surroundings, "e2e-scale", WEB);
    product.run(&["up"]).expect(0);
    let count = || product.replicas("production", "web").len();
    product.run(&["scale", "web=3"]).expect(0);
    assert_eq!(count(), 3);
    product.run(&["up"]).expect(0);
    assert_eq!(count(), 3, "a later `up` keeps the scale");
    product.run(&["scale", "web=default"]).expect(0);
    assert_eq!(count(), 2);
}

fn stop_keeps_the_data_and_start_brings_all_back(surroundings: &Surroundings) {
    let rest = r#"
[services.keeper]
image = "sample/box:1.0.0"
command = ["sh", "-c", "date +%s%N >> /data/starts; while :; do sleep 1; done"]
volumes = ["data:/data"]
stop_grace_period = "1s"
[volumes.data]
[scripts.starts]
command = ["wc", "-l", "/data/starts"]
service = "keeper"
"#;
    let product = box_product(surroundings, "e2e-stop", &format!("{WEB}{rest}"));
    product.run(&["up"]).expect(0);
    product.run(&["scale", "web=3"]).expect(0);
    product.run(&["stop"]).expect(0);
    let ps = product.run(&["ps"]).expect(0).out;
    assert!(ps.lines().skip(2).all(|line| line.contains("stopped")), "{ps}");
    product.run(&["start"]).expect(0);
    assert_eq!(product.replicas("production", "web").len(), 3);
    assert_eq!(product.run(&["run", "starts"]).expect(0).out, "2 /data/starts\n");
}

fn down_leaves_nothing(surroundings: &Surroundings) {
    let rest = r#"
[services.user]
image = "sample/box:1.0.0"
command = ["sh", "-c", "while :; do sleep 1; done"]
secrets = ["api-key"]
volumes = ["data:/data"]
stop_grace_period = "1s"
[volumes.data]
"#;
    let mut product = box_product(surroundings, "e2e-down", &format!("{STEADY}{API_KEY}{rest}"));
    product.given = vec!["API_KEY=a key".to_owned()];
    product.run(&["up"]).expect(0);
    product.run(&["scale", "steady=2"]).expect(0);
    product.run(&["down"]).expect(0);
    let ledger = ledger_of(&product.name, "production");
    assert!(!ledger.is_empty(), "what the data has seen stays known");
    assert_eq!(everything_of(&product.name, "production").len(), ledger.len() + 1, "the data, and no more");
    product.run(&["up"]).expect(0);
    product.run(&["down", "--volumes", "--yes"]).expect(0);
    assert_eq!(everything_of(&product.name, "production"), Vec::<String>::new());
}
