//! Addresses: what a path is about.

use super::kinds::{self, Kind};

/// Where a request goes.
pub(super) struct Address {
    pub(super) kind: &'static Kind,
    /// None: all namespaces, or an object of the cluster.
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) subresource: Option<String>,
}

impl Address {
    pub(super) fn parse(path: &str) -> Option<Self> {
        let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, version, rest) = match parts[..] {
            ["api", version, ref rest @ ..] => ("", version, rest),
            ["apis", group, version, ref rest @ ..] => (group, version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            // A namespace itself, or what belongs to it.
            ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => (None, rest),
            ["namespaces", namespace, rest @ ..] => (Some((*namespace).to_owned()), rest),
            _ => (None, rest),
        };
        let (plural, rest) = rest.split_first()?;
        let kind = kinds::at(group, version, plural)?;
        if namespace.is_some() && !kind.is_namespaced || rest.len() > 2 {
            return None;
        }
        let part = |index: usize| rest.get(index).map(|part| (*part).to_owned());
        Some(Self { kind, namespace, name: part(0), subresource: part(1) })
    }

    /// The name of the namespace; empty for objects of the cluster.
    pub(super) fn place(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }
}
