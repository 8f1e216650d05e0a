//! What goes wrong on a target, and how it ends.

use std::thread;
use std::time::{Duration, Instant};

use super::engine::{Surroundings, docker, everything_of, on_every_engine, wait_until};
use super::product::{API_KEY, STEADY, box_product as product, renew_user_alone};

on_every_engine! {
    a_crash_loop_without_a_health_check_fails
    the_second_replica_counts
    missing_parameters_and_secrets_are_refused_before_anything_changes
    a_missing_image_is_refused_before_anything_changes
    a_changed_secret_recreates_its_users_alone
    a_config_with_a_secret_is_the_same_the_next_time
    a_job_runs_once_and_orphans_go_last
    an_interrupted_up_ends_at_once_and_the_next_converges
    a_killed_operator_leaves_what_the_next_up_repairs
}

fn a_crash_loop_without_a_health_check_fails(surroundings: &Surroundings) {
    let rest = r#"
[services.crasher]
image = "sample/box:1.0.0"
command = ["sh", "-c", "echo no luck today; sleep 1; exit 3"]
restart = "always"
stop_grace_period = "1s"
"#;
    let product = product(surroundings, "e2e-crash", &format!("{STEADY}{rest}"));
    let seen = product.run(&["up"]).expect(5);
    assert!(
        seen.err.contains("crasher") && seen.err.contains("no luck today"),
        "says who and shows its log: {}",
        seen.err
    );
    let healthy = product.run(&["ps"]).out;
    assert!(healthy.contains("steady"), "{healthy}");
}

fn the_second_replica_counts(surroundings: &Surroundings) {
    // The first to take the folder on the shared volume lives; the other is never healthy.
    let rest = r#"
[services.twins]
image = "sample/box:1.0.0"
command = ["sh", "-c", "mkdir /shared/first && touch /tmp/ok; while :; do sleep 1; done"]
volumes = ["shared:/shared"]
healthcheck = { test = ["CMD", "test", "-e", "/tmp/ok"], interval = "1s", retries = 2 }
stop_grace_period = "1s"
deploy = { replicas = 2 }
[volumes.shared]
"#;
    let product = product(surroundings, "e2e-twins", rest);
    let seen = product.run(&["up", "--timeout", "30"]).expect(5);
    assert!(seen.err.contains("unhealthy") || seen.err.contains("1 of 2"), "{}", seen.err);
}

fn missing_parameters_and_secrets_are_refused_before_anything_changes(surroundings: &Surroundings) {
    let rest = r#"
[parameters.LICENSE]
description = "The licence"
required = true
[services.web]
image = "sample/box:1.0.0"
command = ["sh", "-c", "sleep 1000", "${LICENSE}"]
secrets = ["api-key"]
volumes = ["data:/data"]
[volumes.data]
"#;
    let product = product(surroundings, "e2e-missing", &format!("{API_KEY}{rest}"));
    let seen = product.run(&["up"]).expect(3);
    assert!(seen.err.contains("LICENSE") && seen.err.contains("API_KEY"), "all of them, at once: {}", seen.err);
    assert_eq!(everything_of(&product.name, "production"), Vec::<String>::new());
}

fn a_missing_image_is_refused_before_anything_changes(surroundings: &Surroundings) {
    let rest = format!(
        "{STEADY}\n[services.absent]\nimage = \"{}/no/such-image:1.0.0\"\nvolumes = [\"data:/data\"]\n[volumes.data]\n",
        surroundings.registry
    );
    let product = product(surroundings, "e2e-absent", &rest);
    let seen = product.run(&["up"]).expect(3);
    assert!(seen.err.contains("no/such-image:1.0.0"), "{}", seen.err);
    assert_eq!(everything_of(&product.name, "production"), Vec::<String>::new());
}

fn a_changed_secret_recreates_its_users_alone(surroundings: &Surroundings) {
    let rest = r#"
[services.user]
image = "sample/box:1.0.0"
command = ["sh", "-c", "cat /run/secrets/api-key; echo; while :; do sleep 1; done"]
secrets = [{ source = "api-key", uid = "1000", gid = "1000", mode = "0400" }]
user = "1000:1000"
read_only = true
stop_grace_period = "1s"
"#;
    let mut product = product(surroundings, "e2e-secret", &format!("{STEADY}{API_KEY}{rest}"));
    product.given = vec!["API_KEY=first".to_owned()];
    product.run(&["up"]).expect(0);
    let user = product.replicas("production", "user");
    assert!(docker(&["logs", &user[0]]).contains("first"), "uid 1000 reads its secret");
    let inspect = docker(&["inspect", &user[0]]);
    assert!(!inspect.contains("first"), "the secret is in no label, argument or variable");

    product.given.clear();
    product.run(&["up"]).expect(0);
    assert_eq!(product.replicas("production", "user"), user, "a secret not given is the stored one");

    product.given = vec!["API_KEY=second".to_owned()];
    assert!(renew_user_alone(&product).contains("second"));
}

fn a_config_with_a_secret_is_the_same_the_next_time(surroundings: &Surroundings) {
    let rest = r#"
[parameters.API_KEY]
secret = true
required = true
[configs.settings]
content = "key=${API_KEY}\n"
[services.user]
image = "sample/box:1.0.0"
command = ["sh", "-c", "cat /etc/settings; while :; do sleep 1; done"]
configs = [{ source = "settings", target = "/etc/settings" }]
stop_grace_period = "1s"
"#;
    let mut product = product(surroundings, "e2e-salt", rest);
    product.given = vec!["API_KEY=a key".to_owned()];
    product.run(&["up"]).expect(0);
    let user = product.replicas("production", "user");
    assert_eq!(docker(&["logs", &user[0]]), "key=a key");
    product.run(&["up"]).expect(0);
    assert_eq!(product.replicas("production", "user"), user);
}

fn a_job_runs_once_and_orphans_go_last(surroundings: &Surroundings) {
    let rest = r#"
[services.setup]
image = "sample/box:1.0.0"
command = ["sh", "-c", "echo ran >> /data/runs"]
volumes = ["data:/data"]
deploy = { mode = "replicated-job" }
[services.late]
image = "sample/box:1.0.0"
command = ["sh", "-c", "wc -l < /data/runs; while :; do sleep 1; done"]
volumes = ["data:/data"]
depends_on = { setup = { condition = "service_completed_successfully" } }
stop_grace_period = "1s"
[volumes.data]
[scripts.runs]
command = ["cat", "/data/runs"]
service = "late"
[scripts.look]
command = ["sh", "-c", "cat /data/runs; exit 7"]
service = "setup"
mode = "run"
"#;
    let mut product = product(surroundings, "e2e-job", &format!("{STEADY}{rest}"));
    for _ in 0..2 {
        product.run(&["up"]).expect(0);
        assert_eq!(product.run(&["run", "runs"]).expect(0).out, "ran\n", "a finished job is not run again");
    }
    assert_eq!(product.run(&["run", "look"]).expect(7).out, "ran\n", "a one-off passes its own code");
    product.edit(STEADY, "");
    product.build(None);
    product.run(&["up"]).expect(0);
    assert_eq!(product.replicas("production", "steady"), Vec::<String>::new());
}

fn an_interrupted_up_ends_at_once_and_the_next_converges(surroundings: &Surroundings) {
    let rest = r#"
[services.slow]
image = "sample/box:1.0.0"
command = ["sh", "-c", "while :; do sleep 1; done"]
healthcheck = { test = ["CMD", "test", "-e", "/tmp/ready"], interval = "1s", retries = 1000 }
stop_grace_period = "1s"
"#;
    let mut product = product(surroundings, "e2e-slow", rest);
    let name = "e2e-slow-operator";
    let operator = product.start(name, &["up"]);
    wait_until("the slow service is created", || !product.all_replicas("production").is_empty());
    let asked = Instant::now();
    docker(&["kill", "--signal", "TERM", name]);
    let output = operator.wait_with_output().expect("docker ends");
    let took = asked.elapsed();
    assert_eq!(output.status.code(), Some(143), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(took < Duration::from_secs(2), "ended after {took:?}");

    product.edit("/tmp/ready", "/bin/sh");
    product.build(None);
    product.run(&["up"]).expect(0);
    assert_eq!(product.replicas("production", "slow").len(), 1);
}

fn a_killed_operator_leaves_what_the_next_up_repairs(surroundings: &Surroundings) {
    let product = product(surroundings, "e2e-kill", &format!("{STEADY}{}", STEADY.replace("steady", "other")));
    for round in 0..5_u64 {
        let name = format!("e2e-kill-operator-{round}");
        let operator = product.start(&name, &["up"]);
        thread::sleep(Duration::from_millis(300 + round * 400));
        super::engine::run(&["kill", "--signal", "KILL", &name]);
        operator.wait_with_output().expect("docker ends");
        product.run(&["up"]).expect(0);
        for service in ["steady", "other"] {
            assert_eq!(product.replicas("production", service).len(), 1, "round {round}");
        }
        product.run(&["down"]).expect(0);
    }
}
