//! Where the replicas of a service may be that runs once a node: the entrypoint counts these nodes.
//!
//! Takes in the rendered service, in which a patch may have other constraints; gives out records.

use serde_json::{Map, Value as Json};

use crate::compose::{Constraint, Value as _};
use crate::document::text::unescaped;

use super::super::shell::Record;

/// One record for each constraint: `constraint 'agent' 'node.labels.type' is='web'`. What is invalid is refused by the swarm.
pub(super) fn records(service: &str, body: &Map<String, Json>) -> String {
    let placement = body.get("deploy").and_then(|deploy| deploy.get("placement"));
    let constraints = placement.and_then(|placement| placement.get("constraints")).and_then(Json::as_array);
    let texts = constraints.into_iter().flatten().filter_map(Json::as_str);
    texts.filter_map(|text| Some(record(service, &Constraint::parse(&unescaped(text)?)?))).collect()
}

fn record(service: &str, constraint: &Constraint) -> String {
    let fact = if constraint.is_equal { "is" } else { "is_not" };
    Record::new("constraint", &[service, &constraint.fact.0]).with(fact, &constraint.value).line()
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
