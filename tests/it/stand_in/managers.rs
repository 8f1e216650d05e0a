//! Who owns which fields: `metadata.managedFields`.
//!
//! Takes in an object before and after a change; gives out the object with the owners as the real server would name them.

use serde_json::{Value, json};

use super::fields::{self, Fields};
use super::kinds::Kind;
use super::store::now;

/// Who changes an object, and through which address.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Manager {
    pub(super) name: String,
    pub(super) is_apply: bool,
    /// Empty for the object itself.
    pub(super) subresource: String,
}

/// An owner and what it owns.
pub(super) struct Owner {
    pub(super) manager: Manager,
    api_version: String,
    time: Value,
    pub(super) fields: Fields,
}

impl Owner {
    /// As messages name it.
    pub(super) fn describe(&self) -> String {
        let mut told = Value::from(self.manager.name.as_str()).to_string();
        if !self.manager.subresource.is_empty() {
            told += &format!(" with subresource \"{}\"", self.manager.subresource);
        }
        if !self.manager.is_apply {
            told += &format!(" using {}", self.api_version);
        }
        told
    }

    fn from_value(entry: &Value) -> Self {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let is_apply = entry["operation"] == "Apply";
        Self {
            manager: Manager { name: text("manager"), is_apply, subresource: text("subresource") },
            api_version: text("apiVersion"),
            time: entry["time"].clone(),
            fields: fields::from_value(&entry["fieldsV1"]),
        }
    }

    fn to_value(&self) -> Value {
        let mut entry = json!({
            "manager": self.manager.name, "operation": if self.manager.is_apply { "Apply" } else { "Update" },
            "apiVersion": self.api_version, "time": self.time,
            "fieldsType": "FieldsV1", "fieldsV1": fields::to_value(&self.fields),
        });
        if !self.manager.subresource.is_empty() {
            entry["subresource"] = self.manager.subresource.as_str().into();
        }
        entry
    }
}

/// The owners that an object names.
pub(super) fn of(object: &Value) -> Vec<Owner> {
    object["metadata"]["managedFields"].as_array().into_iter().flatten().map(Owner::from_value).collect()
}

/// Writes the owners into an object; who owns nothing any more is left out.
pub(super) fn write(object: &mut Value, owners: &[Owner]) {
    let entries: Vec<_> = owners.iter().filter(|owner| !owner.fields.is_empty()).map(Owner::to_value).collect();
    object["metadata"]["managedFields"] = entries.into();
}

/// Gives fields to a manager, in addition or instead of what it had. The time moves only when something changes.
pub(super) fn give(owners: &mut Vec<Owner>, manager: &Manager, kind: &Kind, fields: Fields) {
    match owners.iter_mut().find(|owner| owner.manager == *manager) {
        Some(owner) if owner.fields == fields => {}
        Some(owner) => {
            owner.fields = fields;
            owner.time = now().into();
        }
        None => {
            owners.push(Owner {
                manager: manager.clone(),
                api_version: kind.api_version(),
                time: now().into(),
                fields,
            });
        }
    }
}

/// What a manager owns.
pub(super) fn owned(owners: &[Owner], manager: &Manager) -> Fields {
    owners.iter().find(|owner| owner.manager == *manager).map(|owner| owner.fields.clone()).unwrap_or_default()
}

/// After a change that is no apply: who changes a field has it, and nobody has a field that is gone.
pub(super) fn update(kind: &Kind, manager: &Manager, before: &Value, after: &mut Value) {
    let mut owners = of(before);
    let now_there = fields::of(after);
    let changed: Fields = now_there.iter().filter(|path| fields::differs(before, after, path)).cloned().collect();
    for owner in &mut owners {
        owner.fields.retain(|path| !changed.contains(path) && fields::find(after, path).is_some());
    }
    let mut fields = owned(&owners, manager);
    fields.extend(changed);
    give(&mut owners, manager, kind, fields);
    write(after, &owners);
}
