//! A product whose database tells what was done to it, operated by commands that are disturbed.

use std::collections::BTreeMap;
use std::fmt;

use bootsmith::plan::Platform;
use serde_json::Value;

use crate::e2e::engine::{Surroundings, docker, run as run_docker, standing};
use crate::e2e::product::{Product, database_product};
use crate::seen::Seen;

/// The last ten are kept, the current one and the good one before it among them or not.
const HISTORY_LENGTH: usize = 10;

/// A service that every release changes.
const WEB: &str = r#"
[services.web]
image = "sample/box:1.0.0"
command = ["sh", "-c", "trap 'exit 0' TERM; cat /etc/release; while :; do sleep 1 & wait $$!; done"]
configs = [{ source = "release", target = "/etc/release" }]
healthcheck = { test = ["CMD", "true"], interval = "1s" }
depends_on = { database = { condition = "service_healthy" } }
stop_grace_period = "1s"
deploy = { replicas = 2, endpoint_mode = "dnsrr", update_config = { monitor = "1s" } }

[configs.release]
content = "release ${PROJECT_VERSION}\n"

"#;

/// How a migration is run: in one transaction.
pub(crate) const IN_DATABASE: &str = r#"service = "database"
runner = ["sh", "-c", "PGPASSWORD=$$(cat /run/secrets/api-key) psql -1 -v ON_ERROR_STOP=1 -q -h database -U shop -d shop -f {file}"]"#;

/// The environment `production` of a product with the services `web` and `database`.
pub(crate) struct Deployment {
    pub(crate) product: Product,
    pub(crate) platform: Platform,
    /// How many objects of each kind there are when nothing is left over.
    standing: Vec<usize>,
    disturbed: u32,
}

/// How a disturbed command went, and the one after it.
pub(crate) struct Broken {
    pub(crate) was_hit: bool,
    lock_was_left: bool,
    /// The next command did not want to run the migration again by itself.
    pub(crate) was_refused: bool,
    /// What the disturbed command said last.
    last_words: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { was_hit, lock_was_left, was_refused, last_words } = self;
        let words = [(*was_hit, "hit"), (*lock_was_left, "lock left"), (*was_refused, "migration refused")];
        let words: Vec<_> = words.iter().filter_map(|(holds, word)| holds.then_some(*word)).collect();
        write!(formatter, "{}; its last words: {last_words}", words.join(", "))
    }
}

impl Deployment {
    /// Deployed, with the images `<images>/box` and `<images>/database`.
    pub(crate) fn new(surroundings: &Surroundings, name: &str, images: &str, rest: &str) -> Self {
        let product = database_product(surroundings, name, images, &format!("{WEB}{rest}"));
        let mut deployment = Self { product, platform: surroundings.platform, standing: Vec::new(), disturbed: 0 };
        deployment.run(&["up"]).expect(0);
        deployment.standing = deployment.count();
        deployment
    }

    pub(crate) fn run(&self, words: &[&str]) -> Seen {
        self.product.run(words)
    }

    /// Runs a command that is disturbed by what gets the name of its container and says whether it met it.
    pub(crate) fn disturb(&mut self, words: &[&str], disturb: impl FnOnce(&str) -> bool) -> Broken {
        self.disturbed += 1;
        let container = format!("{}-operator-{}", self.product.name, self.disturbed);
        let operator = self.product.start(&container, words);
        let was_hit = disturb(&container);
        let seen = Seen::from(operator.wait_with_output().expect("docker ends"));
        assert!(was_hit || seen.code == Some(0), "nobody disturbed it: {seen:?}");
        let last_words = seen.err.trim_end().lines().next_back().unwrap_or("(none)").to_owned();
        Broken { was_hit, lock_was_left: self.is_locked(), was_refused: false, last_words }
    }

    /// The next command, as an operator would give it; `refusal` is how it says that it does not run the migration again by itself.
    pub(crate) fn go_on(&self, words: &[&str], broken: &mut Broken, refusal: &str) {
        let mut seen = self.run(words);
        broken.was_refused = seen.code == Some(3);
        if broken.was_refused {
            assert!(seen.err.contains(refusal) && seen.err.contains("--retry"), "{}", seen.err);
            seen = self.run(&[words, &["--retry"]].concat());
        }
        let seen = seen.expect(0);
        assert_eq!(seen.err.contains("taking over the lock of "), broken.lock_was_left, "{}", seen.err);
    }

    pub(crate) fn sql(&self, statement: &str) -> String {
        let database = self.product.replicas("production", "database");
        docker(&["exec", &database[0], "psql", "-U", "shop", "-d", "shop", "-qtAc", statement])
    }

    /// The number that a query gives.
    pub(crate) fn number(&self, query: &str) -> u32 {
        self.sql(query).parse().expect("a number")
    }

    pub(crate) fn target(&self) -> String {
        self.product.target("production")
    }

    fn is_locked(&self) -> bool {
        let kind = if self.platform == Platform::Swarm { "config" } else { "container" };
        run_docker(&[kind, "inspect", &format!("{}_lock", self.target())]).status.success()
    }

    /// Both replicas of `web` run, and are of the release.
    pub(crate) fn verify_web(&self, version: &str) {
        let web = self.product.replicas("production", "web");
        assert_eq!(web.len(), 2, "{web:?}");
        for replica in &web {
            assert_eq!(docker(&["logs", "--tail", "1", replica]), format!("release {version}"));
        }
    }

    /// The revisions, the newest first.
    pub(crate) fn history(&self) -> Vec<Value> {
        let history = self.run(&["history", "--output", "json"]).expect(0).out;
        let history: Value = serde_json::from_str(&history).expect("JSON");
        history["revisions"].as_array().expect("revisions").clone()
    }

    /// The lock is free, and the ledger says that this release runs, and of nothing that it has not ended.
    pub(crate) fn verify_ledger(&self, version: &str) {
        assert!(!self.is_locked(), "the lock is freed");
        let revisions = self.history();
        let numbers: Vec<_> = revisions.iter().map(number_of).collect();
        assert!(numbers.is_sorted_by(|newer, older| newer > older), "{numbers:?}");
        assert!((1..=HISTORY_LENGTH + 1).contains(&numbers.len()), "{numbers:?}");
        assert_eq!(revisions[0]["outcome"], "ok", "{revisions:?}");
        let current = revisions.iter().find(|revision| revision["current"] == true).expect("a current revision");
        assert_eq!((&current["version"], &current["outcome"]), (&version.into(), &"ok".into()), "{revisions:?}");
        assert!(revisions.iter().all(|revision| revision["outcome"] != "pending"), "{revisions:?}");
        if self.platform == Platform::Compose {
            let guarded = docker(&["image", "ls", "--format", "{{.Tag}}", &format!("bootsmith/{}", self.target())]);
            let mut guarded = guarded.lines().filter_map(|tag| tag.rsplit('-').next()?.parse().ok());
            assert!(guarded.all(|number| numbers.contains(&number)), "tags of other revisions than {numbers:?}");
        }
    }

    pub(crate) fn verify_standing(&self) {
        assert_eq!(self.count(), self.standing, "nothing is left over, nothing is missing: {:#?}", self.list());
    }

    fn count(&self) -> Vec<usize> {
        self.list().values().map(Vec::len).collect()
    }

    fn list(&self) -> BTreeMap<&'static str, Vec<String>> {
        standing(self.platform, &self.product.name)
    }
}

/// Which revision it is.
pub(crate) fn number_of(revision: &Value) -> u64 {
    revision["revision"].as_u64().expect("a number")
}
