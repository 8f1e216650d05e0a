//! What is declared is what runs, and whose it is: networks and volumes that change, containers that are tied to others, and objects that
//! carry the product's name and are somebody else's.

use bootsmith::plan::Platform;

use super::engine::{self, Surroundings, docker, on_every_engine};
use super::product::{Product, STEADY, Seen, box_product, name_on};

on_every_engine! {
    a_changed_network_is_made_again_with_all_that_is_on_it
    a_changed_volume_is_refused_and_its_data_stay
    two_products_whose_names_read_the_same_never_touch_each_other
}

/// A service that stays up and ends at once when it is told to.
fn service(name: &str, rest: &str) -> String {
    format!(
        "[services.{name}]\nimage = \"sample/box:1.0.0\"\nstop_grace_period = \"1s\"\ninit = true\n\
         command = [\"sh\", \"-c\", \"while :; do sleep 1; done\"]\n{rest}\n"
    )
}

fn network_is_internal(product: &Product, network: &str) -> String {
    docker(&["network", "inspect", "--format", "{{.Internal}}", &format!("{}_{network}", product.target("production"))])
}

fn a_changed_network_is_made_again_with_all_that_is_on_it(surroundings: &Surroundings) {
    let update = "networks = [\"back\"]\ndeploy = { update_config = { monitor = \"1s\" } }\n";
    let web = service("web", &format!("{update}# of web\n"));
    let spec = format!("{STEADY}{web}{}[networks.back]\n# of back\n", service("worker", update));
    let mut product = box_product(surroundings, "e2e-network", &spec);
    product.run(&["up"]).expect(0);
    let steady = product.replicas("production", "steady");
    assert_eq!(network_is_internal(&product, "back"), "false");

    product.edit("# of back", "internal = true");
    product.build(Some("1.1.0"));
    let plan = product.run(&["plan", "--exit-code"]).expect(10).out;
    assert!(
        plan.contains("network back: recreate\n    services on it: web worker\n    internal: (none) -> true"),
        "{plan}"
    );
    assert!(
        plan.contains("web: recreate") && plan.contains("worker: recreate") && plan.contains("steady: keep"),
        "{plan}"
    );
    product.run(&["up"]).expect(0);
    assert_eq!(network_is_internal(&product, "back"), "true");
    assert_eq!(product.replicas("production", "steady"), steady, "what is not on the network is left alone");
    product.run(&["plan", "--exit-code"]).expect(0);

    product.edit("internal = true", "internal = false");
    product.edit("# of web", "healthcheck = { test = [\"CMD\", \"false\"], interval = \"1s\", retries = 1 }");
    product.build(Some("1.2.0"));
    product.run(&["up", "--timeout", "90"]).expect(4);
    assert_eq!(network_is_internal(&product, "back"), "true", "what was before is back");
    product.build(Some("1.2.1"));
}

fn a_changed_volume_is_refused_and_its_data_stay(surroundings: &Surroundings) {
    let spec = format!("{}[volumes.data]\n# of data\n", service("web", "volumes = [\"data:/data\"]"));
    let mut product = box_product(surroundings, "e2e-volume", &spec);
    product.run(&["up"]).expect(0);
    let replica = product.replicas("production", "web");
    docker(&["exec", &replica[0], "sh", "-c", "echo precious >/data/p"]);
    product.edit("# of data", "driver_opts = { type = \"tmpfs\", device = \"tmpfs\", o = \"size=1m\" }");
    product.build(Some("1.1.0"));
    for command in ["plan", "up"] {
        let seen = product.run(&[command]).expect(3);
        let volume = format!("the volume `{}_data` was made with other options", product.target("production"));
        assert!(seen.err.contains(&volume), "{}", seen.err);
    }
    assert_eq!(product.replicas("production", "web"), replica);
    assert_eq!(docker(&["exec", &replica[0], "cat", "/data/p"]), "precious");
}

/// A product of one service with a volume, and one environment.
fn single(surroundings: &Surroundings, name: &str, environment: &str) -> Product {
    let allow = r#"allow = [{ code = "B037", platform = "swarm", reason = "the swarm of the tests has one node" }]"#;
    let web = service("w", "volumes = [\"data:/data\"]");
    let spec = format!(
        "[project]\nname = \"{name}\"\nversion = \"1.0.0\"\n[bootstrap]\n{allow}\n{web}[volumes.data]\n[environments.{environment}]\n"
    );
    Product::new(surroundings, name, &spec)
}

fn two_products_whose_names_read_the_same_never_touch_each_other(surroundings: &Surroundings) {
    let (name, longer) = match surroundings.platform {
        Platform::Compose => ("e2e-col-a", "e2e-col-a-b"),
        _ => ("e2e-cols-a", "e2e-cols-a-b"),
    };
    let first = single(surroundings, name, "b-c");
    first.run(&["up"]).expect(0);
    let replica = first.replicas("b-c", "w");
    docker(&["exec", &replica[0], "sh", "-c", "echo first >/data/p"]);
    let second = single(surroundings, longer, "c");
    let commands: [&[&str]; 6] =
        [&["up"], &["up", "--adopt"], &["stop"], &["restart"], &["down", "--yes"], &["down", "--volumes", "--yes"]];
    for command in commands {
        let seen = second.run(command).expect(3);
        let other = format!("belongs to another product: project `{name}`, environment `b-c`");
        assert!(seen.err.contains(&other), "{command:?}: {}", seen.err);
    }
    assert_eq!(first.replicas("b-c", "w"), replica);
    // With its data and its ledger alone the first is still there.
    first.run(&["down", "--yes"]).expect(0);
    second.run(&["up"]).expect(3);
    first.run(&["up"]).expect(0);
    let replica = first.replicas("b-c", "w");
    assert_eq!(docker(&["exec", &replica[0], "cat", "/data/p"]), "first");
}

/// The state of the network in a container: the interfaces that it has, but for the loopback.
fn interfaces(container: &str) -> String {
    docker(&["exec", container, "sh", "-c", "ls /sys/class/net | grep -v lo | tr '\\n' ' '"])
}

fn started_at(container: &str) -> String {
    docker(&["inspect", "--format", "{{.State.StartedAt}}", container])
}

#[test]
fn who_joins_a_network_follows_the_container_that_has_it() {
    let Some(surroundings) = engine::surroundings() else { return };
    let vpn = service("vpn", "environment = { V = \"${PROJECT_VERSION}\" }");
    let app = service("app", "network_mode = \"service:vpn\"\ndepends_on = [\"vpn\"]");
    let mut product = box_product(&surroundings, "e2e-joined", &format!("{vpn}{app}"));
    product.run(&["up"]).expect(0);
    let app_of = |product: &Product| product.replicas("production", "app").remove(0);
    let with_network = interfaces(&app_of(&product));
    assert!(with_network.contains("eth0"), "{with_network}");

    product.build(Some("1.1.0"));
    let plan = product.run(&["plan"]).expect(0).out;
    assert!(plan.contains("app: recreate\n    with vpn: as it was -> recreate"), "{plan}");
    product.run(&["up"]).expect(0);
    assert_eq!(interfaces(&app_of(&product)), with_network, "after vpn was made again");
    product.run(&["restart", "vpn"]).expect(0);
    assert_eq!(interfaces(&app_of(&product)), with_network, "after vpn was restarted");

    docker(&["rm", "--force", &product.replicas("production", "vpn")[0]]);
    let ps = product.run(&["ps"]).expect(0).out;
    assert!(ps.contains("it is joined to a container that is gone"), "{ps}");
    product.run(&["up"]).expect(0);
    assert_eq!(interfaces(&app_of(&product)), with_network, "after vpn was removed by hand");

    docker(&["restart", "--time", "1", &product.replicas("production", "vpn")[0]]);
    let plan = product.run(&["plan"]).expect(0).out;
    assert!(plan.contains("app: restart"), "{plan}");
    product.run(&["up"]).expect(0);
    assert_eq!(interfaces(&app_of(&product)), with_network, "after vpn was restarted by hand");
    product.run(&["plan", "--exit-code"]).expect(0);
}

#[test]
fn a_service_is_restarted_with_what_it_depends_on() {
    let Some(surroundings) = engine::surroundings() else { return };
    let db = service("db", "environment = { V = \"${PROJECT_VERSION}\" }");
    let web = service("web", "depends_on = { db = { condition = \"service_started\", restart = true } }");
    let mut product = box_product(&surroundings, "e2e-restarts-with", &format!("{db}{web}"));
    product.run(&["up"]).expect(0);
    let web = product.replicas("production", "web").remove(0);
    let mut before = started_at(&web);
    product.build(Some("1.1.0"));
    for command in [["up"].as_slice(), &["restart", "db"]] {
        product.run(command).expect(0);
        assert_eq!(product.replicas("production", "web"), [web.as_str()], "{command:?}: it is no other container");
        let after = started_at(&web);
        assert_ne!(after, before, "{command:?}");
        before = after;
    }
    product.run(&["up"]).expect(0);
    assert_eq!(started_at(&web), before, "nothing changed since");
}

/// Compose in the bootstrap image, called by hand.
fn compose_by_hand(product: &Product, arguments: &[&str]) -> Seen {
    product.run_with(&["--entrypoint", "docker"], arguments, std::process::Stdio::null())
}

#[test]
fn a_project_made_by_hand_is_taken_over_with_its_data_when_that_is_said() {
    let Some(surroundings) = engine::surroundings() else { return };
    let spec = format!("{}[volumes.data]\n", service("w", "volumes = [\"data:/data\"]"));
    let product = box_product(&surroundings, &name_on(Platform::Compose, "e2e-by-hand"), &spec);
    let target = product.target("production");
    let file = "services:\n  w: { image: 'sample/box:1.0.0', init: true, command: [sleep, '100000'], volumes: ['data:/data'] }\n  \
                mail: { image: 'sample/box:1.0.0', init: true, command: [sleep, '100000'] }\nvolumes: { data: {} }\n";
    let call = format!("printf '%s' \"$FILE\" | docker compose -p {target} -f - up -d");
    product
        .run_with(
            &["--entrypoint", "sh", "--env", &format!("FILE={file}")],
            &["-c", &call],
            std::process::Stdio::null(),
        )
        .expect(0);
    docker(&["exec", &format!("{target}-w-1"), "sh", "-c", "echo precious >/data/p"]);
    for command in ["plan", "up", "stop", "down"] {
        let seen = product.run(&[command]).expect(3);
        assert!(
            seen.err.contains(&format!("the container `{target}-w-1` belongs to no bootstrap image")),
            "{}",
            seen.err
        );
    }
    product.run(&["up", "--adopt"]).expect(0);
    let replica = product.replicas("production", "w");
    assert_eq!(docker(&["exec", &replica[0], "cat", "/data/p"]), "precious");
    let seen = product.run(&["plan", "--exit-code"]).expect(0);
    assert!(!seen.err.contains("take"), "{}", seen.err);
    let left =
        compose_by_hand(&product, &["ps", "--all", "--quiet", "--filter", &format!("name={target}-mail-1")]).expect(0);
    assert_eq!(left.out, "", "what the release does not have is gone");
    product.run(&["down", "--volumes", "--yes"]).expect(0);
    assert_eq!(docker(&["volume", "ls", "--quiet", "--filter", &format!("name={target}_data")]), "");
}
