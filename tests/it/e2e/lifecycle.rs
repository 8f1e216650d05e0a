//! A product through its releases: migrations in a real `PostgreSQL`, a release that fails, the ways back; on Compose and on a swarm of one
//! node.

use std::fs;

use super::engine::{Surroundings, docker, lines, on_every_engine, push, run as run_docker};
use super::own_registry::OwnRegistry;
use super::product::{Product, Seen, database_product};

on_every_engine! {
    a_product_goes_through_its_releases
    a_migration_that_fails_leaves_the_services_alone
    a_record_is_enough_to_go_back
}

/// A service that says which release it is, beside a database.
const SHOP: &str = r#"
[services.web]
image = "sample/box:1.0.0"
command = ["sh", "-c", "echo ${PROJECT_VERSION}; while :; do sleep 1; done"]
healthcheck = { test = ["CMD", "true"], interval = "2s" }
depends_on = { database = { condition = "service_healthy" } }
stop_grace_period = "1s"
deploy = { endpoint_mode = "dnsrr", update_config = { monitor = "3s" } }

[scripts.sql]
command = ["psql", "-U", "shop", "-d", "shop", "-tAc"]
service = "database"
mode = "exec"

# migrations
"#;

/// Runs its file with the password that the service has as a secret.
const RUNNER: &str = r#"["sh", "-c", "PGPASSWORD=$$(cat /run/secrets/api-key) psql -v ON_ERROR_STOP=1 -q -h database -U shop -d shop -f {file}"]"#;

struct Shop {
    product: Product,
}

impl Shop {
    /// The release 1.0.0, not deployed yet. Its one migration makes the table.
    fn new(surroundings: &Surroundings, name: &str) -> Self {
        Self::with_images(surroundings, name, "sample")
    }

    /// The same with images that are `<images>/box` and `<images>/database`.
    fn with_images(surroundings: &Surroundings, name: &str, images: &str) -> Self {
        let mut shop = Self { product: database_product(surroundings, name, images, SHOP) };
        shop.add_migration("orders", "1.0.0", "CREATE TABLE orders (item text)", Some("DROP TABLE orders"), false);
        shop.product.build(None);
        shop
    }

    fn add_migration(&mut self, name: &str, release: &str, up: &str, down: Option<&str>, is_compatible: bool) {
        let write = |direction: &str, text: &str| {
            fs::write(self.product.path(&format!("{name}.{direction}.sql")), format!("{text};\n"))
                .expect("a writable folder");
            format!("{direction} = \"{name}.{direction}.sql\"\n")
        };
        let up = write("up", up);
        let down = down.map(|down| write("down", down)).unwrap_or_default();
        let table = format!(
            "[[migrations]]\nname = \"{name}\"\nrelease = \"{release}\"\nservice = \"database\"\nrunner = {RUNNER}\n{up}{down}\
             compatible = {is_compatible}\n\n# migrations\n"
        );
        self.product.edit("# migrations\n", &table);
    }

    fn build(&mut self, version: &str) {
        self.product.build(Some(version));
    }

    fn run(&self, arguments: &[&str]) -> Seen {
        self.product.run(arguments)
    }

    fn sql(&self, statement: &str) -> String {
        self.run(&["run", "sql", statement]).expect(0).out.trim().to_owned()
    }

    fn columns(&self) -> String {
        self.sql("SELECT string_agg(column_name, ' ' ORDER BY column_name) FROM information_schema.columns WHERE table_name = 'orders'")
    }

    /// What the web service says that it is.
    fn serving(&self) -> String {
        let replicas = self.product.replicas("production", "web");
        assert_eq!(replicas.len(), 1, "{replicas:?}");
        docker(&["logs", &replicas[0]])
    }

    /// The outcomes in the history, the newest first.
    fn outcomes(&self) -> Vec<(String, String)> {
        let history: serde_json::Value =
            serde_json::from_str(&self.run(&["history", "--output", "json"]).expect(0).out).expect("JSON");
        let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        let revisions = history["revisions"].as_array().expect("revisions");
        revisions.iter().map(|revision| (text(&revision["version"]), text(&revision["outcome"]))).collect()
    }
}

fn outcome(version: &str, outcome: &str) -> (String, String) {
    (version.to_owned(), outcome.to_owned())
}

fn a_product_goes_through_its_releases(surroundings: &Surroundings) {
    let mut shop = Shop::new(surroundings, "e2e-releases");
    shop.run(&["plan", "--exit-code"]).expect(10);
    shop.run(&["up", "--message", "the first"]).expect(0);
    shop.run(&["plan", "--exit-code"]).expect(0);
    shop.sql("INSERT INTO orders VALUES ('tea')");

    shop.add_migration(
        "note",
        "1.1.0",
        "ALTER TABLE orders ADD note text",
        Some("ALTER TABLE orders DROP note"),
        false,
    );
    shop.build("1.1.0");
    let plan = shop.run(&["plan"]).expect(0).out;
    assert!(
        plan.contains("web: recreate") && plan.contains("database: keep") && plan.contains("migration note: run"),
        "{plan}"
    );
    shop.run(&["upgrade"]).expect(0);
    assert_eq!((shop.columns().as_str(), shop.serving().as_str()), ("item note", "1.1.0"));
    let database = shop.product.replicas("production", "database");

    shop.product.edit("echo ${PROJECT_VERSION}; while :; do sleep 1; done", "echo no luck; exit 3");
    shop.build("1.2.0");
    let seen = shop.run(&["upgrade", "--timeout", "90"]).expect(4);
    assert!(seen.err.contains("no luck") && seen.err.contains("was restored and runs"), "{}", seen.err);
    assert_eq!(shop.serving(), "1.1.0");
    assert_eq!(shop.product.replicas("production", "database"), database, "what did not differ was not touched");
    assert_eq!(shop.sql("SELECT item FROM orders"), "tea");
    assert_eq!(shop.outcomes(), [outcome("1.2.0", "restored"), outcome("1.1.0", "ok"), outcome("1.0.0", "ok")]);
    assert!(shop.run(&["history"]).expect(0).out.contains("`web` failed"));

    shop.build("1.1.0");
    let refused = shop.run(&["rollback"]).expect(3);
    assert!(refused.err.contains("what these migrations did: note"), "{}", refused.err);
    shop.run(&["downgrade", "1.0.0"]).expect(0);
    assert_eq!((shop.columns().as_str(), shop.serving().as_str()), ("item", "1.0.0"));
    assert_eq!(shop.sql("SELECT item FROM orders"), "tea");
}

fn a_migration_that_fails_leaves_the_services_alone(surroundings: &Surroundings) {
    let mut shop = Shop::new(surroundings, "e2e-migrate");
    shop.run(&["up"]).expect(0);
    let before = shop.product.all_replicas("production");
    shop.add_migration("late", "1.1.0", "INSERT INTO later VALUES ('x')", None, false);
    shop.build("1.1.0");
    let seen = shop.run(&["upgrade"]).expect(6);
    assert!(seen.err.contains("relation \"later\" does not exist"), "the migration's own words: {}", seen.err);
    assert_eq!(shop.product.all_replicas("production"), before);
    assert!(shop.run(&["up"]).expect(3).err.contains("--retry"), "it is not run again by itself");

    shop.sql("CREATE TABLE later (item text)");
    shop.run(&["migrate", "--retry"]).expect(0);
    assert_eq!(shop.product.all_replicas("production"), before, "migrations alone");
    shop.run(&["up"]).expect(0);
    assert_eq!((shop.serving().as_str(), shop.sql("SELECT count(*) FROM later").as_str()), ("1.1.0", "1"));
    let refused = shop.run(&["downgrade", "1.0.0"]).expect(3);
    assert!(refused.err.contains("`late` is irreversible"), "{}", refused.err);
    let listed = shop.run(&["migrate", "--list"]).expect(0).out;
    assert_eq!(listed.matches(" applied ").count(), 2, "{listed}");
}

/// Neither the bootstrap image of the older release nor a registry is there any more.
fn a_record_is_enough_to_go_back(surroundings: &Surroundings) {
    let mut registry = OwnRegistry::start();
    let images = format!("{}/shop", registry.address());
    for image in ["box:1.0.0", "box:1.1.0", "database:1.0.0"] {
        push(&format!("sample/{image}"), &format!("{images}/{image}"));
    }
    let mut shop = Shop::with_images(surroundings, "e2e-record", &images);
    shop.run(&["up"]).expect(0);
    let first_image = shop.product.image().to_owned();
    shop.add_migration("note", "1.1.0", "ALTER TABLE orders ADD note text", None, true);
    let extra = format!(
        "[services.extra]\nimage = \"{images}/box:1.1.0\"\ncommand = [\"sleep\", \"1000\"]\nstop_grace_period = \"1s\"\n[volumes.dbdata]"
    );
    shop.product.edit("[volumes.dbdata]", &extra);
    shop.build("1.1.0");
    shop.run(&["upgrade"]).expect(0);
    registry.stop();
    run_docker(&["image", "rm", "--force", &first_image]);
    prune_containers_of_ledger(&shop.product.name);
    shop.run(&["rollback", "--check"]).expect(0);
    shop.run(&["rollback"]).expect(0);
    assert_eq!(
        (shop.columns().as_str(), shop.serving().as_str()),
        ("item note", "1.0.0"),
        "no migration is taken back"
    );
    assert_eq!(
        shop.product.replicas("production", "extra"),
        Vec::<String>::new(),
        "what the older release has not is gone"
    );
    shop.run(&["rollback", "2"]).expect(0);
    assert_eq!(shop.serving(), "1.1.0");
    assert_eq!(shop.outcomes().len(), 4);
    shop.run(&["rollback", "9"]).expect(3);
    an_irreversible_migration_stands_in_the_way(&mut shop);
}

/// The release before does not work with what it does, and it has no way back.
fn an_irreversible_migration_stands_in_the_way(shop: &mut Shop) {
    shop.add_migration("forget", "1.2.0", "ALTER TABLE orders DROP note", None, false);
    shop.build("1.2.0");
    let seen = shop.run(&["upgrade"]).expect(0);
    assert!(seen.err.contains("could not be refreshed"), "there is no registry: {}", seen.err);
    let before = shop.product.all_replicas("production");
    for words in [["rollback", "--check"].as_slice(), &["rollback"], &["rollback", "1"]] {
        let refused = shop.run(words).expect(3);
        assert!(refused.err.contains("does not work with what these migrations did: forget\n"), "{}", refused.err);
    }
    let refused = shop.run(&["downgrade", "1.1.0"]).expect(3);
    assert!(refused.err.contains("`forget` is irreversible"), "{}", refused.err);
    assert_eq!(shop.product.all_replicas("production"), before);
    assert_eq!((shop.columns().as_str(), shop.serving().as_str()), ("item", "1.2.0"));
}

/// What `docker container prune` does to the containers of a ledger.
fn prune_containers_of_ledger(project: &str) {
    let project = format!("label=io.bootsmith.project={project}");
    let ledger = ["ps", "--all", "--quiet", "--filter", "label=io.bootsmith.kind=ledger", "--filter", &project];
    for container in lines(&ledger) {
        docker(&["rm", &container]);
    }
}
