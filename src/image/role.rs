//! What each layer of an image is for.
//!
//! Takes in a configuration; gives out a role for each layer. The configuration says it in its history, and its digest survives every tool
//! that writes an image again; annotations of the manifest do not.

use oci_spec::image::{Descriptor, ImageConfiguration};

use super::ANNOTATION_ROLE;
pub use super::ROLE_BASE as BASE;

/// The layer of the entrypoint and its library.
pub const ENTRYPOINT: &str = "entrypoint";
/// The layer of scripts and migrations.
pub const SCRIPTS: &str = "scripts";
/// The layer of environments and release data.
pub const ENVIRONMENTS: &str = "environments";
/// What lies on the base, from the lowest.
pub const PAYLOAD: [&str; 3] = [ENTRYPOINT, SCRIPTS, ENVIRONMENTS];

/// The roles of an image's layers, from the lowest. Where the history does not say them, the annotations of the manifest are believed.
pub fn of(configuration: &ImageConfiguration, layers: &[Descriptor]) -> Vec<String> {
    let annotated = |layer: &Descriptor| {
        let role = layer.annotations().as_ref().and_then(|annotations| annotations.get(ANNOTATION_ROLE));
        role.map_or(BASE, String::as_str).to_owned()
    };
    match of_history(configuration, layers.len()) {
        Some(roles) => roles.into_iter().map(str::to_owned).collect(),
        None => layers.iter().map(annotated).collect(),
    }
}

/// What the history says of the roles: the topmost layers that its history calls the payload, in the order of [`PAYLOAD`].
/// Every other layer counts as one of the base. `None` when the history does not name a payload.
pub fn of_history(configuration: &ImageConfiguration, layers: usize) -> Option<Vec<&'static str>> {
    let history = configuration.history().iter().flatten().filter(|entry| entry.empty_layer() != Some(true));
    let ranks: Vec<_> = history.map(|entry| entry.created_by().as_deref().and_then(rank)).collect();
    let top = ranks.iter().rposition(Option::is_some).filter(|_| ranks.len() == layers)?;
    let mut roles = vec![BASE; layers];
    let mut above = PAYLOAD.len();
    for (at, rank) in ranks[..=top].iter().enumerate().rev() {
        match rank {
            Some(rank) if *rank < above => {
                roles[at] = PAYLOAD[*rank];
                above = *rank;
            }
            _ => break,
        }
    }
    Some(roles)
}

/// How a history calls a layer of a role.
pub fn created_by(role: &str) -> String {
    format!("bootsmith {role}")
}

fn rank(written: &str) -> Option<usize> {
    PAYLOAD.iter().position(|role| created_by(role) == written)
}

#[cfg(test)]
mod tests {
    use oci_spec::image::History;

    use super::*;

    fn roles(history: &[&str], layers: usize) -> Option<Vec<&'static str>> {
        let entry = |text: &&str| {
            let mut entry = History::default();
            entry.set_created_by(Some((*text).to_owned()));
            entry.set_empty_layer(text.starts_with('#').then_some(true));
            entry
        };
        let mut configuration = ImageConfiguration::default();
        configuration.set_history(Some(history.iter().map(entry).collect()));
        of_history(&configuration, layers)
    }

    #[test]
    fn the_payload_is_what_lies_on_the_base() {
        let whole = ["bootsmith base", "# ENV", "bootsmith entrypoint", "bootsmith scripts", "bootsmith environments"];
        assert_eq!(roles(&whole, 4), Some(vec!["base", "entrypoint", "scripts", "environments"]));
        assert_eq!(roles(&whole[2..], 3), Some(vec!["entrypoint", "scripts", "environments"]));
        let on_another = [&whole[2..], &["bootsmith entrypoint", "bootsmith environments"]].concat();
        assert_eq!(roles(&on_another, 5), Some(vec!["base", "base", "base", "entrypoint", "environments"]));
        let below = [&whole[2..], &["RUN evil"]].concat();
        assert_eq!(roles(&below, 4), Some(vec!["entrypoint", "scripts", "environments", "base"]));
    }

    #[test]
    fn a_history_that_does_not_fit_names_no_payload() {
        assert_eq!(roles(&["bootsmith entrypoint"], 2), None);
        assert_eq!(roles(&["COPY x", "RUN y"], 2), None);
        assert_eq!(roles(&[], 0), None);
    }
}
