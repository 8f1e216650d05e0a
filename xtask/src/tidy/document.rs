//! The generated parts of `docs/architecture.md`: the table of floors, and what is absent.

use super::{absences, floors};

/// Where the document is.
pub(super) const PAGE: &str = "docs/architecture.md";

/// Whether the document holds what it should.
pub(super) fn check(text: &str) -> Vec<String> {
    match write(text) {
        Ok(written) if written == text => Vec::new(),
        Ok(_) => vec![format!("{PAGE}: a generated part is old; run `cargo xtask tidy --write`")],
        Err(fault) => vec![fault],
    }
}

/// The document with its generated parts as they should be.
pub(super) fn write(text: &str) -> Result<String, String> {
    let text = put(text, floors::BEGIN, floors::END, &floors::draw(floors::ROOMS))?;
    put(&text, absences::BEGIN, absences::END, &absences::draw())
}

/// Puts a part between its markers.
fn put(text: &str, begin: &str, end: &str, part: &str) -> Result<String, String> {
    let parts = text.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("{PAGE}: no markers `{begin}` and `{end}`"))?;
    Ok(format!("{before}{begin}\n{part}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_part_is_found() {
        let (floors, absences) = ((floors::BEGIN, floors::END), (absences::BEGIN, absences::END));
        let text = format!("# A\n\n{}\nold\n{}\nmore\n{}\nold\n{}\nend\n", floors.0, floors.1, absences.0, absences.1);
        assert_eq!(check(&text).len(), 1);
        let written = write(&text).expect("it has markers");
        assert!(written.starts_with("# A\n\n") && written.contains("\nmore\n") && written.ends_with("\nend\n"));
        assert_eq!(check(&written), Vec::<String>::new());
        assert_eq!(check("# A\n").len(), 1);
    }
}
