//! Checks of the entrypoint's cases: what they assert, they assert by an `expect_…` function, which ends the case when it fails.
//!
//! What happens at a moment happens at a nap of the clock or behind a condition, never behind a `sleep`.
//!
//! A bare `[`, `grep` or `! …` decides nothing: under `set -e` a shell ignores a command behind `!`, one before `&&` or `||`, and whatever is left of a pipe. As a
//! condition (`if`, `while`, `until`) and within `$(…)` such commands are what they are everywhere.

use std::path::Path;

/// Commands whose exit code is all that they are for.
const BARE: &[&str] = &["[", "[[", "test", "grep", "cmp", "diff", "!"];

/// Whether the rules of this file are for a file of the repository.
pub(super) fn is_cases(path: &str) -> bool {
    Path::new(path).parent() == Some(Path::new("tests/entrypoint/cases"))
}

/// Faults of a file of cases.
pub(super) fn check(path: &str, text: &str) -> Vec<String> {
    let commands = Scanner::new(text).commands();
    let mut faults: Vec<_> = commands.iter().filter_map(|command| fault(path, command)).collect();
    for case in cases(text) {
        let expects = |command: &&Command| case.holds(command) && command.name.starts_with("expect_");
        if !commands.iter().any(|command| expects(&command)) {
            faults.push(format!(
                "{path}:{}: `{}` expects nothing: a case calls an `expect_…` function",
                case.first, case.name
            ));
        }
    }
    faults
}

fn fault(path: &str, command: &Command) -> Option<String> {
    let Command { line, name, argument, is_condition } = command;
    if BARE.contains(&name.as_str()) && !is_condition {
        return Some(format!("{path}:{line}: bare `{name}`: use an `expect_…` function, which ends the case"));
    }
    if name == "sleep" {
        return Some(format!(
            "{path}:{line}: `sleep` makes a case depend on the machine's speed: use `at_nap` or `await_file`"
        ));
    }
    let is_empty = name == "expect_equal" && matches!(argument.as_deref(), Some("''" | "\"\""));
    is_empty.then(|| format!("{path}:{line}: a command that fails prints nothing, too: use `expect_empty FILE`"))
}

/// A function `test_…`, from its first line to its last.
struct Case<'a> {
    name: &'a str,
    first: usize,
    last: usize,
}

impl Case<'_> {
    fn holds(&self, command: &Command) -> bool {
        (self.first..=self.last).contains(&command.line)
    }
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    let mut is_open = false;
    for (index, line) in text.lines().enumerate() {
        if let Some((name, _)) = line.split_once("() {").filter(|(name, _)| name.starts_with("test_")) {
            cases.push(Case { name, first: index + 1, last: index + 1 });
            is_open = true;
        }
        if let Some(case) = cases.last_mut().filter(|_| is_open) {
            case.last = index + 1;
        }
        is_open &= line != "}";
    }
    cases
}

/// A command, as far as the rules look at it: its words as they are written.
#[derive(Debug, PartialEq)]
struct Command {
    line: usize,
    name: String,
    argument: Option<String>,
    is_condition: bool,
}

/// Finds the commands of a script: not those within `$(…)`, quotes, comments and here-documents.
struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    /// Ends of the here-documents that begin behind this line.
    documents: Vec<String>,
    commands: Vec<Command>,
    /// The next word is a command.
    at_command: bool,
    /// Between `if`, `while` or `until` and its `then` or `do`.
    in_condition: bool,
    /// Words of the last command behind its name.
    arguments: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            line: 1,
            documents: Vec::new(),
            commands: Vec::new(),
            at_command: true,
            in_condition: false,
            arguments: 0,
        }
    }

    fn commands(mut self) -> Vec<Command> {
        while let Some(next) = self.rest.chars().next() {
            match next {
                '\n' => self.end_line(),
                ' ' | '\t' => self.skip(1),
                '\\' if self.rest.starts_with("\\\n") => self.skip(2),
                '#' => self.skip(self.rest.find('\n').unwrap_or(self.rest.len())),
                ';' | '&' | '|' | '(' | ')' => self.begin_command(),
                '<' | '>' => self.redirection(),
                _ => self.word(),
            }
        }
        self.commands
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn skip(&mut self, bytes: usize) {
        self.take(bytes);
    }

    fn begin_command(&mut self) {
        self.skip(1);
        self.at_command = true;
    }

    fn end_line(&mut self) {
        self.begin_command();
        for end in std::mem::take(&mut self.documents) {
            let mut length = 0;
            for line in self.rest.split_inclusive('\n') {
                length += line.len();
                if line.trim_start_matches('\t').trim_end_matches('\n') == end {
                    break;
                }
            }
            self.skip(length);
        }
    }

    /// The word behind it is a file, or the end of a here-document.
    fn redirection(&mut self) {
        let signs = self.rest.find(|sign| !"<>&-|".contains(sign)).unwrap_or(self.rest.len());
        let is_document = self.take(signs).starts_with("<<");
        self.skip(self.rest.find(|blank| blank != ' ').unwrap_or(self.rest.len()));
        let word = self.take(word_length(self.rest));
        if is_document {
            self.documents.push(word.replace(['\'', '"', '\\'], ""));
        }
    }

    fn word(&mut self) {
        let line = self.line;
        let word = self.take(word_length(self.rest)).to_owned();
        if self.at_command {
            self.command(line, word);
        } else {
            self.arguments += 1;
            if let Some(command) = self.commands.last_mut().filter(|_| self.arguments == 1) {
                command.argument = Some(word);
            }
        }
    }

    fn command(&mut self, line: usize, name: String) {
        match name.as_str() {
            "if" | "elif" | "while" | "until" => self.in_condition = true,
            "then" | "do" => self.in_condition = false,
            "else" | "{" | "}" | "fi" | "done" | "esac" => {}
            _ if is_assignment(&name) => {}
            _ => {
                self.at_command = name == "!";
                self.arguments = 0;
                self.commands.push(Command { line, name, argument: None, is_condition: self.in_condition });
            }
        }
    }
}

/// `NAME=…`: what comes next is still the command.
fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name).unwrap_or_default();
    !name.is_empty() && name.chars().all(|letter| letter == '_' || letter.is_ascii_alphanumeric())
}

/// Bytes of the word at the start of a text, with what it quotes and substitutes.
fn word_length(text: &str) -> usize {
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        at += match next {
            ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
            _ => part_length(&text[at..]),
        };
    }
    at
}

/// Bytes of a letter, or of what is quoted or substituted there.
fn part_length(text: &str) -> usize {
    let within = |opening: usize, closing: &str| opening + nested_length(&text[opening..], closing);
    match text.as_bytes() {
        [b'\'', ..] => 1 + text[1..].find('\'').map_or(text.len() - 1, |end| end + 1),
        [b'"', ..] => within(1, "\""),
        [b'`', ..] => within(1, "`"),
        [b'$', b'(', ..] => within(2, ")"),
        [b'$', b'{', ..] => within(2, "}"),
        [b'\\', ..] => 1 + text[1..].chars().next().map_or(0, char::len_utf8),
        _ => text.chars().next().map_or(0, char::len_utf8),
    }
}

/// Bytes up to the closing sign and with it. Within double quotes an apostrophe is a letter.
fn nested_length(text: &str, closing: &str) -> usize {
    let mut at = 0;
    let mut open = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with(closing) && open == 0 {
            return at + 1;
        }
        let is_parenthesis = closing == ")" && rest.starts_with(['(', ')']);
        if is_parenthesis {
            open = if rest.starts_with('(') { open + 1 } else { open - 1 };
        }
        let is_letter = is_parenthesis || (closing == "\"" && rest.starts_with(['\'', '`']));
        at += if is_letter { 1 } else { part_length(rest) };
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        Scanner::new(text).commands().into_iter().map(|command| command.name).collect()
    }

    fn lines_of_faults(text: &str) -> Vec<String> {
        let faults = check("c.sh", text);
        faults.iter().map(|fault| fault.split(": ").next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn commands_are_found_wherever_they_begin() {
        let text = "a; b && c || d | e & f\nif g; then h; else i; fi\nfor x in 1; do j; done\n{ k; }\n(l)\nA=1 B='2 3' m\n! n\n";
        let wanted = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "for", "j", "k", "l", "m", "!", "n"];
        assert_eq!(names(text), wanted);
        assert_eq!(names("case $x in y) o ;; z | w) p ;; esac\nq \\\n  r\n"), ["case", "o", "z", "w", "p", "q"]);
    }

    #[test]
    fn what_is_quoted_substituted_or_commented_is_no_command() {
        assert_eq!(
            names("a 'x; [ y' \"it's; [ $(grep \")\" z; [ w) ]\" # [ v\n\"$(b; (c); d)\" e\n"),
            ["a", "\"$(b; (c); d)\""]
        );
        assert_eq!(names("a <<'END' >x\n[ y ]\nEND\nb <<-END\n\tgrep\n\tEND\nc\n"), ["a", "b", "c"]);
        assert_eq!(names("a 'two\nlines [' \\; b\nc \"\\\"; [\"\n"), ["a", "c"]);
        assert_eq!(names("a ${x:-\"}; [\"} `[ y` $((1 + (2)))\nb 2>&1 >y\n"), ["a", "b"]);
    }

    #[test]
    fn a_bare_assertion_is_refused_wherever_it_stands() {
        for bare in ["[ -f x ]", "test -f x", "grep x y", "cmp x y", "diff x y", "! kill x"] {
            for command in
                [bare.to_owned(), format!("a && {bare}"), format!("a | {bare}"), format!("if a; then {bare}; fi")]
            {
                assert_eq!(
                    lines_of_faults(&format!("test_a() {{\n    expect_code 0\n    {command}\n}}\n")),
                    ["c.sh:3"],
                    "{command}"
                );
            }
        }
        assert_eq!(lines_of_faults("helper() {\n    [ -f \"$1\" ] || return 0\n}\n"), ["c.sh:2"]);
        assert_eq!(
            lines_of_faults(
                "helper() {\n    until [ -f \"$1\" ]; do a; done\n    b=$(grep x y)\n    if ! c; then d; fi\n}\n"
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_case_without_an_expectation_and_one_of_nothing_are_refused() {
        let nothing = "test_a() {\n    bootstrap ps\n    # expect_code 0\n    echo expect_code\n}\ntest_b() {\n    expect_code 0\n}\n";
        assert_eq!(lines_of_faults(nothing), ["c.sh:1"]);
        assert_eq!(lines_of_faults("test_a() {\n    for x in y; do expect_code 0; done\n}\n"), [""; 0]);
        assert_eq!(lines_of_faults("test_a() {\n    expect_equal '' \"$(cat x)\"\n}\n"), ["c.sh:2"]);
        assert_eq!(lines_of_faults("test_a() {\n    expect_equal \"$x\" ''\n}\n"), [""; 0]);
    }

    #[test]
    fn a_case_that_sleeps_is_refused() {
        assert_eq!(
            lines_of_faults("helper() {\n    (sleep 1 && a) &\n    while b; do sleep 0.1; done\n}\n"),
            ["c.sh:2", "c.sh:3"]
        );
    }

    #[test]
    fn the_rules_are_for_cases_alone() {
        assert!(is_cases("tests/entrypoint/cases/up.sh"));
        assert!(!is_cases("tests/entrypoint/support.sh"));
        assert!(!is_cases("templates/entrypoint/lib/text.sh"));
    }
}
