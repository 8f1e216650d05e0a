//! What is deliberately absent from the library, narrower than the floors: which modules and words a room must not hold.
//!
//! One table; `docs/architecture.md` holds its sentences, and each is checked against the sources. Words are identifiers: what stands
//! in comments and texts does not count.

use std::fmt::Write as _;

use anyhow::{Result, anyhow};
use proc_macro2::{TokenStream, TokenTree};

use super::{floors, uses};

/// Something that some rooms do not have.
struct Absence {
    /// The sentence in the document.
    says: &'static str,
    /// The rooms; empty: all below the edge.
    rooms: &'static [&'static str],
    /// Modules that they do not use.
    modules: &'static [&'static str],
    /// Identifiers that they do not hold.
    words: &'static [&'static str],
    /// Files that do, and why they may.
    except: &'static [(&'static str, &'static str)],
}

/// The rooms that talk to the machine and to people.
const EDGE: &[&str] = &["host", "cli"];

const ABSENCES: &[Absence] = &[
    Absence {
        says: "`render` cannot see `spec`, and reports nothing to the user: a template shows decisions, it makes none.",
        rooms: &["render"],
        modules: &["spec", "diagnostic"],
        words: &["Context", "Diagnostics"],
        except: &[("src/render/manifest.rs", "Tera has a `Context` too")],
    },
    Absence {
        says: "`layer` and `image` know no Compose: a file is a file.",
        rooms: &["layer", "image"],
        modules: &["spec", "plan", "render"],
        words: &["compose", "Compose"],
        except: &[],
    },
    Absence {
        says: "`pipeline` opens no file and knows no network: it is given sources, folders and a cache; `store` keeps images in files, through `disk` and `cache` alone.",
        rooms: &["pipeline"],
        modules: &["host"],
        words: &["fs", "net", "File", "OpenOptions"],
        except: &[],
    },
    Absence {
        says: "No clock below the edge: an image knows one instant, and it is given.",
        rooms: &[],
        modules: &[],
        words: &["Instant", "SystemTime"],
        except: &[("src/layer/slice.rs", "when a file was changed last, to see that nobody writes to it")],
    },
    Absence {
        says: "No `HashMap` where order can reach bytes.",
        rooms: &[],
        modules: &[],
        words: &["HashMap", "HashSet"],
        except: &[
            ("src/image/assemble.rs", "the types of `oci_spec` hold them; `image::json` sorts"),
            ("src/image/json.rs", "its test holds that it sorts them"),
        ],
    },
];

pub(super) const BEGIN: &str = "<!-- absences: written by `cargo xtask tidy --write` -->";
pub(super) const END: &str = "<!-- end of absences -->";

/// Objections to what files of the library hold, and exceptions that none of them needs.
pub(super) fn check<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let mut needed = Vec::new();
    for (path, text) in sources {
        for absence in ABSENCES.iter().filter(|absence| absence.is_about(path)) {
            let found = absence.find(path, text)?;
            if !found.is_empty() && absence.except.iter().any(|(except, _)| *except == path) {
                needed.push((path, absence.says));
            } else {
                faults
                    .extend(found.into_iter().map(|(line, what)| format!("{path}:{line}: `{what}`: {}", absence.says)));
            }
        }
    }
    for absence in ABSENCES {
        let idle = absence.except.iter().filter(|(path, _)| !needed.contains(&(*path, absence.says)));
        faults
            .extend(idle.map(|(path, _)| format!("table of absences: `{path}` needs no exception: {}", absence.says)));
    }
    Ok(faults)
}

impl Absence {
    fn is_about(&self, path: &str) -> bool {
        floors::module_of(path).is_some_and(|room| match self.rooms {
            [] => !EDGE.contains(&room),
            rooms => rooms.contains(&room),
        })
    }

    /// Line and word of everything that should be absent.
    fn find(&self, path: &str, text: &str) -> Result<Vec<(usize, String)>> {
        let mut found = identifiers(path, text)?;
        found.retain(|(_, word)| self.words.contains(&word.as_str()));
        if !self.modules.is_empty() {
            let used = uses::modules(path, text)?;
            found.extend(used.into_iter().filter(|(_, module)| self.modules.contains(&module.as_str())));
        }
        Ok(found)
    }
}

fn identifiers(path: &str, text: &str) -> Result<Vec<(usize, String)>> {
    let tokens: TokenStream = text.parse().map_err(|error| anyhow!("cannot parse `{path}`: {error}"))?;
    let mut found = Vec::new();
    collect(tokens, &mut found);
    Ok(found)
}

fn collect(tokens: TokenStream, found: &mut Vec<(usize, String)>) {
    for token in tokens {
        match token {
            TokenTree::Ident(word) => found.push((word.span().start().line, word.to_string())),
            TokenTree::Group(group) => collect(group.stream(), found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// The list for the document.
pub(super) fn draw() -> String {
    let mut list = String::new();
    for absence in ABSENCES {
        writeln!(list, "- {}", absence.says).expect("writing to a string succeeds");
        for (path, reason) in absence.except {
            writeln!(list, "  - Except `{path}`: {reason}.").expect("writing to a string succeeds");
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<String> {
        let found = check([(path, text)].into_iter()).expect("it parses");
        found.into_iter().filter(|fault| fault.starts_with("src/")).collect()
    }

    #[test]
    fn what_should_be_absent_is_found() {
        for (path, text) in [
            ("src/render/yaml.rs", "use crate::spec::Spec;"),
            ("src/render/swarm.rs", "use crate::diagnostic::Code;"),
            ("src/render/swarm.rs", "fn check(context: &mut crate::document::Context) {}"),
            ("src/image/base.rs", "use super::super::plan::Plan;"),
            ("src/layer.rs", "fn is_compose(compose: &str) {}"),
            ("src/pipeline.rs", "fn f() { std::fs::read(\"x\"); }"),
            ("src/plan/scope.rs", "fn f() { println!(\"{:?}\", std::time::SystemTime::now()); }"),
            ("src/render.rs", "use std::collections::HashMap;"),
        ] {
            assert_eq!(faults(path, text).len(), 1, "{path}: {text}");
        }
        let seen = faults("src/tree.rs", "\n\nuse std::collections::HashSet;");
        assert_eq!(seen, ["src/tree.rs:3: `HashSet`: No `HashMap` where order can reach bytes."]);
    }

    #[test]
    fn what_is_elsewhere_or_no_code_is_fine() {
        for (path, text) in [
            ("src/pipeline.rs", "//! Knows no fs.\nuse crate::spec;\nconst A: &str = \"HashMap\";"),
            ("src/cli/progress.rs", "fn f() { std::time::Instant::now(); }"),
            ("src/image/assemble.rs", "use std::collections::HashMap;"),
            ("src/lib.rs", "pub mod spec;"),
        ] {
            assert_eq!(faults(path, text), Vec::<String>::new(), "{path}: {text}");
        }
    }

    #[test]
    fn an_exception_that_nothing_needs_is_found() {
        let found = check([("src/image/json.rs", "fn f() {}")].into_iter()).expect("it parses");
        let idle =
            "table of absences: `src/image/json.rs` needs no exception: No `HashMap` where order can reach bytes.";
        assert!(found.iter().any(|fault| fault == idle), "{found:?}");
    }
}
