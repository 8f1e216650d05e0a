//! Times and peak memory of commands.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::contender::Contender;
use crate::command;

/// What one contender took.
pub(super) struct Measured {
    /// From start to end.
    pub(super) time: Duration,
    /// The most memory that one of its processes held, in bytes.
    pub(super) memory: u64,
}

/// Prepares a contender and runs it once.
pub(super) fn time(contender: &Contender) -> Result<Duration> {
    contender.prepare()?;
    time_of(&contender.command)
}

/// Runs a command, which says something only when it fails.
pub(super) fn time_of(words: &[String]) -> Result<Duration> {
    let mut command = command_of(words);
    let started = Instant::now();
    command::output(&mut command)?;
    Ok(started.elapsed())
}

/// Prepares a contender and runs it under GNU time, which reports `ru_maxrss` of what it waited for.
pub(super) fn peak_memory(contender: &Contender) -> Result<u64> {
    contender.prepare()?;
    let report = tempfile::NamedTempFile::new()?;
    let mut time = Command::new("time");
    let (variables, words) = variables_before(&contender.command);
    time.args(["--format", "%M", "--output"]).arg(report.path()).args(words).envs(variables);
    command::output(&mut time)?;
    let kilobytes: u64 = fs::read_to_string(report.path())?.trim().parse().context("GNU time reports a number")?;
    Ok(kilobytes * 1024)
}

/// A command of its words, as a shell takes it: `NAME=VALUE PROGRAM ARGUMENT`.
pub(super) fn command_of(words: &[String]) -> Command {
    let (variables, words) = variables_before(words);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).envs(variables);
    command
}

fn variables_before(words: &[String]) -> (Vec<(&str, &str)>, &[String]) {
    let variables: Vec<_> = words.iter().map_while(|word| word.split_once('=')).collect();
    let words = &words[variables.len()..];
    (variables, words)
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
