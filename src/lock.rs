//! `bootstrap.lock`: which content every image of a release had when it was locked, and every base.
//!
//! Takes in the text of the file; gives out digests by name, and the text again: sorted, so that what changes in it is what changed.
//! A tag may name another image tomorrow, and a release is built again with those of today.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;

use crate::digest::Digest;
use crate::reference::{ReferenceParts, RegistryReference};

/// What was locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    images: BTreeMap<String, Locked>,
    bases: BTreeMap<String, Locked>,
}

/// What is locked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// An image of a registry, normalised: `docker.io/library/postgres:16`.
    Image(RegistryReference),
    /// A base in a file or folder, as it is written: `oci:base.tar`.
    Base(String),
}

/// What an image was when it was locked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The digest of its index or manifest; of a base that has neither, as `store` identifies it.
    pub digest: Digest,
    /// The digest of the manifest of every architecture, as in `linux/amd64`.
    pub architectures: BTreeMap<String, Digest>,
}

/// Why a text is not a lock file.
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
    #[serde(default)]
    bases: BTreeMap<String, Locked>,
}

/// Raised when older versions could not read the file.
const FORMAT: u32 = 1;

const HEADING: &str =
    "# Written by `bootsmith lock`. Keep it with the spec: `bootsmith build --locked` builds what it says.\n";

/// What an image without a tag is.
pub const DEFAULT_TAG: &str = "latest";

/// How an image is called in a lock: normalised, `latest` where no tag is written; `None` when the text names no image.
pub fn name(image: &str) -> Option<RegistryReference> {
    let parts = ReferenceParts::parse(image)?;
    let has_name = parts.tag.is_some() || parts.digest.is_some();
    let named = if has_name { image.to_owned() } else { format!("{image}:{DEFAULT_TAG}") };
    RegistryReference::parse(&named).ok()
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(reference) => reference.fmt(formatter),
            Self::Base(text) => formatter.write_str(text),
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
        let is_named = |key: &&String| name(key).is_some_and(|name| name.to_string() == **key);
        if let Some(key) = written.images.keys().find(|key| !is_named(key)) {
            return wrong(format!("`{}` is not a full image name", key.escape_debug()));
        }
        let locked = written.images.values().chain(written.bases.values());
        let architectures = locked.flat_map(|locked| locked.architectures.keys());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'/';
        if let Some(key) = architectures.into_iter().find(|key| !key.bytes().all(is_plain)) {
            return wrong(format!("invalid architecture `{}`", key.escape_debug()));
        }
        Ok(Self { images: written.images, bases: written.bases })
    }

    /// What is locked under a name.
    pub fn get(&self, name: &Name) -> Option<&Locked> {
        match name {
            Name::Image(reference) => self.images.get(&reference.to_string()),
            Name::Base(text) => self.bases.get(text),
        }
    }

    /// Locks an image or a base.
    pub fn insert(&mut self, name: &Name, locked: Locked) {
        match name {
            Name::Image(reference) => self.images.insert(reference.to_string(), locked),
            Name::Base(text) => self.bases.insert(text.clone(), locked),
        };
    }

    /// Every image, and then every base, sorted by how they are called.
    pub fn entries(&self) -> impl Iterator<Item = (Name, &Locked)> {
        let image = |text: &str| Name::Image(name(text).expect("a lock has whole names"));
        let images = self.images.iter().map(move |(text, locked)| (image(text), locked));
        images.chain(self.bases.iter().map(|(text, locked)| (Name::Base(text.clone()), locked)))
    }
}

/// The file.
impl fmt::Display for Lock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{HEADING}format = {FORMAT}")?;
        let images = self.images.iter().map(|(name, locked)| (format!("images.{}", key(name)), locked));
        let bases = self.bases.iter().map(|(name, locked)| (format!("bases.{}", key(name)), locked));
        for (table, locked) in images.chain(bases) {
            writeln!(formatter, "\n[{table}]\ndigest = \"{}\"", locked.digest)?;
            writeln!(formatter, "\n[{table}.architectures]")?;
            // No architecture has a character that TOML would escape.
            for (architecture, digest) in &locked.architectures {
                writeln!(formatter, "\"{architecture}\" = \"{digest}\"")?;
            }
        }
        Ok(())
    }
}

/// A name between quotation marks. A path may have a character that TOML escapes, as JSON does, but for one.
fn key(name: &str) -> String {
    serde_json::Value::from(name).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image_name(image: &str) -> Name {
        Name::Image(name(image).expect("a reference"))
    }

    fn lock() -> Lock {
        let mut lock = Lock::default();
        for image in ["registry.example.com/web:1.0.0", "postgres"] {
            let [digest, amd64, arm64] =
                ["", "-amd64", "-arm64"].map(|end| Digest::of(format!("{image}{end}").as_bytes()));
            let architectures = [("linux/arm64", arm64), ("linux/amd64", amd64)];
            let architectures = architectures.map(|(name, digest)| (name.to_owned(), digest)).into();
            lock.insert(&image_name(image), Locked { digest, architectures });
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
        assert_eq!(Lock::parse(&Lock::default().to_string()), Ok(Lock::default()));
    }

    #[test]
    fn an_image_is_no_base_whatever_it_is_called() {
        let locked = |text: &str| Locked { digest: Digest::of(text.as_bytes()), architectures: BTreeMap::new() };
        let base = |text: &str| Name::Base(text.to_owned());
        let names = [
            (image_name("oci:1.0"), locked("image of docker's")),
            (image_name("oci:5000/app:1"), locked("image of a registry")),
            (base("oci:5000/app:1"), locked("file")),
            (base("oci:a \"base\" of\t'ours'\\\u{7f}.tar:1"), locked("odd")),
        ];
        let mut lock = Lock::default();
        for (name, locked) in &names {
            lock.insert(name, locked.clone());
        }
        let read = Lock::parse(&lock.to_string()).expect("a lock");
        assert_eq!(read, lock);
        assert!(names.iter().all(|(name, locked)| read.get(name) == Some(locked)), "{read}");
        assert_eq!(read.entries().count(), 4);
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        let digest = Digest::of(b"");
        for (text, reason) in [
            (String::new(), "missing field `format`"),
            ("format = 2".to_owned(), "its format is 2, and this version reads format 1"),
            ("format = 1\nimage = 3".to_owned(), "unknown field `image`, expected one of `format`, `images`, `bases`"),
            ("format = 1\n[images.\"x:1\"]\ndigest = \"sha256:12\"\narchitectures = {}".to_owned(), "digest"),
            (
                format!("format = 1\n[images.\"x:1\"]\ndigest = \"{digest}\"\narchitectures = {{}}"),
                "`x:1` is not a full image name",
            ),
        ] {
            let fault = Lock::parse(&text).expect_err("no lock");
            assert!(fault.reason.contains(reason), "{text}: {fault}");
        }
    }
}
