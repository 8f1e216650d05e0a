//! Root file systems from Debian packages, the same bytes on every machine.
//!
//! Takes in a [`Recipe`]; gives out a sorted tar with epoch times, two modes and known owners. Packages are unpacked, not
//! configured: no package script runs, so what is in the tar is what is in the packages. Knows no image format.

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};
use flate2::read::GzDecoder;
use tar::{Archive, Builder, EntryType, Header};

use crate::{command, packages};

/// Which packages, and what of them.
pub(crate) struct Recipe {
    /// The Debian release.
    pub(crate) suite: &'static str,
    /// The packages wanted; what they depend on comes with them.
    pub(crate) packages: &'static [&'static str],
    /// Paths that stay out; `*` stands for anything.
    pub(crate) leave_out: &'static [&'static str],
    /// Exceptions from what is left out.
    pub(crate) keep: &'static [&'static str],
}

/// What no image needs: devices and state that the engine makes, manuals, translations, package administration.
const NEVER: &[&str] = &[
    "dev/*",
    "proc/*",
    "sys/*",
    "run/*",
    "boot/*",
    "media/*",
    "mnt/*",
    "home/*",
    "srv/*",
    "opt/*",
    "tmp/*",
    "var/*",
    "root/*",
    "etc/apt/*",
    "etc/cron*",
    "etc/debconf.conf",
    "etc/default/*",
    "etc/dpkg/*",
    "etc/fstab",
    "etc/hostname",
    "etc/init.d/*",
    "etc/logrotate.d/*",
    "etc/perl/*",
    "etc/rc*",
    "etc/resolv.conf",
    "etc/systemd/*",
    "usr/lib/*/engines-3/*",
    "usr/lib/*/gconv/*",
    "usr/lib/*/perl*",
    "usr/lib/*/libmvec*",
    "usr/lib/init/*",
    "usr/lib/systemd/*",
    "usr/share/bash-completion/*",
    "usr/share/bug/*",
    "usr/share/debconf/*",
    "usr/share/doc-base/*",
    "usr/share/fish/*",
    "usr/share/gcc/*",
    "usr/share/gdb/*",
    "usr/share/i18n/*",
    "usr/share/info/*",
    "usr/share/initramfs-tools/*",
    "usr/share/lintian/*",
    "usr/share/locale/*",
    "usr/share/man/*",
    "usr/share/perl*",
    "usr/share/pixmaps/*",
    "usr/share/zsh/*",
];

/// The licences of what is in the image stay in the image; the rest of the documentation does not.
const DOCUMENTATION: &str = "usr/share/doc/";

/// Merged `/usr`: every Debian since 12 has these links.
const MERGED: &[(&str, &str)] = &[("bin", "usr/bin"), ("sbin", "usr/sbin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")];

/// A root file system in memory.
#[derive(Default)]
pub(crate) struct Rootfs {
    nodes: BTreeMap<String, Node>,
    versions: BTreeMap<String, String>,
}

#[derive(Clone)]
struct Node {
    kind: Kind,
    mode: u32,
    owner: u64,
}

#[derive(Clone)]
enum Kind {
    Folder,
    File(Rc<[u8]>),
    Link(String),
}

impl Rootfs {
    /// Fetches the packages of a recipe, with what they depend on, and unpacks them.
    pub(crate) fn fetch(recipe: &Recipe) -> Result<Self> {
        packages::ensure(&[packages::MMDEBSTRAP, packages::KEYRING])?;
        let work = tempfile::tempdir().context("cannot make a temporary folder")?;
        let fetched = work.path().join("rootfs.tar");
        command::output(&mut mmdebstrap(recipe, &fetched))?;
        let mut rootfs = Self::default();
        rootfs.read(BufReader::new(File::open(&fetched)?), recipe)?;
        for (link, target) in MERGED {
            rootfs.link(link, target);
        }
        Ok(rootfs)
    }

    /// The version of a package, without what Debian adds to it: of `2.26.1-4`, `2.26.1`.
    pub(crate) fn upstream_version(&self, package: &str) -> Result<&str> {
        let version = self.versions.get(package).with_context(|| format!("`{package}` has no changelog"))?;
        let version = version.split_once(':').map_or(version.as_str(), |(_epoch, version)| version);
        Ok(version.rsplit_once('-').map_or(version, |(upstream, _revision)| upstream))
    }

    /// Adds a file.
    pub(crate) fn file(&mut self, path: &str, mode: u32, bytes: impl Into<Rc<[u8]>>) {
        self.insert(path, Kind::File(bytes.into()), mode, 0);
    }

    /// Adds a symbolic link.
    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.insert(path, Kind::Link(target.to_owned()), 0o777, 0);
    }

    /// Adds a folder that belongs to somebody.
    pub(crate) fn folder(&mut self, path: &str, mode: u32, owner: u64) {
        self.insert(path, Kind::Folder, mode, owner);
    }

    /// Whether something is at a path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.nodes.contains_key(path)
    }

    /// The bytes of a file.
    pub(crate) fn bytes(&self, path: &str) -> Option<Rc<[u8]>> {
        match &self.nodes.get(path)?.kind {
            Kind::File(bytes) => Some(Rc::clone(bytes)),
            Kind::Folder | Kind::Link(_) => None,
        }
    }

    /// The bytes of all files below a folder, in the order of their paths, taken out of the tree.
    pub(crate) fn take(&mut self, folder: &str) -> Vec<Rc<[u8]>> {
        let paths: Vec<_> = self.nodes.keys().filter(|path| path.starts_with(folder)).cloned().collect();
        let nodes = paths.iter().filter_map(|path| self.nodes.remove(path));
        nodes.filter_map(|node| if let Kind::File(bytes) = node.kind { Some(bytes) } else { None }).collect()
    }

    /// Writes the tree as a tar, sorted by path, with every folder.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let mut tar = Builder::new(BufWriter::new(File::create(path)?));
        for (path, node) in &self.with_parents() {
            append(&mut tar, path, node).with_context(|| format!("cannot pack `{path}`"))?;
        }
        tar.into_inner()?.flush()?;
        Ok(())
    }

    /// Busybox's applets as links, wherever no other program has the name.
    pub(crate) fn link_applets(&mut self) -> Result<()> {
        let busybox = self.bytes("usr/bin/busybox").context("the recipe has no `usr/bin/busybox`")?;
        for applet in list_applets(&busybox)? {
            let name = applet.rsplit('/').next().unwrap_or(&applet);
            let (place, target) =
                if applet.contains("sbin/") { ("usr/sbin", "../bin/busybox") } else { ("usr/bin", "busybox") };
            let taken = ["usr/bin", "usr/sbin"].iter().any(|folder| self.has(&format!("{folder}/{name}")));
            if !taken && applet.contains("bin/") {
                self.link(&format!("{place}/{name}"), target);
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: &str, kind: Kind, mode: u32, owner: u64) {
        self.nodes.insert(path.to_owned(), Node { kind, mode, owner });
    }

    fn read(&mut self, tar: impl Read, recipe: &Recipe) -> Result<()> {
        let mut all: BTreeMap<String, Rc<[u8]>> = BTreeMap::new();
        for entry in Archive::new(tar).entries()? {
            let mut entry = entry?;
            let path = entry.path()?.to_str().context("a package has a path that is not UTF-8")?.to_owned();
            let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
            let executable = entry.header().mode()? & 0o111 != 0;
            let kind = match entry.header().entry_type() {
                EntryType::Regular => Kind::File(read_all(&mut entry)?),
                EntryType::Symlink => Kind::Link(target_of(&entry)?),
                EntryType::Link => {
                    let target = target_of(&entry)?;
                    let bytes = all.get(target.trim_start_matches("./"));
                    Kind::File(Rc::clone(bytes.with_context(|| format!("`{path}` is a hard link to nothing"))?))
                }
                _ => continue,
            };
            if let Kind::File(bytes) = &kind {
                all.insert(path.clone(), Rc::clone(bytes));
            }
            if let (Some(package), Kind::File(bytes)) = (package_of_changelog(&path), &kind) {
                self.versions.extend(newest_version(bytes)?.map(|version| (package.to_owned(), version)));
            }
            if is_wanted(&path, recipe) {
                self.insert(&path, kind, if executable { 0o755 } else { 0o644 }, 0);
            }
        }
        Ok(())
    }

    /// All nodes with the folders on the way to them; a folder that was asked for keeps its mode and owner.
    fn with_parents(&self) -> BTreeMap<String, Node> {
        let mut nodes = self.nodes.clone();
        for path in self.nodes.keys() {
            for (at, _) in path.match_indices('/') {
                let folder = Node { kind: Kind::Folder, mode: 0o755, owner: 0 };
                nodes.entry(path[..at].to_owned()).or_insert(folder);
            }
        }
        nodes
    }
}

/// The environment is cleared of what reaches the bytes; the mode of new folders is set by [`append`].
fn mmdebstrap(recipe: &Recipe, output: &Path) -> Command {
    let mut command = Command::new("mmdebstrap");
    command.args(["--quiet", "--variant=extract", "--format=tar"]);
    command.arg(format!("--include={}", recipe.packages.join(",")));
    command.arg(recipe.suite).arg(output);
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
    command.envs(env::vars_os().filter(|(name, _)| name == "TMPDIR" || name == "HOME" || name == "http_proxy"));
    command.env("SOURCE_DATE_EPOCH", "0").env("TZ", "UTC").env("LC_ALL", "C.UTF-8");
    command
}

/// Debian Policy, 12.7: every package has a compressed changelog here.
fn package_of_changelog(path: &str) -> Option<&str> {
    path.strip_prefix(DOCUMENTATION)?.strip_suffix("/changelog.Debian.gz")
}

/// The version in a changelog's first line: `docker-compose (2.26.1-4) unstable; urgency=medium`.
fn newest_version(changelog: &[u8]) -> Result<Option<String>> {
    let mut first = String::new();
    BufReader::new(GzDecoder::new(changelog)).read_line(&mut first).context("a changelog is not readable")?;
    let version = first.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    Ok(version.map(|(version, _)| version.to_owned()))
}

fn is_wanted(path: &str, recipe: &Recipe) -> bool {
    if let Some(below) = path.strip_prefix(DOCUMENTATION) {
        return below.ends_with("/copyright");
    }
    let is_listed = |list: &[&str]| list.iter().any(|pattern| matches(pattern, path));
    is_listed(recipe.keep) || !(is_listed(NEVER) || is_listed(recipe.leave_out))
}

/// Whether a path is what a pattern says; `*` stands for anything, slashes included.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((start, "")) => path.starts_with(start),
        Some((start, rest)) => {
            let Some(below) = path.strip_prefix(start) else {
                return false;
            };
            (0..=below.len()).filter(|&at| below.is_char_boundary(at)).any(|at| matches(rest, &below[at..]))
        }
    }
}

fn read_all(entry: &mut impl Read) -> Result<Rc<[u8]>> {
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

fn target_of<R: Read>(entry: &tar::Entry<'_, R>) -> Result<String> {
    let target = entry.link_name()?.context("a link without a target")?;
    Ok(target.to_str().context("a link's target is not UTF-8")?.to_owned())
}

fn append(tar: &mut Builder<impl Write>, path: &str, node: &Node) -> Result<()> {
    let mut header = Header::new_ustar();
    header.set_mode(node.mode);
    header.set_uid(node.owner);
    header.set_gid(node.owner);
    header.set_mtime(0);
    header.set_size(0);
    match &node.kind {
        Kind::Folder => {
            header.set_entry_type(EntryType::Directory);
            tar.append_data(&mut header, format!("{path}/"), std::io::empty())?;
        }
        Kind::File(bytes) => {
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, path, &bytes[..])?;
        }
        Kind::Link(target) => {
            header.set_entry_type(EntryType::Symlink);
            tar.append_link(&mut header, path, target)?;
        }
    }
    Ok(())
}

/// Asks this very busybox: it is static, and of the machine's own architecture.
fn list_applets(busybox: &[u8]) -> Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("busybox");
    std::fs::write(&program, busybox)?;
    make_executable(&program)?;
    let list = command::output(Command::new(&program).arg("--list-full"))?;
    let list = String::from_utf8(list).context("busybox lists names that are not UTF-8")?;
    if list.is_empty() {
        bail!("busybox lists no applets");
    }
    Ok(list.lines().map(str::to_owned).collect())
}

fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(matches("usr/share/man/*", "usr/share/man/man1/sh.1"));
        assert!(matches("usr/lib/*/gconv/*", "usr/lib/x86_64-linux-gnu/gconv/BIG5.so"));
        assert!(matches("etc/fstab", "etc/fstab"));
        assert!(!matches("etc/fstab", "etc/fstab.d"));
        assert!(!matches("usr/lib/*/gconv/*", "usr/lib/gconv"));
    }

    #[test]
    fn a_tree_is_written_the_same_whatever_the_order() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let written = |name: &str, paths: [&str; 3]| {
            let mut rootfs = Rootfs::default();
            rootfs.folder("data", 0o700, 999);
            for path in paths {
                rootfs.file(path, 0o644, path.as_bytes());
            }
            let path = folder.path().join(name);
            rootfs.write(&path).expect("written");
            std::fs::read(path).expect("read")
        };
        assert_eq!(written("a", ["b/c", "a", "data/x"]), written("b", ["data/x", "a", "b/c"]));
    }
}
