//! The order of start.
//!
//! Takes in who waits for whom; gives out a wave for each service, so that all it waits for is in earlier ones.

use std::collections::BTreeMap;

use crate::name::DeclaredName;

use super::Dependency;

/// Who waits for whom.
pub(super) type Graph<'a> = BTreeMap<&'a DeclaredName, &'a BTreeMap<DeclaredName, Dependency>>;

/// The wave of every service, the first being 1; or the services of a circle, the first one again at its end.
pub(super) fn waves<'a>(graph: &Graph<'a>) -> Result<BTreeMap<&'a DeclaredName, u32>, Vec<DeclaredName>> {
    let mut waves = BTreeMap::new();
    for service in graph.keys() {
        visit(service, graph, &mut waves, &mut Vec::new())?;
    }
    Ok(waves)
}

fn visit<'a>(
    service: &'a DeclaredName,
    graph: &Graph<'a>,
    waves: &mut BTreeMap<&'a DeclaredName, u32>,
    open: &mut Vec<&'a DeclaredName>,
) -> Result<u32, Vec<DeclaredName>> {
    if let Some(wave) = waves.get(service) {
        return Ok(*wave);
    }
    if let Some(at) = open.iter().position(|other| *other == service) {
        return Err(open[at..].iter().copied().chain([service]).cloned().collect());
    }
    open.push(service);
    let mut wave = 1;
    for dependency in graph.get(service).into_iter().flat_map(|dependencies| dependencies.keys()) {
        if let Some((known, _)) = graph.get_key_value(dependency) {
            wave = wave.max(visit(known, graph, waves, open)? + 1);
        }
    }
    open.pop();
    waves.insert(service, wave);
    Ok(wave)
}
