//! Checks of text: headers, lengths, words, links.

use std::path::Path;

/// A file that is longer has more than one thing in it.
const MAX_LINES: usize = 500;

/// What belongs to no published text, in pieces so that this list does not find itself.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "unfinished work belongs into an issue"),
    (concat!("FIX", "ME"), "unfinished work belongs into an issue"),
    (concat!("XX", "X:"), "unfinished work belongs into an issue"),
    (concat!("#[", "ignore"), "a test that does not run checks nothing"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/tmp/", "bash_jobs"), "a path of one machine"),
    (concat!("/ro", "ot/.cargo"), "a path of one machine"),
];

/// Faults of one file.
pub(super) fn check(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let found = FORBIDDEN.iter().filter(|(word, _)| line.contains(word));
        faults.extend(found.map(|(word, reason)| format!("{path}:{}: `{word}`: {reason}", index + 1)));
    }
    if !is_code(path) || is_fixture(path) {
        return faults;
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        faults.push(format!("{path}: {lines} lines; more than {MAX_LINES} is more than one thing"));
    }
    if !has_header(path, text) {
        faults.push(format!("{path}: the first lines say what the file is for"));
    }
    faults
}

/// Relative links that lead nowhere.
pub(super) fn check_links(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut faults = Vec::new();
    for (line, target) in links(text) {
        let file = target.split('#').next().unwrap_or_default();
        let is_elsewhere = file.is_empty() || target.contains("://") || target.starts_with("mailto:");
        if !is_elsewhere && !normalise(&folder.join(file)).is_some_and(|file| exists(&file)) {
            faults.push(format!("{path}:{line}: the link `{target}` leads nowhere"));
        }
    }
    faults
}

fn is_code(path: &str) -> bool {
    matches!(Path::new(path).extension().and_then(|extension| extension.to_str()), Some("rs" | "sh" | "py"))
}

/// Inputs of tests are what users write, faults included.
fn is_fixture(path: &str) -> bool {
    path.starts_with("tests/spec/")
}

fn has_header(path: &str, text: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| line.starts_with("#!"));
    let first = lines.next().unwrap_or_default();
    match Path::new(path).extension().and_then(|extension| extension.to_str()) {
        Some("rs") => first.starts_with("//! "),
        Some("py") => first.starts_with("\"\"\""),
        _ => first.starts_with("# "),
    }
}

/// Line and target of every `[text](target)`, but for those in blocks of code.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code || line.starts_with("    ") {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            let is_quoted = line[..at].matches('`').count() % 2 == 1;
            if let Some(end) = rest.find(')').filter(|_| !is_quoted) {
                links.push((index + 1, rest[..end].split_whitespace().next().unwrap_or_default()));
            }
        }
    }
    links
}

/// `docs/../README.md` is `README.md`; `None` for a path that leaves the repository.
fn normalise(path: &Path) -> Option<String> {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.to_str()?.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()?),
            _ => segments.push(segment),
        }
    }
    Some(segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_and_headless_files_are_found() {
        let unfinished = concat!("//! Header.\n// TO", "DO: more\n");
        assert_eq!(check("src/a.rs", unfinished).len(), 1);
        assert_eq!(check("src/a.rs", "fn f() {}\n"), ["src/a.rs: the first lines say what the file is for"]);
        assert_eq!(check("src/a.rs", "//! Header.\n"), Vec::<String>::new());
        assert_eq!(check("a.sh", "#!/bin/sh\n# Header.\n"), Vec::<String>::new());
        assert_eq!(check("a.sh", "#!/bin/sh\nset -eu\n").len(), 1);
        assert_eq!(check("src/a.rs", &format!("//! Header.\n{}", "\n".repeat(MAX_LINES))).len(), 1);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let text = "[here](../README.md#top) [gone](gone.md)\n[out](../../x) `[code](x)`\n```\n[code](y)\n```\n[web](https://x.y)";
        let exists = |path: &str| path == "README.md";
        assert_eq!(
            check_links("docs/index.md", text, exists),
            ["docs/index.md:1: the link `gone.md` leads nowhere", "docs/index.md:2: the link `../../x` leads nowhere"]
        );
    }
}
