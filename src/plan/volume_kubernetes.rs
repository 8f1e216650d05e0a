//! `[volumes.NAME.kubernetes]`: what a claim needs beyond a name.

use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::{Fields, wrong_type};
use crate::document::node::Table;

use super::kubernetes_name::{is_size, is_subdomain};
use crate::document::text::unescaped;

/// What the claim of a named volume says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubernetesVolume {
    /// How much is asked for, as a quantity of Kubernetes.
    pub size: String,
    /// The storage class; none: the cluster's default.
    pub storage_class: Option<String>,
    /// Who may mount it at once; none: decided by who uses it.
    pub access_modes: Vec<String>,
}

/// What a claim asks for when the spec does not say: a volume of Compose has no size.
const DEFAULT_SIZE: &str = "1Gi";

/// The access modes of the Kubernetes API.
const ACCESS_MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

impl Default for KubernetesVolume {
    fn default() -> Self {
        Self { size: DEFAULT_SIZE.to_owned(), storage_class: None, access_modes: Vec::new() }
    }
}

impl KubernetesVolume {
    /// Whether several nodes may mount it at once.
    pub fn is_for_many(&self) -> bool {
        self.access_modes.iter().any(|mode| mode.ends_with("Many"))
    }
}

/// Reads the table of a volume.
pub(super) fn read(volume: &Table, context: &mut Context) -> KubernetesVolume {
    let Some(node) = volume.get("kubernetes") else { return KubernetesVolume::default() };
    let Some(table) = node.as_table() else {
        return wrong_type(node, "kubernetes", "a table", context).unwrap_or_default();
    };
    let mut fields = Fields::new(table, node.span, "`kubernetes`");
    let size = read_size(&mut fields, context).unwrap_or_else(|| DEFAULT_SIZE.to_owned());
    let storage_class = read_storage_class(&mut fields, context);
    let access_modes = read_access_modes(&mut fields, context);
    fields.finish(context);
    KubernetesVolume { size, storage_class, access_modes }
}

fn read_size(fields: &mut Fields<'_>, context: &mut Context) -> Option<String> {
    let size = fields.text("size", context)?;
    let text = unescaped(&size.value)?;
    if !is_size(&text) {
        let hint = "write a whole number and a unit, as in `10Gi`";
        context.error(Code::KUBERNETES, size.span, format!("invalid size `{text}` of a volume"), hint);
    }
    Some(text)
}

fn read_storage_class(fields: &mut Fields<'_>, context: &mut Context) -> Option<String> {
    let class = fields.text("storage-class", context)?;
    let name = unescaped(&class.value)?;
    if !is_subdomain(&name) {
        context.error(Code::KUBERNETES, class.span, format!("`{name}` cannot name a storage class"), None);
    }
    Some(name)
}

fn read_access_modes(fields: &mut Fields<'_>, context: &mut Context) -> Vec<String> {
    let modes = fields.texts("access-modes", context);
    for mode in modes.iter().filter(|mode| !ACCESS_MODES.contains(&mode.value.as_str())) {
        let hint = unknown_name_hint(&mode.value, "modes", ACCESS_MODES.iter().copied());
        context.error(Code::INVALID_VALUE, mode.span, format!("invalid access mode `{}`", mode.value), hint);
    }
    modes.into_iter().map(|mode| mode.value).collect()
}
