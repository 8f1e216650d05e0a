//! Namespaces that enforce Pod Security: what they would refuse is refused before anything is created.

use serde_json::Value;

use super::NAMESPACE;
use super::product::{Cluster, render};

fn spec(cluster: &Cluster, user: &str) -> String {
    let image = cluster.image_of("web");
    format!(
        "[project]\nname = \"shop\"\nversion = \"1.0.0\"\n[bootstrap]\nplatforms = [\"kubernetes\"]\n\
         [configs.settings]\ncontent = \"red\"\n[service-defaults.deploy.update_config]\nmonitor = \"1s\"\n\
         [services.web]\nimage = \"{image}\"\ncommand = [\"sleep\", \"1000000\"]\n{user}\n\
         configs = [{{ source = \"settings\", target = \"/etc/settings\" }}]\n"
    )
}

#[test]
fn what_the_namespace_would_refuse_is_refused_before_anything_is_created() {
    let Some(cluster) = Cluster::start_anywhere() else { return };
    cluster.create(
        NAMESPACE,
        &format!(
            r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{NAMESPACE}","labels":{{
            "pod-security.kubernetes.io/enforce":"restricted","io.bootsmith.project":"shop","io.bootsmith.environment":"production"}}}}}}"#
        ),
    );
    let seen = cluster.operate(&render(&spec(&cluster, "")), &["up"]).expect(3);
    assert!(
        seen.err.contains("`web`: the namespace shop-production enforces Pod Security `restricted`"),
        "{}",
        seen.err
    );
    assert!(seen.err.contains("runAsNonRoot != true") && seen.err.contains("hint: change the service"), "{}", seen.err);
    for kind in ["Deployment", "Secret", "PersistentVolumeClaim", "NetworkPolicy", "Service"] {
        assert_eq!(cluster.objects(kind, NAMESPACE), Vec::<Value>::new(), "{kind}");
    }
    let user = "user = \"1000:1000\"\nenvironment = { RUN = \"unprivileged\" }";
    cluster.operate(&render(&spec(&cluster, user)), &["up"]).expect(0);
}
