//! Times and peak memory of commands.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::contender::Contender;
use crate::command;

/// What one contender took.
pub(super) struct Measured {
    /// From start to end.
    pub(super) time: Duration,
    /// The most memory that one of its processes held, in bytes; 0 when it was not asked for.
    pub(super) memory: u64,
}

/// Prepares a contender and runs it once.
pub(super) fn measure(contender: &Contender) -> Result<Measured> {
    contender.prepare()?;
    let mut command = silent(&contender.command);
    let started = Instant::now();
    command::run(&mut command)?;
    Ok(Measured { time: started.elapsed(), memory: 0 })
}

/// Prepares a contender and runs it under GNU time, which reports `ru_maxrss` of what it waited for.
pub(super) fn peak_memory(contender: &Contender) -> Result<u64> {
    contender.prepare()?;
    let report = tempfile::NamedTempFile::new()?;
    let mut time = vec!["time".to_owned(), "--format".to_owned(), "%M".to_owned(), "--output".to_owned()];
    time.push(report.path().display().to_string());
    time.extend(contender.command.iter().cloned());
    command::run(&mut silent(&time))?;
    let kilobytes: u64 = fs::read_to_string(report.path())?.trim().parse().context("GNU time reports a number")?;
    Ok(kilobytes * 1024)
}

fn silent(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// The time in the middle.
pub(super) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// One time over another.
pub(super) fn ratio(time: Duration, unit: Duration) -> f64 {
    time.as_secs_f64() / unit.as_secs_f64()
}

/// The median of some runs of a command.
pub(super) fn median_of(command: &[String], runs: usize) -> Result<Duration> {
    if runs == 0 {
        bail!("at least one run is needed");
    }
    let mut times = Vec::new();
    for _ in 0..runs {
        let mut command = silent(command);
        let started = Instant::now();
        command::run(&mut command)?;
        times.push(started.elapsed());
    }
    Ok(median(times))
}
