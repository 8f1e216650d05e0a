//! A bootstrap container that is killed at a random moment of `upgrade`, `rollback`, `downgrade` or `migrate`: the next command reaches the
//! wanted release, every migration ran once, and nothing is lost or left over.
//!
//! How often is said by `BOOTSMITH_KILLS`; without it nothing is killed here, and `faults` holds the kills of a first install. The moments come
//! from a seed that is printed; `BOOTSMITH_SEED` gives it again.

use std::thread;
use std::time::Duration;

use super::engine::{Surroundings, on_every_engine, push, run as run_docker};
use deployment::Broken;
use moments::Moments;
use pair::{Pair, Way};
use releases::Releases;

mod deployment;
pub(crate) mod moments;
mod pair;
pub(crate) mod releases;

on_every_engine! {
    a_killed_upgrade_is_ended_by_the_next_command
    a_killed_rollback_is_ended_by_the_next_command
    a_killed_downgrade_is_ended_by_the_next_command
    a_killed_migrate_is_ended_by_the_next_command
}

fn a_killed_upgrade_is_ended_by_the_next_command(surroundings: &Surroundings) {
    let Some(kills) = Kills::asked_for() else { return };
    let mut releases = Releases::new(surroundings, "e2e-kills", &pushed(surroundings, "upgrade"));
    let whole = releases.upgrade_undisturbed();
    kills.run(whole, |kill| releases.upgrade_broken(kill));
}

fn a_killed_rollback_is_ended_by_the_next_command(surroundings: &Surroundings) {
    kill_between_two(surroundings, "rollback", Way::Rollback);
}

fn a_killed_downgrade_is_ended_by_the_next_command(surroundings: &Surroundings) {
    kill_between_two(surroundings, "downgrade", Way::Downgrade);
}

fn a_killed_migrate_is_ended_by_the_next_command(surroundings: &Surroundings) {
    kill_between_two(surroundings, "migrate", Way::Migrate);
}

fn kill_between_two(surroundings: &Surroundings, command: &str, way: Way) {
    let Some(kills) = Kills::asked_for() else { return };
    let images = pushed(surroundings, command);
    let mut pair = Pair::new(surroundings, &format!("e2e-kills-{command}"), &images, way);
    let whole = pair.go_undisturbed();
    kills.run(whole, |kill| pair.go_broken(kill));
}

/// Pushes the images of a product; gives out where they are.
fn pushed(surroundings: &Surroundings, command: &str) -> String {
    let images = format!("{}/e2e-kills-{command}-{}", surroundings.registry, surroundings.platform.name());
    for image in ["box:1.0.0", "database:1.0.0"] {
        push(&format!("sample/{image}"), &format!("{images}/{image}"));
    }
    images
}

/// So many kills, at moments of which each is as likely as any other.
struct Kills {
    number: u64,
    moments: Moments,
}

impl Kills {
    fn asked_for() -> Option<Self> {
        Moments::asked_by("BOOTSMITH_KILLS").map(|(number, moments)| Self { number, moments })
    }

    /// Goes on until so many commands were there to be killed, each of which takes as long as `whole` when it is left alone.
    fn run(mut self, whole: Duration, mut go: impl FnMut(&dyn Fn(&str) -> bool) -> Broken) {
        let mut hits = 0;
        while hits < self.number {
            let moment = self.moments.within(whole);
            let broken = go(&|container| kill_after(container, moment));
            hits += u64::from(broken.was_hit);
            println!("{hits}. at {moment:.1?} of {whole:.1?}: {broken}");
        }
    }
}

/// Whether it was there to be killed: it may not have started yet, or have ended already.
fn kill_after(container: &str, moment: Duration) -> bool {
    thread::sleep(moment);
    run_docker(&["kill", "--signal", "KILL", container]).status.success()
}
