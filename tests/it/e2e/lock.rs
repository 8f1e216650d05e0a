//! Two at once: one writes, the others are told so, and a lock whose holder was killed is in nobody's way.

use std::thread;

use super::engine::{Surroundings, docker, run, surroundings, wait_until};
use super::product::{Product, Seen};

/// One service that ends when it is told to.
fn product(surroundings: &Surroundings, name: &str, hook: &str) -> Product {
    let spec = format!(
        r#"[project]
name = "{name}"
version = "1.0.0"
[services.steady]
image = "sample/box:1.0.0"
command = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $$!; done"]
[scripts.slow]
command = ["sleep", "{hook}"]
mode = "bootstrap"
[hooks]
pre-up = ["slow"]
"#
    );
    Product::new(surroundings, name, &spec)
}

#[test]
fn of_eight_one_writes() {
    let Some(surroundings) = surroundings() else { return };
    let product = product(&surroundings, "e2e-eight", "15");
    let seen: Vec<Seen> = thread::scope(|scope| {
        let running: Vec<_> = (0..8).map(|_| scope.spawn(|| product.run(&["up"]))).collect();
        running.into_iter().map(|running| running.join().expect("a run gives a code")).collect()
    });
    let mut codes: Vec<_> = seen.iter().map(|seen| seen.code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [[Some(0)].as_slice(), &[Some(75); 7]].concat(), "{seen:#?}");
    let refused = seen.iter().find(|seen| seen.code == Some(75)).expect("seven are refused");
    assert!(
        refused.err.contains("someone else holds the lock: ")
            && refused.err.contains("runs `up` on e2e-eight-production")
    );
    assert!(!run(&["container", "inspect", "e2e-eight-production_lock"]).status.success(), "the lock is freed");
}

#[test]
fn the_others_may_wait() {
    let Some(surroundings) = surroundings() else { return };
    let product = product(&surroundings, "e2e-wait", "5");
    let first = product.start("e2e-wait-first", &["up"]);
    await_lock("e2e-wait-production_lock");
    product.run(&["up"]).expect(75);
    let second = product.run(&["up", "--lock-wait", "100"]).expect(0);
    assert!(second.err.contains("waiting for "), "{}", second.err);
    assert_eq!(Seen::from(first.wait_with_output().expect("it ends")).code, Some(0));
}

#[test]
fn the_lock_of_a_killed_container_is_taken_over() {
    let Some(surroundings) = surroundings() else { return };
    let product = product(&surroundings, "e2e-killed", "5");
    let mut first = product.start("e2e-killed-first", &["up"]);
    await_lock("e2e-killed-production_lock");
    docker(&["kill", "--signal", "KILL", "e2e-killed-first"]);
    first.wait().expect("it ends");
    let told = product.run(&["unlock"]).expect(3);
    assert!(told.err.contains("held by ") && told.err.contains("runs `up`"), "{}", told.err);
    let next = product.run(&["up"]).expect(0);
    assert!(next.err.contains("taking over the lock"), "{}", next.err);
}

#[test]
fn a_lock_can_be_freed_by_force() {
    let Some(surroundings) = surroundings() else { return };
    let product = product(&surroundings, "e2e-force", "8");
    let first = product.start("e2e-force-first", &["up"]);
    await_lock("e2e-force-production_lock");
    product.run(&["unlock", "--force"]).expect(0);
    let first = Seen::from(first.wait_with_output().expect("it ends")).expect(5);
    assert!(first.err.contains("is no longer ours"), "{}", first.err);
    product.run(&["up"]).expect(0);
}

fn await_lock(name: &str) {
    wait_until("somebody takes the lock", || run(&["container", "inspect", name]).status.success());
}
