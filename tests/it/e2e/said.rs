//! What a command says at its end is so: looked at on a real engine, and what was asked for and is not so is named.

use bootsmith::plan::Platform;

use super::engine::{Surroundings, docker, on_every_engine, run as run_docker, wait_until};
use super::product::{STEADY, box_product};

on_every_engine! {
    a_volume_in_use_is_not_said_to_be_deleted
    volumes_without_a_name_go_with_the_data
    a_missing_replica_is_named_and_not_started
    the_code_of_a_crash_is_its_own_and_addresses_are_shown
}

/// A service with a volume of its own and one without a name.
const KEEPER: &str = r#"
[services.keeper]
image = "sample/box:1.0.0"
command = ["sh", "-c", "date > /data/since; date > /scratch/since; while :; do sleep 1; done"]
volumes = ["data:/data", "/scratch"]
stop_grace_period = "1s"
deploy = { endpoint_mode = "dnsrr", update_config = { monitor = "1s" } }
[volumes.data]
"#;

fn a_volume_in_use_is_not_said_to_be_deleted(surroundings: &Surroundings) {
    let product = box_product(surroundings, "e2e-said-use", KEEPER);
    product.run(&["up"]).expect(0);
    let volume = format!("{}_data", product.target("production"));
    let stranger = format!("{}-stranger", product.target("production"));
    docker(&["create", "--name", &stranger, "--volume", &format!("{volume}:/x"), "sample/box:1.0.0", "true"]);

    let planned = product.run(&["down", "--dry-run", "--volumes", "--yes"]).expect(0).out;
    assert!(planned.starts_with(&format!("delete volume {volume}, with its data\n")), "{planned}");
    assert_ne!(planned, product.run(&["down", "--dry-run"]).expect(0).out);

    let seen = product.run(&["down", "--volumes", "--yes"]).expect(5);
    assert!(seen.err.contains(&format!("volume `{volume}` is left: it is used by {stranger}")), "{}", seen.err);
    let target = product.target("production");
    for untrue in ["deleted with its data\nwarning", &format!("{target} is removed"), &format!("{volume}: deleted")] {
        assert!(!seen.err.contains(untrue), "{}", seen.err);
    }
    let history = product.run(&["history"]).expect(0).out;
    assert!(history.lines().count() == 2, "the ledger stays with the data: {history}");

    docker(&["rm", &stranger]);
    let seen = product.run(&["down", "--volumes", "--yes"]).expect(0);
    assert!(seen.err.contains(&format!("volume {volume}: deleted with its data")), "{}", seen.err);
    assert!(!run_docker(&["volume", "inspect", &volume]).status.success());
    assert!(product.run(&["down"]).expect(0).err.contains("nothing was removed"));
}

/// The volumes of a container that have no name of their own.
fn anonymous_volumes(container: &str) -> Vec<String> {
    let format = "{{range .Mounts}}{{if eq .Type \"volume\"}}{{println .Name}}{{end}}{{end}}";
    let names = docker(&["inspect", "--format", format, container]);
    names.lines().filter(|name| name.len() == 64).map(str::to_owned).collect()
}

fn volumes_without_a_name_go_with_the_data(surroundings: &Surroundings) {
    let product = box_product(surroundings, "e2e-said-anonymous", KEEPER);
    product.run(&["up"]).expect(0);
    let volumes = anonymous_volumes(&product.replicas("production", "keeper")[0]);
    assert_eq!(volumes.len(), 1, "{volumes:?}");
    let is_there = || run_docker(&["volume", "inspect", &volumes[0]]).status.success();
    let seen = product.run(&["down", "--volumes", "--yes"]).expect(0);
    wait_until("a volume without a name is gone", || !is_there());
    if surroundings.platform == Platform::Compose {
        assert!(seen.err.contains("anonymous volumes: 1 deleted with their data"), "{}", seen.err);

        product.run(&["up"]).expect(0);
        let volumes = anonymous_volumes(&product.replicas("production", "keeper")[0]);
        let seen = product.run(&["down"]).expect(0);
        assert!(seen.err.contains("anonymous volumes are left") && seen.err.contains(&volumes[0]), "{}", seen.err);
        docker(&["volume", "rm", &volumes[0]]);
    }
}

fn a_missing_replica_is_named_and_not_started(surroundings: &Surroundings) {
    let product = box_product(surroundings, "e2e-said-missing", &format!("{STEADY}{KEEPER}"));
    assert!(product.run(&["stop"]).expect(3).err.contains("is deployed"));
    product.run(&["up"]).expect(0);
    product.run(&["stop"]).expect(0);
    product.run(&["stop"]).expect(0);
    match surroundings.platform {
        Platform::Swarm => docker(&["service", "rm", &format!("{}_steady", product.target("production"))]),
        _ => docker(&["rm", "--force", &product.replicas("production", "steady")[0]]),
    };
    for command in [&["start"][..], &["restart", "steady"]] {
        let seen = product.run(command).expect(3);
        assert!(seen.err.contains("`steady` is missing"), "{}", seen.err);
    }
    assert!(product.run(&["ps"]).expect(0).out.contains("is stopped at 1.0.0 (revision 1)"));
    product.run(&["up"]).expect(0);

    // A swarm knows nothing of it; the engine of the node does.
    docker(&["pause", &product.replicas("production", "steady")[0]]);
    assert!(product.run(&["ps"]).expect(0).out.contains("paused"));
    assert!(product.run(&["plan"]).expect(0).out.contains("steady: unpause"));
    product.run(&["up"]).expect(0);
    docker(&["pause", &product.replicas("production", "steady")[0]]);
    product.run(&["start"]).expect(0);
    assert!(!product.run(&["ps"]).expect(0).out.contains("paused"));
}

fn the_code_of_a_crash_is_its_own_and_addresses_are_shown(surroundings: &Surroundings) {
    let (port, platform) = match surroundings.platform {
        Platform::Swarm => ("18632", "ports = [{ target = 80, published = \"18632\" }]"),
        _ => ("18631", "ports = [\"127.0.0.1:18631:80\"]"),
    };
    let rest = format!(
        r#"
[services.web]
image = "sample/box:1.0.0"
command = ["sh", "-c", "while :; do sleep 1; done"]
{platform}
stop_grace_period = "1s"
deploy = {{ update_config = {{ monitor = "1s" }} }}

[services.crasher]
image = "sample/box:1.0.0"
command = ["sh", "-c", "sleep 1; exit 3"]
restart = "always"
depends_on = ["web"]
stop_grace_period = "1s"
deploy = {{ update_config = {{ monitor = "5s" }} }}
"#
    );
    let product = box_product(surroundings, "e2e-said-crash", &rest);
    let seen = product.run(&["up"]).expect(5);
    assert!(seen.err.contains("last exit code 3)"), "{}", seen.err);
    assert!(product.run(&["history"]).expect(0).out.contains("last exit code 3)"));
    let ps = product.run(&["ps"]).expect(0).out;
    assert!(ps.contains(&format!(":{port}->80/tcp")), "{ps}");
    let json: serde_json::Value =
        serde_json::from_str(&product.run(&["ps", "-o", "json"]).expect(0).out).expect("JSON");
    let web = json["services"].as_array().and_then(|all| all.iter().find(|service| service["service"] == "web"));
    let address = web.map(|web| web["addresses"][0]["address"].to_string()).unwrap_or_default();
    assert!(address.contains(port), "{json}");
}
