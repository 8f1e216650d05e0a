//! A service that runs once a node, on the swarm itself: which nodes count is its own to decide.

use bootsmith::plan::Platform;

use super::engine::{docker, surroundings_on};
use super::product::box_product;

#[test]
fn a_service_of_every_node_is_where_its_constraints_admit_it() {
    let Some(surroundings) = surroundings_on(Platform::Swarm) else { return };
    let hostname = docker(&["info", "--format", "{{.Name}}"]);
    let service = |name: &str, constraints: &str| {
        format!(
            r#"
[services.{name}]
image = "sample/box:1.0.0"
command = ["sh", "-c", "while :; do sleep 1; done"]
stop_grace_period = "1s"
deploy = {{ mode = "global", placement = {{ constraints = [{constraints}] }} }}
"#
        )
    };
    let here = service("here", &format!(r#""node.role == manager", "node.hostname == {hostname}""#));
    let nowhere = service("nowhere", r#""node.labels.bootsmith-e2e == absent""#);
    let product = box_product(&surroundings, "e2e-nodes", &format!("{here}{nowhere}"));
    product.run(&["up", "--timeout", "60"]).expect(0);
    assert_eq!(product.replicas("production", "here").len(), 1);
    assert_eq!(product.replicas("production", "nowhere"), Vec::<String>::new());
    product.run(&["up", "--timeout", "60"]).expect(0);
}
