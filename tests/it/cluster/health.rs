//! Health checks on a cluster: what is unhealthy is called so, and not a crash.

use crate::stand_in::Behaviour;

use super::NAMESPACE;
use super::product::{Cluster, Release};

/// A service whose health check is on, and passes where the program says so.
fn checked(cluster: &Cluster, tag: &str, test: &str) -> Release {
    let check =
        format!("healthcheck = {{ test = [\"CMD\", \"{test}\"], interval = \"1s\", timeout = \"1s\", retries = 2 }}");
    let stays = r#"command = ["sleep", "1000000"]"#;
    Release::on(cluster)
        .tag(tag)
        .service("shown", &format!("{stays}\nenvironment = {{ RELEASE = \"{tag}\" }}\n{check}"))
}

/// The program ends with 0 when its probe ends it, which is no crash.
#[test]
fn a_container_that_its_probe_ends_is_unhealthy() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    cluster.operate(&checked(&cluster, "1.0.0", "true").render(), &["up"]).expect(0);
    if let Some(stand_in) = cluster.stand_in() {
        stand_in.decide(|_, container| {
            let words = container["env"].as_array()?;
            words.iter().any(|word| word["value"] == "2.0.0").then_some(Behaviour::Unhealthy(0))
        });
    }
    let second = checked(&cluster, "2.0.0", "false").render();
    let seen = cluster.operate(&second, &["up", "--timeout", "120"]).expect(4);
    assert!(
        seen.err.contains("`shown` failed: ") && seen.err.contains(" is unhealthy: its startup probe fails"),
        "{}",
        seen.err
    );
    assert!(!seen.err.contains("crash loop"), "{}", seen.err);
    let ps = cluster.operate(&checked(&cluster, "1.0.0", "true").render(), &["ps"]).expect(0).out;
    assert!(!ps.contains("unhealthy"), "the first release is back: {ps}");
    assert!(cluster.object("Deployment", NAMESPACE, "shown").is_some());
}

/// The same container without a probe that ends it crashes.
#[test]
fn a_container_that_ends_by_itself_is_a_crash_although_it_has_a_probe() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.set_behaviour("shown:1.0.0", Behaviour::CrashLoop(3));
    let seen = cluster.operate(&checked(&cluster, "1.0.0", "true").render(), &["up", "--timeout", "60"]).expect(5);
    assert!(seen.err.contains("crash loop") && seen.err.contains("last exit code 3"), "{}", seen.err);
    assert!(!seen.err.contains("unhealthy"), "{}", seen.err);
}
