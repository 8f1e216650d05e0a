//! Objects of Kubernetes that a release brings as they are: `[platforms.kubernetes] files`.
//!
//! Takes in the files; gives out their objects, each known to be one that the entrypoint can apply, find again and remove. What is in them beyond
//! that is for the API server to judge, which rehearses them before anything changes.

use serde_json::{Map, Value as Json};

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::fields::Spanned;
use crate::document::node::Span;
use crate::source::{Source, SourceFault, Sources};

use super::kubernetes_name::is_subdomain;
use super::objects::{find, report_fault};

/// An object as it is written in a file.
#[derive(Clone, Debug)]
pub struct GivenObject {
    /// As in `v1` or `apps/v1`.
    pub api_version: String,
    /// As in `ConfigMap`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What else its metadata says.
    pub metadata: Map<String, Json>,
    /// All the rest.
    pub body: Map<String, Json>,
    /// The file.
    pub file: String,
    /// Where the spec names the file.
    pub span: Span,
}

impl GivenObject {
    /// How the API server names all of the kind: see [`resource_of_kind`].
    pub fn resource(&self) -> String {
        resource_of_kind(&self.api_version, &self.kind)
    }
}

/// How the API server names all of a kind, as `RESOURCE.GROUP`: as it names those whose definition does not say another plural
/// (`UnsafeGuessKindToResource` of `k8s.io/apimachinery`).
pub fn resource_of_kind(api_version: &str, kind: &str) -> String {
    let singular = kind.to_ascii_lowercase();
    let plural = match singular.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if singular.ends_with('s') => format!("{singular}es"),
        None => format!("{singular}s"),
    };
    match api_version.split_once('/') {
        Some((group, _)) => format!("{plural}.{group}"),
        None => plural,
    }
}

/// Kinds that are refused: why, and what to write instead.
const REFUSED: &[(&[&str], &str, &str)] = &[
    (
        &["DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "ReplicationController", "StatefulSet"],
        "nobody would wait for it, stop it or restore it",
        "declare it as a service: `[services.NAME]`",
    ),
    (
        &["CronJob"],
        "nobody would stop it",
        "declare it as a script: `[scripts.NAME]` with `mode = \"run\"` and `schedule`",
    ),
    (&["Secret"], "it would be in the image", "declare `[secrets.NAME]`, and let the operator give it"),
    (&["PersistentVolumeClaim"], "its data would go with it", "declare `[volumes.NAME]`"),
    (&["List"], "its items are objects themselves", "write each as a document of its own, behind `---`"),
    (
        &[
            "APIService",
            "ClusterRole",
            "ClusterRoleBinding",
            "CustomResourceDefinition",
            "IngressClass",
            "MutatingWebhookConfiguration",
            "Namespace",
            "PersistentVolume",
            "PriorityClass",
            "StorageClass",
            "ValidatingWebhookConfiguration",
        ],
        "it belongs to the whole cluster, and no single release",
        "let the administrator of the cluster apply it",
    ),
];

/// What the API server writes, and no file.
const OF_THE_SERVER: &[&str] = &[
    "creationTimestamp",
    "deletionTimestamp",
    "generateName",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "uid",
];

/// Reads every object of the files, which may be patterns.
pub(super) fn read_all(
    files: &[Spanned<String>],
    target: &str,
    sources: &Sources,
    context: &mut Context,
) -> Vec<GivenObject> {
    let mut objects = Vec::new();
    for written in files {
        for (file, bytes) in contents(written, sources, context) {
            let mut reader = Reader { file: &file, span: written.span, target, number: 0, context };
            objects.extend(reader.read(&bytes));
        }
    }
    check_twice(&objects, context);
    objects
}

/// Path and bytes of each file that is meant.
fn contents(written: &Spanned<String>, sources: &Sources, context: &mut Context) -> Vec<(String, Vec<u8>)> {
    match find(&written.value, written.span, sources, context) {
        Some(Source::File(bytes)) => vec![(written.value.clone(), bytes.to_vec())],
        Some(Source::Folder(files)) if Sources::is_pattern(&written.value) => {
            files.iter().map(|(path, bytes)| (path.to_string(), bytes.to_vec())).collect()
        }
        Some(Source::Folder(_)) => {
            let hint = format!("write `{}/*.yaml`", written.value.trim_end_matches('/'));
            context.error(Code::FILE, written.span, format!("`{}` is a folder", written.value), hint);
            Vec::new()
        }
        Some(Source::Fault(SourceFault::NotFound)) if Sources::is_pattern(&written.value) => {
            let message = format!("no file matches `{}`", written.value);
            context.error(Code::FILE, written.span, message, "paths start at the folder of the spec file");
            Vec::new()
        }
        Some(Source::Fault(fault)) => report_fault(&written.value, fault, written.span, context).unwrap_or_default(),
        None => Vec::new(),
    }
}

/// One file while it is read.
struct Reader<'a> {
    file: &'a str,
    span: Span,
    target: &'a str,
    number: usize,
    context: &'a mut Context,
}

impl Reader<'_> {
    fn read(&mut self, bytes: &[u8]) -> Vec<GivenObject> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string());
        let documents: Result<Vec<Json>, String> =
            text.and_then(|text| serde_saphyr::from_multiple(text).map_err(|error| error.to_string()));
        match documents {
            Ok(documents) => documents.into_iter().filter_map(|document| self.object(document)).collect(),
            Err(reason) => {
                let message =
                    format!("`{}` cannot be read as YAML: {}", self.file, reason.lines().next().unwrap_or_default());
                self.context.error(Code::KUBERNETES, self.span, message, None);
                Vec::new()
            }
        }
    }

    /// An object; a document of comments alone has none.
    fn object(&mut self, document: Json) -> Option<GivenObject> {
        self.number += 1;
        let mut body = match document {
            Json::Null => return None,
            Json::Object(body) => body,
            _ => return self.refuse("is not a table", "an object begins with `apiVersion` and `kind`"),
        };
        let api_version = self.take_text(&mut body, "apiVersion")?;
        let kind = self.take_text(&mut body, "kind")?;
        let Some(Json::Object(mut metadata)) = body.remove("metadata") else {
            return self.refuse("has no `metadata`", "an object has at least `metadata.name`");
        };
        let name = self.take_text(&mut metadata, "name")?;
        self.check(&kind, &name, &body, &metadata);
        metadata.remove("namespace");
        Some(GivenObject { api_version, kind, name, metadata, body, file: self.file.to_owned(), span: self.span })
    }

    fn take_text(&mut self, table: &mut Map<String, Json>, key: &str) -> Option<String> {
        match table.remove(key) {
            Some(Json::String(text)) if !text.is_empty() => Some(text),
            _ => self.refuse(
                &format!("has no `{key}`"),
                "an object has `apiVersion`, `kind` and `metadata.name`, each a text",
            ),
        }
    }

    fn check(&mut self, kind: &str, name: &str, body: &Map<String, Json>, metadata: &Map<String, Json>) {
        if let Some((_, reason, instead)) = REFUSED.iter().find(|(kinds, ..)| kinds.contains(&kind)) {
            self.refuse::<()>(&format!("is a {kind}: {reason}"), instead);
        }
        if !is_subdomain(name) || name.starts_with("bootsmith-") {
            let hint =
                "lower-case letters, digits, `-` and `.`; names that start with `bootsmith-` are the entrypoint's";
            self.refuse::<()>(&format!("has the name `{name}`, which cannot be used"), hint);
        }
        if metadata.get("namespace").is_some_and(|namespace| namespace != self.target) {
            self.refuse::<()>("names a namespace", "leave `metadata.namespace` out: an environment has its own");
        }
        for key in OF_THE_SERVER.iter().filter(|key| metadata.contains_key(**key)) {
            self.refuse::<()>(&format!("has `metadata.{key}`, which the API server writes"), "remove it");
        }
        if body.contains_key("status") {
            self.refuse::<()>("has a `status`, which the API server writes", "remove it");
        }
        for key in
            ["labels", "annotations"].iter().filter(|key| metadata.get(**key).is_some_and(|value| !value.is_object()))
        {
            self.refuse::<()>(&format!("has `metadata.{key}` that is not a table"), "write `key: value` lines");
        }
    }

    fn refuse<T>(&mut self, what: &str, hint: &str) -> Option<T> {
        let message = format!("document {} of `{}` {what}", self.number, self.file);
        self.context.error(Code::KUBERNETES, self.span, message, hint);
        None
    }
}

fn check_twice(objects: &[GivenObject], context: &mut Context) {
    for (index, object) in objects.iter().enumerate() {
        let same = |other: &&GivenObject| other.resource() == object.resource() && other.name == object.name;
        if let Some(other) = objects[..index].iter().find(same) {
            let message = format!("`{}/{}` is in `{}` and in `{}`", object.kind, object.name, other.file, object.file);
            context.error(Code::DUPLICATE, object.span, message, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_named_as_the_api_server_names_it() {
        for (api_version, kind, resource) in [
            ("v1", "ConfigMap", "configmaps"),
            ("networking.k8s.io/v1", "Ingress", "ingresses.networking.k8s.io"),
            ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies.networking.k8s.io"),
            ("monitoring.coreos.com/v1", "PrometheusRule", "prometheusrules.monitoring.coreos.com"),
        ] {
            let (api_version, kind) = (api_version.to_owned(), kind.to_owned());
            let object = GivenObject {
                api_version,
                kind,
                name: String::new(),
                metadata: Map::new(),
                body: Map::new(),
                file: String::new(),
                span: Span::default(),
            };
            assert_eq!(object.resource(), resource);
        }
    }
}
