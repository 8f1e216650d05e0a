//! `explain`: what a code means, and what platforms make of features.

use serde_json::{Value as Json, json};

use crate::diagnostic::{CODES, Code, Explanation, nearest};

use super::arguments::Explain;
use super::failure::CommandFailure;
use super::{json, portability};

/// The topic that is not a code.
const PORTABILITY: &str = "portability";

/// Prints one explanation, or a line for every code.
pub(super) fn explain(arguments: &Explain) -> Result<(), CommandFailure> {
    match (&arguments.topic, &arguments.feature) {
        (None, _) => list(arguments.json),
        (Some(topic), feature) if topic == PORTABILITY => {
            return portability::explain(feature.as_deref(), arguments.json);
        }
        (Some(_), Some(feature)) => {
            let hint = format!("`bootsmith explain {PORTABILITY} {feature}` explains features");
            return Err(CommandFailure::Usage(format!("unexpected argument `{feature}` after a code"), hint));
        }
        (Some(code), None) => explain_code(code, arguments.json)?,
    }
    Ok(())
}

fn list(as_json: bool) {
    if as_json {
        json::print(&CODES.iter().map(to_json).collect());
        return;
    }
    for known in CODES {
        anstream::println!("{}  {}", known.code, known.title);
    }
}

fn explain_code(name: &str, as_json: bool) -> Result<(), CommandFailure> {
    let code = Code::parse(&name.to_ascii_uppercase()).ok_or_else(|| unknown(name))?;
    let known = code.explanation();
    if as_json {
        json::print(&to_json(known));
        return Ok(());
    }
    let lint =
        if known.lint { "\n\nA lint: `allow` in `[bootstrap]`, or `--allow`, lowers it to a warning." } else { "" };
    anstream::println!("{code}: {}\n\n{}{lint}", known.title, known.text);
    Ok(())
}

fn to_json(known: &Explanation) -> Json {
    json!({ "code": known.code.to_string(), "lint": known.lint, "title": known.title, "text": known.text })
}

fn unknown(name: &str) -> CommandFailure {
    let codes: Vec<_> = CODES.iter().map(|known| known.code.to_string()).collect();
    let borrowed: Vec<_> = codes.iter().map(String::as_str).chain([PORTABILITY]).collect();
    let near = nearest(&name.to_ascii_uppercase(), &borrowed)
        .or_else(|| nearest(name, &borrowed))
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    CommandFailure::Usage(format!("unknown code `{name}`"), format!("{near}`bootsmith explain` lists them all"))
}
