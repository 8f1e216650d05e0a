//! A table: contenders compared, the first one being the unit, and our targets.

use anyhow::Result;

use super::contender::Contender;
use super::measure::{self, Measured};
use crate::project;

/// What the names of our own lines begin with.
const OURS: &str = "bootsmith";

/// Contenders that do the same, and targets.
pub(super) struct Table {
    /// What they do.
    pub(super) title: String,
    /// Who does it, the unit first.
    pub(super) contenders: Vec<Contender>,
    /// What is wanted.
    pub(super) targets: Vec<Target>,
    /// How many bytes of memory ours may take, however large the image is.
    pub(super) memory_limit: u64,
}

/// One line over another; over one that is missing, nothing is said.
pub(super) struct Target {
    pub(super) what: &'static str,
    pub(super) ours: &'static str,
    pub(super) over: &'static str,
    pub(super) at_most: f64,
}

impl Table {
    /// Measures and prints. A busy machine misses targets: this informs and does not fail.
    pub(super) fn run(&self, runs: usize) -> Result<()> {
        let rows = self.measure(runs)?;
        self.print(&rows);
        println!();
        self.targets.iter().for_each(|target| target.judge(&rows));
        judge_memory(&rows, self.memory_limit);
        Ok(())
    }

    /// They take turns, so that a machine that becomes slower does so for all.
    fn measure(&self, runs: usize) -> Result<Vec<(&'static str, Measured)>> {
        let mut times = vec![Vec::new(); self.contenders.len()];
        for _ in 0..runs {
            for (contender, times) in self.contenders.iter().zip(&mut times) {
                times.push(measure::time(contender)?);
            }
        }
        let measured = self.contenders.iter().zip(times).map(|(contender, times)| {
            let memory = measure::peak_memory(contender)?;
            Ok((contender.name, Measured { time: measure::median(times), memory }))
        });
        measured.collect()
    }

    fn print(&self, rows: &[(&'static str, Measured)]) {
        let first = rows[0].1.time;
        println!("\n{:<50} {:>7} {:>10} {:>12}", self.title, "× first", "time", "peak memory");
        for (name, Measured { time, memory }) in rows {
            let milliseconds = format!("{:.0} ms", time.as_secs_f64() * 1e3);
            let memory = format!("{:.0} MB", project::megabytes(*memory));
            println!("{name:<50} {:>7.2} {milliseconds:>10} {memory:>12}", measure::ratio(*time, first));
        }
    }
}

impl Target {
    fn judge(&self, rows: &[(&'static str, Measured)]) {
        let time = |wanted: &str| rows.iter().find(|(name, _)| *name == wanted).map(|(_, measured)| measured.time);
        let (Some(ours), Some(unit)) = (time(self.ours), time(self.over)) else { return };
        let ratio = measure::ratio(ours, unit);
        println!("target {:<6} {}: {ratio:.2}, at most {}", verdict(ratio <= self.at_most), self.what, self.at_most);
    }
}

fn judge_memory(rows: &[(&'static str, Measured)], limit: u64) {
    let ours = rows.iter().filter(|(name, _)| name.starts_with(OURS));
    let most = ours.map(|(_, measured)| measured.memory).max().unwrap_or(0);
    let (megabytes, at_most) = (project::megabytes(most), project::megabytes(limit));
    println!("target {:<6} memory of {OURS}: {megabytes:.0} MB, at most {at_most:.0}", verdict(most <= limit));
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "MISSED" }
}
