//! Which files of a module use each other: no circle of files may be in it.
//!
//! Takes in the sources of the library; gives out an objection for every circle. A path counts as a use of the file that defines what it names: a
//! parent that offers what a child defines (`pub use`) does not stand between the two, and uses neither.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemMod, ItemUse, UseTree, Visibility};

use super::floors;
use super::uses::module_path;

/// Modules in which circles are left.
const TANGLED: &[&str] = &["plan", "render"];

/// A module by the names from the root.
type Module = Vec<String>;

/// Objections to the files of the library, each a path and a text.
pub(super) fn check<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Vec<String>> {
    let mut files = BTreeMap::new();
    for (path, text) in sources.filter(|(path, _)| floors::module_of(path).is_some()) {
        let file = syn::parse_file(text).with_context(|| format!("cannot parse `{path}`"))?;
        files.insert(module_path(path), Outline::of(&file));
    }
    let uses: BTreeMap<_, _> = files.keys().map(|module| (module.clone(), used(&files, module))).collect();
    let is_tangled = |circle: &[Module]| TANGLED.contains(&circle[0][0].as_str());
    let circles = circles(&uses).into_iter().filter(|circle| !is_tangled(circle));
    Ok(circles.map(|circle| format!("a circle of files: {}", draw(&circle))).collect())
}

/// `a → b → a`
fn draw(circle: &[Module]) -> String {
    let names: Vec<_> = circle.iter().chain(circle.first()).map(|module| module.join("/")).collect();
    names.join(" → ")
}

/// What a file says of others.
#[derive(Default)]
struct Outline {
    /// Names that the file defines itself.
    defined: BTreeSet<String>,
    /// Names that it takes from elsewhere, and from where.
    imported: BTreeMap<String, Vec<String>>,
    /// Paths of what it uses.
    used: Vec<Vec<String>>,
}

impl Outline {
    fn of(file: &File) -> Self {
        let mut outline = Self::default();
        outline.defined.extend(file.items.iter().filter_map(name_of));
        outline.visit_file(file);
        outline
    }

    fn import(&mut self, prefix: &mut Vec<String>, tree: &UseTree, is_offered: bool) {
        let (name, bound) = match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.import(prefix, &path.tree, is_offered);
                prefix.pop();
                return;
            }
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.import(prefix, tree, is_offered)),
            UseTree::Name(name) => (&name.ident, &name.ident),
            UseTree::Rename(rename) => (&rename.ident, &rename.rename),
            UseTree::Glob(_) => return,
        };
        let mut path = prefix.clone();
        path.extend((name != "self").then(|| name.to_string()));
        let bound = if bound == "self" { path.last().cloned().unwrap_or_default() } else { bound.to_string() };
        if !is_offered {
            self.used.push(path.clone());
        }
        self.imported.insert(bound, path);
    }
}

impl<'ast> Visit<'ast> for Outline {
    /// Tests may look at everything.
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !item.attrs.iter().any(is_for_tests) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&mut Vec::new(), &item.tree, !matches!(item.vis, Visibility::Inherited));
    }

    /// One word is a name of the file's own, or one that it imported.
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.used.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    /// `pub(in …)` uses nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        _ => return None,
    };
    Some(name.to_string())
}

/// The files of the same top-level module that a file uses.
fn used(files: &BTreeMap<Module, Outline>, module: &Module) -> BTreeSet<Module> {
    let paths = files[module].used.iter();
    let found = paths.filter_map(|path| find(files, module, path, &mut BTreeSet::new()));
    found.filter(|other| other != module && other.first() == module.first()).collect()
}

/// The file that defines what a path names, as it is written in a module.
fn find(
    files: &BTreeMap<Module, Outline>,
    module: &Module,
    path: &[String],
    seen: &mut BTreeSet<(Module, String)>,
) -> Option<Module> {
    let (mut at, mut rest) = begin(module, path);
    while let Some((name, others)) = rest.split_first() {
        let child: Module = at.iter().chain([name]).cloned().collect();
        if files.contains_key(&child) || !at.is_empty() && files.keys().any(|file| file.starts_with(&child)) {
            (at, rest) = (child, others);
            continue;
        }
        let outline = files.get(&at)?;
        if outline.defined.contains(name) {
            break;
        }
        let Some(imported) = outline.imported.get(name) else {
            return (at != *module).then_some(at);
        };
        // A name that is imported as itself comes from outside.
        if !seen.insert((at.clone(), name.clone())) {
            return None;
        }
        let whole: Vec<_> = imported.iter().chain(others).cloned().collect();
        return find(files, &at, &whole, seen);
    }
    files.contains_key(&at).then_some(at)
}

/// Where a path begins, and what is left of it.
fn begin<'p>(module: &Module, path: &'p [String]) -> (Module, &'p [String]) {
    let (mut at, mut rest) = (module.clone(), path);
    while let Some((first, others)) = rest.split_first() {
        match first.as_str() {
            "crate" | "bootsmith" => at.clear(),
            "super" => drop(at.pop()),
            "self" => {}
            _ => break,
        }
        rest = others;
    }
    (at, rest)
}

/// A shortest circle through each file that is in one, each circle once.
fn circles(uses: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Vec<Module>> {
    let found = uses.keys().filter_map(|module| circle(uses, module));
    found.map(from_the_least).collect()
}

/// A shortest way from a file back to itself.
fn circle(uses: &BTreeMap<Module, BTreeSet<Module>>, start: &Module) -> Option<Vec<Module>> {
    let mut ways = vec![vec![start.clone()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in way.last().and_then(|last| uses.get(last)).into_iter().flatten() {
                if next == start {
                    return Some(way);
                }
                if seen.insert(next.clone()) {
                    longer.push(way.iter().chain([next]).cloned().collect());
                }
            }
        }
        ways = longer;
    }
    None
}

fn from_the_least(mut circle: Vec<Module>) -> Vec<Module> {
    let least = circle.iter().enumerate().min_by_key(|(_, module)| *module).map_or(0, |(index, _)| index);
    circle.rotate_left(least);
    circle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(sources: &[(&str, &str)]) -> Vec<String> {
        check(sources.iter().copied()).expect("they parse")
    }

    #[test]
    fn a_circle_is_found_however_it_is_written() {
        for text in ["use super::b::B;", "use crate::a::b::B;", "fn f() { super::b::g() }", "use super::b::{self, B};"]
        {
            let sources =
                [("src/a.rs", "mod b; mod c;"), ("src/a/b.rs", "use super::c::C; pub struct B;"), ("src/a/c.rs", text)];
            assert_eq!(faults(&sources), ["a circle of files: a/b → a/c → a/b"], "{text}");
        }
    }

    #[test]
    fn what_a_parent_offers_is_its_child_s() {
        let sources = [
            ("src/a.rs", "mod b; mod c; pub use b::B; pub use c::work;"),
            ("src/a/b.rs", "pub struct B;"),
            ("src/a/c.rs", "use super::B; pub fn work(_: B) {}"),
        ];
        assert_eq!(faults(&sources), Vec::<String>::new());
        let sources = [
            ("src/a.rs", "mod c; pub struct B; fn f() { c::work() }"),
            ("src/a/c.rs", "use super::B; pub fn work(_: B) {}"),
        ];
        assert_eq!(faults(&sources), ["a circle of files: a → a/c → a"]);
    }

    #[test]
    fn tests_and_visibilities_use_nothing() {
        let sources = [
            ("src/a.rs", "mod b; fn f() { b::g() } #[cfg(test)] mod tests { use super::b; }"),
            ("src/a/b.rs", "pub(in crate::a) fn g() {} #[cfg(test)] mod tests { use crate::a; fn f() { a::f() } }"),
        ];
        assert_eq!(faults(&sources), Vec::<String>::new());
    }
}
