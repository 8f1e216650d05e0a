//! Where the files of scripts and migrations are in the image, each kind below one folder.
//!
//! Takes in the environments; gives out errors for two files that would be one there.

use std::collections::BTreeMap;

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::Span;
use crate::path::RelativePath;
use crate::spec::Spec;

use super::{Environment, ScriptAction};

/// Below the folder of scripts: a project that has one of that name does not see it twice.
pub fn script_file(path: &RelativePath) -> &str {
    path.as_str().strip_prefix("scripts/").unwrap_or(path.as_str())
}

/// Below the folder of migrations.
pub fn migration_file(path: &RelativePath) -> &str {
    path.as_str().strip_prefix("migrations/").unwrap_or(path.as_str())
}

/// The files of one kind by their place in the image.
#[derive(Default)]
struct Taken<'a> {
    files: BTreeMap<&'a str, (&'a RelativePath, &'a [u8])>,
}

/// Refuses two files at one place; the same content may be named more than once.
pub(super) fn check(environments: &[Environment], spec: &Spec, context: &mut Context) {
    let (mut scripts, mut migrations) = (Taken::default(), Taken::default());
    for environment in environments {
        for (name, script) in &environment.scripts {
            let ScriptAction::File { path, bytes, .. } = &script.action else { continue };
            let span = environment.written.deepest(["scripts", name.as_str(), "file"]).span;
            scripts.add("scripts", script_file(path), path, bytes, span, context);
        }
        for migration in &environment.migrations {
            let written = spec.migrations.iter().find(|written| written.name.value == migration.name.as_str());
            let Some(written) = written else { continue };
            let down = migration.down.as_ref().zip(written.down.as_ref());
            for (file, text) in std::iter::once((&migration.up, &written.up)).chain(down) {
                migrations.add("migrations", migration_file(&file.path), &file.path, &file.bytes, text.span, context);
            }
        }
    }
}

impl<'a> Taken<'a> {
    fn add(
        &mut self,
        folder: &str,
        place: &'a str,
        path: &'a RelativePath,
        bytes: &'a [u8],
        span: Span,
        context: &mut Context,
    ) {
        let (first, known) = *self.files.entry(place).or_insert((path, bytes));
        if known != bytes {
            let message = format!("`{first}` and `{path}` would both be `/bootstrap/{folder}/{place}` in the image");
            context.error(Code::DUPLICATE, span, message, "give one of the files another name");
        }
    }
}
