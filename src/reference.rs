//! The name of an image, with its tag.
//!
//! Takes in text as people write it (`app:1.0`); gives out the normalised form (`docker.io/library/app:1.0`) that containerd wants
//! and the familiar form (`app:1.0`) that Docker shows. Knows no registry.

use std::fmt;

use crate::digest::Digest;

/// A name and a tag that every image tool accepts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageReference {
    domain: String,
    path: String,
    tag: String,
}

/// An image of a registry, by its tag, its digest, or both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegistryReference {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl RegistryReference {
    /// Reads `[registry/]name[:tag][@digest]`, with a tag or a digest.
    pub fn parse(text: &str) -> Result<Self, ReferenceFault> {
        let parts = ReferenceParts::parse(text).ok_or_else(|| ReferenceFault::Name(text.to_owned()))?;
        let (Some(any), digest) = (parts.tag.or(parts.digest.map(|_| "any")), parts.digest) else {
            return Err(ReferenceFault::NoTag(text.to_owned()));
        };
        let ImageReference { domain, path, .. } = ImageReference::new(parts.name, any)?;
        Ok(Self { domain, path, tag: parts.tag.map(str::to_owned), digest })
    }

    /// The registry: a host, or a host and its port; `docker.io` for Docker Hub.
    pub fn registry(&self) -> &str {
        &self.domain
    }

    /// The repository, without its registry.
    pub fn repository(&self) -> &str {
        &self.path
    }

    /// The digest, when the image is pinned.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// What to ask the registry for: the digest, else the tag.
    pub fn name(&self) -> String {
        self.digest.map(|digest| digest.to_string()).or(self.tag.clone()).unwrap_or_default()
    }

    /// The same without its digest, unless that is all it has.
    #[must_use]
    pub fn unpinned(&self) -> Self {
        let digest = self.digest.filter(|_| self.tag.is_none());
        Self { digest, ..self.clone() }
    }

    /// The repository with its registry: `registry.example.com/app`.
    pub fn unpinned_name(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// The same without its digest, as text: `registry.example.com/app:1.0`, or `registry.example.com/app`.
    pub fn unpinned_text(&self) -> String {
        let tag = self.tag.iter().map(|tag| format!(":{tag}")).collect::<String>();
        format!("{}/{}{tag}", self.domain, self.path)
    }

    /// The same image in another registry and repository, which are checked names.
    #[must_use]
    pub(crate) fn moved_to(&self, registry: &str, repository: &str) -> Self {
        Self { domain: registry.to_owned(), path: repository.to_owned(), ..self.clone() }
    }

    /// The name with its tag, when it has one.
    pub fn tagged(&self) -> Option<ImageReference> {
        let tag = self.tag.clone()?;
        Some(ImageReference { domain: self.domain.clone(), path: self.path.clone(), tag })
    }
}

impl From<&ImageReference> for RegistryReference {
    fn from(image: &ImageReference) -> Self {
        let ImageReference { domain, path, tag } = image.clone();
        Self { domain, path, tag: Some(tag), digest: None }
    }
}

/// The normalised form: `docker.io/library/app:1.0@sha256:…`.
impl fmt::Display for RegistryReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.domain, self.path)?;
        self.tag.iter().try_for_each(|tag| write!(formatter, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(formatter, "@{digest}"))
    }
}

/// A repository of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryReference {
    domain: String,
    path: String,
}

impl RepositoryReference {
    /// Reads `[registry/]name`, without tag and digest.
    pub fn parse(text: &str) -> Result<Self, ReferenceFault> {
        let parts = ReferenceParts::parse(text).ok_or_else(|| ReferenceFault::Name(text.to_owned()))?;
        if parts.tag.is_some() || parts.digest.is_some() {
            return Err(ReferenceFault::NoRepository(text.to_owned()));
        }
        let ImageReference { domain, path, .. } = ImageReference::new(parts.name, "any")?;
        Ok(Self { domain, path })
    }

    /// The registry: a host, or a host and its port; `docker.io` for Docker Hub.
    pub fn registry(&self) -> &str {
        &self.domain
    }

    /// The repository, without its registry.
    pub fn repository(&self) -> &str {
        &self.path
    }
}

/// The normalised form: `docker.io/library/app`.
impl fmt::Display for RepositoryReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.domain, self.path)
    }
}

/// Why a text names no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceFault {
    /// No tag: `latest` is never meant.
    #[error("`{0}` has no tag")]
    NoTag(String),
    /// A repository has neither tag nor digest.
    #[error("`{0}` is an image, not a repository")]
    NoRepository(String),
    /// A tag is letters, digits, `_`, `.` and `-`, at most 128, and does not start with `.` or `-`.
    #[error(
        "invalid tag `{0}`: expected letters, digits, `_`, `.`, `-`, at most 128 characters, not starting with `.` or `-`"
    )]
    Tag(String),
    /// A name is lower-case words.
    #[error(
        "invalid image name `{0}`: expected lower-case letters and digits, separated by `.`, `_`, `__`, `-` or `/`, at most 255 characters"
    )]
    Name(String),
}

const DEFAULT_DOMAIN: &str = "docker.io";

impl ImageReference {
    /// Reads `name:tag`; a name without a registry is one of Docker Hub, as everywhere.
    pub fn parse(text: &str) -> Result<Self, ReferenceFault> {
        match tag_colon(text) {
            Some(colon) => Self::new(&text[..colon], &text[colon + 1..]),
            None => Err(ReferenceFault::NoTag(text.to_owned())),
        }
    }

    /// Puts a repository name and a tag together.
    pub fn new(repository: &str, tag: &str) -> Result<Self, ReferenceFault> {
        if !is_name(repository) {
            return Err(ReferenceFault::Name(repository.to_owned()));
        }
        let (domain, path) = split_domain(repository);
        if !is_tag(tag) {
            return Err(ReferenceFault::Tag(tag.to_owned()));
        }
        let library = domain == DEFAULT_DOMAIN && !path.contains('/');
        let path = if library { format!("library/{path}") } else { path.to_owned() };
        Ok(Self { domain: domain.to_owned(), path, tag: tag.to_owned() })
    }

    /// The registry: a host, or a host and its port; `docker.io` for Docker Hub.
    pub fn registry(&self) -> &str {
        &self.domain
    }

    /// The repository, without its registry.
    pub fn repository(&self) -> &str {
        &self.path
    }

    /// The tag alone.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The form that `docker image ls` shows.
    pub fn familiar(&self) -> String {
        if self.domain != DEFAULT_DOMAIN {
            return self.to_string();
        }
        let path = self.path.strip_prefix("library/").filter(|rest| !rest.contains('/')).unwrap_or(&self.path);
        format!("{path}:{}", self.tag)
    }
}

/// What a text that names an image says: tag and digest may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceParts<'a> {
    /// Registry and repository, as written.
    pub name: &'a str,
    /// The tag.
    pub tag: Option<&'a str>,
    /// The digest.
    pub digest: Option<Digest>,
}

impl<'a> ReferenceParts<'a> {
    /// Reads `[registry/]name[:tag][@digest]` (<https://github.com/distribution/reference>); `None` when it is invalid.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (text, digest) = match text.split_once('@') {
            Some((text, digest)) => (text, Some(Digest::parse(digest).ok()?)),
            None => (text, None),
        };
        let (name, tag) = match tag_colon(text) {
            Some(colon) => (&text[..colon], Some(&text[colon + 1..])),
            None => (text, None),
        };
        (is_name(name) && tag.is_none_or(is_tag)).then_some(Self { name, tag, digest })
    }

    /// Whether the reference may mean something else tomorrow.
    pub fn floats(&self) -> bool {
        self.digest.is_none() && matches!(self.tag, None | Some("latest"))
    }
}

/// Where the tag starts: the last colon that does not belong to a port.
fn tag_colon(text: &str) -> Option<usize> {
    let last_segment = text.rfind('/').map_or(0, |slash| slash + 1);
    text[last_segment..].rfind(':').map(|at| last_segment + at)
}

fn is_name(repository: &str) -> bool {
    /// `RepositoryNameTotalLengthMax` of distribution/reference, without the slash that joins domain and path.
    const MAX_NAME_BYTES: usize = 254;
    let (domain, path) = split_domain(repository);
    is_domain(domain) && path.split('/').all(is_component) && domain.len() + path.len() <= MAX_NAME_BYTES
}

/// The first segment is a registry when it cannot be anything else: a dot, a port, or `localhost`.
fn split_domain(repository: &str) -> (&str, &str) {
    match repository.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => match first {
            "index.docker.io" => (DEFAULT_DOMAIN, rest),
            _ => (first, rest),
        },
        _ => (DEFAULT_DOMAIN, repository),
    }
}

fn is_domain(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "0"));
    let is_label = |label: &str| {
        let inside = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        inside && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    host.split('.').all(is_label) && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_component(text: &str) -> bool {
    let is_separator = |character| matches!(character, '.' | '_' | '-');
    let words = text.split(is_separator).filter(|word| !word.is_empty());
    let separators = text.split(|character: char| !is_separator(character)).filter(|run| !run.is_empty());
    let edges_are_words = !text.is_empty() && !text.starts_with(is_separator) && !text.ends_with(is_separator);
    edges_are_words
        && words.flat_map(str::bytes).all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        && separators.into_iter().all(|run| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-'))
}

/// Whether a base is in a file or a folder, by skopeo's transports: no registry has it.
pub fn is_local_base(text: &str) -> bool {
    const TRANSPORTS: &[&str] = &["docker-archive", "oci", "oci-archive"];
    text.split_once(':').is_some_and(|(transport, path)| TRANSPORTS.contains(&transport) && !path.is_empty())
}

/// Whether a text is a tag.
pub fn is_tag(text: &str) -> bool {
    let is_tag_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    !text.is_empty() && text.len() <= 128 && !text.starts_with(['.', '-']) && text.bytes().all(is_tag_byte)
}

/// The normalised form: `docker.io/library/app:1.0`.
impl fmt::Display for ImageReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}:{}", self.domain, self.path, self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_a_normalised_and_a_familiar_form() {
        for (text, normalised, familiar) in [
            ("app:1.0", "docker.io/library/app:1.0", "app:1.0"),
            ("shop/app:1.0", "docker.io/shop/app:1.0", "shop/app:1.0"),
            ("docker.io/library/app:1.0", "docker.io/library/app:1.0", "app:1.0"),
            ("index.docker.io/app:1", "docker.io/library/app:1", "app:1"),
            (
                "registry.example.com/a__b/c-d:1.4.2-compose",
                "registry.example.com/a__b/c-d:1.4.2-compose",
                "registry.example.com/a__b/c-d:1.4.2-compose",
            ),
            ("localhost:5000/x:y", "localhost:5000/x:y", "localhost:5000/x:y"),
        ] {
            let reference = ImageReference::parse(text).expect(text);
            assert_eq!((reference.to_string().as_str(), reference.familiar().as_str()), (normalised, familiar));
        }
    }

    #[test]
    fn a_reference_without_a_fixed_tag_floats() {
        let digest = format!("a@sha256:{}", "0".repeat(64));
        for (text, floats) in
            [("a", true), ("a:latest", true), ("localhost:5000/a", true), ("a:1", false), (&*digest, false)]
        {
            assert_eq!(ReferenceParts::parse(text).expect(text).floats(), floats, "{text}");
        }
        for text in ["", "a/B", "a b", "a:", "a@sha256:12", "https://a/b", "a/b:x y", "-a", "a//b"] {
            assert_eq!(ReferenceParts::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_image_of_a_registry_has_a_tag_or_a_digest() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for (text, normalised, name) in [
            ("app:1".to_owned(), "docker.io/library/app:1".to_owned(), "1".to_owned()),
            (format!("app@{digest}"), format!("docker.io/library/app@{digest}"), digest.clone()),
            (format!("r.example:5000/a/b:1@{digest}"), format!("r.example:5000/a/b:1@{digest}"), digest.clone()),
        ] {
            let reference = RegistryReference::parse(&text).expect("a reference");
            assert_eq!((reference.to_string(), reference.name()), (normalised, name));
        }
        for text in ["app", "", "app@sha256:12", "r.example/App:1"] {
            assert!(RegistryReference::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_names_no_image_is_refused() {
        for text in [
            "",
            "app",
            "app:",
            ":1",
            "App:1",
            "a//b:1",
            "a/../b:1",
            "a___b:1",
            "-a:1",
            "app:.1",
            "host:port/app:1",
            "host.:1/a:1",
            "app:1.0+b1",
        ] {
            assert!(ImageReference::parse(text).is_err(), "{text}");
        }
    }
}
