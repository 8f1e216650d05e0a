//! A swarm of two engines: what is on the other node is seen, drained, put back and left, from the one that is talked to.

use std::fs::File;

use bootsmith::plan::Platform;

use super::engine::{docker, run as run_docker, surroundings_on, wait_for, wait_until};
use super::own_engine::{OwnEngine, WORKER};
use super::product::{API_KEY, Product, box_product};

const BOX: &str = "sample/box:1.0.0";

/// A service on the other node, with all that a service can have; one on every node, and one that is anywhere.
const SPEC: &str = r#"
[configs.settings]
content = "level=one\n"
[volumes.data]
[scripts.look]
service = "far"
mode = "exec"
command = ["cat", "/data/marks"]

[services.far]
image = "sample/box:1.0.0"
command = ["sh", "-c", "cat /etc/settings /run/secrets/api-key; echo; echo mark >> /data/marks; while :; do sleep 1; done"]
configs = [{ source = "settings", target = "/etc/settings" }]
secrets = ["api-key"]
volumes = ["data:/data"]
stop_grace_period = "1s"
deploy = { endpoint_mode = "dnsrr", placement = { constraints = ["node.role == worker"] }, update_config = { monitor = "1s" } }

[services.each]
image = "sample/box:1.0.0"
command = ["sh", "-c", "echo here; while :; do sleep 1; done"]
stop_grace_period = "1s"
deploy = { mode = "global", endpoint_mode = "dnsrr", placement = { constraints = ["node.labels.closed != yes"] }, update_config = { monitor = "1s" } }

[services.some]
image = "sample/box:1.0.0"
command = ["sh", "-c", "echo some; while :; do sleep 1; done"]
stop_grace_period = "1s"
deploy = { replicas = 4, endpoint_mode = "dnsrr", update_config = { monitor = "1s" } }
depends_on = ["far"]
"#;

#[test]
fn a_product_lives_on_two_nodes() {
    let Some(surroundings) = surroundings_on(Platform::Swarm) else { return };
    let saved = tempfile::NamedTempFile::new().expect("a temporary file");
    docker(&["save", "--output", saved.path().to_str().expect("a UTF-8 path"), BOX]);
    let [manager, worker] = OwnEngine::start_swarm_of_two(&[BOX]).unwrap_or_else(|reason| panic!("{reason}"));
    let mut product = box_product(&surroundings, "e2e-two", &format!("{API_KEY}{SPEC}"));
    product.given = vec!["API_KEY=first".to_owned()];

    product.run(&["up"]).expect(0);
    assert_eq!(states(&product), ["each running 2/2", "far running 1/1", "some running 4/4"]);
    assert_eq!(worker.docker(&["ps", "--quiet", "--filter", "label=io.bootsmith.service=far"]).lines().count(), 1);
    let logs = product.run(&["logs", "production"]).expect(0).out;
    assert!(logs.contains("far.1 | level=one\n") && logs.matches(" | here\n").count() == 2, "{logs}");
    let list = product.run(&["nodes", "list", "production"]).expect(0).out;
    assert!(
        list.lines().count() == 3 && list.lines().any(|line| line.starts_with("node-2 ") && line.contains(WORKER)),
        "{list}"
    );
    let refused = product.run(&["run", "look", "production"]).expect(3).err;
    assert!(refused.contains(&format!("DOCKER_HOST=tcp://{WORKER}")), "{refused}");
    let loaded =
        product.run_with(&[], &["load", "production"], File::open(saved.path()).expect("an archive")).expect(0);
    assert!(loaded.err.contains("--input BUNDLE` on node-2 too"), "{}", loaded.err);

    product.run(&["nodes", "drain", "production", "node-2", "--timeout", "60"]).expect(0);
    assert_eq!(worker.docker(&["ps", "--quiet"]), "");
    // A task that the engine was slow to stop is called failed before the next one is made.
    let drained = ["each running 1/1", "far starting 0/1", "some running 4/4"];
    wait_for("what was on the drained node counts no more, or is starting", &drained, || states(&product));
    product.run(&["nodes", "activate", "production", "node-2"]).expect(0);
    product.run(&["up"]).expect(0);
    assert_eq!(states(&product)[..2], ["each running 2/2", "far running 1/1"]);

    product.run(&["nodes", "label", "production", "node-2", "closed=yes"]).expect(0);
    product.run(&["up"]).expect(0);
    assert_eq!(states(&product)[..2], ["each running 1/1", "far running 1/1"]);
    product.run(&["nodes", "label", "production", "node-2", "closed-"]).expect(0);
    product.run(&["up"]).expect(0);
    assert_eq!(states(&product)[..2], ["each running 2/2", "far running 1/1"]);

    product.edit("level=one", "level=two");
    product.edit("echo some; while", "echo some; sleep 1; exit 3; while");
    product.build(Some("2.0.0"));
    product.run(&["up"]).expect(4);
    assert_eq!(states(&product), ["each running 2/2", "far running 1/1", "some running 4/4"]);
    let far = worker.docker(&["ps", "--quiet", "--filter", "label=io.bootsmith.service=far"]);
    assert!(worker.docker(&["logs", &far]).starts_with("level=one\nfirst"));

    worker.plug(false);
    let state = || docker(&["node", "inspect", "--format", "{{.Status.State}}", "node-2"]);
    wait_until("the other node is missed", || state() == "down");
    assert_eq!(states(&product)[0], "each running 1/1");
    let down = product.run(&["down", "--volumes", "--yes"]).expect(0);
    assert!(down.err.contains("down: node-2; what runs there ends"), "{}", down.err);
    worker.plug(true);
    wait_until("the other node ends what it runs", || worker.docker(&["ps", "--quiet"]).is_empty());
    assert!(down.err.contains("volumes on other nodes are left over"), "{}", down.err);
    assert_eq!(worker.docker(&["volume", "ls", "--quiet"]), "e2e-two-swarm-production_data");
    assert_eq!(docker(&["service", "ls", "--quiet"]), "");
    assert!(run_docker(&["network", "inspect", "e2e-two-swarm-production_default"]).stderr.len() > 1);
    drop(product);
    drop(worker);
    drop(manager);
}

/// `SERVICE STATE READY` of every service.
fn states(product: &Product) -> Vec<String> {
    let shown = product.run(&["ps", "production"]).expect(0).out;
    let line = |line: &str| line.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    shown.lines().skip(2).map(line).collect()
}
