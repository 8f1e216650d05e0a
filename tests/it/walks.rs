//! The ledger keeps its promises on any walk: random commands over several releases, which may fail or be killed at any step, are compared with
//! a model that knows nothing of how the ledger is kept.
//!
//! `BOOTSMITH_WALKS` says how many walks there are, `BOOTSMITH_SEED` which: a failure prints the walk and its seed. After each command its
//! exit code is compared; at the end of a walk the history, the migrations, and where a rollback would go.

mod model;
mod target;

use std::fmt::Write as _;

use serde_json::Value;

use self::model::{Call, End, Model, Releases, Script, Weather};
use self::target::Target;
use crate::dice::{Dice, number_of, seed};
use crate::seen::Seen;

/// Releases 0 to 3, of which each but the first brings a migration.
const RELEASES: usize = 4;
/// So many take some ten seconds on an idle machine.
const WALKS: u64 = 6;
const SHORTEST: usize = 3;
const LONGEST: usize = 9;

#[test]
fn a_walk_leaves_the_ledger_that_it_should() {
    let seed = seed();
    let walks = number_of("BOOTSMITH_WALKS").unwrap_or(WALKS);
    println!("BOOTSMITH_WALKS={walks} BOOTSMITH_SEED={seed}");
    for number in 0..walks {
        Walk::new(seed.wrapping_add(number)).go();
    }
}

/// One walk, and what to tell of it when it leads elsewhere.
struct Walk {
    seed: u64,
    dice: Dice,
    model: Model,
    target: Target,
    told: String,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::of_seed(seed);
        let mut some = |times| (0..RELEASES).map(|_| dice.once_in(times)).collect::<Vec<_>>();
        let releases = Releases { compatible: some(3), idempotent: some(3) };
        let told = format!("{releases:?}\n");
        let target = Target::new(&releases);
        Self { seed, dice, model: Model::new(releases), target, told }
    }

    fn go(&mut self) {
        for _ in 0..SHORTEST + self.dice.below(LONGEST - SHORTEST + 1) {
            let call = self.next_call();
            let weather = self.next_weather();
            self.take(call, &weather);
        }
        self.compare();
    }

    /// Mostly forward, often back, now and then something that must be refused.
    fn next_call(&mut self) -> Call {
        let retry = self.dice.once_in(3);
        let newest = self.model.revisions.last().map_or(0, |revision| revision.release);
        let image = if self.dice.once_in(4) {
            self.dice.below(RELEASES)
        } else {
            (newest + self.dice.below(2)).min(RELEASES - 1)
        };
        match self.dice.below(12) {
            0..=2 => Call::Up { image, retry },
            3..=5 => Call::Upgrade { image, retry },
            6 => Call::Migrate { image, retry },
            7..=8 => Call::Downgrade { to: self.dice.below(newest + 1), retry },
            9..=10 => Call::Rollback { to: None },
            _ => {
                let number = 1 + self.dice.below(self.model.revisions.len() + 1);
                Call::Rollback { to: Some(u32::try_from(number).expect("a walk is short")) }
            }
        }
    }

    fn next_weather(&mut self) -> Weather {
        let dice = &mut self.dice;
        let crashes = (0..RELEASES).map(|_| dice.once_in(6)).collect();
        let mut script = || match dice.below(10) {
            0 => Script::Fails,
            1 => Script::Refused,
            _ => Script::Runs,
        };
        let scripts = (0..RELEASES).map(|_| script()).collect();
        let killed_before = dice.once_in(4).then(|| dice.below(10));
        Weather { crashes, scripts, killed_before }
    }

    /// Gives the command to both.
    fn take(&mut self, call: Call, weather: &Weather) {
        let wanted = self.model.call(call, weather);
        self.target.set_weather(weather);
        let seen = self.call(call);
        let end = seen.code.map_or(End::Killed, End::Code);
        self.target.free_lock();
        writeln!(self.told, "{call:?} in {weather:?}: {end:?}").expect("a text grows");
        self.must(end == wanted, &format!("ends with {wanted:?}"), &seen);
    }

    fn call(&self, call: Call) -> Seen {
        let (image, mut words, retry) = match call {
            Call::Up { image, retry } => (image, vec!["up".to_owned()], retry),
            Call::Upgrade { image, retry } => (image, vec!["upgrade".to_owned()], retry),
            Call::Migrate { image, retry } => (image, vec!["migrate".to_owned()], retry),
            Call::Downgrade { to, retry } => (RELEASES - 1, vec!["downgrade".to_owned(), format!("1.{to}.0")], retry),
            Call::Rollback { to } => {
                let number = to.map(|number| number.to_string());
                (RELEASES - 1, std::iter::once("rollback".to_owned()).chain(number).collect(), false)
            }
        };
        words.extend(retry.then(|| "--retry".to_owned()));
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        self.target.run(image, &words, !matches!(call, Call::Downgrade { .. } | Call::Rollback { .. }))
    }

    /// What is told of the target by the image of the newest release.
    fn compare(&mut self) {
        let calm =
            Weather { crashes: vec![false; RELEASES], scripts: vec![Script::Runs; RELEASES], killed_before: None };
        self.target.set_weather(&calm);
        let history = self.target.run(RELEASES - 1, &["history", "--output", "json"], false);
        self.must(revisions_of(&history) == self.revisions(), &format!("shows {:#?}", self.revisions()), &history);
        let migrations = self.target.run(RELEASES - 1, &["migrate", "--list", "--output", "json"], false);
        self.must(states_of(&migrations) == self.states(), &format!("shows {:?}", self.states()), &migrations);
        let check = self.target.run(RELEASES - 1, &["rollback", "--check"], false);
        let wanted = self.model.rollback().map(|number| format!("rollback to revision {number} "));
        let is_so = wanted.as_ref().map_or(check.code == Some(3), |to| check.err.contains(to));
        self.must(is_so, &format!("goes to {wanted:?}"), &check);
        for migration in 1..RELEASES {
            let wanted = self.model.runs.get(&migration).copied().unwrap_or_default();
            let runs = self.target.runs_of(migration);
            self.must(runs == wanted, &format!("runs m{migration} {wanted} times, not {runs}"), &check);
        }
    }

    /// Number, command, version, outcome, and whether it is current, the newest first.
    fn revisions(&self) -> Vec<(u64, String, String, String, bool)> {
        let current = self.model.current().map(u64::from);
        let shown = (1..).zip(&self.model.revisions).map(|(number, revision)| {
            let version = format!("1.{}.0", revision.release);
            (number, revision.command.to_owned(), version, revision.outcome.name().to_owned(), current == Some(number))
        });
        let mut shown: Vec<_> = shown.collect();
        shown.reverse();
        shown
    }

    fn states(&self) -> Vec<(String, String)> {
        let state = |number| self.model.migrations.get(&number).map_or("pending", |state| state.name());
        (1..RELEASES).map(|number| (format!("m{number}"), state(number).to_owned())).collect()
    }

    #[track_caller]
    fn must(&self, is_so: bool, what: &str, seen: &Seen) {
        let Self { seed, told, .. } = self;
        assert!(
            is_so,
            "the walk of BOOTSMITH_WALKS=1 BOOTSMITH_SEED={seed}\n{told}must be one that {what}; seen:\n{seen:#?}"
        );
    }
}

fn revisions_of(history: &Seen) -> Vec<(u64, String, String, String, bool)> {
    let document: Value = serde_json::from_str(&history.out).unwrap_or_default();
    let text = |revision: &Value, field: &str| revision[field].as_str().unwrap_or_default().to_owned();
    let one = |revision: &Value| {
        let number = revision["revision"].as_u64().unwrap_or_default();
        let words = ["command", "version", "outcome"].map(|field| text(revision, field));
        let [command, version, outcome] = words;
        (number, command, version, outcome, revision["current"].as_bool().unwrap_or_default())
    };
    document["revisions"].as_array().map(|all| all.iter().map(one).collect()).unwrap_or_default()
}

fn states_of(list: &Seen) -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&list.out).unwrap_or_default();
    let text = |migration: &Value, field: &str| migration[field].as_str().unwrap_or_default().to_owned();
    let one = |migration: &Value| (text(migration, "migration"), text(migration, "state"));
    document["migrations"].as_array().map(|all| all.iter().map(one).collect()).unwrap_or_default()
}
