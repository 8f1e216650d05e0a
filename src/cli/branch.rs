//! A tree of lines.

use std::fmt;

use super::table::Table;

/// A line and what hangs below it.
pub(super) struct Branch {
    line: String,
    below: Vec<Branch>,
}

impl Branch {
    /// A line with nothing below it.
    pub(super) fn new(line: String) -> Self {
        Self { line, below: Vec::new() }
    }

    /// A line with aligned rows below it, or the word "none".
    pub(super) fn table(line: &str, rows: impl Iterator<Item = Vec<String>>) -> Self {
        let mut table = Table::default();
        rows.for_each(|row| table.row(row));
        let text = table.to_string();
        let below: Vec<_> = text.lines().map(|row| Self::new(row.to_owned())).collect();
        let line = if below.is_empty() { format!("{line}: none") } else { line.to_owned() };
        Self { line, below }
    }

    /// Hangs a branch below.
    pub(super) fn push(&mut self, branch: Branch) {
        self.below.push(branch);
    }

    fn write(&self, formatter: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
        for (index, branch) in self.below.iter().enumerate() {
            let is_last = index + 1 == self.below.len();
            let (corner, line) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            writeln!(formatter, "{indent}{corner}{}", branch.line)?;
            branch.write(formatter, &format!("{indent}{line}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.line)?;
        self.write(formatter, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_hang_below_their_line() {
        let mut root = Branch::new("root".to_owned());
        root.push(Branch::table(
            "rows",
            [vec!["a".to_owned(), "1".to_owned()], vec!["bc".to_owned(), "2".to_owned()]].into_iter(),
        ));
        root.push(Branch::table("nothing", std::iter::empty()));
        assert_eq!(root.to_string(), "root\n├─ rows\n│  ├─ a   1\n│  └─ bc  2\n└─ nothing: none\n");
    }
}
