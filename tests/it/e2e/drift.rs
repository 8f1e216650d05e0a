//! What somebody changes behind the entrypoint's back: told by `ps` and `plan`, and what the entrypoint does itself is not taken for it.

use bootsmith::plan::Platform;

use super::engine::{Surroundings, docker, on_every_engine};
use super::product::{STEADY, box_product};

on_every_engine! {
    a_change_by_hand_is_told_and_our_own_is_none
}

const WEB: &str = r#"
[services.web]
image = "sample/box:1.0.0"
command = ["sh", "-c", "while :; do sleep 1; done"]
stop_grace_period = "1s"
deploy = { replicas = 2, update_config = { monitor = "1s" } }
"#;

fn a_change_by_hand_is_told_and_our_own_is_none(surroundings: &Surroundings) {
    let product = box_product(surroundings, "e2e-drift", &format!("{STEADY}{WEB}"));
    product.run(&["up"]).expect(0);
    product.run(&["scale", "web=1"]).expect(0);
    product.run(&["restart", "web"]).expect(0);
    let ps = product.run(&["ps"]).expect(0).out;
    assert!(!ps.contains("by hand"), "what we did ourselves: {ps}");
    match surroundings.platform {
        Platform::Swarm => {
            let service = format!("{}_web", product.target("production"));
            docker(&["service", "update", "--quiet", "--limit-memory", "64m", &service]);
        }
        _ => {
            for replica in product.replicas("production", "web") {
                docker(&["update", "--memory", "64m", "--memory-swap", "64m", &replica]);
            }
        }
    }
    let ps = product.run(&["ps"]).expect(0).out;
    let changed: Vec<_> = ps.lines().filter(|line| line.ends_with("changed by hand: limits")).collect();
    assert!(changed.len() == 1 && changed[0].starts_with("web "), "{ps}");
    let plan = product.run(&["plan"]).expect(0).out;
    assert!(plan.contains("web: keep\n    changed by hand: limits\n"), "{plan}");
}
