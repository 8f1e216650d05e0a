//! The ledger keeps its promises on any walk: random commands over several releases, which may fail or be killed at any step, are compared with
//! a model that knows nothing of how the ledger is kept.
//!
//! `BOOTSMITH_WALKS` says how many walks there are, `BOOTSMITH_SEED` which: a failure prints the walk and its seed. After each command its
//! exit code is compared; at the end of a walk the history, the migrations, and where a rollback would go.

pub(crate) mod model;
mod target;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use self::model::{Call, End, Model, Release, Releases, Script, Weather};
use self::target::FakeTarget;
use crate::dice::{Dice, number_of, seed};
use crate::seen::Seen;

/// Releases 0 to 3, of which each but the first brings a migration.
pub(crate) const RELEASES: usize = 4;
/// So many take some ten seconds of a processor.
const WALKS: u64 = 6;
const SHORTEST: usize = 3;
const LONGEST: usize = 9;

/// What a walk goes over.
pub(crate) trait Target {
    /// What the commands from now on meet.
    fn set_weather(&mut self, weather: &Weather);

    /// Calls the image of a release; a killed command leaves no lock.
    fn run(&mut self, image: Release, words: &[&str]) -> Seen;

    /// The same, killed at some moment and given again until it ends by itself.
    fn run_again_and_again(&mut self, image: Release, words: &[&str]) -> Seen;

    /// How often a command of a migration was begun; `None` where nobody counts.
    fn runs_of(&self, migration: usize) -> Option<usize>;

    /// Whether it can be killed before a step, and refuse to start a script.
    fn is_fake(&self) -> bool;
}

#[test]
fn a_walk_leaves_the_ledger_that_it_should() {
    let seed = seed();
    let walks = number_of("BOOTSMITH_WALKS").unwrap_or(WALKS);
    println!("BOOTSMITH_WALKS={walks} BOOTSMITH_SEED={seed}");
    for number in 0..walks {
        Walk::new(seed.wrapping_add(number), FakeTarget::new).go(SHORTEST, LONGEST);
    }
}

/// A comparison shows only what walks come to: by the model alone, most commands succeed, and each ends in each way that it can.
#[test]
fn walks_come_to_every_end() {
    let mut ends = BTreeMap::<(&str, String), usize>::new();
    let mut further_back = 0;
    for seed in 0..2000 {
        let mut walk = Walk::new(seed, |_| Nowhere);
        let mut was_back = false;
        for left in (0..LONGEST).rev() {
            let (call, weather) = walk.next(left);
            let before = walk.model.current();
            let end = walk.model.call(call, &weather);
            *ends.entry((call.name(), format!("{end:?}"))).or_default() += 1;
            let is_back = call == Call::Rollback { to: None } && end == End::Code(0) && walk.model.current() != before;
            further_back += usize::from(was_back && is_back);
            was_back = is_back;
        }
    }
    let of = |call: &str, end: &str| {
        let matching = ends.iter().filter(|((of, at), _)| (call.is_empty() || *of == call) && at.contains(end));
        matching.map(|(_, times)| times).sum::<usize>()
    };
    for (call, possible) in [
        ("up", &[0, 3, 4, 5, 6][..]),
        ("upgrade", &[0, 3, 4, 5, 6]),
        ("migrate", &[0, 3, 5, 6]),
        ("downgrade", &[0, 3, 5, 6]),
        ("rollback", &[0, 3, 4, 5]),
    ] {
        assert!(
            possible.iter().all(|code| of(call, &format!("Code({code})")) > 0) && of(call, "Killed") > 0,
            "{call}: {ends:#?}"
        );
    }
    assert!(3 * of("", "Code(0)") > of("", ""), "a third goes well: {ends:#?}");
    assert!(further_back >= 100, "two rollbacks in a row, {further_back} times");
}

/// Where only the model walks.
struct Nowhere;

impl Target for Nowhere {
    fn set_weather(&mut self, _weather: &Weather) {}

    fn run(&mut self, _image: Release, words: &[&str]) -> Seen {
        unreachable!("{words:?} is called nowhere")
    }

    fn run_again_and_again(&mut self, image: Release, words: &[&str]) -> Seen {
        self.run(image, words)
    }

    fn runs_of(&self, _migration: usize) -> Option<usize> {
        None
    }

    fn is_fake(&self) -> bool {
        true
    }
}

/// One walk, and its description when it leads elsewhere.
pub(crate) struct Walk<T> {
    seed: u64,
    dice: Dice,
    model: Model,
    target: T,
    last: Option<Call>,
    ends_going_back: bool,
    told: String,
}

impl<T: Target> Walk<T> {
    pub(crate) fn new(seed: u64, make: impl FnOnce(&Releases) -> T) -> Self {
        let mut dice = Dice::of_seed(seed);
        // Most migrations are compatible: behind one that is not, no rollback leads anywhere.
        let compatible = (0..RELEASES).map(|_| !dice.once_in(6)).collect();
        let idempotent = (0..RELEASES).map(|_| dice.once_in(3)).collect();
        let releases = Releases { compatible, idempotent };
        let ends_going_back = dice.once_in(2);
        let told = format!("{releases:?}\n");
        let target = make(&releases);
        Self { seed, dice, model: Model::new(releases), target, last: None, ends_going_back, told }
    }

    /// So many commands, then the comparison.
    pub(crate) fn go(&mut self, shortest: usize, longest: usize) {
        if !self.target.is_fake() {
            // What the weather is made in has to be there.
            self.take(Call::Up { image: 0, retry: false }, &Weather::calm());
        }
        let length = shortest + self.dice.below(longest - shortest + 1);
        for left in (0..length).rev() {
            let (call, weather) = self.next(left);
            self.take(call, &weather);
        }
        self.compare();
    }

    /// What an operator would call, and what it meets. So many commands come after it: half of the walks end with going back twice.
    fn next(&mut self, left: usize) -> (Call, Weather) {
        if self.ends_going_back && left < 2 {
            return (Call::Rollback { to: None }, Weather::calm());
        }
        (self.next_call(), self.next_weather())
    }

    /// Often the same again.
    fn next_call(&mut self) -> Call {
        let call = self.last.filter(|_| self.dice.once_in(4)).unwrap_or_else(|| self.new_call());
        self.last = Some(call);
        call
    }

    /// Mostly forward, often back, now and then something that must be refused.
    fn new_call(&mut self) -> Call {
        let retry = self.dice.once_in(2);
        let newest = self.model.revisions.last().map_or(0, |revision| revision.release);
        let image = if self.dice.once_in(6) {
            self.dice.below(RELEASES)
        } else {
            (newest + self.dice.below(3).min(1)).min(RELEASES - 1)
        };
        match self.dice.below(13) {
            3..=5 => Call::Upgrade { image, retry },
            6 => Call::Migrate { image, retry },
            7..=8 => Call::Downgrade { to: self.dice.below(newest + 1), retry },
            9..=11 if self.model.revisions.len() > 1 => Call::Rollback { to: None },
            0..=2 | 9..=11 => Call::Up { image, retry },
            _ => {
                let number = 1 + self.dice.below(self.model.revisions.len() + 1);
                Call::Rollback { to: Some(u32::try_from(number).expect("a walk is short")) }
            }
        }
    }

    fn next_weather(&mut self) -> Weather {
        let dice = &mut self.dice;
        let crashes = (0..RELEASES).map(|_| dice.once_in(10)).collect();
        let is_fake = self.target.is_fake();
        let mut script = || match dice.below(20) {
            0 => Script::Fails,
            1 if is_fake => Script::Refused,
            _ => Script::Runs,
        };
        let scripts = (0..RELEASES).map(|_| script()).collect();
        let killed_before = (is_fake && dice.once_in(5)).then(|| dice.below(10));
        Weather { crashes, scripts, killed_before }
    }

    /// Gives the command to both.
    fn take(&mut self, call: Call, weather: &Weather) {
        let wanted = self.model.call(call, weather);
        self.target.set_weather(weather);
        let seen = self.call(call, weather);
        let end = seen.code.map_or(End::Killed, End::Code);
        writeln!(self.told, "{call:?} in {weather:?}: {end:?}").expect("a text grows");
        self.must(end == wanted, &format!("ends with {wanted:?}"), &seen);
    }

    fn call(&mut self, call: Call, weather: &Weather) -> Seen {
        let (image, operand, retry) = match call {
            Call::Up { image, retry } | Call::Upgrade { image, retry } | Call::Migrate { image, retry } => {
                (image, None, retry)
            }
            Call::Downgrade { to, retry } => (RELEASES - 1, Some(format!("1.{to}.0")), retry),
            Call::Rollback { to } => (RELEASES - 1, to.map(|number| number.to_string()), false),
        };
        let mut words: Vec<_> = std::iter::once(call.name().to_owned()).chain(operand).collect();
        words.extend(retry.then(|| "--retry".to_owned()));
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        // What is repeated does the same as what was not killed, where nothing fails and nothing has to be looked at first.
        let is_repeatable = retry || matches!(call, Call::Rollback { to: Some(_) });
        if !self.target.is_fake() && is_repeatable && *weather == Weather::calm() {
            self.target.run_again_and_again(image, &words)
        } else {
            self.target.run(image, &words)
        }
    }

    /// What the image of the newest release reports of the target.
    fn compare(&mut self) {
        let calm =
            Weather { crashes: vec![false; RELEASES], scripts: vec![Script::Runs; RELEASES], killed_before: None };
        self.target.set_weather(&calm);
        let history = self.target.run(RELEASES - 1, &["history", "--output", "json"]);
        self.must(revisions_of(&history) == self.revisions(), &format!("shows {:#?}", self.revisions()), &history);
        let migrations = self.target.run(RELEASES - 1, &["migrate", "--list", "--output", "json"]);
        self.must(states_of(&migrations) == self.states(), &format!("shows {:?}", self.states()), &migrations);
        let check = self.target.run(RELEASES - 1, &["rollback", "--check"]);
        let wanted = self.model.rollback().map(|number| format!("rollback to revision {number} "));
        let is_so = wanted.as_ref().map_or(check.code == Some(3), |to| check.err.contains(to));
        self.must(is_so, &format!("goes to {wanted:?}"), &check);
        for migration in 1..RELEASES {
            let wanted = self.model.runs.get(&migration).copied().unwrap_or_default();
            let runs = self.target.runs_of(migration).unwrap_or(wanted);
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
