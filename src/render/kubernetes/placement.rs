//! On which nodes pods run: constraints, preferences, the platform of the image.

use serde_json::{Map, Value as Json, json};

use crate::compose::{Constraint, NodeFact};
use crate::plan::{Service, is_label_key, is_label_value};

use super::definition::Definition;
use super::labels;
use super::object::{Scene, set};

/// The label of the nodes that manage a cluster, which is also their taint.
const MANAGER: &str = "node-role.kubernetes.io/control-plane";

/// The label with a node's name.
const HOSTNAME: &str = "kubernetes.io/hostname";

/// Adds everything that decides where a pod runs.
pub(super) fn add(spec: &mut Map<String, Json>, scene: &Scene<'_>, service: &Service, definition: &Definition) {
    let constraints = &service.compose.deploy.constraints;
    let rules: Vec<_> = constraints.iter().filter_map(|constraint| rule(&constraint.value)).collect();
    let mut affinity = Map::new();
    if !rules.is_empty() {
        let required = json!({ "nodeSelectorTerms": [{ "matchExpressions": rules }] });
        affinity
            .insert("nodeAffinity".to_owned(), json!({ "requiredDuringSchedulingIgnoredDuringExecution": required }));
    }
    set(&mut affinity, "podAntiAffinity", apart(scene, service));
    set(spec, "affinity", affinity);
    // A manager is kept free of pods that do not say so.
    if rules.iter().any(|rule| rule["key"] == MANAGER && rule["operator"] == "Exists") {
        spec.insert(
            "tolerations".to_owned(),
            json!([{ "key": MANAGER, "operator": "Exists", "effect": "NoSchedule" }]),
        );
    }
    set(spec, "nodeSelector", node_selector(service, definition));
    set(spec, "topologySpreadConstraints", spread(scene, service));
}

/// One constraint of Swarm as a rule; none when Kubernetes knows nothing like it.
fn rule(constraint: &Constraint) -> Option<Json> {
    let Constraint { fact: NodeFact(name), is_equal, value } = constraint;
    if name == "node.role" {
        let is_manager = (value == "manager") == *is_equal;
        return Some(json!({ "key": MANAGER, "operator": if is_manager { "Exists" } else { "DoesNotExist" } }));
    }
    let key = label_of(name)?;
    let value = if name == "node.platform.arch" { architecture(value) } else { value };
    let operator = if *is_equal { "In" } else { "NotIn" };
    is_label_value(value).then(|| json!({ "key": key, "operator": operator, "values": [value] }))
}

/// The label of a node that an attribute of Swarm stands for.
fn label_of(attribute: &str) -> Option<&str> {
    match attribute {
        "node.hostname" => Some(HOSTNAME),
        "node.platform.os" => Some("kubernetes.io/os"),
        "node.platform.arch" => Some("kubernetes.io/arch"),
        _ => attribute.strip_prefix("node.labels.").filter(|key| is_label_key(key)),
    }
}

/// Swarm says it as `uname` does, Kubernetes as Go does.
fn architecture(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// `max_replicas_per_node = 1`: the only number that Kubernetes can hold.
fn apart(scene: &Scene<'_>, service: &Service) -> Map<String, Json> {
    let mut rule = Map::new();
    if service.compose.deploy.max_replicas_per_node == Some(1) {
        let term =
            json!({ "labelSelector": { "matchLabels": labels::selector(scene, service) }, "topologyKey": HOSTNAME });
        rule.insert("requiredDuringSchedulingIgnoredDuringExecution".to_owned(), json!([term]));
    }
    rule
}

fn node_selector(service: &Service, definition: &Definition) -> Map<String, Json> {
    let platform = definition.text(&["platform"]).unwrap_or_default();
    let mut parts = platform.split('/').filter(|part| !part.is_empty());
    let mut selector = Map::new();
    set(&mut selector, "kubernetes.io/os", parts.next().map_or(Json::Null, Json::from));
    set(&mut selector, "kubernetes.io/arch", parts.next().map_or(Json::Null, |name| Json::from(architecture(name))));
    selector.extend(service.kubernetes.node_selector.iter().map(|(key, value)| (key.clone(), json!(value))));
    selector
}

/// `preferences`: spread over the values of a label, as far as it goes.
fn spread(scene: &Scene<'_>, service: &Service) -> Vec<Json> {
    let keys = service.compose.deploy.spread.iter().filter_map(|fact| label_of(&fact.value.0));
    let constraint = |key: &str| {
        json!({
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": labels::selector(scene, service) },
        })
    };
    keys.map(constraint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::Value as _;

    #[test]
    fn constraints_are_rules_on_labels_of_nodes() {
        let constraint = |text| Constraint::parse(text).expect(text);
        let rule = |text| rule(&constraint(text)).map(|rule| rule.to_string());
        let frontend = r#"{"key":"type","operator":"In","values":["frontend"]}"#;
        assert_eq!(rule("node.labels.type == frontend").as_deref(), Some(frontend));
        let worker = format!(r#"{{"key":"{MANAGER}","operator":"DoesNotExist"}}"#);
        assert_eq!(rule("node.role==worker").as_deref(), Some(worker.as_str()));
        assert_eq!(rule("node.role != manager").as_deref(), Some(worker.as_str()));
        let arm = r#"{"key":"kubernetes.io/arch","operator":"NotIn","values":["arm64"]}"#;
        assert_eq!(rule("node.platform.arch != aarch64").as_deref(), Some(arm));
        assert_eq!(rule("engine.labels.x == y"), None);
    }
}
