//! Maintenance scripts.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::{Fields, Spanned, expect_text, wrong_type};
use crate::document::node::{Node, Span, Table, Value};
use crate::name::{DeclaredName, Label};
use crate::path::RelativePath;
use crate::source::Sources;
use crate::spec::LABEL_HINT;

use super::objects::find_file;
use super::schedule::Schedule;
use crate::document::text::unescaped;

/// One maintenance task.
#[derive(Clone, Debug)]
pub struct Script {
    /// What it does, for `run --list`.
    pub description: String,
    /// What is run.
    pub action: ScriptAction,
    /// Where it runs.
    pub mode: ScriptMode,
    /// Whether its standard output is data that a terminal would corrupt.
    pub output_is_data: bool,
    /// Whether it reads standard input.
    pub reads_input: bool,
    /// When it is started by the clock.
    pub schedule: Option<Schedule>,
}

/// What a script runs.
#[derive(Clone, Debug)]
pub enum ScriptAction {
    /// A file of the project.
    File {
        /// The path as written.
        path: RelativePath,
        /// The text.
        bytes: Arc<[u8]>,
        /// The shell it is handed to.
        interpreter: &'static str,
    },
    /// A command and its arguments.
    Command(Vec<String>),
}

/// Where a script runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptMode {
    /// In the running service.
    Exec(DeclaredName),
    /// In a new container of the service's image, removed afterwards.
    Run(DeclaredName),
    /// In the bootstrap container.
    Bootstrap,
}

/// The longest script handed to a service's shell: Linux takes arguments of 128 KiB (`MAX_ARG_STRLEN`, execve(2)), and the
/// entrypoint counts characters in some shells and bytes in others.
const MAX_SCRIPT_BYTES: usize = 100_000;

/// Reads `[scripts]`; `services` are those of the environment.
pub(super) fn read_all(
    table: &Table,
    services: &Table,
    sources: &Sources,
    context: &mut Context,
) -> BTreeMap<Label, Script> {
    let mut scripts = BTreeMap::new();
    for (name, entry) in table.iter() {
        let Some(label) = Label::parse(name) else {
            context.error(Code::INVALID_NAME, entry.key_span, format!("`{name}` cannot name a script"), LABEL_HINT);
            continue;
        };
        let read =
            entry.node.as_table().and_then(|table| read(name, table, entry.key_span, services, sources, context));
        if let Some(script) = read {
            scripts.insert(label, script);
        }
    }
    scripts
}

fn read(
    name: &str,
    table: &Table,
    span: Span,
    services: &Table,
    sources: &Sources,
    context: &mut Context,
) -> Option<Script> {
    let mut fields = Fields::new(table, span, format!("script `{name}`"));
    let description = fields.text("description", context).and_then(|text| unescaped(&text.value)).unwrap_or_default();
    let file = fields.text("file", context);
    let command = read_command(fields.node("command"), context);
    let mode = read_mode(name, &mut fields, span, services, context);
    let output = fields.text("output", context);
    let reads_input = fields.boolean("input", context).unwrap_or(false);
    let schedule = fields.text("schedule", context);
    fields.finish(context);
    let output_is_data = read_output(output.as_ref(), context);
    check_streams(name, span, schedule.is_some(), output_is_data, reads_input, context);
    let schedule = schedule.and_then(|written| read_schedule(name, &written, sources, context));
    let action = match (file, command) {
        (Some(file), None) => read_file(&file, mode.as_ref(), sources, context)?,
        (None, Some(command)) => ScriptAction::Command(command),
        _ => {
            context.error(Code::SCRIPT, span, format!("script `{name}` needs either `file` or `command`"), None);
            return None;
        }
    };
    Some(Script { description, action, mode: mode?, output_is_data, reads_input, schedule })
}

fn read_command(node: Option<&Node>, context: &mut Context) -> Option<Vec<String>> {
    let node = node?;
    match &node.value {
        Value::List(words) if !words.is_empty() => {
            words.iter().map(|word| expect_text(word, "command", context).and_then(unescaped)).collect()
        }
        _ => wrong_type(node, "command", "a list of words", context),
    }
}

fn read_mode(
    name: &str,
    fields: &mut Fields<'_>,
    span: Span,
    services: &Table,
    context: &mut Context,
) -> Option<ScriptMode> {
    let mode = fields.text("mode", context);
    let service = fields.text("service", context);
    let written = mode.as_ref().map_or("exec", |mode| mode.value.as_str());
    let place = mode.as_ref().map_or(span, |mode| mode.span);
    let constructor = match written {
        "exec" => ScriptMode::Exec,
        "run" => ScriptMode::Run,
        "bootstrap" => {
            if let Some(service) = service {
                context.error(Code::SCRIPT, service.span, "a script in `bootstrap` mode runs in no service", None);
            }
            return Some(ScriptMode::Bootstrap);
        }
        other => {
            let hint = unknown_name_hint(other, "modes", ["bootstrap", "exec", "run"]);
            context.error(Code::INVALID_VALUE, place, format!("invalid mode `{other}` of a script"), hint);
            return None;
        }
    };
    let Some(service) = service else {
        context.error(Code::SCRIPT, span, format!("script `{name}` needs the `service` in which it runs"), None);
        return None;
    };
    if services.get(&service.value).is_none() {
        let hint = unknown_name_hint(&service.value, "services", services.keys());
        context.error(
            Code::UNKNOWN_REFERENCE,
            service.span,
            format!("script `{name}` runs in unknown service `{}`", service.value),
            hint,
        );
        return None;
    }
    DeclaredName::parse(&service.value).map(constructor)
}

fn read_output(output: Option<&Spanned<String>>, context: &mut Context) -> bool {
    match output.map(|output| output.value.as_str()) {
        Some("data") => true,
        None | Some("text") => false,
        Some(other) => {
            let span = output.map(|output| output.span).unwrap_or_default();
            context.error(
                Code::INVALID_VALUE,
                span,
                format!("invalid kind of output `{other}`"),
                "known kinds: data, text",
            );
            false
        }
    }
}

/// The longest name of a `CronJob`: its jobs have eleven characters more (`k8s.io/kubernetes`, validation of `batch`).
const MAX_SCHEDULED_CHARACTERS: usize = 52;

fn read_schedule(name: &str, written: &Spanned<String>, sources: &Sources, context: &mut Context) -> Option<Schedule> {
    let text = unescaped(&written.value)?;
    if name.len() > MAX_SCHEDULED_CHARACTERS {
        let message = format!("the scheduled script `{name}` has more than {MAX_SCHEDULED_CHARACTERS} characters");
        context.error(Code::TOO_LONG, written.span, message, "shorten its name");
    }
    Schedule::parse(&text)
        .map_err(|fault| {
            let hint =
                "write minute, hour, day of the month, month and day of the week, as in `0 3 * * *`, or `@daily`";
            let span = within(written.span, &text, &fault.range, &sources.spec_text);
            context.error(Code::INVALID_VALUE, span, fault.message, hint);
        })
        .ok()
}

/// The place of a part of a text, where the text stands in the file as it is.
fn within(span: Span, text: &str, part: &Range<usize>, file: &str) -> Span {
    let inner = span.text(file).strip_prefix(['"', '\'']).and_then(|rest| rest.strip_prefix(text));
    if inner.is_none() || part.is_empty() {
        return span;
    }
    Span { start: span.start + 1 + part.start, end: span.start + 1 + part.end }
}

/// Nobody is there when the clock starts it.
fn check_streams(name: &str, span: Span, is_scheduled: bool, has_data: bool, reads_input: bool, context: &mut Context) {
    if is_scheduled && reads_input {
        let message = format!("the scheduled script `{name}` reads standard input, and nobody gives it any");
        context.error(Code::SCRIPT, span, message, "leave `schedule` or `input` out");
    }
    if is_scheduled && has_data {
        let message = format!("the scheduled script `{name}` writes data to standard output, and nobody takes them");
        context.error(Code::SCRIPT, span, message, "write the data into a volume, and leave `output` out");
    }
}

fn read_file(
    file: &Spanned<String>,
    mode: Option<&ScriptMode>,
    sources: &Sources,
    context: &mut Context,
) -> Option<ScriptAction> {
    let bytes = Arc::clone(find_file(file, None, sources, context)?);
    let path = RelativePath::parse(&file.value).ok()?;
    check_line_ends(file, &bytes, context);
    let interpreter =
        if mode == Some(&ScriptMode::Bootstrap) { "sh" } else { check_handed_over(file, &bytes, context)? };
    Some(ScriptAction::File { path, bytes, interpreter })
}

/// What editors of Windows, and git with `autocrlf`, put into a script: no shell reads over it.
pub(super) fn check_line_ends(file: &Spanned<String>, bytes: &[u8], context: &mut Context) {
    let line = bytes.split(|byte| *byte == b'\n').position(|line| line.ends_with(b"\r"));
    let (fault, line) = match (bytes.starts_with(b"\xef\xbb\xbf"), line) {
        (true, _) => ("a byte order mark", 1),
        (false, Some(line)) => ("a carriage return at its end", line + 1),
        (false, None) => return,
    };
    let message = format!("line {line} of `{}` has {fault}, which a shell takes for a part of a word", file.value);
    let hint = format!("save it with line feeds alone and without a mark: `dos2unix {}`", file.value);
    context.error(Code::LINE_ENDINGS, file.span, message, hint);
}

/// A script for a service travels as one argument of that service's shell.
fn check_handed_over(file: &Spanned<String>, bytes: &[u8], context: &mut Context) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        context.error(Code::SCRIPT, file.span, format!("`{}` is not UTF-8 text", file.value), None);
        return None;
    };
    if text.contains('\0') {
        context.error(Code::SCRIPT, file.span, format!("`{}` holds a NUL, which no argument can", file.value), None);
    }
    if bytes.len() > MAX_SCRIPT_BYTES {
        let message = format!("`{}` has {} bytes; a service's shell takes {MAX_SCRIPT_BYTES}", file.value, bytes.len());
        context.error(Code::TOO_LARGE, file.span, message, "put the program into the service's image and call it");
    }
    let shell = shell_of(text);
    if let Err(first) = &shell {
        let hint =
            "use `#!/bin/sh` or `#!/bin/bash`, or put the program into the service's image and name it in `command`";
        let message = format!("`{}` starts with `{first}`, which is not a shell", file.value);
        context.error(Code::SCRIPT, file.span, message, hint);
    }
    shell.ok()
}

/// The shell that a text is for, by its first line; `Err` with that line when it names another program.
pub(super) fn shell_of(text: &str) -> Result<&'static str, &str> {
    let Some(first) = text.lines().next().filter(|line| line.starts_with("#!")) else { return Ok("sh") };
    match first.rsplit(['/', ' ']).next() {
        Some("sh" | "dash" | "ash") => Ok("sh"),
        Some("bash") => Ok("bash"),
        _ => Err(first),
    }
}
