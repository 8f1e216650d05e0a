//! Whether a base has the programs that an image needs.
//!
//! Takes in the layers of a base and the tools wanted; gives out the names of those that are missing, without unpacking or running
//! anything: the layers' paths are stacked as an engine stacks them, whiteouts and links included.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::cache::{Cache, Kind};
use super::layer_check::{ListedKind, ListedPath, listing};
use super::{MissingTools, Occupied, StoreError};
use crate::digest::Digest;
use crate::image::{Base, BaseImage};

/// A program, in any of several places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// How people call it.
    pub name: String,
    /// Where it may be; one is enough.
    pub places: Vec<Place>,
}

/// Where a program may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// A command in one of the folders of `PATH`.
    Command(String),
    /// A plugin of the Docker CLI, such as `docker-compose`.
    DockerPlugin(String),
    /// An absolute path.
    File(String),
}

impl Tool {
    /// A tool with its places.
    pub fn new(name: &str, places: impl IntoIterator<Item = Place>) -> Self {
        Self { name: name.to_owned(), places: places.into_iter().collect() }
    }
}

/// Where the Docker CLI looks for plugins on Linux (cli/cli-plugins/manager, `defaultSystemPluginDirs`), and root's own folder.
const DOCKER_PLUGIN_FOLDERS: [&str; 5] = [
    "/root/.docker/cli-plugins",
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];
/// What engines set when an image sets none.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Fails when the base lacks a tool on one of its architectures.
pub fn require_tools(base: &Base, tools: &[Tool], cache: &Cache) -> Result<(), StoreError> {
    for image in base.images() {
        let missing = missing_tools(base.name().as_ref(), image, tools, cache)?;
        if !missing.is_empty() {
            let searched = tools
                .iter()
                .filter(|tool| missing.contains(&tool.name))
                .flat_map(|tool| candidates(image, tool))
                .collect();
            let (base, architecture) = (base.name().to_owned(), image.architecture.clone());
            return Err(StoreError::MissingTools(Box::new(MissingTools { base, architecture, missing, searched })));
        }
    }
    Ok(())
}

/// The names of the tools that are not there.
fn missing_tools(base: &Path, image: &BaseImage, tools: &[Tool], cache: &Cache) -> Result<Vec<String>, StoreError> {
    let key = key(image, tools);
    if let Some(missing) = cache.get(Kind::Tools, key) {
        return Ok(missing);
    }
    let mut stack = Stack::default();
    for layer in &image.layers {
        stack.add(listing(layer, base, cache)?);
    }
    let is_missing = |tool: &&Tool| !candidates(image, tool).iter().any(|path| stack.has_program(path));
    let missing: Vec<_> = tools.iter().filter(is_missing).map(|tool| tool.name.clone()).collect();
    cache.put(Kind::Tools, key, &missing);
    Ok(missing)
}

fn key(image: &BaseImage, tools: &[Tool]) -> Digest {
    let layers: Vec<_> = image.layers.iter().map(|layer| layer.packed.diff_id()).collect();
    Digest::of(format!("{layers:?} {:?} {tools:?}", search_path(image)).as_bytes())
}

fn search_path(image: &BaseImage) -> &str {
    let environment = image.config.config().as_ref().and_then(|config| config.env().as_deref()).unwrap_or_default();
    environment.iter().find_map(|entry| entry.strip_prefix("PATH=")).unwrap_or(DEFAULT_PATH)
}

/// Every path at which a tool may be.
fn candidates(image: &BaseImage, tool: &Tool) -> Vec<String> {
    let in_folders =
        |folders: Vec<&str>, name: &str| folders.iter().map(|folder| format!("{folder}/{name}")).collect::<Vec<_>>();
    let of_place = |place: &Place| match place {
        Place::Command(name) => {
            in_folders(search_path(image).split(':').filter(|folder| folder.starts_with('/')).collect(), name)
        }
        Place::DockerPlugin(name) => in_folders(DOCKER_PLUGIN_FOLDERS.to_vec(), name),
        Place::File(path) => vec![path.clone()],
    };
    tool.places.iter().flat_map(of_place).collect()
}

/// Fails when the base has anything but an empty folder where the payload goes: a container would see both.
pub fn require_free(base: &Base, folder: &str, cache: &Cache) -> Result<(), StoreError> {
    for image in base.images() {
        let mut stack = Stack::default();
        for layer in &image.layers {
            stack.add(listing(layer, base.name().as_ref(), cache)?);
        }
        if let Some(path) = stack.occupied(folder) {
            let (base, architecture) = (base.name().to_owned(), image.architecture.clone());
            return Err(StoreError::Occupied(Box::new(Occupied { base, architecture, path: path.to_owned() })));
        }
    }
    Ok(())
}

/// The file system that stacked layers make.
#[derive(Default)]
pub(crate) struct Stack {
    paths: BTreeMap<String, ListedKind>,
}

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";
/// As many as Linux follows.
const MAX_LINKS: usize = 40;

impl Stack {
    /// Puts a layer on top. Whiteouts hide what lies below, never what the same layer brings, in whatever order they come.
    pub(crate) fn add(&mut self, layer: Vec<ListedPath>) {
        let (whiteouts, content): (Vec<_>, Vec<_>) =
            layer.into_iter().partition(|listed| name_of(&listed.path).1.starts_with(WHITEOUT));
        for ListedPath { path, .. } in whiteouts {
            match name_of(&path) {
                (folder, OPAQUE) => self.remove_below(folder),
                (folder, name) => self.remove(&join(folder, &name[WHITEOUT.len()..])),
            }
        }
        for ListedPath { path, kind } in content {
            if !matches!((&kind, self.paths.get(&path)), (ListedKind::Folder, Some(ListedKind::Folder))) {
                self.remove(&path);
            }
            let kind = match &kind {
                ListedKind::HardLink(target) => self.paths.get(target).cloned().unwrap_or(ListedKind::Other),
                _ => kind,
            };
            self.paths.insert(path, kind);
        }
    }

    /// Everything at and below a path.
    pub(crate) fn at_and_below<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a ListedKind)> {
        let is_below =
            move |other: &str| other == path || other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        let from = self.paths.range(path.to_owned()..).take_while(move |(other, _)| other.starts_with(path));
        from.filter(move |(other, _)| is_below(other)).map(|(path, kind)| (path.as_str(), kind))
    }

    /// The first path that a folder could not share: something in it, or something else in its place.
    pub(crate) fn occupied<'a>(&'a self, folder: &'a str) -> Option<&'a str> {
        let is_other = |(path, kind): &(&str, &ListedKind)| *path != folder || !matches!(kind, ListedKind::Folder);
        self.at_and_below(folder).find(is_other).map(|(path, _)| path)
    }

    fn remove(&mut self, path: &str) {
        self.paths.remove(path);
        self.remove_below(path);
    }

    fn remove_below(&mut self, folder: &str) {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below: Vec<_> = self
            .paths
            .range(prefix.clone()..)
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(&prefix))
            .cloned()
            .collect();
        for path in below {
            self.paths.remove(&path);
        }
    }

    /// Whether an absolute path leads to an executable file, links followed as the kernel follows them.
    fn has_program(&self, path: &str) -> bool {
        let mut left: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut at = String::new();
        let mut links = 0;
        while let Some(segment) = left.pop() {
            match segment.as_str() {
                "" | "." => {}
                ".." => at = name_of(&at).0.to_owned(),
                _ => {
                    let next = join(&at, &segment);
                    let Some(ListedKind::Link(target)) = self.paths.get(&next) else {
                        at = next;
                        continue;
                    };
                    links += 1;
                    if links > MAX_LINKS {
                        return false;
                    }
                    if target.starts_with('/') {
                        at.clear();
                    }
                    left.extend(target.split('/').rev().map(str::to_owned));
                }
            }
        }
        matches!(self.paths.get(&at), Some(ListedKind::File { executable: true }))
    }
}

fn name_of(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> ListedPath {
        ListedPath { path: path.to_owned(), kind: ListedKind::File { executable: true } }
    }

    fn link(path: &str, target: &str) -> ListedPath {
        ListedPath { path: path.to_owned(), kind: ListedKind::Link(target.to_owned()) }
    }

    fn stack(layers: Vec<Vec<ListedPath>>) -> Stack {
        let mut stack = Stack::default();
        for layer in layers {
            stack.add(layer);
        }
        stack
    }

    #[test]
    fn links_are_followed() {
        let busybox =
            ListedPath { path: "usr/bin/ash".to_owned(), kind: ListedKind::HardLink("usr/bin/busybox".to_owned()) };
        let stack = stack(vec![vec![
            link("bin", "usr/bin"),
            file("usr/bin/busybox"),
            busybox,
            link("usr/bin/sh", "../../bin/./busybox"),
            link("usr/bin/dash", "/bin/ash"),
            link("usr/bin/round", "round"),
            link("usr/bin/gone", "nowhere"),
        ]]);
        for (path, found) in [
            ("/bin/sh", true),
            ("/usr/bin/sh", true),
            ("/bin/dash", true),
            ("/bin/round", false),
            ("/bin/gone", false),
            ("/bin", false),
        ] {
            assert_eq!(stack.has_program(path), found, "{path}");
        }
    }

    #[test]
    fn whiteouts_hide_what_lies_below() {
        let below = || vec![file("bin/sh"), file("opt/a/x"), file("opt/b/y")];
        assert!(stack(vec![below()]).has_program("/bin/sh"));
        assert!(!stack(vec![below(), vec![file("bin/.wh.sh")]]).has_program("/bin/sh"));
        assert!(!stack(vec![below(), vec![file(".wh.opt")]]).has_program("/opt/a/x"));
        let opaque = stack(vec![below(), vec![file("opt/a/z"), file("opt/a/.wh..wh..opq")]]);
        assert_eq!(["/opt/a/x", "/opt/a/z", "/opt/b/y"].map(|path| opaque.has_program(path)), [false, true, true]);
    }

    #[test]
    fn a_file_in_place_of_a_folder_hides_what_was_in_it() {
        assert!(!stack(vec![vec![file("opt/x")], vec![file("opt")]]).has_program("/opt/x"));
    }

    #[test]
    fn a_file_that_nobody_can_execute_is_no_program() {
        let plain = ListedPath { path: "bin/sh".to_owned(), kind: ListedKind::File { executable: false } };
        assert!(!stack(vec![vec![plain]]).has_program("/bin/sh"));
    }
}
