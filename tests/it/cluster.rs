//! The Kubernetes driver with a real kubectl: the scenarios that Compose and Swarm have on real engines, and every fault of a cluster.
//!
//! They run against the stand-in of an API server, or against the cluster that `BOOTSMITH_E2E_KUBECONFIG` names, where those that inject faults are
//! left out.

mod additions;
mod health;
mod names;
mod one_offs;
mod permissions;
mod place;
mod pod_security;
pub(crate) mod product;
mod schedules;
mod whose;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::stand_in::{Behaviour, Effect, Rule, Status};
use product::{Cluster, Release};

const NAMESPACE: &str = "shop-production";

#[test]
fn the_first_deployment_and_the_same_again() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let release = Release::on(&cluster).render();
    let seen = cluster.operate(&release, &["up"]).expect(0);
    assert!(seen.err.contains("shop-production is at shop 1.0.0"), "{}", seen.err);
    let web = cluster.object("Deployment", NAMESPACE, "web").expect("a workload");
    assert_eq!(web["status"]["readyReplicas"], 2);
    let before = cluster.mark();
    cluster.operate(&release, &["up"]).expect(0);
    assert_eq!(cluster.written(&before), Vec::<String>::new(), "what is as wanted is left alone");
}

#[test]
fn a_missing_secret_is_refused_before_anything_is_written() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let before = cluster.mark();
    let seen = cluster.operate_given(&Release::on(&cluster).render(), &["up"], &[]).expect(3);
    assert!(seen.err.contains("API_KEY"), "{}", seen.err);
    assert_eq!(cluster.written_at_all(&before), Vec::<String>::new());
}

#[test]
fn who_looks_writes_nothing() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let release = Release::on(&cluster).render();
    cluster.operate(&release, &["up"]).expect(0);
    let before = cluster.mark();
    for command in [&["ps"][..], &["ps", "--output", "json"], &["logs"], &["images"], &["doctor"], &["config"]] {
        cluster.operate(&release, command).expect(0);
    }
    cluster.operate(&release, &["up", "--dry-run"]).expect(0);
    assert_eq!(cluster.written_at_all(&before), Vec::<String>::new());
}

#[test]
fn an_update_that_crashes_is_put_back_and_its_log_is_shown() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    cluster.operate(&Release::on(&cluster).render(), &["up"]).expect(0);
    if let Some(stand_in) = cluster.stand_in() {
        stand_in.set_behaviour("web:2.0.0", Behaviour::CrashLoop(7));
        stand_in.set_log("web:2.0.0", "no luck today\n");
    }
    let crashes = Release::on(&cluster).tag("2.0.0").web(r#"["sh", "-c", "echo no luck today; exit 7"]"#);
    let seen = cluster.operate(&crashes.render(), &["up", "--timeout", "600"]).expect(4);
    assert!(seen.err.contains("`web` failed") && seen.err.contains("no luck today"), "{}", seen.err);
    let history = cluster.operate(&Release::on(&cluster).render(), &["history"]).expect(0).out;
    let outcomes: Vec<_> = history.lines().skip(1).map(|line| line.contains(" restored ")).collect();
    assert_eq!(outcomes, [true, false], "{history}");
    let live = cluster.operate(&Release::on(&cluster).render(), &["ps"]).expect(0).out;
    assert!(!live.contains("this release has"), "{live}");
}

#[test]
fn an_image_that_the_nodes_may_not_pull_fails_at_once() {
    let Some(cluster) = Cluster::start() else { return };
    let message = "pull access denied, repository does not exist or may require authorization: 401 Unauthorized";
    cluster.set_behaviour("web:1.0.0", Behaviour::ImagePullBackOff(message.to_owned()));
    let seen = cluster.operate(&Release::new().render(), &["up", "--timeout", "600"]).expect(5);
    assert!(seen.err.contains("401 Unauthorized"), "{}", seen.err);
}

#[test]
fn pods_without_a_node_and_pods_that_are_never_ready_end_at_the_deadline() {
    for (behaviour, reason) in
        [(Behaviour::Unschedulable, "nodes are available"), (Behaviour::NeverReady, "of 2 ready")]
    {
        let Some(cluster) = Cluster::start() else { return };
        cluster.set_behaviour("web:1.0.0", behaviour);
        let seen = cluster.operate(&Release::new().render(), &["up", "--timeout", "20"]).expect(5);
        assert!(seen.err.contains("not ready in time") && seen.err.contains(reason), "{}", seen.err);
    }
}

#[test]
fn a_job_that_fails_stops_what_waits_for_it() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    if let Some(stand_in) = cluster.stand_in() {
        stand_in.set_behaviour("setup:1.0.0", Behaviour::Exit(3));
    }
    let setup = "command = [\"sh\", \"-c\", \"exit 3\"]\ndeploy.mode = \"replicated-job\"";
    let late = "depends_on = { setup = { condition = \"service_completed_successfully\" } }";
    let release = Release::on(&cluster).service("setup", setup).service("late", late);
    let seen = cluster.operate(&release.render(), &["up"]).expect(5);
    assert!(seen.err.contains("`setup` failed") && seen.err.contains("exit code 3"), "{}", seen.err);
    assert!(cluster.object("Deployment", NAMESPACE, "late").is_none(), "it was started all the same");
}

#[test]
fn a_changed_config_reaches_its_users_alone() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    cluster.operate(&Release::on(&cluster).render(), &["up"]).expect(0);
    let configs = |cluster: &Cluster| names(&cluster.objects("ConfigMap", NAMESPACE), "config-settings");
    let generation = |cluster: &Cluster, name| {
        cluster.object("Deployment", NAMESPACE, name).expect("a workload")["metadata"]["generation"].clone()
    };
    let (old, cache, web) = (configs(&cluster), generation(&cluster, "cache"), generation(&cluster, "web"));
    cluster.operate(&Release::on(&cluster).colour("green").render(), &["up"]).expect(0);
    assert_eq!(generation(&cluster, "cache"), cache, "it does not use the config");
    assert_ne!(generation(&cluster, "web"), web);
    let new = configs(&cluster);
    assert!(new.len() == 1 && new != old, "the old one is gone: {old:?} {new:?}");
}

#[test]
fn what_a_release_no_longer_has_is_removed_last() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let old = Release::on(&cluster).service("old", "command = [\"sleep\", \"1000000\"]");
    cluster.operate(&old.render(), &["up"]).expect(0);
    let before = cluster.mark();
    cluster.operate(&Release::on(&cluster).tag("2.0.0").render(), &["up"]).expect(0);
    assert!(cluster.object("Deployment", NAMESPACE, "old").is_none());
    if cluster.stand_in().is_some() {
        let written = cluster.written(&before);
        let place = |word: &str| written.iter().position(|request| request.contains(word));
        assert!(place("DELETE ") > place("/deployments/web"), "{written:#?}");
    }
}

#[test]
fn scale_stop_and_start_keep_the_number() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let release = Release::on(&cluster).render();
    let replicas = || cluster.object("Deployment", NAMESPACE, "web").expect("a workload")["spec"]["replicas"].clone();
    cluster.operate(&release, &["up"]).expect(0);
    cluster.operate(&release, &["scale", "web=3"]).expect(0);
    assert_eq!(replicas(), 3);
    cluster.operate(&release, &["up"]).expect(0);
    assert_eq!(replicas(), 3, "an `up` keeps it");
    cluster.operate(&release, &["stop"]).expect(0);
    assert_eq!(replicas(), 0);
    cluster.operate(&release, &["start"]).expect(0);
    assert_eq!(replicas(), 3);
}

#[test]
fn a_field_of_somebody_else_is_named_and_kept_until_it_is_taken_over() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    cluster.operate(&Release::on(&cluster).render(), &["up"]).expect(0);
    cluster.kubectl(&["-n", NAMESPACE, "set", "image", "deployment/web", "web=registry.example.com/hack:1.0.0"]);
    let next = Release::on(&cluster).tag("2.0.0").render();
    let seen = cluster.operate(&next, &["up"]).expect(3);
    assert!(seen.err.contains("image") && seen.err.contains("kubectl-set"), "{}", seen.err);
    cluster.operate(&next, &["up", "--take-over"]).expect(0);
}

#[test]
fn what_was_changed_by_hand_is_told_and_our_own_changes_are_none() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let release = Release::on(&cluster).render();
    for own in [&["up"][..], &["scale", "web=3"], &["stop"], &["start"], &["restart"], &["scale", "web=default"]] {
        cluster.operate(&release, own).expect(0);
        let ps = cluster.operate(&release, &["ps"]).expect(0).out;
        assert!(!ps.contains("by hand"), "after `{own:?}`: {ps}");
    }
    cluster.kubectl(&["-n", NAMESPACE, "set", "env", "deployment/web", "MOOD=by-hand"]);
    cluster.kubectl(&["-n", NAMESPACE, "scale", "deployment/web", "--replicas=4"]);
    let ps = cluster.operate(&release, &["ps", "--output", "json"]).expect(0).out;
    assert!(ps.contains(r#""drift": ["environment", "replicas"]"#), "{ps}");
    assert_eq!(ps.matches(r#""drift": []"#).count() + 1, ps.matches(r#""drift""#).count(), "{ps}");
    let plan = cluster.operate(&release, &["plan"]).expect(0).out;
    assert!(plan.contains("    changed by hand: environment replicas\n"), "{plan}");
}

#[test]
fn missing_permissions_are_named_before_anything_is_written() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deny("create", "secrets");
    cluster.deny("patch", "deployments");
    let seen = cluster.operate(&Release::new().render(), &["up"]).expect(3);
    assert!(seen.err.contains("create of secrets") && seen.err.contains("patch of deployments.apps"), "{}", seen.err);
    assert_eq!(cluster.writes(), Vec::<String>::new());
}

#[test]
fn a_server_that_fails_in_the_middle_ends_it_and_the_next_up_converges() {
    for effect in [Effect::Refuse(Status::of_code(500)), Effect::Reset, Effect::ResetAfterwards] {
        let Some(cluster) = Cluster::start() else { return };
        let release = Release::new().render();
        // The rehearsal passes; what is meant in earnest is struck.
        cluster.fail(Rule::new("PATCH", "/deployments/web?fieldManager=bootsmith&", effect).always());
        let seen = cluster.operate(&release, &["up", "--timeout", "20"]);
        assert!(matches!(seen.code, Some(3 | 5)), "{seen:?}");
        cluster.heal();
        cluster.operate(&release, &["up"]).expect(0);
        assert!(lease(&cluster).is_none(), "the lock is freed");
    }
}

#[test]
fn a_server_that_does_not_answer_is_said_so() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.fail(Rule::new("GET", "/version", Effect::Refuse(Status::of_code(503))).always());
    let seen = cluster.operate(&Release::new().render(), &["up"]).expect(3);
    assert!(seen.err.contains("the API server does not answer"), "{}", seen.err);
    cluster.heal();
    cluster.fail(Rule::new("*", "/", Effect::Delay(Duration::from_millis(50))).always());
    cluster.operate(&Release::new().render(), &["up"]).expect(0);
}

#[test]
fn one_writes_and_the_other_is_told_so() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let release = Release::on(&cluster).render();
    cluster.operate(&release, &["up"]).expect(0);
    let lease = |renewed: &str| {
        format!(
            r#"{{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{{"name":"bootsmith-lock","annotations":{{
            "io.bootsmith.token":"0123","io.bootsmith.since":"2026-02-28T08:00:00Z","io.bootsmith.command":"up","io.bootsmith.who":"anna@desk"}}}},
            "spec":{{"holderIdentity":"0123","leaseDurationSeconds":60,"renewTime":"{renewed}"}}}}"#
        )
    };
    cluster.create(NAMESPACE, &lease("2999-01-01T00:00:00.000000Z"));
    let seen = cluster.operate(&release, &["stop"]).expect(75);
    assert!(seen.err.contains("anna@desk, which runs `up` on shop-production"), "{}", seen.err);
    cluster.operate(&release, &["unlock", "--force"]).expect(0);
    cluster.create(NAMESPACE, &lease("2026-01-01T00:00:00.000000Z"));
    let seen = cluster.operate(&release, &["stop"]).expect(0);
    assert!(seen.err.contains("taking over the lock"), "nobody renews it: {}", seen.err);
}

#[test]
fn a_one_off_gives_its_code_and_leaves_nothing() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let script = |name: &str, command: &str| {
        format!("[scripts.{name}]\ncommand = {command}\nservice = \"web\"\nmode = \"run\"\n")
    };
    let (passes, fails) = (script("passes", r#"["true"]"#), script("fails", r#"["sh", "-c", "exit 9"]"#));
    let release = Release::on(&cluster).with(&passes).with(&fails).render();
    cluster.operate(&release, &["up"]).expect(0);
    cluster.operate(&release, &["run", "passes"]).expect(0);
    if let Some(stand_in) = cluster.stand_in() {
        stand_in.decide(|_, container| {
            let words = container["command"].as_array()?;
            (words.last()? == "exit 9").then_some(Behaviour::Exit(9))
        });
    }
    cluster.operate(&release, &["run", "fails"]).expect(9);
    assert_eq!(cluster.objects_left("Job", NAMESPACE), Vec::<Value>::new());
}

/// Whether the words of a container run the file of a migration, in this direction.
fn runs_file(container: &Value, direction: &str) -> bool {
    let mut words = container["command"].as_array().into_iter().flatten().filter_map(Value::as_str);
    words.next_back().is_some_and(|word| word.ends_with(&format!(".{direction}.sh")))
}

#[test]
fn migrations_run_in_jobs_and_a_downgrade_takes_them_back() {
    let Some(cluster) = Cluster::start() else { return };
    let first = Release::new().migration("one", "1.0.0");
    cluster.operate(&first.render(), &["up"]).expect(0);
    let second = Release::new().tag("2.0.0").migration("one", "1.0.0").migration("two", "2.0.0").render();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let files = Arc::clone(&seen);
    cluster.decide(move |_, container| {
        let mounts = container["volumeMounts"].as_array()?;
        let mount = mounts.iter().find(|mount| mount["name"] == "migration")?;
        files.lock().expect("no panic").push((runs_file(container, "up"), mount["mountPath"].clone()));
        None
    });
    let plan = cluster.operate(&second, &["plan", "--exit-code"]).expect(10).out;
    assert!(plan.contains("migration two: run") && !plan.contains("migration one: run"), "{plan}");
    cluster.operate(&second, &["upgrade"]).expect(0);
    let refused = cluster.operate(&second, &["rollback"]).expect(3);
    assert!(refused.err.contains("what these migrations did: two"), "{}", refused.err);
    cluster.operate(&second, &["downgrade", "1.0.0"]).expect(0);
    let ran = seen.lock().expect("no panic").clone();
    let place = |file: &str| Value::from(format!("/run/bootsmith/migration/{file}"));
    assert!(ran.contains(&(true, place("two.up.sh"))) && ran.contains(&(false, place("two.down.sh"))), "{ran:?}");
    let live = cluster.operate(&first.render(), &["ps"]).expect(0).out;
    assert!(live.contains("web:1.0.0") && !live.contains("this release has"), "{live}");
    let listed = cluster.operate(&second, &["migrate", "--list"]).expect(0).out;
    assert!(listed.contains("pending"), "{listed}");
}

#[test]
fn a_migration_that_fails_leaves_the_services_alone() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    cluster.operate(&Release::on(&cluster).render(), &["up"]).expect(0);
    if let Some(stand_in) = cluster.stand_in() {
        stand_in.decide(|_, container| runs_file(container, "up").then_some(Behaviour::Exit(7)));
    }
    let before = cluster.object("Deployment", NAMESPACE, "web").expect("it runs");
    let second = Release::on(&cluster).tag("2.0.0").failing_migration("two", "2.0.0").render();
    let seen = cluster.operate(&second, &["upgrade"]).expect(6);
    assert!(seen.err.contains("the migration `two` failed with exit code 7"), "{}", seen.err);
    let after = cluster.object("Deployment", NAMESPACE, "web").expect("it runs");
    assert_eq!(before["spec"], after["spec"]);
    cluster.operate(&second, &["up"]).expect(3);
}

#[test]
fn an_earlier_revision_is_deployed_again_from_its_record() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let second = Release::on(&cluster).tag("2.0.0").colour("blue");
    cluster.operate(&Release::on(&cluster).render(), &["up"]).expect(0);
    cluster.operate(&second.render(), &["up"]).expect(0);
    cluster.operate(&second.render(), &["rollback", "--check"]).expect(0);
    cluster.operate(&second.render(), &["rollback"]).expect(0);
    cluster.operate(&Release::on(&cluster).render(), &["plan", "--exit-code"]).expect(0);
    let history = cluster.operate(&second.render(), &["history"]).expect(0).out;
    assert!(history.contains("3 *"), "{history}");
}

#[test]
fn down_keeps_the_data_until_it_is_told() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let store = "command = [\"sleep\", \"1000000\"]\nvolumes = [\"data:/data\"]\n[volumes.data]";
    let release = Release::on(&cluster).service("store", store).render();
    cluster.operate(&release, &["up"]).expect(0);
    cluster.operate(&release, &["down"]).expect(0);
    assert_eq!(cluster.objects("PersistentVolumeClaim", NAMESPACE).len(), 1);
    assert_eq!(cluster.objects_left("Pod", NAMESPACE), Vec::<Value>::new());
    cluster.operate(&release, &["up"]).expect(0);
    cluster.operate(&release, &["down", "--volumes", "--yes"]).expect(0);
    assert_eq!(cluster.objects_left("PersistentVolumeClaim", NAMESPACE), Vec::<Value>::new());
    assert!(!cluster.is_left("Namespace", NAMESPACE));
}

fn lease(cluster: &Cluster) -> Option<Value> {
    cluster.object("Lease", NAMESPACE, "bootsmith-lock")
}

fn names(objects: &[Value], start: &str) -> Vec<String> {
    let names = objects.iter().filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned));
    names.filter(|name| name.starts_with(start)).collect()
}
