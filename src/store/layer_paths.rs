//! Checks the paths of a layer against what engines accept.
//!
//! Takes in the entries of a layer's tar in their order; gives out what an engine would refuse, or put elsewhere: a path that is there twice, one
//! that leaves the image, by itself or through a link, and a hard link whose target is not a file of the layer.

use std::collections::BTreeMap;
use std::io::Read;

/// What is wrong with a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// Which of the two would count differs from engine to engine.
    #[error("has the path `{0}` twice")]
    Twice(String),
    /// It starts at the root of the machine.
    #[error("has the absolute path `{0}`")]
    Absolute(String),
    /// It goes up beyond the root of the image.
    #[error("has the path `{0}`, which leaves the image")]
    Leaves(String),
    /// It lies below a link that goes up beyond the root of the image, or round in a circle.
    #[error("has the path `{path}` below the link `{link}`, which leads nowhere inside the image")]
    BelowLink {
        /// The path.
        path: String,
        /// The link, a path of the same layer.
        link: String,
    },
    /// A hard link to something that is not a file before it in the layer.
    #[error("has the hard link `{path}` to `{target}`, which is not a file before it in the same layer")]
    HardLink {
        /// The path.
        path: String,
        /// What it should be another name of.
        target: String,
    },
}

/// The paths of a layer so far.
#[derive(Debug, Default)]
pub(crate) struct LayerPaths {
    kinds: BTreeMap<String, PathKind>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathKind {
    Folder,
    /// With its target.
    Link(String),
    File,
}

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

impl LayerPaths {
    /// How many paths there are.
    pub(crate) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Adds the next entry, and gives out what is wrong with it.
    pub(crate) fn add<R: Read>(&mut self, entry: &tar::Entry<'_, R>) -> Option<PathFault> {
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            return None;
        }
        let target = entry.link_name_bytes().map(|target| text(&target)).unwrap_or_default();
        self.add_path(&text(&entry.path_bytes()), kind, target)
    }

    fn add_path(&mut self, written: &str, kind: tar::EntryType, target: String) -> Option<PathFault> {
        if written.starts_with('/') {
            return Some(PathFault::Absolute(written.to_owned()));
        }
        let segments: Vec<_> = segments(written).collect();
        if segments.contains(&"..") {
            return Some(PathFault::Leaves(written.to_owned()));
        }
        let path = segments.join("/");
        let parent = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if let Err(link) = self.resolve(parent) {
            return Some(PathFault::BelowLink { path, link });
        }
        let is_lost = kind == tar::EntryType::Link && !self.is_file(&target);
        let known = match kind {
            tar::EntryType::Directory => PathKind::Folder,
            tar::EntryType::Symlink => PathKind::Link(target.clone()),
            _ => PathKind::File,
        };
        let is_twice = self.kinds.insert(path.clone(), known).is_some();
        match () {
            () if is_twice && path.is_empty() => Some(PathFault::Twice("/".to_owned())),
            () if is_twice => Some(PathFault::Twice(path)),
            () if is_lost => Some(PathFault::HardLink { path, target }),
            () => None,
        }
    }

    /// Whether a hard link finds something that can have another name. The last segment is not followed.
    fn is_file(&self, target: &str) -> bool {
        if segments(target).any(|segment| segment == "..") {
            return false;
        }
        let path = segments(target).collect::<Vec<_>>().join("/");
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let Ok(folder) = self.resolve(folder) else { return false };
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        self.kinds.get(&path).is_some_and(|kind| *kind != PathKind::Folder)
    }

    /// Where a folder is when the links of this layer are followed, as an engine follows them that unpacks the layer alone; or the link that
    /// leaves the image.
    fn resolve(&self, folder: &str) -> Result<String, String> {
        let mut left: Vec<String> = segments(folder).rev().map(str::to_owned).collect();
        let (mut at, mut last, mut links) = (Vec::<String>::new(), String::new(), 0);
        while let Some(segment) = left.pop() {
            if segment == ".." {
                at.pop().ok_or_else(|| last.clone())?;
                continue;
            }
            at.push(segment);
            let here = at.join("/");
            let Some(PathKind::Link(target)) = self.kinds.get(&here) else { continue };
            links += 1;
            last = here;
            if links > MAX_LINKS {
                return Err(last);
            }
            at.pop();
            if target.starts_with('/') {
                at.clear();
            }
            left.extend(segments(target).rev().map(str::to_owned));
        }
        Ok(at.join("/"))
    }
}

fn segments(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|segment| !matches!(*segment, "" | "."))
}

/// Names that are not UTF-8 are compared by their bytes.
fn text(path: &[u8]) -> String {
    match std::str::from_utf8(path) {
        Ok(path) => path.to_owned(),
        Err(_) => path.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: tar::EntryType = tar::EntryType::Regular;
    const FOLDER: tar::EntryType = tar::EntryType::Directory;
    const LINK: tar::EntryType = tar::EntryType::Symlink;
    const HARD_LINK: tar::EntryType = tar::EntryType::Link;

    /// What is wrong with a layer of these entries: path, kind and target.
    fn faults(entries: &[(&str, tar::EntryType, &str)]) -> Vec<String> {
        let mut paths = LayerPaths::default();
        let mut add = |(path, kind, target): &(&str, tar::EntryType, &str)| {
            paths.add_path(path, *kind, (*target).to_owned()).map(|fault| fault.to_string())
        };
        entries.iter().filter_map(&mut add).collect()
    }

    #[test]
    fn layers_of_distributions_are_good() {
        let entries = [
            ("./", FOLDER, ""),
            ("bin", LINK, "usr/bin"),
            ("usr/bin/", FOLDER, ""),
            ("usr/bin/busybox", FILE, ""),
            ("usr/bin/sh", HARD_LINK, "bin/busybox"),
            ("usr/bin/ash", HARD_LINK, "/usr/bin/busybox"),
            ("var/run", LINK, "/run"),
            ("var/run/x", FILE, ""),
            ("etc/above", LINK, "../../../../usr"),
            ("etc/.wh.gone", FILE, ""),
        ];
        assert_eq!(faults(&entries), Vec::<String>::new());
    }

    #[test]
    fn what_an_engine_refuses_is_named() {
        for (entries, fault) in [
            (vec![("a", FILE, ""), ("./a", FILE, "")], "has the path `a` twice"),
            (vec![("a/", FOLDER, ""), ("a", FOLDER, "")], "has the path `a` twice"),
            (vec![("./", FOLDER, ""), (".", FOLDER, "")], "has the path `/` twice"),
            (vec![("/etc/x", FILE, "")], "has the absolute path `/etc/x`"),
            (vec![("a/../../x", FILE, "")], "has the path `a/../../x`, which leaves the image"),
            (
                vec![("link", LINK, "../../.."), ("link/x", FILE, "")],
                "has the path `link/x` below the link `link`, which leads nowhere inside the image",
            ),
            (
                vec![("a", LINK, "b"), ("b", LINK, "a"), ("a/x", FILE, "")],
                "has the path `a/x` below the link `a`, which leads nowhere inside the image",
            ),
            (
                vec![("a/b", LINK, "../link"), ("link", LINK, ".."), ("a/b/x", FILE, "")],
                "has the path `a/b/x` below the link `link`, which leads nowhere inside the image",
            ),
            (
                vec![("hl", HARD_LINK, "/etc/passwd")],
                "has the hard link `hl` to `/etc/passwd`, which is not a file before it in the same layer",
            ),
            (
                vec![("x", FILE, ""), ("hl", HARD_LINK, "../x")],
                "has the hard link `hl` to `../x`, which is not a file before it in the same layer",
            ),
            (
                vec![("d/", FOLDER, ""), ("hl", HARD_LINK, "d")],
                "has the hard link `hl` to `d`, which is not a file before it in the same layer",
            ),
        ] {
            assert_eq!(faults(&entries), [fault]);
        }
    }
}
