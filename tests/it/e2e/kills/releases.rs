//! A product that gets one release after the other, each with a migration, a config and a service of its own, and what must hold after each.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use bootsmith::plan::Platform;

use super::deployment::{Broken, Deployment, IN_DATABASE};
use crate::e2e::engine::{Surroundings, lines, run as run_docker};

/// One release in two has another third service.
const SPEC: &str = r#"
[services.even]
image = "sample/box:1.0.0"
command = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $$!; done"]
stop_grace_period = "1s"
deploy = { endpoint_mode = "dnsrr", update_config = { monitor = "1s" } }

# migration
"#;

/// Enters the number of its release, in one transaction that takes a moment.
const MIGRATION: &str = r#"[[migrations]]
name = "step-$NUMBER"
release = "1.$NUMBER.0"
$DATABASE
up = "step-$NUMBER.sql"
idempotent = $REPEATABLE

# migration
"#;

/// The product and the release that is deployed.
pub(crate) struct Releases {
    deployment: Deployment,
    /// The release is `1.<number>.0`.
    number: u32,
}

impl Releases {
    /// The release 1.0.0, deployed; its images are `<images>/box` and `<images>/database`.
    pub(crate) fn new(surroundings: &Surroundings, name: &str, images: &str) -> Self {
        let deployment = Deployment::new(surroundings, name, images, SPEC);
        deployment.sql("CREATE TABLE orders (release integer); CREATE TABLE steps (release integer)");
        Self { deployment, number: 0 }
    }

    pub(crate) fn version(&self) -> String {
        format!("1.{}.0", self.number)
    }

    /// To the next release; how long that takes.
    pub(crate) fn upgrade_undisturbed(&mut self) -> Duration {
        self.make_next();
        let start = Instant::now();
        self.deployment.run(&["upgrade"]).expect(0);
        let took = start.elapsed();
        self.verify(false);
        took
    }

    /// To the next release, with an upgrade that is disturbed (see [`Deployment::disturb`]); then another command, as an operator would give it.
    pub(crate) fn upgrade_broken(&mut self, disturb: impl FnOnce(&str) -> bool) -> Broken {
        self.make_next();
        let mut broken = self.deployment.disturb(&["upgrade"], disturb);
        let command = if self.number.is_multiple_of(3) { "up" } else { "upgrade" };
        self.deployment.go_on(&[command], &mut broken, &format!("`step-{}` began on ", self.number));
        assert!(!broken.was_refused || !self.is_repeatable(), "the release says that it may be repeated");
        self.verify(broken.was_refused);
        broken
    }

    /// Builds the next release, and leaves a row in the database that must be there in all of them.
    fn make_next(&mut self) {
        let (before, after) = if self.number.is_multiple_of(2) { ("even", "odd") } else { ("odd", "even") };
        self.number += 1;
        let (version, number) = (self.version(), self.number.to_string());
        let migration = MIGRATION
            .replace("$DATABASE", IN_DATABASE)
            .replace("$NUMBER", &number)
            .replace("$REPEATABLE", &self.is_repeatable().to_string());
        let product = &mut self.deployment.product;
        product.edit(&format!("[services.{before}]"), &format!("[services.{after}]"));
        product.edit("# migration\n", &migration);
        let step = format!("INSERT INTO steps VALUES ({number});\nSELECT pg_sleep(0.5);\n");
        fs::write(product.path(&format!("step-{number}.sql")), step).expect("a writable folder");
        let old_image = product.image().to_owned();
        product.build(Some(&version));
        run_docker(&["image", "rm", "--force", &old_image]);
        self.deployment.sql(&format!("INSERT INTO orders VALUES ({number})"));
    }

    /// What the release says of its migration.
    fn is_repeatable(&self) -> bool {
        self.number.is_multiple_of(2)
    }

    /// What holds after every release, however it was reached.
    fn verify(&self, was_refused: bool) {
        self.verify_services();
        self.verify_data(was_refused);
        self.deployment.verify_ledger(&self.version());
        self.deployment.verify_standing();
    }

    fn verify_services(&self) {
        let Self { deployment, number, .. } = self;
        deployment.verify_web(&self.version());
        let (own, other) = if number.is_multiple_of(2) { ("even", "odd") } else { ("odd", "even") };
        assert_eq!(deployment.product.replicas("production", own).len(), 1);
        assert_eq!(deployment.product.replicas("production", other), Vec::<String>::new());
        if deployment.platform == Platform::Compose {
            let wanted = ["database-1", &format!("{own}-1"), "web-1", "web-2"];
            let wanted = wanted.map(|name| format!("{}-{name}", deployment.target()));
            assert_eq!(self.containers(), BTreeSet::from(wanted), "under their own names");
        }
        // It says the same as the above, and takes a while.
        if number.is_multiple_of(4) {
            deployment.run(&["plan", "--exit-code"]).expect(0);
        }
    }

    /// Every row is there, and every migration ran once; again only where the operator said so, or the release does.
    fn verify_data(&self, was_refused: bool) {
        let (deployment, number) = (&self.deployment, self.number);
        assert_eq!(deployment.number("SELECT count(*) FROM orders"), number, "no row is lost");
        let steps = deployment.number(&format!("SELECT count(*) FROM steps WHERE release = {number}"));
        let most = if was_refused || self.is_repeatable() { 2 } else { 1 };
        assert!((1..=most).contains(&steps), "the migration of {} ran {steps} times", self.version());
        assert_eq!(deployment.number("SELECT count(DISTINCT release) FROM steps"), number, "none was left out");
    }

    /// Names of the containers of services.
    fn containers(&self) -> BTreeSet<String> {
        let project = format!("label=io.bootsmith.project={}", self.deployment.product.name);
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
