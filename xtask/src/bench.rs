//! `cargo xtask bench`: how fast, as ratios of one run on one machine.
//!
//! One table holds our build against `cp` of the base and against the tools that do the same; another shows how time grows with
//! services and environments. A ratio says something on any machine, a time on none: targets are ratios.

mod contender;
mod growth;
mod inputs;
mod measure;

use anyhow::Result;
use clap::Args;

use contender::Contender;
use inputs::Inputs;
use measure::{Measured, measure};

use crate::{packages, project, tools};

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub(crate) struct Options {
    /// How often each is run; the median counts
    #[arg(long, default_value_t = 7)]
    runs: usize,
}

/// Measures and prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    packages::ensure(&[packages::SKOPEO, packages::UMOCI, packages::TIME])?;
    crate::command::run(tools::cargo().args(["build", "--quiet", "--release", "--package", "bootsmith"]))?;
    let inputs = Inputs::make()?;
    println!(
        "a base of {:.0} MB, {} runs each, the median of their times over that of the first line\n",
        project::megabytes(inputs.base_size),
        options.runs
    );
    let measured = compare(&contender::all(&inputs)?, options.runs)?;
    judge(&measured);
    growth::run(&inputs, options.runs)
}

/// Measures every contender and prints the table. They take turns, so that a machine that becomes slower does so for all.
fn compare(contenders: &[Contender], runs: usize) -> Result<Vec<(&'static str, Measured)>> {
    let mut times = vec![Vec::new(); contenders.len()];
    for _ in 0..runs {
        for (contender, times) in contenders.iter().zip(&mut times) {
            times.push(measure(contender)?.time);
        }
    }
    let mut rows = Vec::new();
    for (contender, times) in contenders.iter().zip(times) {
        let memory = measure::peak_memory(contender)?;
        rows.push((contender.name, Measured { time: measure::median(times), memory }));
    }
    print_table(&rows);
    Ok(rows)
}

fn print_table(rows: &[(&'static str, Measured)]) {
    let first = rows[0].1.time;
    println!("{:<44} {:>7} {:>10} {:>12}", "", "× cp", "time", "peak memory");
    for (name, Measured { time, memory }) in rows {
        let milliseconds = format!("{:.0} ms", time.as_secs_f64() * 1e3);
        let memory = format!("{:.0} MB", project::megabytes(*memory));
        println!("{name:<44} {:>7.2} {milliseconds:>10} {memory:>12}", measure::ratio(*time, first));
    }
}

/// Holds the measured ratios against the targets. A busy machine misses them: this informs and does not fail. `cp` leaves its bytes
/// in memory, bootsmith waits until they are on the disk: where the disk is slower than memory, only the second line compares alike.
fn judge(rows: &[(&'static str, Measured)]) {
    let time = |wanted: &str| rows.iter().find(|(name, _)| *name == wanted).map(|(_, measured)| measured.time);
    let (Some(cp), Some(umoci)) = (time(contender::COPY), time(contender::UMOCI)) else { return };
    let ours = |name| time(name).expect("every contender is measured");
    println!();
    let verdict = |what: &str, ratio: f64, limit: f64| {
        let met = if ratio <= limit { "met" } else { "MISSED" };
        println!("target {met:<6} {what}: {ratio:.2}, at most {limit}");
    };
    verdict("trusted cache over cp", measure::ratio(ours(contender::WARM), cp), 1.3);
    verdict(
        "trusted cache over cp and sync",
        measure::ratio(ours(contender::WARM), ours(contender::COPY_DURABLE)),
        1.3,
    );
    verdict("full verification over umoci", measure::ratio(ours(contender::VERIFIED), umoci), 0.5);
    verdict("nothing changed, in units of 20 ms", ours(contender::UNCHANGED).as_secs_f64() / 0.02, 1.0);
}
