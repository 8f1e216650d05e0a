//! What is simply there in a cluster: namespaces and their accounts, nodes, storage, tokens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::controllers::{create, delete, key_of};
use super::kinds::{KINDS, kind};
use super::store::{Key, Store, hash, now};

/// A new cluster with nodes of these names.
pub(super) fn found(store: &mut Store, nodes: &[String], address: &str) {
    for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        create(store, kind("Namespace"), "", json!({ "metadata": { "name": name } }));
    }
    for name in nodes {
        create(store, kind("Node"), "", json!({ "metadata": { "name": name, "labels": labels(name) }, "spec": {} }));
        store.change(&Key::new(kind("Node"), "", name), |node| node["status"] = node_status(name));
    }
    let class = json!({ "metadata": { "name": "standard" }, "provisioner": "stand-in.example.com/local" });
    create(store, kind("StorageClass"), "", class);
    let config =
        json!({ "apiVersion": "v1", "kind": "Config", "clusters": [{ "name": "", "cluster": { "server": address } }] });
    let info = json!({ "metadata": { "name": "cluster-info" }, "data": { "kubeconfig": config.to_string() } });
    create(store, kind("ConfigMap"), "kube-public", info);
}

fn labels(name: &str) -> Value {
    json!({ "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" })
}

fn node_status(name: &str) -> Value {
    let resources = json!({ "cpu": "4", "memory": "8Gi", "pods": "110" });
    let ready = json!({ "type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": now() });
    json!({
        "capacity": resources, "allocatable": resources, "conditions": [ready],
        "addresses": [{ "type": "InternalIP", "address": "192.0.2.1" }, { "type": "Hostname", "address": name }],
        "nodeInfo": { "kubeletVersion": "v1.36.0", "osImage": "Stand-in", "containerRuntimeVersion": "containerd://2.2.0" },
    })
}

/// One step of what keeps a cluster together.
pub(super) fn step(store: &mut Store) {
    for namespace in store.list(kind("Namespace"), None) {
        if namespace["status"]["phase"] == "Terminating" {
            dissolve(store, &namespace);
        } else {
            settle(store, &namespace);
        }
    }
    for claim in store.list(kind("PersistentVolumeClaim"), None) {
        if claim["status"]["phase"] != "Bound" {
            bind(store, &claim);
        }
    }
    for secret in store.list(kind("Secret"), None) {
        if secret["type"] == "kubernetes.io/service-account-token" && secret["data"]["token"].is_null() {
            fill_token(store, &secret);
        }
    }
}

/// Every namespace has an account and the certificate of the cluster.
fn settle(store: &mut Store, namespace: &Value) {
    let name = namespace["metadata"]["name"].as_str().unwrap_or_default();
    if store.get(&Key::new(kind("ServiceAccount"), name, "default")).is_none() {
        create(store, kind("ServiceAccount"), name, json!({ "metadata": { "name": "default" } }));
    }
    if store.get(&Key::new(kind("ConfigMap"), name, "kube-root-ca.crt")).is_none() {
        let certificate = json!({ "metadata": { "name": "kube-root-ca.crt" }, "data": { "ca.crt": "stand-in" } });
        create(store, kind("ConfigMap"), name, certificate);
    }
}

/// A namespace goes when all that was in it is gone.
fn dissolve(store: &mut Store, namespace: &Value) {
    let name = namespace["metadata"]["name"].as_str();
    let mut left = 0;
    for kind in KINDS.iter().filter(|kind| kind.is_namespaced) {
        for object in store.list(kind, name) {
            left += 1;
            delete(store, &object);
        }
    }
    if left == 0 {
        store.remove(&key_of(namespace));
    }
}

fn bind(store: &mut Store, claim: &Value) {
    let volume = format!("pvc-{}", claim["metadata"]["uid"].as_str().unwrap_or_default());
    store.change(&key_of(claim), |claim| {
        claim["spec"]["volumeName"] = volume.into();
        let capacity = &claim["spec"]["resources"]["requests"];
        claim["status"] =
            json!({ "phase": "Bound", "accessModes": claim["spec"]["accessModes"], "capacity": capacity });
    });
}

fn fill_token(store: &mut Store, secret: &Value) {
    let account = secret["metadata"]["annotations"]["kubernetes.io/service-account.name"].as_str().unwrap_or_default();
    let place = secret["metadata"]["namespace"].as_str().unwrap_or_default();
    let Some(account) = store.get(&Key::new(kind("ServiceAccount"), place, account)).cloned() else { return };
    let token = format!("stand-in.{}", hash(&account["metadata"]["uid"].to_string()));
    store.change(&key_of(secret), |secret| {
        for (name, value) in [("token", token.as_str()), ("namespace", place), ("ca.crt", "stand-in")] {
            secret["data"][name] = STANDARD.encode(value).into();
        }
    });
}
