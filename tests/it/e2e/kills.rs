//! A bootstrap container that is killed at a random moment of `upgrade`: the next command reaches the wanted release, and nothing is lost or
//! left over.
//!
//! How often is said by `BOOTSMITH_KILLS`; without it nothing is killed here, and `faults` holds the kills of a first install. The moments come from a seed that is printed; `BOOTSMITH_SEED` gives it again.

use std::thread;
use std::time::Duration;

use super::engine::{Surroundings, on_every_engine, push, run as run_docker};
use moments::Moments;
use releases::Releases;

pub(crate) mod moments;
pub(crate) mod releases;

on_every_engine! {
    a_killed_upgrade_is_ended_by_the_next_command
}

fn a_killed_upgrade_is_ended_by_the_next_command(surroundings: &Surroundings) {
    let Some((kills, mut moments)) = Moments::asked_by("BOOTSMITH_KILLS") else { return };
    let images = format!("{}/e2e-kills-{}", surroundings.registry, surroundings.platform.name());
    for image in ["box:1.0.0", "database:1.0.0"] {
        push(&format!("sample/{image}"), &format!("{images}/{image}"));
    }
    let mut releases = Releases::new(surroundings, "e2e-kills", &images);
    let whole = releases.upgrade_undisturbed();
    let mut hits = 0_u64;
    while hits < kills {
        let moment = moments.within(whole);
        let broken = releases.upgrade_broken(|container| kill_after(container, moment));
        hits += u64::from(broken.was_hit);
        println!("{hits}. {} at {moment:.1?} of {whole:.1?}: {broken}", releases.version());
    }
}

/// Whether it was there to be killed: it may not have started yet, or have ended already.
fn kill_after(container: &str, moment: Duration) -> bool {
    thread::sleep(moment);
    run_docker(&["kill", "--signal", "KILL", container]).status.success()
}
