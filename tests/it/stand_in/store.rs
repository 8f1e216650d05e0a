//! The objects, and every change of them in order.
//!
//! Gives out objects as shared values. A change counts the resource version up and stays in the list of changes, from which watches read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use bootsmith::digest::Digest;
use serde_json::Value;

use super::kinds::Kind;

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) kind: &'static str,
    /// Empty for objects of the cluster.
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Key {
    pub(super) fn new(kind: &Kind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.is_namespaced { namespace.to_owned() } else { String::new() };
        Self { kind: kind.kind, namespace, name: name.to_owned() }
    }
}

/// What happened to an object: made when it was not before, removed when it is not after.
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) key: Key,
    pub(super) before: Option<Arc<Value>>,
    pub(super) after: Option<Arc<Value>>,
}

/// All objects.
#[derive(Default)]
pub(super) struct Store {
    objects: BTreeMap<Key, Arc<Value>>,
    pub(super) changes: Vec<Change>,
    version: u64,
    uids: u64,
}

impl Store {
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    /// Objects of a kind, in a namespace or in all.
    pub(super) fn list(&self, kind: &Kind, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let of_kind = self.objects.iter().filter(|(key, _)| key.kind == kind.kind);
        let within = of_kind.filter(|(key, _)| namespace.is_none_or(|namespace| key.namespace == namespace));
        within.map(|(_, object)| Arc::clone(object)).collect()
    }

    /// Every object with its key.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.objects.iter()
    }

    /// Puts an object in its place; one that is there already and the same is no change. Gives out the object as it is now.
    pub(super) fn put(&mut self, key: &Key, mut object: Value) -> Arc<Value> {
        let before = self.objects.get(key).cloned();
        if let Some(before) = &before {
            object["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
            if object == **before {
                return Arc::clone(before);
            }
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let object = Arc::new(object);
        self.objects.insert(key.clone(), Arc::clone(&object));
        self.record(key, before, Some(Arc::clone(&object)));
        object
    }

    /// Changes an object that is there.
    pub(super) fn change(&mut self, key: &Key, change: impl FnOnce(&mut Value)) {
        if let Some(object) = self.objects.get(key) {
            let mut object = (**object).clone();
            change(&mut object);
            self.put(key, object);
        }
    }

    pub(super) fn remove(&mut self, key: &Key) {
        if let Some(before) = self.objects.remove(key) {
            self.version += 1;
            self.record(key, Some(before), None);
        }
    }

    fn record(&mut self, key: &Key, before: Option<Arc<Value>>, after: Option<Arc<Value>>) {
        self.changes.push(Change { version: self.version, key: key.clone(), before, after });
    }

    /// An identifier that no other object has had.
    pub(super) fn new_uid(&mut self) -> String {
        self.uids += 1;
        let hex = hash(&format!("uid {}", self.uids));
        format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
    }

    /// A suffix of a generated name.
    pub(super) fn new_suffix(&mut self) -> String {
        self.uids += 1;
        letters(&format!("suffix {}", self.uids), 5)
    }
}

/// Hexadecimal digits that depend on a text alone.
pub(super) fn hash(text: &str) -> String {
    Digest::of(text.as_bytes()).hex()
}

/// Letters and digits as the real server puts them into names: without vowels.
pub(super) fn letters(text: &str, count: usize) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let hex = hash(text);
    let pairs = (0..count).map(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).expect("hexadecimal"));
    pairs.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])).collect()
}

/// The time as the server writes it.
pub(super) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// Seconds since an instant that [`now`] wrote.
pub(super) fn seconds_since(instant: &Value) -> u64 {
    let since = instant.as_str().and_then(|instant| humantime::parse_rfc3339(instant).ok());
    since.and_then(|since| since.elapsed().ok()).map_or(0, |elapsed| elapsed.as_secs())
}
