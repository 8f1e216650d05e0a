//! Configs: the files that services mount, templates rendered with the variables.
//!
//! Takes in `[configs]`, the files it names and the values that templates see; gives out what each config holds. What parameters stand in is put
//! together on the target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::fields::{Fields, Spanned};
use crate::document::node::{Entry, Span, Table};
use crate::document::text::{Piece, pieces, unescaped};
use crate::name::DeclaredName;
use crate::path::RelativePath;
use crate::source::{MAX_FILE_BYTES, Source, Sources};

use super::objects::{find, find_file, report_fault};
use super::template::{self, Names};
use super::{ConfigContent, declared_name};

/// The end of a config's file name that makes it a template.
pub(super) const TEMPLATE_SUFFIX: &str = ".tera";

impl ConfigContent {
    /// Content without parameters is known at build.
    fn of_pieces(pieces: Vec<Piece>) -> Self {
        match pieces.as_slice() {
            [] => Self::File(Arc::from([])),
            [Piece::Literal(text)] => Self::File(Arc::from(text.as_bytes())),
            _ => Self::Pieces(pieces),
        }
    }

    /// The parameters whose values are part of the content.
    pub fn parameters(&self) -> BTreeSet<&str> {
        let Self::Pieces(pieces) = self else { return BTreeSet::new() };
        let names = pieces.iter().filter_map(|piece| match piece {
            Piece::Reference(name) => Some(name.as_str()),
            Piece::Literal(_) => None,
        });
        names.collect()
    }

    fn size(&self) -> usize {
        match self {
            Self::File(bytes) => bytes.len(),
            Self::Folder(files) => files.values().map(|bytes| bytes.len()).sum(),
            Self::Pieces(pieces) => pieces.iter().map(piece_length).sum(),
        }
    }
}

fn piece_length(piece: &Piece) -> usize {
    match piece {
        Piece::Literal(text) | Piece::Reference(text) => text.len(),
    }
}

/// Reads `[configs]`.
pub(super) fn read_all(
    table: &Table,
    sources: &Sources,
    names: &Names<'_>,
    context: &mut Context,
) -> BTreeMap<DeclaredName, ConfigContent> {
    let mut configs = BTreeMap::new();
    for (name, entry) in table.iter() {
        let Some(label) = declared_name::read(name, entry.key_span, "config", context) else { continue };
        let Some(table) = entry.node.as_table() else { continue };
        let Some(written) = read(name, table, entry.key_span, context) else { continue };
        if let Some(content) = read_content(&written, sources, names, context) {
            check_size(name, &content, written.text().span, context);
            configs.insert(label, content);
        }
    }
    configs
}

/// Whether a config is a template, which may use any parameter.
pub(super) fn has_templates(table: &Table) -> bool {
    let file =
        |entry: &Entry| entry.node.as_table()?.get("file")?.as_text().map(|file| file.ends_with(TEMPLATE_SUFFIX));
    table.iter().any(|(_, entry)| file(entry) == Some(true))
}

/// Where a config comes from, as written.
enum Written {
    File(Spanned<String>),
    Folder(Spanned<String>),
    Inline(Spanned<String>),
}

impl Written {
    fn text(&self) -> &Spanned<String> {
        match self {
            Self::File(text) | Self::Folder(text) | Self::Inline(text) => text,
        }
    }
}

fn read(name: &str, table: &Table, span: Span, context: &mut Context) -> Option<Written> {
    let mut fields = Fields::new(table, span, format!("config `{name}`"));
    let file = fields.text("file", context);
    let directory = fields.text("directory", context);
    let inline = fields.text("content", context);
    let external = fields.boolean("external", context).unwrap_or(false);
    fields.finish(context);
    if external {
        let message = format!("config `{name}` is external, but a release brings its configs");
        context.error(Code::EXTERNAL, span, message, "bake it in with `file`, or bind a path of the host as a volume");
        return None;
    }
    match (file, directory, inline) {
        (Some(file), None, None) => Some(Written::File(file)),
        (None, Some(directory), None) => Some(Written::Folder(directory)),
        (None, None, Some(inline)) => Some(Written::Inline(inline)),
        _ => {
            let message = format!("config `{name}` needs one of `file`, `directory` and `content`");
            context.error(Code::MISSING_KEY, span, message, None);
            None
        }
    }
}

fn read_content(
    written: &Written,
    sources: &Sources,
    names: &Names<'_>,
    context: &mut Context,
) -> Option<ConfigContent> {
    match written {
        Written::File(file) => read_file(file, sources, names, context),
        Written::Folder(folder) => read_folder(folder, sources, context),
        Written::Inline(inline) => Some(ConfigContent::of_pieces(pieces(&inline.value))),
    }
}

fn read_file(
    file: &Spanned<String>,
    sources: &Sources,
    names: &Names<'_>,
    context: &mut Context,
) -> Option<ConfigContent> {
    let bytes = find_file(file, format!("write `directory = {:?}`", file.value), sources, context)?;
    if !file.value.ends_with(TEMPLATE_SUFFIX) {
        return Some(ConfigContent::File(Arc::clone(bytes)));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => template::render(&file.value, text, names, context).map(ConfigContent::of_pieces),
        Err(_) => {
            context.error(Code::TEMPLATE, file.span, format!("`{}` is not UTF-8 text", file.value), None);
            None
        }
    }
}

fn read_folder(folder: &Spanned<String>, sources: &Sources, context: &mut Context) -> Option<ConfigContent> {
    match find(&folder.value, folder.span, sources, context)? {
        Source::Folder(files) => Some(ConfigContent::Folder(files.clone())),
        Source::File(_) => {
            let hint = format!("write `file = {:?}`", folder.value);
            context.error(Code::FILE, folder.span, format!("`{}` is not a folder", folder.value), hint);
            None
        }
        Source::Fault(fault) => report_fault(&folder.value, fault, folder.span, context),
    }
}

/// What the platforms store in one config.
fn check_size(name: &str, content: &ConfigContent, span: Span, context: &mut Context) {
    let size = content.size();
    if size as u64 > MAX_FILE_BYTES {
        let message = format!("config `{name}` has {size} bytes; a config has at most {MAX_FILE_BYTES}");
        context.error(Code::TOO_LARGE, span, message, "put large files into the service's image");
    }
}

/// The files of configs that somebody may execute in the project: of a folder below it, of a file `None`.
pub(super) fn read_executables(
    table: &Table,
    sources: &Sources,
) -> BTreeMap<DeclaredName, BTreeSet<Option<RelativePath>>> {
    let of_config = |(name, entry): (&str, &Entry)| {
        let written = |key| entry.node.as_table()?.get(key)?.as_text().and_then(unescaped);
        let found: BTreeSet<_> = match (written("file"), written("directory")) {
            (Some(file), _) => sources.executables.contains(&file).then_some(None).into_iter().collect(),
            (None, Some(folder)) => executables_below(&folder, sources).map(Some).collect(),
            (None, None) => BTreeSet::new(),
        };
        (!found.is_empty()).then_some((DeclaredName::parse(name)?, found))
    };
    table.iter().filter_map(of_config).collect()
}

fn executables_below<'a>(folder: &'a str, sources: &'a Sources) -> impl Iterator<Item = RelativePath> + 'a {
    let files = match sources.files.get(folder) {
        Some(Source::Folder(files)) => Some(files),
        _ => None,
    };
    let is_executable = |below: &&RelativePath| sources.executables.contains(&Sources::name_of(folder, Some(below)));
    files.into_iter().flat_map(BTreeMap::keys).filter(is_executable).cloned()
}
