//! How time grows: the same build for more services and for more environments.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use anyhow::Result;
use bootsmith::plan::Platform;

use super::inputs::Inputs;
use super::measure::{self, ratio};

/// Builds specs of growing size onto nothing, and prints the ratios to the smallest.
pub(super) fn run(inputs: &Inputs, runs: usize) -> Result<()> {
    let services = [1, 10, 100, 1000];
    let environments = [1, 10, 50];
    for platform in Platform::ALL {
        let what = format!("services on {}", platform.name());
        print(inputs, &what, &services, &|count| spec(*platform, count, 1), runs)?;
    }
    print(inputs, "environments, ten services", &environments, &|count| spec(Platform::Compose, 10, count), runs)
}

fn print(inputs: &Inputs, what: &str, counts: &[usize], spec: &dyn Fn(usize) -> String, runs: usize) -> Result<()> {
    println!("\n{what:<28} {:>10} {:>12} {:>14}", "time", "× smallest", "× one before");
    let mut times: Vec<Duration> = Vec::new();
    for count in counts {
        let time = build(inputs, &spec(*count), runs)?;
        times.push(time);
        let before = times[times.len().saturating_sub(2)];
        let milliseconds = format!("{:.1} ms", time.as_secs_f64() * 1e3);
        println!("{count:<28} {milliseconds:>10} {:>12.2} {:>14.2}", ratio(time, times[0]), ratio(time, before));
    }
    Ok(())
}

/// Every run finds neither cache nor output.
fn build(inputs: &Inputs, spec: &str, runs: usize) -> Result<Duration> {
    let folder = inputs.path("growth");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("bootstrap.toml"), spec)?;
    let (file, output) =
        (folder.join("bootstrap.toml").display().to_string(), folder.join("out").display().to_string());
    let build =
        inputs.bootsmith(&["build", "--file", &file, "--allow", "B049", "--base", "scratch", "--output", &output]);
    let mut times = Vec::new();
    for _ in 0..runs {
        for left in [folder.join("out"), inputs.path("cache")].iter().filter(|left| left.exists()) {
            fs::remove_dir_all(left)?;
        }
        times.push(measure::time_of(&build)?);
    }
    Ok(measure::median(times))
}

/// A product whose services have a volume each, and wait for each other in groups of ten.
fn spec(platform: Platform, services: usize, environments: usize) -> String {
    let mut text = format!(
        "[project]\nname = \"growth\"\nversion = \"1.0.0\"\n[bootstrap]\nplatforms = [\"{}\"]\n\
         allow = [{{ code = \"B037\", reason = \"nobody runs it\" }}]\n\
         [parameters.LEVEL]\ndefault = \"info\"\n[networks.backend]\n",
        platform.name()
    );
    for service in 0..services {
        let _ = write!(
            text,
            "[volumes.v{service}]\n[services.s{service}]\nimage = \"docker.io/library/app:1.{service}\"\n\
             networks = {{ backend = {{ aliases = [\"a{service}\"] }} }}\nvolumes = [\"v{service}:/data\"]\n\
             command = [\"serve\", \"--level\", \"${{LEVEL}}\"]\nenvironment = {{ NUMBER = \"{service}\", TIME = \"1:30\" }}\n"
        );
        if service % 10 > 0 {
            let _ = writeln!(text, "depends_on = [\"s{}\"]", service - 1);
        }
    }
    for environment in 0..environments {
        let _ = write!(text, "[environments.e{environment}.services.s0]\nports = [\"{}:80\"]\n", 8000 + environment);
    }
    text
}
