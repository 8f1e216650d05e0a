//! Which modules a file of the library uses.
//!
//! Takes in Rust source; gives out an objection for every path that leads up. Paths are read by a real parser: `use` trees,
//! `super`, paths in types and expressions, and those in the arguments of macros.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{ItemMod, ItemUse, Macro, UseTree};

use super::floors::{self, Room};

/// Objections to what one file uses.
pub(super) fn check(rooms: &[Room], path: &str, text: &str) -> Result<Vec<String>> {
    let Some(module) = floors::module_of(path) else {
        return Ok(Vec::new());
    };
    let objections = modules(path, text)?.into_iter().filter_map(|(line, used)| {
        floors::objection(rooms, module, &used).map(|objection| format!("{path}:{line}: {objection}"))
    });
    Ok(objections.collect())
}

/// Line and top-level module of every path in a file.
pub(super) fn modules(path: &str, text: &str) -> Result<BTreeSet<(usize, String)>> {
    let file = syn::parse_file(text).with_context(|| format!("cannot parse `{path}`"))?;
    let mut reader = Reader { here: module_path(path), uses: BTreeSet::new() };
    reader.visit_file(&file);
    Ok(reader.uses)
}

/// The module that a file is: `src/image/base.rs` is `image::base`.
pub(super) fn module_path(path: &str) -> Vec<String> {
    let below = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    below.split('/').map(str::to_owned).collect()
}

struct Reader {
    /// The module that is being read.
    here: Vec<String>,
    /// Line and top-level module.
    uses: BTreeSet<(usize, String)>,
}

impl Reader {
    /// Notes the top-level module that a path leads to, if it leads through the root of this crate.
    fn note(&mut self, line: usize, segments: &[String]) {
        let mut at = self.here.clone();
        let mut rest = segments;
        match rest.first().map(String::as_str) {
            Some("crate" | "bootsmith") => at.clear(),
            Some("super") => {}
            _ => return,
        }
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "super" => drop(at.pop()),
                "crate" | "bootsmith" | "self" => {}
                _ => break,
            }
            rest = others;
        }
        // A path that ends inside a module stays in that module; one that ends at the root goes on with the next word.
        if let Some(module) = at.first().or(rest.first()) {
            self.uses.insert((line, module.clone()));
        }
    }

    fn note_tree(&mut self, prefix: &mut Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.note_tree(prefix, &path.tree);
                prefix.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|item| self.note_tree(prefix, item)),
            UseTree::Name(name) => self.note_leaf(prefix, &name.ident),
            UseTree::Rename(rename) => self.note_leaf(prefix, &rename.ident),
            UseTree::Glob(glob) => self.note(glob.span().start().line, prefix),
        }
    }

    fn note_leaf(&mut self, prefix: &[String], name: &syn::Ident) {
        let segments: Vec<_> = prefix.iter().cloned().chain([name.to_string()]).collect();
        self.note(name.span().start().line, &segments);
    }

    /// The arguments of a macro are tokens, not paths: `crate :: a :: b` is put together here.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut expects_word = true;
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    self.note_tokens(group.stream());
                    expects_word = true;
                }
                TokenTree::Ident(word) => {
                    if !expects_word || path.is_empty() {
                        self.note(line, &std::mem::take(&mut path));
                        line = word.span().start().line;
                    }
                    path.push(word.to_string());
                    expects_word = false;
                }
                TokenTree::Punct(point) if point.as_char() == ':' => expects_word = true,
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.note(line, &std::mem::take(&mut path));
                    expects_word = true;
                }
            }
        }
        self.note(line, &path);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.here.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.here.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.note_tree(&mut Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(path.span().start().line, &segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.note_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::floors::ROOMS;

    fn faults(path: &str, text: &str) -> Vec<String> {
        check(ROOMS, path, text).expect("it parses")
    }

    #[test]
    fn an_arrow_up_is_found_however_it_is_written() {
        for text in [
            "use crate::pipeline::build;",
            "use crate::pipeline;",
            "use crate::{path, pipeline as whole};",
            "use super::super::pipeline::build;",
            "fn f() { crate::pipeline::build(); }",
            "fn f(x: &crate::pipeline::Build) {}",
            "fn f() { println!(\"{}\", crate::pipeline::build()); }",
            "mod tests { use super::super::super::pipeline; }",
            "use bootsmith::pipeline;",
            "pub(crate) use crate::pipeline::*;",
        ] {
            assert_eq!(
                faults("src/image/base.rs", text),
                ["src/image/base.rs:1: `image` (floor 4) must not use `pipeline` (floor 6)"],
                "{text}"
            );
        }
    }

    #[test]
    fn arrows_down_and_inside_are_fine() {
        let text = "use crate::digest::Digest;\nuse super::Image;\nuse super::json;\nuse std::path::Path;\nuse crate::layer::Layer;\n\
                    mod tests { use super::*; fn f() { assert!(x::crate_name() == 1, \"pipeline\"); } }";
        assert_eq!(faults("src/image/base.rs", text), Vec::<String>::new());
    }

    #[test]
    fn the_line_is_named_and_the_roots_are_free() {
        assert_eq!(faults("src/path.rs", "\n\nuse crate::cli;").len(), 1);
        assert!(faults("src/path.rs", "\n\nuse crate::cli;")[0].starts_with("src/path.rs:3:"));
        assert_eq!(faults("src/main.rs", "use bootsmith::cli;"), Vec::<String>::new());
    }
}
