//! The rules of the Role in `in-cluster.yaml`: what the entrypoint is allowed in its namespace.
//!
//! They are made from the list in `templates/entrypoint/driver/kubernetes/driver-permissions.sh`, by which the entrypoint itself asks for what a
//! command needs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

const DRIVER: &str = include_str!("../../../templates/entrypoint/driver/kubernetes/driver-permissions.sh");

/// What stands in the list for the resources of the objects that a release brings.
const BROUGHT: &str = "BROUGHT";

/// The rules: resources of a group of which the same is allowed are in one.
pub(super) fn rules(brought: &BTreeSet<String>) -> Vec<Json> {
    let mut verbs_of: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for (verbs, resources) in lines() {
        let named = resources.split(' ').filter(|resource| *resource != BROUGHT);
        let brought = brought.iter().filter(|_| resources == BROUGHT).map(String::as_str);
        for resource in named.chain(brought) {
            verbs_of.entry(split(resource)).or_default().extend(verbs.split(' '));
        }
    }
    let mut rules: BTreeMap<(&str, BTreeSet<&str>), Vec<&str>> = BTreeMap::new();
    for ((group, resource), verbs) in verbs_of {
        rules.entry((group, verbs)).or_default().push(resource);
    }
    let rule = |((group, verbs), resources)| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
    rules.into_iter().map(rule).collect()
}

/// Verbs and resources of each line of the list.
fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    let list = DRIVER.split_once("readonly permission_list='\n").and_then(|(_, rest)| rest.split_once('\''));
    let (list, _) = list.expect("the driver has the list");
    list.lines().map(|line| {
        let [_, verbs, resources] = line.split('|').collect::<Vec<_>>()[..] else { panic!("`{line}` has three parts") };
        (verbs, resources)
    })
}

/// Group and resource of `RESOURCE.GROUP`.
fn split(resource: &str) -> (&str, &str) {
    resource.split_once('.').map_or(("", resource), |(resource, group)| (group, resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_a_release_can_be_looked_for_and_removed() {
        let driver = include_str!("../../../templates/entrypoint/driver/kubernetes/driver.sh");
        let kinds: Vec<_> = ["workload_kinds", "other_kinds", "record_kinds"]
            .iter()
            .map(|name| {
                let line = driver.lines().find_map(|line| line.strip_prefix(&format!("readonly {name}='")));
                line.and_then(|line| line.strip_suffix('\'')).expect("the driver has the list")
            })
            .flat_map(str::split_whitespace)
            .collect();
        assert!(kinds.len() > 10, "the lists could be read");
        let rules = rules(&BTreeSet::new());
        for kind in kinds {
            let (group, resource) = split(kind);
            let has = |list: &Json, word: &str| list.as_array().is_some_and(|list| list.contains(&json!(word)));
            let allows = |rule: &&Json, verb: &str| {
                has(&rule["apiGroups"], group) && has(&rule["resources"], resource) && has(&rule["verbs"], verb)
            };
            for verb in ["list", "delete"] {
                assert!(rules.iter().any(|rule| allows(&rule, verb)), "{verb} {kind}");
            }
        }
    }
}
