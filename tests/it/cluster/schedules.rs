//! Scripts that the clock starts: each a `CronJob` that comes last, stops and starts with its service, and goes with the release.

use serde_json::Value;

use super::NAMESPACE;
use super::product::{Cluster, Release};

fn scheduled(release: Release, schedule: &str) -> Release {
    let script = "[scripts.nightly]\ncommand = [\"clean\", \"$$HOME\"]\nservice = \"web\"\nmode = \"run\"\n";
    release.with(&format!("{script}schedule = \"{schedule}\"\n"))
}

fn cron_job(cluster: &Cluster) -> Value {
    cluster.object("CronJob", NAMESPACE, "nightly").expect("the CronJob")
}

#[test]
fn a_schedule_comes_with_the_release_stops_with_it_and_goes_with_it() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let release = scheduled(Release::on(&cluster), "0 3 * * *").render();
    cluster.operate(&release, &["up"]).expect(0);
    let made = cron_job(&cluster);
    let pod = &made["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    let web = cluster.object("Deployment", NAMESPACE, "web").expect("a workload")["spec"]["template"]["spec"].clone();
    assert_eq!(made["spec"]["schedule"], "0 3 * * *");
    assert_eq!(pod["containers"][0]["command"], serde_json::json!(["clean", "$$HOME"]));
    assert_eq!(pod["containers"][0]["image"], web["containers"][0]["image"]);
    assert_eq!(pod["volumes"], web["volumes"], "names are filled in");

    let suspended = || cron_job(&cluster)["spec"]["suspend"] == true;
    let before = cluster.mark();
    cluster.operate(&release, &["up"]).expect(0);
    assert_eq!(cluster.written(&before), Vec::<String>::new(), "what is as wanted is left alone");
    for (words, is_suspended) in [(["stop"], true), (["start"], false), (["stop"], true), (["up"], false)] {
        cluster.operate(&release, &words).expect(0);
        assert_eq!(suspended(), is_suspended, "after {words:?}");
    }

    let later = scheduled(Release::on(&cluster), "30 4 * * *").render();
    let plan = cluster.operate(&later, &["plan"]).expect(0).out;
    assert!(plan.contains("object CronJob/nightly: change\n") && plan.contains("web: keep\n"), "{plan}");
    cluster.operate(&later, &["up"]).expect(0);
    assert_eq!(cron_job(&cluster)["spec"]["schedule"], "30 4 * * *");
    let ps = cluster.operate(&later, &["ps"]).expect(0).out;
    assert!(!ps.contains("by hand"), "{ps}");

    cluster.operate(&Release::on(&cluster).tag("2.0.0").render(), &["up"]).expect(0);
    assert!(cluster.object("CronJob", NAMESPACE, "nightly").is_none(), "no release has it any more");
    cluster.operate(&scheduled(Release::on(&cluster).tag("3.0.0"), "@daily").render(), &["up"]).expect(0);
    cluster.operate(&scheduled(Release::on(&cluster).tag("3.0.0"), "@daily").render(), &["down", "--yes"]).expect(0);
    assert!(cluster.object("CronJob", NAMESPACE, "nightly").is_none());
}
