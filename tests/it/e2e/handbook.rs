//! The operator's handbook, walked through on Compose: every console block of the page is run, in its order and in one shell, and prints what
//! the page says. `BLESS=1` writes what was printed into the page.
//!
//! Takes in the page and `examples/shop` in four releases; gives out the differences, with what may vary left aside (`handbook::rules`). A
//! command that does not end with 0 is followed by `echo $?`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::engine::{Surroundings, docker, everything_of, push, run as run_docker, surroundings};
use super::product::Product;
use crate::handbook::{self, Page, Part, Step};
use crate::skip;

/// The project's name, as long as `shop`, and in no text that is printed by somebody else.
const NAME: &str = "e2eh";

/// The images' place in the test's registry: with its address as long as `registry.example.com/shop`.
const REPOSITORY: &str = "e2e-books";

const FIRST_PORT: u16 = 18_480;

/// Samples, and what the releases call them.
const IMAGES: &[(&str, &str)] = &[
    ("sample/database:1.0.0", "database:1.0.0"),
    ("shop/web:1.4.2", "web:1.4.2"),
    ("shop/web:1.5.0", "web:1.5.0"),
    ("shop/web:1.5.0", "web:1.6.0"),
    ("shop/web:1.5.0", "web:1.7.0"),
];

/// A column that the release before can do without.
const NOTE: &str = r#"
[[migrations]]
name = "note"
release = "1.5.0"
service = "database"
up = "migrations/1.5.0-note.up.sql"
down = "migrations/1.5.0-note.down.sql"
mode = "exec"
runner = ["psql", "--username=shop", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--file={file}", "shop"]
compatible = true
"#;

/// A migration that finds something missing.
const CUSTOMERS: &str = r#"
[[migrations]]
name = "customers"
release = "1.7.0"
service = "database"
up = "migrations/1.7.0-customers.up.sql"
down = "migrations/1.7.0-customers.down.sql"
mode = "exec"
runner = ["psql", "--username=shop", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--file={file}", "shop"]
compatible = true
"#;

#[test]
fn the_handbook_is_true() {
    if !["BLESS", "BOOTSMITH_HANDBOOK"].iter().any(|asked| std::env::var_os(asked).is_some()) {
        skip::not_asked_for("it takes minutes; BOOTSMITH_HANDBOOK=1 asks for it");
        return;
    }
    let Some(surroundings) = surroundings() else { return };
    let registry = format!("{}/{REPOSITORY}", surroundings.registry);
    let _product = releases(&surroundings, &registry);
    let mut page = handbook::read();
    let engine = docker(&["info", "--format", "{{.Name}}"]);
    let walk = Walk { registry: &registry, engine: &engine };
    let seen = walk.run(&page);
    let faults = hold(&mut page, &seen);
    assert_eq!(everything_of(NAME, "development"), Vec::<String>::new(), "the last chapter removes everything");
    let bootstraps = ["1.4.2", "1.5.0", "1.6.0"].map(|version| format!("bootstrap:{version}-compose"));
    for name in IMAGES.iter().map(|(_, name)| *name).chain(bootstraps.iter().map(String::as_str)) {
        run_docker(&["image", "rm", "--force", &format!("{registry}/{name}")]);
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(handbook::PATH, page.to_text()).expect("a writable repository");
    }
    assert!(faults.is_empty(), "{} differs:\n{}", handbook::PATH, faults.join("\n"));
}

/// The release of the example, the next one, one that does not start, and one whose migration fails; all are in the engine.
fn releases(surroundings: &Surroundings, registry: &str) -> Product {
    for (sample, name) in IMAGES {
        push(sample, &format!("{registry}/{name}"));
    }
    let port = |offset: u16| format!("127.0.0.1:{}:80", FIRST_PORT + offset);
    let mut product = Product::of_example(
        surroundings,
        NAME,
        "shop",
        &[
            ("name = \"shop\"\nversion", &format!("name = \"{NAME}\"\nversion")),
            ("repository = \"shop/bootstrap\"", &format!("repository = \"{registry}/bootstrap\"")),
            ("REGISTRY = \"docker.io/shop\"", &format!("REGISTRY = \"{registry}\"")),
            ("docker.io/sample/database:1.0.0", "${REGISTRY}/database:1.0.0"),
            ("127.0.0.1:8080:80", &port(0)),
            ("127.0.0.1:8081:80", &port(1)),
        ],
    );
    let add = |product: &Product, migration: &str, name: &str, up: &str, down: &str| {
        product.edit("\n[upgrade]", &format!("{migration}\n[upgrade]"));
        for (direction, text) in [("up", up), ("down", down)] {
            let file = product.path(&format!("migrations/{name}.{direction}.sql"));
            fs::write(file, text).expect("a writable folder");
        }
    };
    add(&product, NOTE, "1.5.0-note", "ALTER TABLE orders ADD note text;\n", "ALTER TABLE orders DROP note;\n");
    product.build(Some("1.5.0"));
    product.edit("\"${WEB_LOG_LEVEL}\"]", "\"${WEB_LOG_LEVEL}\", \"--tips\"]");
    product.build(Some("1.6.0"));
    let customers = "INSERT INTO customers SELECT DISTINCT item FROM orders;\n";
    add(&product, CUSTOMERS, "1.7.0-customers", customers, "DELETE FROM customers;\n");
    product.build(Some("1.7.0"));
    product
}

/// What a command of the page gave.
struct Seen {
    code: i32,
    /// Progress and faults, then results.
    lines: Vec<String>,
}

struct Walk<'a> {
    registry: &'a str,
    /// What the engine's host is called.
    engine: &'a str,
}

impl Walk<'_> {
    /// Runs the whole page; gives out what each of its steps that are run printed.
    fn run(&self, page: &Page) -> Vec<Seen> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let script = folder.path().join("walk");
        fs::write(&script, self.script(page)).expect("a writable folder");
        let mut shell = Command::new("sh");
        shell.arg(&script).current_dir(folder.path()).stdin(Stdio::null());
        for parameter in ["DB_PASSWORD", "WEB_LOG_LEVEL", "WORKER_INTERVAL_SECONDS", "DOCKER_CONFIG"] {
            shell.env_remove(parameter);
        }
        let output = shell.output().expect("sh starts");
        println!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let count = page.steps().count();
        (0..count).map(|number| self.seen(folder.path(), number)).collect()
    }

    /// One script: what one command exports or defines is there for the next, its exit code too.
    fn script(&self, page: &Page) -> String {
        // Who operates is on the page.
        let mut script = String::from("id() { echo anna; }\nhostname() { echo desk; }\ncode=0\n");
        let mut number = 0;
        for part in &page.parts {
            match part {
                Part::Text(_) => {}
                Part::Unseen(command) => writeln!(script, "{}", self.here(command)).expect("a string grows"),
                Part::Block(block) if block.not_run.is_some() => {}
                Part::Block(block) => {
                    for step in &block.steps {
                        self.add(&mut script, step, number);
                        number += 1;
                    }
                }
            }
        }
        script
    }

    fn add(&self, script: &mut String, step: &Step, number: usize) {
        let command = self.here(&step.command);
        write!(
            script,
            "begin=$(date +%s)\n(exit $code)\n{{ {command}\n}} >{number}.out 2>{number}.err\ncode=$?\necho $code >{number}.code\n\
             echo \"$(($(date +%s) - begin)) s, step {number}, code $code\"\n"
        )
        .expect("a string grows");
    }

    /// A command of the page, for this registry and this project.
    fn here(&self, command: &str) -> String {
        command.replace("registry.example.com/shop", self.registry).replace("shop-", &format!("{NAME}-"))
    }

    fn seen(&self, folder: &Path, number: usize) -> Seen {
        let read = |kind: &str| {
            let bytes = fs::read(folder.join(format!("{number}.{kind}"))).unwrap_or_default();
            self.on_the_page(&String::from_utf8_lossy(&bytes))
        };
        let lines = format!("{}{}", read("err"), read("out"));
        let host = format!("{:<4} ", self.engine);
        let named = |line: &str| line.strip_prefix(&host).map_or(line.to_owned(), |rest| format!("desk {rest}"));
        Seen {
            code: read("code").trim().parse().expect("every step is run"),
            lines: lines.lines().map(|line| named(line).trim_end().to_owned()).collect(),
        }
    }

    /// What was printed, with the names that the page has.
    fn on_the_page(&self, text: &str) -> String {
        let port = |offset: u16| (FIRST_PORT + offset).to_string();
        let text = text.replace(self.registry, "registry.example.com/shop").replace(NAME, "shop");
        text.replace(&port(0), "8080").replace(&port(1), "8081")
    }
}

/// Holds the page against what was seen, and puts what differs into it.
fn hold(page: &mut Page, seen: &[Seen]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = seen.iter();
    for part in &mut page.parts {
        let Part::Block(block) = part else { continue };
        if block.not_run.is_some() {
            continue;
        }
        let is_told = |steps: &[Step]| steps.first().is_some_and(|next| next.command == "echo $?");
        for number in 0..block.steps.len() {
            let was = seen.next().expect("every step was run");
            if was.code != 0 && !is_told(&block.steps[number + 1..]) {
                let command = &block.steps[number].command;
                faults.push(format!(
                    "block of line {}: `{command}` ends with {}, and `echo $?` does not follow",
                    block.line, was.code
                ));
            }
            let step = &mut block.steps[number];
            if !handbook::same(&step.shown, &was.lines) {
                let (shown, seen) = (step.shown.join("\n"), was.lines.join("\n"));
                faults.push(format!(
                    "block of line {}: $ {}\n--- page\n{shown}\n--- seen\n{seen}",
                    block.line, step.command
                ));
                step.shown.clone_from(&was.lines);
            }
        }
    }
    faults
}
