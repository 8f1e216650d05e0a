//! The files of a release that name images, and what they say after it has moved.

use std::path::Path;

use super::places::Places;
use crate::digest::Digest;
use crate::lock::{self, Lock, Name};
use crate::render::{OVERVIEW_PATH, Overview};

const RELEASE_PATH: &str = "bootstrap/release";
const LOCK_PATH: &str = "bootstrap/spec/bootstrap.lock";
const ENVIRONMENTS: &str = "bootstrap/environments/";

/// `bootstrap/environments/NAME/release`
pub(super) fn is_environment_release(path: &str) -> bool {
    in_environment(path) == Some("release")
}

/// Whether a file may name images.
pub(super) fn is_rewritten(path: &str) -> bool {
    [RELEASE_PATH, OVERVIEW_PATH, LOCK_PATH].contains(&path) || is_environment_release(path) || is_manifest(path)
}

fn is_manifest(path: &str) -> bool {
    in_environment(path).is_some_and(|below| {
        matches!(below, "compose.yaml" | "stack.yaml")
            || below
                .strip_prefix("kubernetes/")
                .is_some_and(|name| Path::new(name).extension() == Some("yaml".as_ref()))
    })
}

/// The path below the folder of an environment.
fn in_environment(path: &str) -> Option<&str> {
    path.strip_prefix(ENVIRONMENTS)?.split_once('/').map(|(_, below)| below)
}

/// The images that an environment's services are pulled from.
pub(super) fn pulled_images(release: &str) -> Vec<String> {
    let services = release.lines().filter(|line| is_service(line));
    let pulled = services.filter(|line| word(line, "pull") != Some("never"));
    pulled.filter_map(|line| word(line, "image")).map(str::to_owned).collect()
}

fn is_service(line: &str) -> bool {
    line.starts_with("service '")
}

/// The value of `key='value'` in a record. Neither images nor digests nor policies have a quote in them.
fn word<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(" {key}='"))?;
    rest.split_once('\'').map(|(value, _)| value)
}

fn with_word(line: &str, key: &str, value: &str) -> String {
    let Some(old) = word(line, key) else { return line.to_owned() };
    line.replacen(&format!(" {key}='{old}'"), &format!(" {key}='{value}'"), 1)
}

/// A file after the move; one that names no image is as it was.
pub(super) fn rewrite(path: &str, bytes: Vec<u8>, places: &Places) -> Result<Vec<u8>, String> {
    if !is_rewritten(path) {
        return Ok(bytes);
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("`{path}` is not text"))?;
    let rewritten = match path {
        RELEASE_PATH => release(&text, places),
        OVERVIEW_PATH => overview(&text, places)?,
        LOCK_PATH => lock(&text, places)?,
        _ if is_environment_release(path) => lines(&text, |line| service(line, places)),
        _ => lines(&text, |line| manifest_line(line, places)),
    };
    Ok(rewritten.into_bytes())
}

fn lines(text: &str, rewrite: impl Fn(&str) -> String) -> String {
    text.split_inclusive('\n')
        .map(|line| line.strip_suffix('\n').map_or_else(|| rewrite(line), |line| rewrite(line) + "\n"))
        .collect()
}

/// The name of the bootstrap image itself, which its help shows.
fn release(text: &str, places: &Places) -> String {
    lines(text, |line| match line.strip_prefix("reference=") {
        Some(_) => format!("reference='{}'", places.bootstrap.familiar()),
        None => line.to_owned(),
    })
}

/// A service's definition shows whether the service changed: another image is a change.
fn service(line: &str, places: &Places) -> String {
    let Some(image) = word(line, "image").filter(|_| is_service(line)) else { return line.to_owned() };
    let mut line = line.to_owned();
    if let Some(new) = places.images.get(image).filter(|new| *new != image) {
        let definition =
            Digest::of(format!("{} {new}", word(&line, "definition").unwrap_or_default()).as_bytes()).hex();
        line = with_word(&with_word(&line, "image", new), "definition", &definition);
    }
    let is_always = word(&line, "pull") == Some("always");
    if places.is_offline && is_always { with_word(&line, "pull", "missing") } else { line }
}

/// `image: NAME`, as every renderer writes it, alone on its line.
fn manifest_line(line: &str, places: &Places) -> String {
    let Some((before, value)) = line.split_once("image: ") else { return line.to_owned() };
    let is_key = before.trim_start_matches([' ', '-']).is_empty();
    let bare = value.trim_matches('"');
    match places.images.get(bare).filter(|_| is_key) {
        Some(new) if bare.len() < value.len() => format!("{before}image: \"{new}\""),
        Some(new) => format!("{before}image: {new}"),
        None => line.to_owned(),
    }
}

fn overview(text: &str, places: &Places) -> Result<String, String> {
    let wrong = |error: serde_json::Error| format!("`{OVERVIEW_PATH}`: {error}");
    let mut overview: Overview = serde_json::from_str(text).map_err(wrong)?;
    overview.reference = places.bootstrap.familiar();
    for service in overview.environments.iter_mut().flat_map(|environment| &mut environment.services) {
        if let Some(new) = places.images.get(&service.image) {
            service.image.clone_from(new);
        }
    }
    Ok(serde_json::to_string_pretty(&overview).map_err(wrong)? + "\n")
}

/// What is not moved is not needed any more: a base is part of the image.
fn lock(text: &str, places: &Places) -> Result<String, String> {
    let old = Lock::parse(text).map_err(|error| format!("`{LOCK_PATH}`: {error}"))?;
    let mut moved = Lock::default();
    for (before, after) in &places.images {
        let (Some(old_name), Some(new_name)) = (lock::name(before), lock::name(after)) else { continue };
        if let Some(locked) = old.get(&Name::Image(old_name.unpinned())) {
            moved.insert(&Name::Image(new_name.unpinned()), locked.clone());
        }
    }
    Ok(moved.to_string())
}

/// Whether a text names an image, and not only one whose name begins or ends so.
pub(super) fn names(text: &str, image: &str) -> bool {
    let is_part =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-' | '/' | ':' | '@');
    text.match_indices(image).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + image.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ImageReference;

    fn places() -> Places {
        Places {
            bootstrap: ImageReference::parse("mirror.example.com/shop/bootstrap:1").expect("a reference"),
            images: [("web:1".to_owned(), "mirror.example.com/library/web:1@sha256:00".to_owned())].into(),
            is_offline: false,
        }
    }

    #[test]
    fn the_image_of_a_service_is_moved_and_its_definition_another() {
        let line = "service 'web' image='web:1' definition='aa' wave='1' pull='always'";
        let moved = service(line, &places());
        assert_eq!(word(&moved, "image"), Some("mirror.example.com/library/web:1@sha256:00"));
        assert_ne!(word(&moved, "definition"), Some("aa"));
        assert_eq!(word(&moved, "pull"), Some("always"));
        assert_eq!(word(&service(line, &Places { is_offline: true, ..places() }), "pull"), Some("missing"));
        for other in ["service 'web' image='web:10' definition='aa'", "script 'service' image='web:1'"] {
            assert_eq!(service(other, &places()), other);
        }
    }

    #[test]
    fn images_are_moved_where_they_are_keys() {
        for (line, moved) in [
            ("    image: web:1", "    image: mirror.example.com/library/web:1@sha256:00"),
            ("      - image: \"web:1\"", "      - image: \"mirror.example.com/library/web:1@sha256:00\""),
            ("    image: web:1.2", "    image: web:1.2"),
            ("    - the image: web:1", "    - the image: web:1"),
        ] {
            assert_eq!(manifest_line(line, &places()), moved);
        }
    }

    #[test]
    fn a_name_is_a_whole_word() {
        assert!(names("x 'web:1' y", "web:1") && names("image: web:1\n", "web:1"));
        assert!(!names("web:1.2 my/web:1 web:1@sha256:00", "web:1"));
    }
}
