//! One-offs, scripts in mode `run` and migrations in jobs, in each kind of workload: they have the volumes that the service's pods have.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::stand_in::{Behaviour, Effect, Rule, Status};

use super::NAMESPACE;
use super::product::{Cluster, Release};

/// The services, one in each kind of workload, with the claims that their pods mount at `/data`.
const SERVICES: &[(&str, &str, &[&str])] = &[
    ("web", "Deployment", &[]),
    ("own", "StatefulSet", &["data-own-0"]),
    ("left", "Deployment", &["files"]),
    ("every", "DaemonSet", &["files"]),
];

/// A release with all of them. `/data` is a volume, or part of the container where there is none.
fn release(cluster: &Cluster, tag: &str) -> Release {
    let stays = r#"command = ["sleep", "1000000"]"#;
    let script = |service: &str| {
        format!(
            "[scripts.touch-{service}]\ncommand = [\"sh\", \"-c\", \"mkdir -p /data && echo {service} > /data/{service}\"]\nservice = \"{service}\"\nmode = \"run\"\n"
        )
    };
    let release = Release::on(cluster)
        .tag(tag)
        .service("own", &format!("{stays}\nvolumes = [\"data:/data\"]"))
        .service("left", &format!("{stays}\nvolumes = [\"files:/data\"]"))
        .service("every", &format!("{stays}\nvolumes = [\"files:/data\"]\ndeploy.mode = \"global\""))
        .with("[volumes.data]\n[volumes.files.kubernetes]\naccess-modes = [\"ReadWriteOnce\"]\n");
    SERVICES.iter().fold(release, |release, (service, ..)| release.with(&script(service)))
}

/// What was seen of the one-offs: the service, its claims, and the last word of its command.
type Seen = Arc<Mutex<Vec<(String, Vec<String>, String)>>>;

/// Writes down what the pods of one-offs are made of, where the cluster is a stand-in.
fn watch(cluster: &Cluster) -> Seen {
    let seen = Seen::default();
    let Some(stand_in) = cluster.stand_in() else { return seen };
    let kept = Arc::clone(&seen);
    stand_in.decide(move |pod, container| {
        let labels = &pod["metadata"]["labels"];
        if labels["io.bootsmith.kind"] == "oneoff" {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
            let claims = volumes.map(|volume| text(&volume["persistentVolumeClaim"]["claimName"]));
            let claims = claims.filter(|claim| !claim.is_empty()).collect();
            let words = container["command"].as_array().into_iter().flatten();
            let one_off = (text(&labels["io.bootsmith.service"]), claims, words.last().map(text).unwrap_or_default());
            let mut kept = kept.lock().expect("no panic");
            if !kept.contains(&one_off) {
                kept.push(one_off);
            }
        }
        None
    });
    seen
}

/// That in each service one whose command ends so had the service's claims.
fn assert_claims(cluster: &Cluster, seen: &Seen, ends: &dyn Fn(&str) -> String) {
    if cluster.stand_in().is_none() {
        return;
    }
    let seen = seen.lock().expect("no panic");
    for (service, _, claims) in SERVICES {
        let of_service: Vec<_> =
            seen.iter().filter(|(name, _, word)| name == service && word.ends_with(&ends(service))).collect();
        let [(_, mounted, _)] = of_service[..] else { panic!("`{service}`: {of_service:?} of {seen:?}") };
        assert_eq!(mounted, claims, "the volumes of `{service}`");
    }
}

#[test]
fn scripts_have_the_volumes_of_their_service_whatever_runs_it() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let release = release(&cluster, "1.0.0").render();
    cluster.operate(&release, &["up"]).expect(0);
    let seen = watch(&cluster);
    for (service, workload, _) in SERVICES {
        assert!(cluster.object(workload, NAMESPACE, service).is_some(), "`{service}` is a {workload}");
        cluster.operate(&release, &["run", &format!("touch-{service}")]).expect(0);
    }
    assert_claims(&cluster, &seen, &|service| format!("/data/{service}"));
    assert_eq!(cluster.objects_left("Job", NAMESPACE), Vec::<Value>::new());
}

/// All in one call: what one of them needed is not taken for the next.
#[test]
fn migrations_have_the_volumes_of_their_service_both_ways() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let migrated = |release: Release| {
        let name = |service: &str| format!("m-{service}");
        SERVICES.iter().fold(release, |release, (service, ..)| release.migration_of(service, &name(service), "2.0.0"))
    };
    cluster.operate(&release(&cluster, "1.0.0").render(), &["up"]).expect(0);
    let second = migrated(release(&cluster, "2.0.0")).render();
    let seen = watch(&cluster);
    cluster.operate(&second, &["upgrade"]).expect(0);
    assert_claims(&cluster, &seen, &|service| format!("m-{service}.up.sh"));
    cluster.operate(&second, &["downgrade", "1.0.0"]).expect(0);
    assert_claims(&cluster, &seen, &|service| format!("m-{service}.down.sh"));
}

#[test]
fn a_hook_whose_job_is_refused_fails_as_hooks_do() {
    let Some(cluster) = Cluster::start() else { return };
    let hook =
        "[scripts.greet]\ncommand = [\"true\"]\nservice = \"web\"\nmode = \"run\"\n[hooks]\npre-up = [\"greet\"]\n";
    let release = Release::new().with(hook).render();
    cluster.operate(&Release::new().render(), &["up"]).expect(0);
    cluster.fail(Rule::new("POST", "/jobs", Effect::Refuse(Status::of_code(500))).always());
    let seen = cluster.operate(&release, &["up"]);
    assert!(seen.err.contains("could not be created") && seen.err.contains("hook"), "{seen:?}");
}

#[test]
fn a_script_whose_image_cannot_be_pulled_is_refused_and_its_job_is_removed() {
    let Some(cluster) = Cluster::start() else { return };
    let script = "[scripts.greet]\ncommand = [\"true\"]\nservice = \"web\"\nmode = \"run\"\n";
    let release = Release::new().with(script).render();
    cluster.operate(&release, &["up"]).expect(0);
    cluster.decide(|pod, _| {
        let is_one_off = pod["metadata"]["labels"]["io.bootsmith.kind"] == "oneoff";
        is_one_off.then(|| Behaviour::ImagePullBackOff("manifest unknown".to_owned()))
    });
    let seen = cluster.operate(&release, &["run", "greet"]).expect(3);
    assert!(seen.err.contains("did not start: ImagePullBackOff"), "{}", seen.err);
    assert_eq!(cluster.objects_left("Job", NAMESPACE), Vec::<Value>::new());
}
