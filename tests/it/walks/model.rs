//! What the ledger of a target must say: a model of the operator's promises, written without a look at how the entrypoint keeps them.
//!
//! Takes in the commands of a walk, gives out their exit codes, the history, the migrations and where a rollback would go. It must not know
//! entries, sequences or folds: it remembers what happened.
//!
//! The product has a database, which never fails, and a web service, which every release changes. Release `k` brings the migration `k`, and
//! carries those before it; release 0 has none.

use std::collections::BTreeMap;

use super::RELEASES;

/// A release of the product, by its number.
pub(crate) type Release = usize;

/// What an operator calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Up { image: Release, retry: bool },
    Upgrade { image: Release, retry: bool },
    Migrate { image: Release, retry: bool },
    Downgrade { to: Release, retry: bool },
    Rollback { to: Option<u32> },
}

impl Call {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Up { .. } => "up",
            Self::Upgrade { .. } => "upgrade",
            Self::Migrate { .. } => "migrate",
            Self::Downgrade { .. } => "downgrade",
            Self::Rollback { .. } => "rollback",
        }
    }
}

/// How the script of a migration goes in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    Runs,
    Fails,
    /// The platform refuses to start it.
    Refused,
}

/// What a command meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Weather {
    /// Whether the web service of a release crashes when it is made now.
    pub(crate) crashes: Vec<bool>,
    /// By the number of the migration; release 0 has none.
    pub(crate) scripts: Vec<Script>,
    /// The command is killed before the step of this number, the first is 0.
    pub(crate) killed_before: Option<usize>,
}

impl Weather {
    /// Nothing fails.
    pub(crate) fn calm() -> Self {
        Self { crashes: vec![false; RELEASES], scripts: vec![Script::Runs; RELEASES], killed_before: None }
    }
}

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    Killed,
}

/// How a revision ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Pending,
    Ok,
    Failed,
    Restored,
}

impl Outcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Restored => "restored",
        }
    }
}

/// A revision as `history` shows it, and what a rollback from it needs.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) command: &'static str,
    pub(crate) release: Release,
    pub(crate) outcome: Outcome,
    /// What a rollback or downgrade deploys again.
    target: Option<u32>,
    /// Where a rollback goes by default once this one is current.
    before: Option<u32>,
    /// A rollback that said so.
    is_ended: bool,
}

impl Revision {
    fn is_good(&self) -> bool {
        self.outcome == Outcome::Ok && self.command != "migrate"
    }
}

/// What is known of a migration that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Applied,
    Started,
    Failed,
    Undoing,
    UndoFailed,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Started => "started",
            Self::Failed => "failed",
            Self::Undoing => "undoing",
            Self::UndoFailed => "undo-failed",
        }
    }
}

/// What the releases say of their migrations, by number.
#[derive(Clone, Debug)]
pub(crate) struct Releases {
    pub(crate) compatible: Vec<bool>,
    pub(crate) idempotent: Vec<bool>,
}

/// The target.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    releases: Releases,
    /// Revision `n` is at `n - 1`.
    pub(crate) revisions: Vec<Revision>,
    pub(crate) migrations: BTreeMap<usize, State>,
    /// How often the platform was asked to run the script of a migration, its way back included.
    pub(crate) runs: BTreeMap<usize, usize>,
    has_database: bool,
    /// The release of the web service, and whether it runs.
    web: Option<(Release, bool)>,
}

/// One command under way.
struct Command<'a> {
    model: &'a mut Model,
    weather: &'a Weather,
    steps: usize,
    had_services: bool,
    /// It changed a service, or ran a migration.
    has_changed: bool,
    revision: Option<u32>,
}

type Going<T = ()> = Result<T, End>;

const REFUSED: End = End::Code(3);

impl Model {
    pub(crate) fn new(releases: Releases) -> Self {
        Self {
            releases,
            revisions: Vec::new(),
            migrations: BTreeMap::new(),
            runs: BTreeMap::new(),
            has_database: false,
            web: None,
        }
    }

    /// What a command does to the target, and how it ends.
    pub(crate) fn call(&mut self, call: Call, weather: &Weather) -> End {
        let had_services = self.has_database;
        let mut command = Command { model: self, weather, steps: 0, had_services, has_changed: false, revision: None };
        let going = match call {
            Call::Up { image, retry } => command.deploy("up", image, retry),
            Call::Upgrade { image, retry } => command.deploy("upgrade", image, retry),
            Call::Migrate { image, retry } => command.migrate(image, retry),
            Call::Downgrade { to, retry } => command.downgrade(to, retry),
            Call::Rollback { to } => command.rollback(to),
        };
        going.err().unwrap_or(End::Code(0))
    }

    /// The revision that runs.
    pub(crate) fn current(&self) -> Option<u32> {
        self.numbers().rev().find(|number| self.revision(*number).is_good())
    }

    /// Where `rollback` goes; `None` where it is refused.
    pub(crate) fn rollback(&self) -> Option<u32> {
        let to = self.rollback_target()?;
        self.may_go_back_to(to).then_some(to)
    }

    fn numbers(&self) -> impl DoubleEndedIterator<Item = u32> + use<> {
        1..=u32::try_from(self.revisions.len()).expect("a walk is short")
    }

    fn revision(&self, number: u32) -> &Revision {
        &self.revisions[number as usize - 1]
    }

    fn newest(&self) -> Option<&Revision> {
        self.revisions.last()
    }

    fn current_release(&self) -> Option<Release> {
        self.current().map(|number| self.revision(number).release)
    }

    /// The last revision that was to change services.
    fn last_deployment(&self) -> Option<&Revision> {
        self.revisions.iter().rev().find(|revision| revision.command != "migrate")
    }

    fn rollback_target(&self) -> Option<u32> {
        let current = self.current()?;
        let last = self.last_deployment()?;
        let before = self.revision(current).before;
        match (last.command, last.outcome) {
            ("rollback", Outcome::Ok) if !last.is_ended => Some(current),
            ("rollback", Outcome::Failed | Outcome::Pending) => last.target,
            (_, Outcome::Failed | Outcome::Pending) => Some(current),
            (_, Outcome::Ok | Outcome::Restored) => before,
        }
    }

    /// Whether the data are such that the release of a revision works on them.
    fn may_go_back_to(&self, number: u32) -> bool {
        let release = self.revision(number).release;
        self.lacks(release).is_empty() && self.beyond(release).is_empty()
    }

    /// Migrations of a release that are not applied.
    fn lacks(&self, release: Release) -> Vec<usize> {
        (1..=release).filter(|number| self.migrations.get(number) != Some(&State::Applied)).collect()
    }

    /// Migrations that a release does not have and does not bear.
    fn beyond(&self, release: Release) -> Vec<usize> {
        let newer = self.migrations.keys().filter(|number| **number > release);
        newer.copied().filter(|number| !self.releases.compatible[*number]).collect()
    }
}

impl Command<'_> {
    fn deploy(&mut self, command: &'static str, image: Release, retry: bool) -> Going {
        let pending = self.judge(image, retry)?;
        if command == "upgrade" && self.model.current_release().is_some_and(|current| current > image) {
            return Err(REFUSED);
        }
        self.open(command, image, None, pending.is_empty())?;
        self.run_pending(&pending)?;
        self.converge(image)
    }

    fn migrate(&mut self, image: Release, retry: bool) -> Going {
        let pending = self.judge(image, retry)?;
        if self.model.newest().is_none() || !(pending.is_empty() || self.model.has_database) {
            return Err(REFUSED);
        }
        if pending.is_empty() {
            return Ok(());
        }
        self.open("migrate", image, None, false)?;
        self.run_pending(&pending)?;
        self.mark(Outcome::Ok)
    }

    fn downgrade(&mut self, to: Release, retry: bool) -> Going {
        let model = &self.model;
        let is_wanted = |number: &u32| model.revision(*number).is_good() && model.revision(*number).release == to;
        let target = model.numbers().rev().find(is_wanted).ok_or(REFUSED)?;
        if model.newest().is_some_and(|newest| newest.release < to) || !model.lacks(to).is_empty() {
            return Err(REFUSED);
        }
        let undone: Vec<_> = model.migrations.iter().rev().filter(|(number, _)| **number > to).collect();
        let is_stuck = |(number, state): &(&usize, &State)| {
            **state != State::Applied && !retry && !model.releases.idempotent[**number]
        };
        if undone.iter().any(is_stuck) {
            return Err(REFUSED);
        }
        let undone: Vec<_> = undone.into_iter().map(|(number, _)| *number).collect();
        self.open("downgrade", to, Some(target), undone.is_empty())?;
        for migration in undone {
            self.run_script(migration, State::Undoing, None, State::UndoFailed)?;
        }
        self.converge(to)
    }

    fn rollback(&mut self, to: Option<u32>) -> Going {
        self.model.current().ok_or(REFUSED)?;
        let known = |number: &u32| self.model.numbers().any(|other| other == *number);
        let target = match to {
            Some(number) => Some(number).filter(known).filter(|number| self.model.revision(*number).is_good()),
            None => self.model.rollback_target(),
        };
        let target = target.filter(|number| self.model.may_go_back_to(*number)).ok_or(REFUSED)?;
        let release = self.model.revision(target).release;
        self.open("rollback", release, Some(target), true)?;
        self.converge(release)?;
        // What had to be done, or an earlier one that had not said its last word.
        let last = self.model.revisions.iter_mut().rfind(|revision| revision.command != "migrate");
        if last.is_some_and(|last| last.command == "rollback" && last.is_good() && !last.is_ended) {
            self.step()?;
            let last = self.model.revisions.iter_mut().rfind(|revision| revision.command != "migrate");
            last.expect("it is there").is_ended = true;
        }
        Ok(())
    }

    /// What an image has to run; refused where it must not.
    fn judge(&self, image: Release, retry: bool) -> Going<Vec<usize>> {
        if self.model.migrations.keys().any(|number| *number > image) {
            return Err(REFUSED);
        }
        let mut pending = Vec::new();
        for number in 1..=image {
            match self.model.migrations.get(&number) {
                Some(State::Applied) => {}
                Some(State::Started | State::Failed) if !retry && !self.model.releases.idempotent[number] => {
                    return Err(REFUSED);
                }
                Some(State::Undoing | State::UndoFailed) if !retry => return Err(REFUSED),
                _ => pending.push(number),
            }
        }
        Ok(pending)
    }

    /// What changes the target, one after the other: a kill comes between two of them.
    fn step(&mut self) -> Going {
        if self.weather.killed_before == Some(self.steps) {
            return Err(End::Killed);
        }
        self.steps += 1;
        Ok(())
    }

    fn open(&mut self, command: &'static str, release: Release, target: Option<u32>, needs_no_script: bool) -> Going {
        if needs_no_script && self.is_as_wanted(release) {
            return Ok(());
        }
        let group = |command: &str| if command == "upgrade" { "up".to_owned() } else { command.to_owned() };
        let newest = self.model.newest();
        let is_pending = newest.is_some_and(|newest| newest.outcome == Outcome::Pending);
        let goes_on = newest
            .is_some_and(|newest| is_pending && group(newest.command) == group(command) && newest.release == release);
        let before = self.before(release, target);
        if is_pending && !goes_on {
            self.step()?;
            self.model.revisions.last_mut().expect("it is pending").outcome = Outcome::Failed;
        }
        self.step()?;
        if !goes_on {
            let outcome = Outcome::Pending;
            self.model.revisions.push(Revision { command, release, outcome, target, before, is_ended: false });
        }
        self.revision = self.model.numbers().next_back();
        Ok(())
    }

    /// Nothing is to be deployed, nothing is half done.
    fn is_as_wanted(&self, release: Release) -> bool {
        let model = &self.model;
        let last = model.last_deployment().map(|last| last.outcome);
        model.current_release() == Some(release)
            && matches!(last, Some(Outcome::Ok | Outcome::Restored))
            && model.newest().is_some_and(|newest| newest.outcome != Outcome::Pending)
            && model.has_database
            && model.web == Some((release, true))
    }

    /// Not what this one is rolled back from, and not the same once more.
    fn before(&self, release: Release, target: Option<u32>) -> Option<u32> {
        let current = self.model.current()?;
        match target {
            Some(target) => self.model.revision(target).before,
            None if self.model.revision(current).release == release => self.model.revision(current).before,
            None => Some(current),
        }
    }

    fn mark(&mut self, outcome: Outcome) -> Going {
        let Some(revision) = self.revision else { return Ok(()) };
        self.step()?;
        self.model.revisions[revision as usize - 1].outcome = outcome;
        Ok(())
    }

    fn run_pending(&mut self, pending: &[usize]) -> Going {
        if !pending.is_empty() && !self.model.has_database {
            self.make_database()?;
        }
        for migration in pending {
            self.run_script(*migration, State::Started, Some(State::Applied), State::Failed)?;
        }
        Ok(())
    }

    /// The state while it runs, after it, and when it failed.
    fn run_script(&mut self, migration: usize, during: State, after: Option<State>, failed: State) -> Going {
        let known = self.model.migrations.get(&migration).copied();
        self.note(migration, Some(during))?;
        self.step()?;
        *self.model.runs.entry(migration).or_default() += 1;
        match self.weather.scripts[migration] {
            Script::Runs => {
                self.has_changed = true;
                self.note(migration, after)
            }
            Script::Fails => {
                self.note(migration, Some(failed))?;
                self.mark(Outcome::Failed)?;
                Err(End::Code(6))
            }
            Script::Refused => {
                self.note(migration, known)?;
                self.mark(Outcome::Failed)?;
                Err(End::Code(if self.has_changed { 5 } else { 3 }))
            }
        }
    }

    fn note(&mut self, migration: usize, state: Option<State>) -> Going {
        self.step()?;
        match state {
            Some(state) => self.model.migrations.insert(migration, state),
            None => self.model.migrations.remove(&migration),
        };
        Ok(())
    }

    fn converge(&mut self, release: Release) -> Going {
        if !self.model.has_database {
            self.make_database()?;
        }
        self.make_web(release)?;
        if self.model.web == Some((release, true)) { self.mark(Outcome::Ok) } else { self.restore(release) }
    }

    fn make_database(&mut self) -> Going {
        self.step()?;
        self.model.has_database = true;
        self.has_changed = true;
        Ok(())
    }

    fn make_web(&mut self, release: Release) -> Going {
        if self.model.web == Some((release, true)) {
            return Ok(());
        }
        self.step()?;
        self.model.web = Some((release, !self.weather.crashes[release]));
        Ok(())
    }

    /// The web service does not run: what ran before does again, where the data allow it.
    fn restore(&mut self, failed: Release) -> Going {
        let current = self.model.current();
        let can_go_back = |number: &u32| {
            self.had_services && self.model.revision(*number).release != failed && self.model.may_go_back_to(*number)
        };
        let Some(number) = current.filter(can_go_back) else {
            self.mark(Outcome::Failed)?;
            return Err(End::Code(5));
        };
        let release = self.model.revision(number).release;
        self.make_web(release)?;
        let is_back = self.model.web == Some((release, true));
        self.mark(if is_back { Outcome::Restored } else { Outcome::Failed })?;
        Err(End::Code(if is_back { 4 } else { 5 }))
    }
}
