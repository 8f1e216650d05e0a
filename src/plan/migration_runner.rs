//! What runs the files of a migration: a command of the service's image, or its shell.

use std::path::Path;

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::fields::Spanned;
use crate::spec::{self, Runner};

use super::migration::MigrationFile;
use super::scope::Scope;
use super::script::shell_of;

/// What runs a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MigrationAction {
    /// A command; `{file}` stands once in one of its words.
    Runner(Vec<String>),
    /// A shell.
    Shell(&'static str),
}

/// What stands for the file in a runner.
const PLACEHOLDER: &str = "{file}";

/// Reads `runner`, or finds the shell that both files are for.
pub(super) fn read_action(
    written: &spec::Migration,
    up: Option<&MigrationFile>,
    down: Option<&MigrationFile>,
    scope: &mut Scope,
    context: &mut Context,
) -> Option<MigrationAction> {
    if let Some(runner) = &written.runner {
        return read_runner(runner, scope, context).map(MigrationAction::Runner);
    }
    let up = read_shell(written, &written.up, up?, context);
    let down = match (&written.down, down) {
        (Some(written_down), Some(down)) => read_shell(written, written_down, down, context)?,
        _ => "sh",
    };
    // Bash runs what is written for sh, and not the other way round.
    up.map(|up| MigrationAction::Shell(if down == "bash" { down } else { up }))
}

fn read_runner(runner: &Runner, scope: &mut Scope, context: &mut Context) -> Option<Vec<String>> {
    let plain = |word: &Spanned<String>| scope.plain(&word.value, word.span, context);
    let words: Vec<_> = runner.words.iter().map(plain).collect();
    let words = words.into_iter().collect::<Option<Vec<_>>>()?;
    let places = words.iter().map(|word| word.matches(PLACEHOLDER).count()).sum::<usize>();
    if places != 1 {
        let found = if places == 0 { "holds no".to_owned() } else { format!("holds {places} times") };
        let message = format!("the runner {found} `{PLACEHOLDER}`");
        let hint = format!("one word holds it, once: it stands for the path of the file, as in `{SQL_RUNNER}`");
        context.error(Code::MIGRATION, runner.span, message, hint);
        return None;
    }
    if words[0].is_empty() || words[0].contains(PLACEHOLDER) {
        let message = "the first word of a runner is the program that it starts";
        context.error(Code::MIGRATION, runner.span, message, format!("write it as in `{SQL_RUNNER}`"));
        return None;
    }
    Some(words)
}

fn read_shell(
    written: &spec::Migration,
    path: &Spanned<String>,
    file: &MigrationFile,
    context: &mut Context,
) -> Option<&'static str> {
    let name = &written.name.value;
    let extension = Path::new(&path.value).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if extension != "sh" {
        let message = format!("migration `{name}` has no `runner`, and `{}` is not a shell script", path.value);
        let hint = format!("add what runs it: `{}`", example_runner(extension));
        context.error(Code::MIGRATION, path.span, message, hint);
        return None;
    }
    match std::str::from_utf8(&file.bytes).map(shell_of) {
        Ok(Ok(shell)) => Some(shell),
        Ok(Err(first)) => {
            let message = format!("`{}` starts with `{first}`, which is not a shell", path.value);
            let hint = "use `#!/bin/sh` or `#!/bin/bash`, or add the `runner` that runs it";
            context.error(Code::MIGRATION, path.span, message, hint);
            None
        }
        Err(_) => {
            context.error(Code::MIGRATION, path.span, format!("`{}` is not UTF-8 text", path.value), None);
            None
        }
    }
}

const SQL_RUNNER: &str = r#"runner = ["psql", "-v", "ON_ERROR_STOP=1", "-f", "{file}"]"#;

/// A runner for files of this kind, to be adapted.
fn example_runner(extension: &str) -> &'static str {
    match extension {
        "js" | "cjs" | "mjs" => r#"runner = ["node", "{file}"]"#,
        "php" => r#"runner = ["php", "{file}"]"#,
        "py" => r#"runner = ["python3", "{file}"]"#,
        "rb" => r#"runner = ["ruby", "{file}"]"#,
        _ => SQL_RUNNER,
    }
}
