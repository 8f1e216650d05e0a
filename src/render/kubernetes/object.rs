//! An object of the Kubernetes API, and what every one of ours carries.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use crate::document::node::Table;
use crate::name::DeclaredName;
use crate::plan::{Environment, GivenObject, Mounts, ObjectName, Plan, Service, Shared, api_version};
use crate::render::manifest;

use super::definition::plain_map;
use super::labels;
use super::yaml::{ours, placeholder};

/// The whole of what an environment's objects are made from.
pub(super) struct Scene<'a> {
    /// The release.
    pub(super) plan: &'a Plan,
    /// The environment.
    pub(super) environment: &'a Environment,
    /// What the entrypoint stores on the target.
    pub(super) mounts: &'a Mounts,
    /// The configs that hold a secret's value.
    pub(super) secret_configs: &'a BTreeSet<DeclaredName>,
    /// What services have in common.
    pub(super) shared: &'a Shared<'a>,
}

/// One object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// As in `apps/v1`.
    pub(super) api_version: Cow<'static, str>,
    /// As in `Deployment`.
    pub(super) kind: Cow<'static, str>,
    /// The name by which a spec means it: that of the service where the entrypoint makes its own.
    pub(super) address: String,
    /// `name`, `labels` and `annotations`.
    pub(super) metadata: Map<String, Json>,
    /// `spec`, or whatever stands next to the metadata.
    pub(super) body: Map<String, Json>,
}

impl Object {
    /// An object of the whole environment, in its namespace; the body is a table.
    pub(super) fn new(scene: &Scene<'_>, kind: &'static str, name: &str, body: Json) -> Self {
        let metadata = map(json!({
            "name": name,
            "namespace": scene.environment.target,
            "labels": labels::constant(scene),
            "annotations": labels::version(scene),
        }));
        let api_version = api_version(kind).into();
        Self { api_version, kind: kind.into(), address: name.to_owned(), metadata, body: map(body) }
    }

    /// An object that the release brings as it is.
    pub(super) fn given(scene: &Scene<'_>, given: &GivenObject) -> Self {
        let mut metadata = given.metadata.clone();
        metadata.insert("name".to_owned(), json!(given.name));
        metadata.insert("namespace".to_owned(), json!(scene.environment.target));
        for key in ["labels", "annotations"] {
            metadata.entry(key).or_insert_with(|| json!({}));
        }
        let (api_version, kind) = (given.api_version.clone().into(), given.kind.clone().into());
        let object = Self { api_version, kind, address: given.name.clone(), metadata, body: given.body.clone() };
        object.labelled(labels::constant(scene)).annotated(map(labels::version(scene)))
    }

    /// Merges a patch over it.
    pub(super) fn merge(&mut self, patch: &Table) {
        let mut whole = map(json!({ "metadata": self.metadata }));
        whole.extend(std::mem::take(&mut self.body));
        manifest::merge_patch(&mut whole, &plain_map(&patch.to_json()));
        self.metadata = whole.remove("metadata").map(map).unwrap_or_default();
        self.body = whole;
    }

    /// Kind and address.
    pub(super) fn object_name(&self) -> ObjectName {
        ObjectName { kind: self.kind.to_string(), name: self.address.clone() }
    }

    /// An object of one service.
    pub(super) fn of_service(scene: &Scene<'_>, service: &Service, kind: &'static str, name: &str, body: Json) -> Self {
        let mut object = Self::new(scene, kind, name, body);
        object.metadata.insert("labels".to_owned(), Json::from(labels::selector(scene, service)));
        object
    }

    /// It stands in no namespace.
    pub(super) fn of_cluster(mut self) -> Self {
        self.metadata.remove("namespace");
        self
    }

    /// Its name is one of ours.
    pub(super) fn named(mut self, name: Json) -> Self {
        self.metadata.insert("name".to_owned(), name);
        self
    }

    /// Adds to its annotations.
    pub(super) fn annotated(mut self, annotations: impl IntoIterator<Item = (String, Json)>) -> Self {
        self.add("annotations", annotations);
        self
    }

    /// Adds to its labels.
    pub(super) fn labelled(mut self, labels: impl IntoIterator<Item = (String, Json)>) -> Self {
        self.add("labels", labels);
        self
    }

    fn add(&mut self, key: &str, more: impl IntoIterator<Item = (String, Json)>) {
        if let Some(Json::Object(known)) = self.metadata.get_mut(key) {
            known.extend(more);
        }
    }

    /// The object as data.
    pub(super) fn to_json(&self) -> Json {
        let mut object = self.body.clone();
        object.insert("apiVersion".to_owned(), json!(self.api_version));
        object.insert("kind".to_owned(), json!(self.kind));
        object.insert("metadata".to_owned(), Json::from(self.metadata.clone()));
        Json::from(object)
    }

    /// What the object is, without the release that brings it.
    pub(super) fn definition(&self) -> Json {
        let mut object = self.clone();
        if let Some(Json::Object(annotations)) = object.metadata.get_mut("annotations") {
            annotations.remove(labels::VERSION);
        }
        object.to_json()
    }
}

/// What a service is called in a cluster.
pub(super) fn name(service: &Service) -> String {
    service.name_in_cluster()
}

/// The table of a literal that is one.
pub(super) fn map(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(map) => map,
        other => unreachable!("a table was written: {other}"),
    }
}

/// Sets a key when there is something to set.
pub(super) fn set(map: &mut Map<String, Json>, key: &str, value: impl Into<Json>) {
    let value = value.into();
    let is_empty = match &value {
        Json::Null => true,
        Json::Array(list) => list.is_empty(),
        Json::Object(table) => table.is_empty(),
        _ => false,
    };
    if !is_empty {
        map.insert(key.to_owned(), value);
    }
}

/// The digest of a service, which the entrypoint computes on the target.
pub(super) fn digest(service: &Service) -> String {
    placeholder("DIGEST", &service.name.to_variable())
}

/// The same as a value.
pub(super) fn digest_value(service: &Service) -> Json {
    ours(digest(service))
}
