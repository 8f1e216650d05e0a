//! `explain`: what a code means.

use crate::diagnostic::{CODES, Code, nearest};

use super::arguments::Explain;
use super::failure::CommandFailure;

/// Prints one explanation, or a line for every code.
pub(super) fn explain(arguments: &Explain) -> Result<(), CommandFailure> {
    let Some(name) = &arguments.code else {
        for known in CODES {
            anstream::println!("{}  {}", known.code, known.title);
        }
        return Ok(());
    };
    let Some(code) = Code::parse(&name.to_ascii_uppercase()) else {
        return Err(unknown(name));
    };
    let known = code.explanation();
    let lint =
        if known.lint { "\n\nA lint: `allow` in `[bootstrap]`, or `--allow`, lowers it to a warning." } else { "" };
    anstream::println!("{code}: {}\n\n{}{lint}", known.title, known.text);
    Ok(())
}

fn unknown(name: &str) -> CommandFailure {
    let codes: Vec<_> = CODES.iter().map(|known| known.code.to_string()).collect();
    let borrowed: Vec<_> = codes.iter().map(String::as_str).collect();
    let near = nearest(&name.to_ascii_uppercase(), &borrowed)
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    CommandFailure::Usage(format!("`{name}` is no code"), format!("{near}`bootsmith explain` lists them all"))
}
