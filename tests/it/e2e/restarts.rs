//! An engine that is restarted, or loses its power, at a random moment of `upgrade`: the next command reaches the wanted release, and nothing is lost or
//! left over.
//!
//! The engine is the test's own. Because that takes time, it is tried where `BOOTSMITH_RESTARTS` says how often; `BOOTSMITH_SEED` is as in
//! `kills`.

use std::thread;

use super::engine::{Surroundings, on_every_engine};
use super::kills::moments::Moments;
use super::kills::releases::Releases;
use super::own_engine::{End, OwnEngine};

on_every_engine! {
    an_upgrade_that_lost_its_engine_is_ended_by_the_next_command
}

fn an_upgrade_that_lost_its_engine_is_ended_by_the_next_command(surroundings: &Surroundings) {
    let Some((restarts, mut moments)) = Moments::asked_by("BOOTSMITH_RESTARTS") else { return };
    let images = ["sample/box:1.0.0", "sample/database:1.0.0"];
    let mut engine = OwnEngine::start(surroundings.platform, &images).unwrap_or_else(|reason| panic!("{reason}"));
    let mut releases = Releases::new(surroundings, "e2e-restarts", "sample");
    let whole = releases.upgrade_undisturbed();
    for number in 1..=restarts {
        let end = if number.is_multiple_of(2) { End::PowerLost } else { End::Asked };
        let moment = moments.within(whole);
        let broken = releases.upgrade_broken(|_| {
            thread::sleep(moment);
            engine.restart(end);
            true
        });
        println!("{number}. {end:?} {} at {moment:.1?} of {whole:.1?}: {broken}", releases.version());
    }
}
