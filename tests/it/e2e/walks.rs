//! Random walks over releases (see `walks`) on a real engine: what is killed at a random moment is given again, and must come to what it would
//! have come to undisturbed.
//!
//! `BOOTSMITH_REAL_WALKS` says how many walks each platform gets, `BOOTSMITH_SEED` which.

use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::engine::{self, Surroundings, on_every_engine};
use super::product::{Product, box_product};
use crate::dice::{Dice, number_of, seed};
use crate::seen::Seen;
use crate::walks::model::{Release, Releases, Script, Weather};
use crate::walks::{RELEASES, Target, Walk};

/// One takes less than a minute, on a busy machine too.
const WALKS: u64 = 1;
const SHORTEST: usize = 3;
const LONGEST: usize = 6;

/// The web service of a release crashes where there is a file for it; the database keeps the files, and never fails.
const SPEC: &str = r#"
[services.database]
image = "sample/box:1.0.0"
command = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $$!; done"]
volumes = ["weather:/weather"]
stop_grace_period = "1s"
deploy = { update_config = { monitor = "1s" } }

[services.web]
image = "sample/box:1.0.0"
command = ["sh", "-c", "[ ! -e /weather/crash-${PROJECT_VERSION} ] || exit 1; trap 'exit 0' TERM; while :; do sleep 1 & wait $$!; done"]
volumes = ["weather:/weather:ro"]
depends_on = ["database"]
stop_grace_period = "1s"
deploy = { update_config = { monitor = "1s" } }

[volumes.weather]

# migrations
"#;

on_every_engine! {
    a_walk_leaves_the_ledger_that_it_should
}

fn a_walk_leaves_the_ledger_that_it_should(surroundings: &Surroundings) {
    let walks = number_of("BOOTSMITH_REAL_WALKS").unwrap_or(WALKS);
    let seed = seed();
    println!("BOOTSMITH_REAL_WALKS={walks} BOOTSMITH_SEED={seed}");
    for number in 0..walks {
        let seed = seed.wrapping_add(number);
        Walk::new(seed, |releases| RealTarget::new(surroundings, releases, seed)).go(SHORTEST, LONGEST);
    }
}

/// A product with an image for each release.
struct RealTarget {
    product: Product,
    images: Vec<String>,
    dice: Dice,
}

impl RealTarget {
    fn new(surroundings: &Surroundings, releases: &Releases, seed: u64) -> Self {
        let mut product = box_product(surroundings, "e2e-walks", SPEC);
        engine::run(&["image", "rm", "--force", product.image()]);
        let mut images = Vec::new();
        for release in 0..RELEASES {
            if release > 0 {
                add_migration(&product, releases, release);
            }
            product.build(Some(&format!("1.{release}.0")));
            images.push(product.image().to_owned());
        }
        Self { product, images, dice: Dice::of_seed(seed) }
    }

    fn database(&self) -> Option<String> {
        self.product.replicas("production", "database").into_iter().next()
    }
}

/// It notes that it ran, and fails where there is a file for it.
fn add_migration(product: &Product, releases: &Releases, release: Release) {
    for way in ["up", "down"] {
        let script = format!("echo {way} >>/weather/m{release}; [ ! -e /weather/fail-m{release} ]\n");
        fs::write(product.path(&format!("m{release}.{way}.sh")), script).expect("a writable folder");
    }
    let (compatible, idempotent) = (releases.compatible[release], releases.idempotent[release]);
    let migration = format!(
        "[[migrations]]\nname = \"m{release}\"\nrelease = \"1.{release}.0\"\nservice = \"database\"\nmode = \"exec\"\n\
         up = \"m{release}.up.sh\"\ndown = \"m{release}.down.sh\"\ncompatible = {compatible}\nidempotent = {idempotent}\n\n# migrations"
    );
    product.edit("# migrations", &migration);
}

impl Target for RealTarget {
    fn set_weather(&mut self, weather: &Weather) {
        let Some(database) = self.database() else { return };
        let mut script = "rm -f /weather/crash-* /weather/fail-*".to_owned();
        for (release, (crashes, migration)) in weather.crashes.iter().zip(&weather.scripts).enumerate() {
            if *crashes {
                write!(script, "; touch /weather/crash-1.{release}.0").expect("a text grows");
            }
            if *migration == Script::Fails {
                write!(script, "; touch /weather/fail-m{release}").expect("a text grows");
            }
        }
        engine::docker(&["exec", &database, "sh", "-c", &script]);
    }

    fn run(&mut self, image: Release, words: &[&str]) -> Seen {
        self.product.use_image(&self.images[image]);
        self.product.run(words)
    }

    /// The first one is killed within the time that a deployment takes.
    fn run_again_and_again(&mut self, image: Release, words: &[&str]) -> Seen {
        self.product.use_image(&self.images[image]);
        let container = format!("{}-walker", self.product.name);
        let started = Instant::now();
        let mut operator = self.product.start(&container, words);
        let moment = Duration::from_millis(u64::try_from(self.dice.below(8000)).expect("it is small"));
        while started.elapsed() < moment && operator.try_wait().expect("docker can be waited for").is_none() {
            thread::sleep(Duration::from_millis(50));
        }
        let was_hit = engine::run(&["kill", "--signal", "KILL", &container]).status.success();
        let seen = Seen::from(operator.wait_with_output().expect("docker ends"));
        if !was_hit {
            return seen;
        }
        self.product.run(&["unlock", "--force"]).expect(0);
        self.product.run(words)
    }

    fn runs_of(&self, _migration: usize) -> Option<usize> {
        None
    }

    fn is_fake(&self) -> bool {
        false
    }
}

impl Drop for RealTarget {
    fn drop(&mut self) {
        self.product.use_image(&self.images[RELEASES - 1]);
        for image in &self.images[..RELEASES - 1] {
            engine::run(&["image", "rm", "--force", image]);
        }
    }
}
