//! A page of Markdown with console blocks: what is called, and what the page says that it prints.
//!
//! A block begins with a line of three backticks and `console`; in it a command stands behind `$ `, and what it prints below. Two comments
//! of HTML belong to it: `<!-- not run: WHY -->` before a block says that it is only shown, and `<!-- run: COMMAND -->` is run at its place
//! and not shown. Knows no engine.

/// A page, in its order.
pub(crate) struct Page {
    pub(crate) parts: Vec<Part>,
}

pub(crate) enum Part {
    /// A line of anything else.
    Text(String),
    /// A command for the walk alone.
    Unseen(String),
    Block(Block),
}

pub(crate) struct Block {
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
    /// Why it is only shown.
    pub(crate) not_run: Option<String>,
    pub(crate) steps: Vec<Step>,
}

pub(crate) struct Step {
    pub(crate) command: String,
    /// What the page says that it prints.
    pub(crate) shown: Vec<String>,
}

const FENCE: &str = "```";

impl Page {
    pub(crate) fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut not_run = None;
        let mut lines = text.lines().zip(1..);
        while let Some((line, number)) = lines.next() {
            if line.strip_prefix(FENCE) == Some("console") {
                let inside = lines.by_ref().map(|(line, _)| line).take_while(|line| *line != FENCE);
                let steps = read_steps(inside, number);
                parts.push(Part::Block(Block { line: number, not_run: not_run.take(), steps }));
            } else if let Some(command) = comment(line, "run") {
                parts.push(Part::Unseen(command.to_owned()));
            } else {
                not_run = comment(line, "not run").map(str::to_owned);
                parts.push(Part::Text(line.to_owned()));
            }
        }
        Self { parts }
    }

    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.parts.iter().filter_map(|part| match part {
            Part::Block(block) => Some(block),
            Part::Text(_) | Part::Unseen(_) => None,
        })
    }

    /// Every step, shown alone or run.
    pub(crate) fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.blocks().flat_map(|block| &block.steps)
    }

    /// Every step that is run.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.blocks().filter(|block| block.not_run.is_none()).flat_map(|block| &block.steps)
    }

    pub(crate) fn to_text(&self) -> String {
        self.parts.iter().map(Part::to_text).collect()
    }
}

impl Part {
    fn to_text(&self) -> String {
        match self {
            Self::Text(line) => format!("{line}\n"),
            Self::Unseen(command) => format!("<!-- run: {command} -->\n"),
            Self::Block(block) => {
                let steps: String = block.steps.iter().map(Step::to_text).collect();
                format!("{FENCE}console\n{steps}{FENCE}\n")
            }
        }
    }
}

impl Step {
    fn to_text(&self) -> String {
        let shown: String = self.shown.iter().map(|line| format!("{line}\n")).collect();
        format!("$ {}\n{shown}", self.command)
    }
}

fn read_steps<'a>(lines: impl Iterator<Item = &'a str>, begin: usize) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in lines {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.to_owned(), shown: Vec::new() }),
            (None, Some(step)) => step.shown.push(line.to_owned()),
            (None, None) => panic!("the block of line {begin} begins without a command"),
        }
    }
    steps
}

/// What stands in `<!-- kind: … -->`.
fn comment<'a>(line: &'a str, kind: &str) -> Option<&'a str> {
    line.strip_prefix("<!-- ")?.strip_prefix(kind)?.strip_prefix(": ")?.strip_suffix(" -->")
}
