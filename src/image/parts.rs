//! Everything below the root of an image: which documents and blobs it consists of.
//!
//! Takes in the root and a way to read what it names; gives out documents and the descriptors of blobs. What somebody else has made may name
//! anything, however often: each document is read once, and there is an end to their number.

use std::collections::BTreeSet;

use oci_spec::image as oci;
use serde::de::DeserializeOwned;

use super::Document;
use super::media_type::{self, INDEXES};
use super::replica::TypedDocument;
use crate::digest::{Descriptor, Digest};

/// What an image consists of.
#[derive(Debug, Default)]
pub struct Parts {
    /// Manifests and indexes, each after those that it names.
    pub documents: Vec<TypedDocument>,
    /// Configurations and layers. Those that must not be given away are nowhere but where their address says, and not among them.
    pub blobs: BTreeSet<Descriptor>,
}

/// A document that is part of no image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartsFault {
    /// Which document.
    pub document: Digest,
    /// What is wrong with it.
    pub reason: String,
}

/// Indexes in indexes: real ones have one level.
const MAX_DEPTH: usize = 4;
/// Images for every architecture, with their attestations.
const MAX_DOCUMENTS: usize = 500;

/// Collects what is below a root. `read` gives the verified bytes of a document, `fault` makes an error of the caller's kind.
pub fn parts<E>(
    root: Vec<u8>,
    read: &mut dyn FnMut(Descriptor) -> Result<Vec<u8>, E>,
    fault: &dyn Fn(PartsFault) -> E,
) -> Result<Parts, E> {
    let mut walk = Walk { parts: Parts::default(), seen: BTreeSet::new(), read, fault };
    walk.descend(root, 0)?;
    Ok(walk.parts)
}

struct Walk<'a, E> {
    parts: Parts,
    seen: BTreeSet<Digest>,
    read: &'a mut dyn FnMut(Descriptor) -> Result<Vec<u8>, E>,
    fault: &'a dyn Fn(PartsFault) -> E,
}

impl<E> Walk<'_, E> {
    fn descend(&mut self, bytes: Vec<u8>, depth: usize) -> Result<(), E> {
        let document = Document::new(bytes);
        let digest = document.descriptor.digest;
        if depth > MAX_DEPTH {
            return Err(self.fault(digest, "it is an index in too many others".to_owned()));
        }
        if self.seen.len() >= MAX_DOCUMENTS {
            return Err(self.fault(digest, "it is one of too many in one image".to_owned()));
        }
        self.seen.insert(digest);
        let media_type = media_type::of(&document.bytes).map_err(|reason| self.fault(digest, reason))?;
        if INDEXES.contains(&media_type.as_str()) {
            let index: oci::ImageIndex = self.parse(&document)?;
            for entry in index.manifests() {
                let entry = self.descriptor(entry, digest)?;
                if !self.seen.contains(&entry.digest) {
                    let bytes = (self.read)(entry)?;
                    self.descend(bytes, depth + 1)?;
                }
            }
        } else {
            let manifest: oci::ImageManifest = self.parse(&document)?;
            let entries = std::iter::once(manifest.config()).chain(manifest.layers());
            for entry in entries.filter(|entry| entry.urls().is_none()) {
                let blob = self.descriptor(entry, digest)?;
                self.parts.blobs.insert(blob);
            }
        }
        self.parts.documents.push(TypedDocument { document, media_type });
        Ok(())
    }

    fn parse<T: DeserializeOwned>(&self, document: &Document) -> Result<T, E> {
        let fault = |error: serde_json::Error| self.fault(document.descriptor.digest, error.to_string());
        serde_json::from_slice(&document.bytes).map_err(fault)
    }

    fn descriptor(&self, entry: &oci::Descriptor, document: Digest) -> Result<Descriptor, E> {
        let digest = Digest::parse(entry.digest().as_ref()).map_err(|fault| self.fault(document, fault.to_string()))?;
        Ok(Descriptor { digest, size: entry.size() })
    }

    fn fault(&self, document: Digest, reason: String) -> E {
        (self.fault)(PartsFault { document, reason })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::super::media_type::{INDEX, MANIFEST};
    use super::*;

    /// Documents by digest, and how often one was read.
    #[derive(Default)]
    struct Documents {
        all: BTreeMap<Digest, Vec<u8>>,
        read: usize,
    }

    impl Documents {
        fn add(&mut self, document: &Value) -> Value {
            let bytes = document.to_string().into_bytes();
            let Descriptor { digest, size } = Descriptor::of(&bytes);
            self.all.insert(digest, bytes);
            json!({ "mediaType": document["mediaType"], "digest": digest, "size": size })
        }

        fn manifest(&mut self, layer: &[u8]) -> Value {
            let blob = |bytes: &[u8], kind: &str| {
                let Descriptor { digest, size } = Descriptor::of(bytes);
                json!({ "mediaType": kind, "digest": digest, "size": size })
            };
            self.add(&json!({
                "schemaVersion": 2, "mediaType": MANIFEST,
                "config": blob(b"{}", "application/vnd.oci.image.config.v1+json"),
                "layers": [blob(layer, "application/vnd.oci.image.layer.v1.tar")],
            }))
        }

        fn index(&mut self, entries: &[Value]) -> Value {
            self.add(&json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }))
        }

        fn parts(&mut self, root: &Value) -> Result<Parts, String> {
            let of = |entry: &Value| Digest::parse(entry["digest"].as_str().expect("a digest")).expect("a digest");
            let root = self.all[&of(root)].clone();
            let mut read = |entry: Descriptor| {
                self.read += 1;
                self.all.get(&entry.digest).cloned().ok_or_else(|| "missing".to_owned())
            };
            parts(root, &mut read, &|fault| fault.reason)
        }
    }

    #[test]
    fn every_part_is_there_once_and_the_root_last() {
        let mut documents = Documents::default();
        let [first, second] = [b"a", b"b"].map(|layer| documents.manifest(layer));
        let inner = documents.index(&[second.clone(), first.clone(), second]);
        let root = documents.index(&[first, inner.clone(), inner]);
        let parts = documents.parts(&root).expect("an image");
        assert_eq!((parts.documents.len(), parts.blobs.len(), documents.read), (4, 3, 3));
        assert_eq!(json!(parts.documents[3].document.descriptor.digest), root["digest"]);
    }

    #[test]
    fn there_is_an_end_to_indexes_in_indexes() {
        let mut documents = Documents::default();
        let mut root = documents.manifest(b"a");
        for _ in 0..MAX_DEPTH {
            root = documents.index(&[root]);
        }
        assert_eq!(documents.parts(&root).map(|parts| parts.documents.len()), Ok(MAX_DEPTH + 1));
        let root = documents.index(&[root]);
        assert_eq!(documents.parts(&root).err().as_deref(), Some("it is an index in too many others"));
    }

    #[test]
    fn there_is_an_end_to_the_number_of_documents() {
        let mut documents = Documents::default();
        let many: Vec<_> = (0..500_u32).map(|number| documents.manifest(&number.to_be_bytes())).collect();
        let root = documents.index(&many[1..]);
        assert_eq!(documents.parts(&root).map(|parts| parts.documents.len()), Ok(MAX_DOCUMENTS));
        let root = documents.index(&many);
        assert_eq!(documents.parts(&root).err().as_deref(), Some("it is one of too many in one image"));
    }

    #[test]
    fn what_must_not_be_given_away_is_no_part() {
        let mut documents = Documents::default();
        let root = documents.manifest(b"a");
        let mut manifest: Value =
            serde_json::from_slice(documents.all.values().next().expect("a manifest")).expect("JSON");
        manifest["layers"][0]["urls"] = json!(["https://example.com/layer"]);
        let foreign = documents.add(&manifest);
        assert_eq!(documents.parts(&root).map(|parts| parts.blobs.len()), Ok(2));
        assert_eq!(documents.parts(&foreign).map(|parts| parts.blobs.len()), Ok(1));
        manifest["layers"][0]["digest"] = json!("sha256:12");
        manifest["layers"][0]["urls"] = Value::Null;
        let bad = documents.add(&manifest);
        let reason = documents.parts(&bad).err().unwrap_or_default();
        assert!(reason.contains("digest"), "{reason}");
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let mut documents = Documents::default();
        let odd = documents.add(&json!({ "mediaType": "text/plain" }));
        let root = documents.index(&[odd]);
        assert_eq!(documents.parts(&root).err().as_deref(), Some("it is of the kind `text/plain`"));
        let missing = Documents::default().manifest(b"a");
        let root = documents.index(&[missing]);
        assert_eq!(documents.parts(&root).err().as_deref(), Some("missing"));
    }
}
