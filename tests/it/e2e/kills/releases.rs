//! A product that gets one release after the other, each with a migration, a config and a service of its own, and what must hold after each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use std::{fmt, fs};

use bootsmith::plan::Platform;
use serde_json::Value;

use crate::e2e::engine::{Surroundings, docker, lines, run as run_docker, standing};
use crate::e2e::product::{Product, database_product};
use crate::seen::Seen;

/// A service that every release changes, beside a database that stays as it is; one release in two has another third service.
const SPEC: &str = r#"
[services.web]
image = "sample/box:1.0.0"
command = ["sh", "-c", "trap 'exit 0' TERM; cat /etc/release; while :; do sleep 1 & wait $$!; done"]
configs = [{ source = "release", target = "/etc/release" }]
healthcheck = { test = ["CMD", "true"], interval = "1s" }
depends_on = { database = { condition = "service_healthy" } }
stop_grace_period = "1s"
deploy = { replicas = 2, endpoint_mode = "dnsrr", update_config = { monitor = "1s" } }

[services.even]
image = "sample/box:1.0.0"
command = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $$!; done"]
stop_grace_period = "1s"
deploy = { endpoint_mode = "dnsrr", update_config = { monitor = "1s" } }

[configs.release]
content = "release ${PROJECT_VERSION}\n"

# migration
"#;

/// Enters the number of its release, in one transaction that takes a moment.
const MIGRATION: &str = r#"[[migrations]]
name = "step-$NUMBER"
release = "1.$NUMBER.0"
service = "database"
runner = ["sh", "-c", "PGPASSWORD=$$(cat /run/secrets/api-key) psql -1 -v ON_ERROR_STOP=1 -q -h database -U shop -d shop -f {file}"]
up = "step.sql"
idempotent = $REPEATABLE
"#;

/// The last ten are kept, the current one and the good one before it among them or not.
const HISTORY_LENGTH: usize = 10;

/// The product and the release that is deployed.
pub(crate) struct Releases {
    product: Product,
    platform: Platform,
    /// The release is `1.<number>.0`.
    number: u32,
    migration: String,
    /// How many objects of each kind there are when nothing is left over.
    standing: Vec<usize>,
}

/// How a disturbed upgrade went.
pub(crate) struct Broken {
    pub(crate) was_hit: bool,
    pub(crate) lock_was_left: bool,
    /// The next command did not want to run the migration again by itself.
    pub(crate) was_refused: bool,
    /// What the disturbed command said last.
    pub(crate) last_words: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { was_hit, lock_was_left, was_refused, last_words } = self;
        let words = [(*was_hit, "hit"), (*lock_was_left, "lock left"), (*was_refused, "migration refused")];
        let words: Vec<_> = words.iter().filter_map(|(holds, word)| holds.then_some(*word)).collect();
        write!(formatter, "{}; its last words: {last_words}", words.join(", "))
    }
}

impl Releases {
    /// The release 1.0.0, deployed; its images are `<images>/box` and `<images>/database`.
    pub(crate) fn new(surroundings: &Surroundings, name: &str, images: &str) -> Self {
        let product = database_product(surroundings, name, images, SPEC);
        let migration = "# migration\n".to_owned();
        let mut releases =
            Self { product, platform: surroundings.platform, number: 0, migration, standing: Vec::new() };
        releases.run(&["up"]).expect(0);
        releases.sql("CREATE TABLE orders (release integer); CREATE TABLE steps (release integer)");
        releases.standing = counts(&standing(releases.platform, &releases.product.name));
        releases
    }

    pub(crate) fn version(&self) -> String {
        format!("1.{}.0", self.number)
    }

    /// To the next release; how long that takes.
    pub(crate) fn upgrade_undisturbed(&mut self) -> Duration {
        self.make_next();
        let start = Instant::now();
        self.run(&["upgrade"]).expect(0);
        let took = start.elapsed();
        self.verify(false);
        took
    }

    /// To the next release, with an upgrade that is disturbed by what gets the name of its container and says whether it met it; then
    /// another command, as an operator would give it.
    pub(crate) fn upgrade_broken(&mut self, disturb: impl FnOnce(&str) -> bool) -> Broken {
        self.make_next();
        let container = format!("{}-operator-{}", self.product.name, self.number);
        let operator = self.product.start(&container, &["upgrade"]);
        let was_hit = disturb(&container);
        let seen = Seen::from(operator.wait_with_output().expect("docker ends"));
        assert!(was_hit || seen.code == Some(0), "nobody disturbed it: {seen:?}");
        let lock_was_left = self.is_locked();
        let was_refused = self.go_on(lock_was_left);
        self.verify(was_refused);
        let last_words = seen.err.trim_end().lines().next_back().unwrap_or("(none)").to_owned();
        Broken { was_hit, lock_was_left, was_refused, last_words }
    }

    /// The next command; whether it refused to run the migration again by itself.
    fn go_on(&self, lock_was_left: bool) -> bool {
        let command = if self.number.is_multiple_of(3) { "up" } else { "upgrade" };
        let mut seen = self.run(&[command]);
        let was_refused = seen.code == Some(3);
        if was_refused {
            let name = format!("`step-{}` began on ", self.number);
            assert!(seen.err.contains(&name) && seen.err.contains("--retry"), "{}", seen.err);
            assert!(!self.is_repeatable(), "the release says that it may be repeated: {}", seen.err);
            seen = self.run(&[command, "--retry"]);
        }
        let seen = seen.expect(0);
        assert_eq!(seen.err.contains("taking over the lock of "), lock_was_left, "{}", seen.err);
        was_refused
    }

    fn run(&self, arguments: &[&str]) -> Seen {
        self.product.run(arguments)
    }

    /// Builds the next release, and leaves a row in the database that must be there in all of them.
    fn make_next(&mut self) {
        let (before, after) = if self.number.is_multiple_of(2) { ("even", "odd") } else { ("odd", "even") };
        self.number += 1;
        self.product.edit(&format!("[services.{before}]"), &format!("[services.{after}]"));
        let number = self.number.to_string();
        let migration = MIGRATION.replace("$NUMBER", &number).replace("$REPEATABLE", &self.is_repeatable().to_string());
        self.product.edit(&self.migration, &migration);
        self.migration = migration;
        let step = format!("INSERT INTO steps VALUES ({number});\nSELECT pg_sleep(0.5);\n");
        fs::write(self.product.path("step.sql"), step).expect("a writable folder");
        let old_image = self.product.image().to_owned();
        self.product.build(Some(&self.version()));
        run_docker(&["image", "rm", "--force", &old_image]);
        self.sql(&format!("INSERT INTO orders VALUES ({number})"));
    }

    /// What the release says of its migration.
    fn is_repeatable(&self) -> bool {
        self.number.is_multiple_of(2)
    }

    fn sql(&self, statement: &str) -> String {
        let database = self.product.replicas("production", "database");
        docker(&["exec", &database[0], "psql", "-U", "shop", "-d", "shop", "-qtAc", statement])
    }

    fn target(&self) -> String {
        self.product.target("production")
    }

    fn is_locked(&self) -> bool {
        let kind = if self.platform == Platform::Swarm { "config" } else { "container" };
        run_docker(&[kind, "inspect", &format!("{}_lock", self.target())]).status.success()
    }

    /// What holds after every release, however it was reached.
    fn verify(&self, was_refused: bool) {
        self.verify_services();
        self.verify_data(was_refused);
        self.verify_ledger();
        let standing = standing(self.platform, &self.product.name);
        assert_eq!(counts(&standing), self.standing, "nothing is left over, nothing is missing: {standing:#?}");
    }

    fn verify_services(&self) {
        let web = self.product.replicas("production", "web");
        assert_eq!(web.len(), 2, "{web:?}");
        for replica in &web {
            assert_eq!(docker(&["logs", "--tail", "1", replica]), format!("release {}", self.version()));
        }
        let (own, other) = if self.number.is_multiple_of(2) { ("even", "odd") } else { ("odd", "even") };
        assert_eq!(self.product.replicas("production", own).len(), 1);
        assert_eq!(self.product.replicas("production", other), Vec::<String>::new());
        if self.platform == Platform::Compose {
            let wanted =
                ["database-1", &format!("{own}-1"), "web-1", "web-2"].map(|name| format!("{}-{name}", self.target()));
            assert_eq!(self.containers(), BTreeSet::from(wanted), "under their own names");
        }
        // It says the same as the above, and takes a while.
        if self.number.is_multiple_of(4) {
            self.run(&["plan", "--exit-code"]).expect(0);
        }
    }

    /// Every row is there, and every migration ran once; again only where the operator said so, or the release does.
    fn verify_data(&self, was_refused: bool) {
        let orders: u32 = self.sql("SELECT count(*) FROM orders").parse().expect("a number");
        assert_eq!(orders, self.number, "no row is lost");
        let number = self.number;
        let steps: u32 =
            self.sql(&format!("SELECT count(*) FROM steps WHERE release = {number}")).parse().expect("a number");
        let most = if was_refused || self.is_repeatable() { 2 } else { 1 };
        assert!((1..=most).contains(&steps), "the migration of {} ran {steps} times", self.version());
        let all: u32 = self.sql("SELECT count(DISTINCT release) FROM steps").parse().expect("a number");
        assert_eq!(all, number, "none was left out");
    }

    fn verify_ledger(&self) {
        assert!(!self.is_locked(), "the lock is freed");
        let history = self.run(&["history", "--output", "json"]).expect(0).out;
        let history: Value = serde_json::from_str(&history).expect("JSON");
        let revisions = history["revisions"].as_array().expect("revisions");
        let number_of = |revision: &Value| revision["revision"].as_u64().expect("a number");
        let numbers: Vec<_> = revisions.iter().map(number_of).collect();
        assert!(numbers.is_sorted_by(|newer, older| newer > older), "{numbers:?}");
        assert!((1..=HISTORY_LENGTH + 1).contains(&numbers.len()), "{numbers:?}");
        let newest = &revisions[0];
        assert_eq!(newest["version"], *self.version(), "{newest}");
        assert_eq!((&newest["outcome"], &newest["current"]), (&Value::from("ok"), &Value::from(true)), "{newest}");
        assert!(revisions.iter().all(|revision| revision["outcome"] != "pending"), "{revisions:?}");
        if self.platform == Platform::Compose {
            let guarded = docker(&["image", "ls", "--format", "{{.Tag}}", &format!("bootsmith/{}", self.target())]);
            let guarded: BTreeSet<u64> =
                guarded.lines().filter_map(|tag| tag.rsplit('-').next()?.parse().ok()).collect();
            assert!(guarded.is_subset(&numbers.iter().copied().collect()), "tags of {guarded:?} for {numbers:?}");
        }
    }

    /// Names of the containers of services.
    fn containers(&self) -> BTreeSet<String> {
        let project = format!("label=io.bootsmith.project={}", self.product.name);
        let names = lines(&[
            "ps",
            "--all",
            "--format",
            "{{.Names}}",
            "--filter",
            &project,
            "--filter",
            "label=io.bootsmith.service",
        ]);
        names.into_iter().collect()
    }
}

fn counts(standing: &BTreeMap<&str, Vec<String>>) -> Vec<usize> {
    standing.values().map(Vec::len).collect()
}
