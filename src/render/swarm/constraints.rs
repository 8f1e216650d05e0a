//! Where the replicas of a service may be that runs once a node: the entrypoint counts these nodes.
//!
//! Takes in the rendered service; gives out records. A constraint is taken apart as the swarm does it (swarmkit, `manager/constraint`, `Parse`).

use serde_json::{Map, Value as Json};

use crate::document::text::unescaped;

use super::super::shell::Record;

/// One record for each constraint: `constraint 'agent' 'node.labels.type' is='web'`.
pub(super) fn records(service: &str, body: &Map<String, Json>) -> String {
    let placement = body.get("deploy").and_then(|deploy| deploy.get("placement"));
    let constraints = placement.and_then(|placement| placement.get("constraints")).and_then(Json::as_array);
    let texts = constraints.into_iter().flatten().filter_map(Json::as_str);
    texts.filter_map(|text| record(service, &unescaped(text)?)).collect()
}

/// What is no constraint is refused by the swarm.
fn record(service: &str, text: &str) -> Option<String> {
    let with = |operator, fact| {
        let (key, value) = text.split_once(operator)?;
        Some(Record::new("constraint", &[service, key.trim()]).with(fact, value.trim()).line())
    };
    with("==", "is").or_else(|| with("!=", "is_not"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn constraints_are_taken_apart() {
        let body = json!({ "deploy": { "placement": { "constraints": [
            "node.labels.type == front end", "node.role!=manager", "node.labels.price==$$5", "nonsense"
        ] } } });
        let expected = "constraint 'agent' 'node.labels.type' is='front end'\n\
            constraint 'agent' 'node.role' is_not='manager'\n\
            constraint 'agent' 'node.labels.price' is='$5'\n";
        assert_eq!(records("agent", body.as_object().expect("a table")), expected);
        assert_eq!(records("agent", &Map::new()), "");
    }
}
