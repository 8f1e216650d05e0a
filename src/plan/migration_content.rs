//! What makes a migration what it is, as one digest: a target that has run it compares.

use crate::digest::Digest;
use crate::spec;

use super::migration::MigrationMode;

/// How many hexadecimal digits of the SHA-256 are kept: 128 bits, which nobody hits by accident.
const DIGITS: usize = 32;

/// The digest of a migration: its files, where it runs, and its runner as written – a variable in it may differ between environments
/// without making another migration of it.
pub(super) fn of(written: &spec::Migration, mode: MigrationMode, up: &[u8], down: Option<&[u8]>) -> String {
    let mut framed = Vec::new();
    push(&mut framed, "mode", Some(mode.name().as_bytes()));
    push(&mut framed, "service", Some(written.service.value.as_bytes()));
    match &written.runner {
        Some(runner) => {
            let count = runner.words.len().to_string();
            push(&mut framed, "runner", Some(count.as_bytes()));
            runner.words.iter().for_each(|word| push(&mut framed, "word", Some(word.value.as_bytes())));
        }
        None => push(&mut framed, "runner", None),
    }
    push(&mut framed, "up", Some(up));
    push(&mut framed, "down", down);
    let mut hex = Digest::of(&framed).hex();
    hex.truncate(DIGITS);
    hex
}

/// A part with its name and length before it, so that no two lists of parts give the same bytes.
fn push(framed: &mut Vec<u8>, name: &str, part: Option<&[u8]>) {
    match part {
        Some(bytes) => {
            framed.extend(format!("{name} {}\n", bytes.len()).into_bytes());
            framed.extend(bytes);
        }
        None => framed.extend(format!("{name} none\n").into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::document::fields::Spanned;
    use crate::document::node::Span;
    use crate::spec::Runner;

    fn text(value: &str) -> Spanned<String> {
        Spanned { value: value.to_owned(), span: Span::default() }
    }

    fn written(service: &str, runner: Option<&[&str]>) -> spec::Migration {
        spec::Migration {
            span: Span::default(),
            name: text("add-orders"),
            release: text("1.4.0"),
            service: text(service),
            up: text("up.sql"),
            down: None,
            mode: None,
            runner: runner
                .map(|words| Runner { span: Span::default(), words: words.iter().map(|word| text(word)).collect() }),
            compatible: false,
            idempotent: false,
        }
    }

    /// Published: a target that recorded it would refuse a release in which it came out differently.
    #[test]
    fn the_digest_is_golden() {
        let runner: &[&str] = &["psql", "-f", "{file}"];
        let content = of(&written("database", Some(runner)), MigrationMode::Run, b"create table orders ();\n", None);
        assert_eq!(content, "6a78a74257afb0f895e03f5ecd2b37a0");
    }

    #[test]
    fn what_is_different_has_another_digest() {
        let database = || written("database", Some(&["psql", "{file}"]));
        let (run, exec) = (MigrationMode::Run, MigrationMode::Exec);
        let all = [
            of(&database(), run, b"a", None),
            of(&database(), exec, b"a", None),
            of(&database(), run, b"b", None),
            of(&database(), run, b"a", Some(b"")),
            of(&database(), run, b"a", Some(b"b")),
            of(&database(), run, b"", Some(b"a")),
            of(&database(), run, b"adown 1\nb", None),
            of(&written("store", Some(&["psql", "{file}"])), run, b"a", None),
            of(&written("database", Some(&["psql{file}"])), run, b"a", None),
            of(&written("database", Some(&["psql", "", "{file}"])), run, b"a", None),
            of(&written("database", None), run, b"a", None),
        ];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert!(all.iter().all(|content| content.len() == DIGITS));
    }
}
