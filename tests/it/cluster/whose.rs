//! What is in the namespace under a name of the release, and was not made by it.

use super::NAMESPACE;
use super::product::{Cluster, Release};

const LABELS: &str = "{io.bootsmith.project: shop, io.bootsmith.environment: production}";

/// A release with a volume for each replica.
fn with_data() -> Release {
    Release::new()
        .service("own", "command = [\"sleep\", \"1000000\"]\nvolumes = [\"data:/data\"]")
        .with("[volumes.data]\n")
}

#[test]
fn what_has_a_name_of_the_release_is_refused_and_stays_as_it_was() {
    let Some(cluster) = Cluster::start() else { return };
    cluster
        .create("", &format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {NAMESPACE}, labels: {LABELS}}}}}"));
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: cache}\nspec: {ports: [{port: 1}]}\n";
    cluster.create(NAMESPACE, service);
    let before = cluster.object("Service", NAMESPACE, "cache");
    let release = with_data().render();
    for words in [&["up"][..], &["up", "--adopt"], &["plan"], &["doctor"]] {
        let seen = cluster.operate(&release, words).expect(3);
        let told = format!("{}{}", seen.out, seen.err);
        assert!(
            told.contains("the service `cache` has a name of this product, but belongs to no bootstrap image"),
            "{told}"
        );
    }
    assert_eq!(cluster.object("Service", NAMESPACE, "cache"), before);
    assert!(cluster.objects("StatefulSet", NAMESPACE).is_empty());
}

#[test]
fn a_claim_with_data_is_taken_over_when_that_is_said_and_is_ours_from_then_on() {
    let Some(cluster) = Cluster::start() else { return };
    cluster
        .create("", &format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {NAMESPACE}, labels: {LABELS}}}}}"));
    let claim = |name: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}}}\n\
             spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}\n"
        )
    };
    cluster.create(NAMESPACE, &claim("data-own-0"));
    cluster.create(NAMESPACE, &claim("precious"));
    let uid = |name: &str| {
        cluster.object("PersistentVolumeClaim", NAMESPACE, name).map(|claim| claim["metadata"]["uid"].clone())
    };
    let before = uid("data-own-0");
    let release = with_data().render();
    let seen = cluster.operate(&release, &["up"]).expect(3);
    assert!(
        seen.err.contains("the volume `data-own-0` belongs to no bootstrap image, and may hold data"),
        "{}",
        seen.err
    );
    assert!(!seen.err.contains("precious"), "{}", seen.err);
    cluster.operate(&release, &["up", "--adopt"]).expect(0);
    assert_eq!(uid("data-own-0"), before);
    cluster.operate(&release, &["up"]).expect(0);
    cluster.operate(&release, &["down", "--volumes", "--yes"]).expect(0);
    assert_eq!(uid("data-own-0"), None);
    assert!(uid("precious").is_some());
}
