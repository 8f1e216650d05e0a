//! The operator's handbook as data: its console blocks, and what it must show. `e2e::handbook` runs them.

mod page;
mod rules;

use std::collections::BTreeSet;
use std::fs;

pub(crate) use page::{Page, Part, Step};
pub(crate) use rules::same;

pub(crate) const PATH: &str = "docs/operator.md";

/// How many blocks are only shown. Each says why; one more is a decision.
const NOT_RUN: usize = 5;

pub(crate) fn read() -> Page {
    Page::parse(&fs::read_to_string(PATH).expect("the handbook is part of the repository"))
}

/// What `bootstrap help` prints, as the page shows it: the walk holds it against the image.
fn help(page: &Page) -> &[String] {
    let help = page.steps().find(|step| step.command == "bootstrap help");
    &help.expect("the page shows `bootstrap help`").shown
}

/// The first words of the indented lines below `commands:`.
fn commands(help: &[String]) -> BTreeSet<&str> {
    let listed = help.iter().skip_while(|line| *line != "commands:").skip(1).take_while(|line| !line.is_empty());
    listed.filter_map(|line| line.split_whitespace().next()).collect()
}

/// The numbers with which the parts of `exit codes: 0 done · 1 … · 129, 130, 143 interrupted · …` begin.
fn exit_codes(help: &[String]) -> BTreeSet<u8> {
    let told = help.iter().skip_while(|line| !line.starts_with("exit codes: ")).take_while(|line| !line.is_empty());
    let told = told.map(String::as_str).collect::<Vec<_>>().join(" · ");
    let parts = told.trim_start_matches("exit codes: ").split('·');
    let numbers = |part: &str| {
        let words: Vec<_> = part.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        words.into_iter().map_while(|word| word.parse().ok()).collect::<Vec<u8>>()
    };
    parts.flat_map(numbers).collect()
}

#[test]
fn every_command_has_an_example() {
    let page = read();
    let commands = commands(help(&page));
    assert!(commands.len() >= 24, "{commands:?}");
    let lines: Vec<_> = page.all_steps().map(|step| step.command.as_str()).collect();
    for command in commands {
        let called = |line: &&str| {
            let calls = line.split("bootstrap ").skip(1).filter_map(|rest| rest.split_whitespace().next());
            calls
                .chain(line.split("-compose ").skip(1).filter_map(|rest| rest.split([' ', ')']).next()))
                .any(|word| word == command)
        };
        assert!(lines.iter().any(called), "{PATH} has no example of `{command}`");
    }
}

#[test]
fn every_exit_code_has_a_section_and_is_shown() {
    let page = read();
    let mut codes = exit_codes(help(&page));
    assert_eq!(codes.len(), 11, "{codes:?}");
    codes.insert(10);
    let text = page.to_text();
    let heading_names = |heading: &str, code: u8| heading.split([',', ' ', ':']).any(|word| word == code.to_string());
    for code in &codes {
        let headings = text.lines().filter(|line| line.starts_with("### "));
        assert!(headings.into_iter().any(|line| heading_names(line, *code)), "{PATH} has no section for {code}");
    }
    let shown: BTreeSet<u8> = page
        .steps()
        .filter(|step| step.command == "echo $?")
        .filter_map(|step| step.shown.first()?.parse().ok())
        .collect();
    // 1 is a fault of ours, 129 and 143 are other signals; 0 is what is not told.
    let expected: BTreeSet<u8> = codes.into_iter().filter(|code| ![0, 1, 129, 143].contains(code)).collect();
    assert_eq!(
        expected.difference(&shown).collect::<Vec<_>>(),
        Vec::<&u8>::new(),
        "never shown by a command that is run"
    );
}

#[test]
fn what_is_not_run_says_why() {
    let page = read();
    let reasons: Vec<_> = page.blocks().filter_map(|block| block.not_run.as_deref()).collect();
    assert_eq!(reasons.len(), NOT_RUN, "{reasons:?}");
    assert!(reasons.iter().all(|reason| reason.len() > 20), "{reasons:?}");
    let text = page.to_text();
    let unmarked: Vec<_> = text.lines().filter(|line| line.starts_with("    $ ")).collect();
    assert!(unmarked.is_empty(), "an example stands in a console block: {unmarked:?}");
}

#[test]
fn a_page_is_written_as_it_was_read() {
    let text = fs::read_to_string(PATH).expect("the handbook is part of the repository");
    assert_eq!(read().to_text(), text);
}
