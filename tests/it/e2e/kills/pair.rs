//! Two releases, the newer one with a migration that can be taken back, and the commands that go between them.

use std::fs;
use std::time::{Duration, Instant};

use super::deployment::{Broken, Deployment, IN_DATABASE, number_of};
use crate::e2e::engine::{Surroundings, run as run_docker};

const OLDER: &str = "1.0.0";
const NEWER: &str = "1.1.0";

/// The older release works with what it did.
const MIGRATION: &str = r#"[[migrations]]
name = "step"
release = "1.1.0"
$DATABASE
up = "up.sql"
down = "down.sql"
compatible = true
"#;

/// How to leave one of the releases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// From the newer to the older; the migration stays.
    Rollback,
    /// The same, and takes the migration back.
    Downgrade,
    /// The migration alone; the older release stays.
    Migrate,
}

/// How often the migration went each way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Runs {
    up: u32,
    down: u32,
}

/// The product, at one of the releases.
pub(crate) struct Pair {
    deployment: Deployment,
    way: Way,
    older_image: String,
}

impl Pair {
    /// Both releases are built, and the older one deployed; its images are `<images>/box` and `<images>/database`.
    pub(crate) fn new(surroundings: &Surroundings, name: &str, images: &str, way: Way) -> Self {
        let mut deployment = Deployment::new(surroundings, name, images, "# migration\n");
        deployment.sql("CREATE TABLE steps (way text)");
        let product = &mut deployment.product;
        let older_image = product.image().to_owned();
        product.edit("# migration\n", &MIGRATION.replace("$DATABASE", IN_DATABASE));
        for way in ["up", "down"] {
            let step = format!("INSERT INTO steps VALUES ('{way}');\nSELECT pg_sleep(0.5);\n");
            fs::write(product.path(&format!("{way}.sql")), step).expect("a writable folder");
        }
        product.build(Some(NEWER));
        Self { deployment, way, older_image }
    }

    /// There and back; how long the command took that is disturbed otherwise.
    pub(crate) fn go_undisturbed(&mut self) -> Duration {
        let before = self.begin();
        let start = Instant::now();
        self.deployment.run(&self.words()).expect(0);
        let took = start.elapsed();
        self.verify(before, false);
        took
    }

    /// There and back with a command that is disturbed (see [`Deployment::disturb`]), and is given again.
    pub(crate) fn go_broken(&mut self, disturb: impl FnOnce(&str) -> bool) -> Broken {
        let before = self.begin();
        let earlier = self.deployment.history();
        let older = earlier.iter().find(|revision| revision["version"] == OLDER && revision["outcome"] == "ok");
        let older = number_of(older.expect("a good revision of the older release")).to_string();
        let words = self.words();
        let mut broken = self.deployment.disturb(&words, disturb);
        if self.way == Way::Rollback {
            // One that was ended is not given again: the next one goes further back, unless it says where to.
            let newest = &self.deployment.history()[0];
            let is_ended = newest["command"] == "rollback"
                && newest["outcome"] == "ok"
                && newest["revision"] != earlier[0]["revision"];
            let words = if is_ended || before.up.is_multiple_of(2) { vec!["rollback", &older] } else { words };
            self.deployment.go_on(&words, &mut broken, "no migration runs");
        } else {
            self.deployment.go_on(&words, &mut broken, "the migration `step` ");
        }
        self.verify(before, broken.was_refused);
        broken
    }

    fn words(&self) -> Vec<&'static str> {
        match self.way {
            Way::Rollback => vec!["rollback"],
            Way::Downgrade => vec!["downgrade", OLDER],
            Way::Migrate => vec!["migrate"],
        }
    }

    /// To where the way begins; how often the migration has run then.
    fn begin(&self) -> Runs {
        let deployment = &self.deployment;
        match self.way {
            Way::Rollback | Way::Downgrade => {
                deployment.run(&["upgrade"]).expect(0);
                deployment.verify_web(NEWER);
            }
            Way::Migrate if self.runs() == Runs::default() => {}
            Way::Migrate => {
                deployment.run(&["downgrade", OLDER]).expect(0);
                deployment.verify_standing();
            }
        }
        self.runs()
    }

    fn runs(&self) -> Runs {
        let number = |way| self.deployment.number(&format!("SELECT count(*) FROM steps WHERE way = '{way}'"));
        Runs { up: number("up"), down: number("down") }
    }

    /// What holds at the end of the way, however it was reached: the migration ran once, and again only where the operator said so.
    fn verify(&self, before: Runs, was_refused: bool) {
        let Self { deployment, way, .. } = self;
        let once = match way {
            Way::Rollback => before,
            Way::Downgrade => Runs { down: before.down + 1, ..before },
            Way::Migrate => Runs { up: before.up + 1, ..before },
        };
        let twice = Runs { up: 2 * once.up - before.up, down: 2 * once.down - before.down };
        let runs = self.runs();
        assert!(runs == once || was_refused && runs == twice, "{way:?}: {runs:?}, not {once:?}");
        deployment.verify_web(OLDER);
        deployment.verify_ledger(OLDER);
        // The files of the newer release stay for the upgrade to it.
        if *way != Way::Migrate {
            deployment.verify_standing();
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        run_docker(&["image", "rm", "--force", &self.older_image]);
    }
}
