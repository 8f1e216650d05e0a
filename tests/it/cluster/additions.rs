//! Objects that a release brings as they are: applied with it, shown, restored, and removed when no release has them any more.

use serde_json::Value;

use crate::stand_in::{Effect, Rule, Status};

use super::NAMESPACE;
use super::product::{Cluster, Release};

fn prices(apple: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: prices }}\ndata: {{ apple: \"{apple}\" }}\n")
}

fn quota(pods: u32) -> String {
    format!(
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{ name: all }}\nspec: {{ hard: {{ pods: \"{pods}\" }} }}\n"
    )
}

fn documents(parts: &[&str]) -> String {
    parts.join("---\n")
}

fn apple(cluster: &Cluster) -> Value {
    cluster.object("ConfigMap", NAMESPACE, "prices").expect("the object")["data"]["apple"].clone()
}

#[test]
fn objects_come_with_a_release_and_go_when_no_release_has_them() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let first = Release::on(&cluster).objects(&documents(&[&prices("2"), &quota(50)])).render();
    let plan = cluster.operate(&first, &["up", "--dry-run"]).expect(0).out;
    assert!(plan.contains("object ConfigMap/prices: create\n"), "{plan}");
    cluster.operate(&first, &["up"]).expect(0);
    assert_eq!(apple(&cluster), "2");
    let quota = cluster.object("ResourceQuota", NAMESPACE, "all").expect("the object");
    assert_eq!(quota["metadata"]["labels"]["io.bootsmith.project"], "shop");
    let before = cluster.mark();
    cluster.operate(&first, &["up"]).expect(0);
    assert_eq!(cluster.written(&before), Vec::<String>::new(), "what is as wanted is left alone");

    let second = Release::on(&cluster).tag("2.0.0").objects(&prices("3")).render();
    let plan = cluster.operate(&second, &["plan", "--exit-code"]).expect(10).out;
    for line in ["ConfigMap/prices: change", "ResourceQuota/all: remove"] {
        assert!(plan.contains(&format!("object {line}\n")), "{line}: {plan}");
    }
    cluster.operate(&second, &["up"]).expect(0);
    assert_eq!(apple(&cluster), "3");
    assert!(cluster.object("ResourceQuota", NAMESPACE, "all").is_none(), "the kind is none of this release's");

    cluster.operate(&first, &["rollback"]).expect(0);
    assert_eq!(apple(&cluster), "2");
    assert!(cluster.object("ResourceQuota", NAMESPACE, "all").is_some(), "the record has it");
    cluster.operate(&second, &["down", "--volumes", "--yes"]).expect(0);
    assert!(cluster.object("ResourceQuota", NAMESPACE, "all").is_none());
    assert!(!cluster.is_left("Namespace", NAMESPACE), "nothing is left in it");
}

#[test]
fn a_change_of_an_object_alone_is_a_deployment_and_is_restored_when_it_fails() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.operate(&Release::new().objects(&prices("2")).render(), &["up"]).expect(0);
    let second = Release::new().objects(&documents(&[&prices("3"), &quota(50)])).render();
    let refused = Effect::Refuse(Status::of_code(500));
    cluster.fail(Rule::new("PATCH", "/resourcequotas/all?fieldManager=bootsmith&", refused).always());
    let seen = cluster.operate(&second, &["up", "--timeout", "20"]);
    assert_eq!(seen.code, Some(4), "{}", seen.err);
    assert_eq!(apple(&cluster), "2");
    cluster.heal();
    cluster.operate(&second, &["up"]).expect(0);
    assert_eq!(apple(&cluster), "3");
}

#[test]
fn an_object_of_somebody_else_is_not_taken() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    cluster.operate(&Release::on(&cluster).render(), &["up"]).expect(0);
    cluster.create(NAMESPACE, &prices("9"));
    let release = Release::on(&cluster).objects(&prices("2")).render();
    let seen = cluster.operate(&release, &["up"]).expect(3);
    assert!(seen.err.contains("configmap `prices`"), "{}", seen.err);
    assert_eq!(apple(&cluster), "9");
}

#[test]
fn a_kind_that_the_cluster_does_not_know_is_refused_before_anything_is_written() {
    let Some(cluster) = Cluster::start() else { return };
    let widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: { name: a }\n";
    let seen = cluster.operate(&Release::new().objects(widget).render(), &["up"]).expect(3);
    assert!(seen.err.contains("no resource `widgets.example.com`"), "{}", seen.err);
    assert_eq!(cluster.writes(), Vec::<String>::new());
}

/// Nothing that a pod would notice: they change without a service.
#[test]
fn a_budget_an_autoscaler_or_what_is_common_changes_alone() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    let worker = |keys: &str| {
        let reserved = "deploy = { resources = { reservations = { cpus = \"0.1\" } } }";
        Release::on(&cluster).service("worker", &format!("command = [\"sleep\", \"1000000\"]\n{reserved}\n{keys}"))
    };
    let availability = |least: u32, most: u32| {
        let autoscale = format!("kubernetes = {{ autoscale = {{ min = 2, max = {most}, cpu = 80 }} }}");
        let budget = format!("[services.web.kubernetes]\ndisruption-budget = {{ min-available = {least} }}\n");
        worker(&autoscale).with(&budget)
    };
    let account = "[platforms.kubernetes.patch.\"ServiceAccount/shop\"]\nimagePullSecrets = [{ name = \"mirror\" }]\n";
    cluster.operate(&availability(1, 3).render(), &["up"]).expect(0);
    let second = availability(2, 5).with(account).render();
    let plan = cluster.operate(&second, &["plan", "--exit-code"]).expect(10).out;
    for line in ["HorizontalPodAutoscaler/worker", "PodDisruptionBudget/web", "ServiceAccount/shop"] {
        assert!(plan.contains(&format!("object {line}: change\n")), "{line}: {plan}");
    }
    assert!(!plan.contains("NetworkPolicy"), "{plan}");
    let before = cluster.mark();
    cluster.operate(&second, &["up"]).expect(0);
    let object = |kind, name| cluster.object(kind, NAMESPACE, name).expect("the object");
    assert_eq!(object("PodDisruptionBudget", "web")["spec"]["minAvailable"], 2);
    assert_eq!(object("HorizontalPodAutoscaler", "worker")["spec"]["maxReplicas"], 5);
    assert_eq!(object("ServiceAccount", "shop")["imagePullSecrets"][0]["name"], "mirror");
    let written = cluster.written(&before);
    assert!(!written.iter().any(|request| request.contains("/deployments/")), "{written:?}");

    let third = worker("").with(account).render();
    let plan = cluster.operate(&third, &["plan", "--exit-code"]).expect(10).out;
    assert!(plan.contains("object HorizontalPodAutoscaler/worker: remove\n"), "{plan}");
    cluster.operate(&third, &["up"]).expect(0);
    assert!(cluster.object("HorizontalPodAutoscaler", NAMESPACE, "worker").is_none());
    cluster.operate(&third, &["plan", "--exit-code"]).expect(0);
    cluster.operate(&second, &["rollback"]).expect(0);
    assert_eq!(object("HorizontalPodAutoscaler", "worker")["spec"]["maxReplicas"], 5);
}
