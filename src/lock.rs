//! `bootstrap.lock`: which content every image of a release had when it was locked.
//!
//! Takes in the text of the file; gives out digests by reference, and the text again: sorted, so that what changes in it is what changed.
//! A tag may name another image tomorrow, and a release is built again with those of today.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;

use crate::digest::Digest;
use crate::reference::{ReferenceParts, RegistryReference, is_local_base};

/// What was locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    images: BTreeMap<Name, Locked>,
}

/// What an image is called in a lock.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// In a file or folder, as it is written: `oci:base.tar`.
    File(String),
    /// In a registry, normalised: `docker.io/library/postgres:16`.
    Image(RegistryReference),
}

/// What an image was when it was locked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The digest that the registry gives for the name: of an index, or of a manifest. Of an archive of docker: that of its configuration.
    pub digest: Digest,
    /// The digest of the manifest of every architecture, as in `linux/amd64`.
    pub architectures: BTreeMap<String, Digest>,
}

/// Why a text is no lock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct LockFault {
    /// What is wrong with it.
    pub reason: String,
    /// Where, in bytes.
    pub range: Option<Range<usize>>,
}

/// The file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u32,
    #[serde(default)]
    images: BTreeMap<String, Locked>,
}

/// Raised when older versions could not read the file.
const FORMAT: u32 = 1;

const HEADING: &str =
    "# Written by `bootsmith lock`. Keep it with the spec: `bootsmith build --locked` builds what it says.\n";

/// What an image without a tag is.
pub const DEFAULT_TAG: &str = "latest";

/// How an image of a registry is called in a lock: normalised, `latest` where no tag is written; `None` when the text names no image.
pub fn name(image: &str) -> Option<RegistryReference> {
    let parts = ReferenceParts::parse(image)?;
    let has_name = parts.tag.is_some() || parts.digest.is_some();
    let named = if has_name { image.to_owned() } else { format!("{image}:{DEFAULT_TAG}") };
    RegistryReference::parse(&named).ok()
}

impl Name {
    /// Reads the name of an image, or of a base in a file; `None` when the text is neither.
    pub fn parse(text: &str) -> Option<Self> {
        if is_local_base(text) { Some(Self::File(text.to_owned())) } else { name(text).map(Self::Image) }
    }
}

/// Without a character that TOML would escape, but for those in paths.
impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(text) => formatter.write_str(text),
            Self::Image(reference) => reference.fmt(formatter),
        }
    }
}

impl Lock {
    /// Reads the file.
    pub fn parse(text: &str) -> Result<Self, LockFault> {
        let fault = |error: toml::de::Error| LockFault { reason: error.message().to_owned(), range: error.span() };
        let written: Written = toml::from_str(text).map_err(fault)?;
        let wrong = |reason| Err(LockFault { reason, range: None });
        if written.format != FORMAT {
            return wrong(format!("its format is {}, and this version reads format {FORMAT}", written.format));
        }
        let architectures = written.images.values().flat_map(|locked| locked.architectures.keys());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'/';
        if let Some(key) = architectures.into_iter().find(|key| !key.bytes().all(is_plain)) {
            return wrong(format!("`{}` is no architecture", key.escape_debug()));
        }
        let mut images = BTreeMap::new();
        for (key, locked) in written.images {
            let Some(name) = Name::parse(&key).filter(|name| name.to_string() == key) else {
                return wrong(format!("`{}` is no whole name of an image", key.escape_debug()));
            };
            images.insert(name, locked);
        }
        Ok(Self { images })
    }

    /// What is locked of an image.
    pub fn get(&self, name: &Name) -> Option<&Locked> {
        self.images.get(name)
    }

    /// Locks an image.
    pub fn insert(&mut self, name: Name, locked: Locked) {
        self.images.insert(name, locked);
    }

    /// Every image, sorted by its name.
    pub fn images(&self) -> impl Iterator<Item = (&Name, &Locked)> {
        self.images.iter()
    }
}

/// The file.
impl fmt::Display for Lock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{HEADING}format = {FORMAT}")?;
        for (name, locked) in &self.images {
            let key = key(name);
            writeln!(formatter, "\n[images.{key}]\ndigest = \"{}\"", locked.digest)?;
            writeln!(formatter, "\n[images.{key}.architectures]")?;
            // No architecture has a character that TOML would escape.
            for (architecture, digest) in &locked.architectures {
                writeln!(formatter, "\"{architecture}\" = \"{digest}\"")?;
            }
        }
        Ok(())
    }
}

/// A name between quotation marks. A path may have a character that TOML escapes, as JSON does, but for one.
fn key(name: &Name) -> String {
    serde_json::Value::from(name.to_string()).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let mut lock = Lock::default();
        for image in ["registry.example.com/web:1.0.0", "postgres"] {
            let [digest, amd64, arm64] =
                ["", "-amd64", "-arm64"].map(|end| Digest::of(format!("{image}{end}").as_bytes()));
            let architectures = [("linux/arm64", arm64), ("linux/amd64", amd64)];
            let architectures = architectures.map(|(name, digest)| (name.to_owned(), digest)).into();
            lock.insert(Name::parse(image).expect("a reference"), Locked { digest, architectures });
        }
        lock
    }

    #[test]
    fn a_lock_is_read_as_it_is_written() {
        let text = lock().to_string();
        assert_eq!(Lock::parse(&text), Ok(lock()));
        let names: Vec<_> = text.lines().filter(|line| line.starts_with("[images") && !line.contains("arch")).collect();
        assert_eq!(
            names,
            ["[images.\"docker.io/library/postgres:latest\"]", "[images.\"registry.example.com/web:1.0.0\"]"]
        );
        let odd = Name::parse("oci:a \"base\" of\t'ours'\\\u{7f}.tar:1").expect("a file");
        let mut lock = lock();
        lock.insert(odd, Locked { digest: Digest::of(b"odd"), architectures: BTreeMap::new() });
        assert_eq!(Lock::parse(&lock.to_string()), Ok(lock));
        assert_eq!(Lock::parse(&Lock::default().to_string()), Ok(Lock::default()));
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        let digest = Digest::of(b"");
        for (text, reason) in [
            (String::new(), "missing field `format`"),
            ("format = 2".to_owned(), "its format is 2, and this version reads format 1"),
            ("format = 1\nimage = 3".to_owned(), "unknown field `image`, expected `format` or `images`"),
            ("format = 1\n[images.\"x:1\"]\ndigest = \"sha256:12\"\narchitectures = {}".to_owned(), "digest"),
            (
                format!("format = 1\n[images.\"x:1\"]\ndigest = \"{digest}\"\narchitectures = {{}}"),
                "`x:1` is no whole name of an image",
            ),
        ] {
            let fault = Lock::parse(&text).expect_err("no lock");
            assert!(fault.reason.contains(reason), "{text}: {fault}");
        }
    }
}
