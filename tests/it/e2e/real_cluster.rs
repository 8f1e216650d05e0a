//! One product's life on a real cluster: the one that `BOOTSMITH_E2E_KUBECONFIG` names.
//!
//! The same is done to the stand-in, so that the story is known to be sound where nobody has a cluster. `BOOTSMITH_E2E_IMAGE` is an image with a
//! shell that the nodes can pull; what the story makes stands in a namespace of its own, which goes with it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::product::{entrypoint, render};
use crate::seen::Seen;
use crate::stand_in::{Behaviour, Settings, StandIn, kubectl};

const NAMESPACE: &str = "bootsmith-e2e-production";

const IMAGE: &str = "docker.io/library/busybox:1.37.0";

/// A tag that nobody has pushed.
const MISSING_TAG: &str = "no-such-tag";

#[test]
fn the_story_on_the_stand_in() {
    let Some(kubectl) = kubectl() else { return };
    let stand_in = StandIn::start(&Settings::default());
    stand_in.set_behaviour(MISSING_TAG, Behaviour::ImagePullBackOff("manifest unknown".to_owned()));
    tell(&Cluster { kubectl, start: Box::new(|program| stand_in.command(program)) }, IMAGE);
}

#[test]
fn the_story_on_the_cluster_that_is_named() {
    let Some(kubeconfig) = std::env::var_os("BOOTSMITH_E2E_KUBECONFIG").map(PathBuf::from) else {
        println!("skipped: BOOTSMITH_E2E_KUBECONFIG names no cluster");
        return;
    };
    let kubectl = kubectl().expect("a cluster that is named needs a kubectl");
    let image = std::env::var("BOOTSMITH_E2E_IMAGE").unwrap_or_else(|_| IMAGE.to_owned());
    let start = |program: &Path| {
        let mut command = Command::new(program);
        command.env("KUBECONFIG", &kubeconfig);
        command
    };
    let cluster = Cluster { kubectl, start: Box::new(start) };
    tell(&cluster, &image);
}

/// How programs are started that know a cluster.
struct Cluster<'a> {
    kubectl: PathBuf,
    start: Box<dyn Fn(&Path) -> Command + 'a>,
}

impl Cluster<'_> {
    fn kubectl(&self, words: &[&str]) -> Seen {
        (self.start)(&self.kubectl).args(words).output().expect("kubectl starts").into()
    }

    fn operate<V: AsRef<OsStr>>(&self, release: &tempfile::TempDir, words: &[&str], given: &[(&str, V)]) -> Seen {
        let mut command = entrypoint((self.start)(Path::new("sh")), &self.kubectl, release.path());
        command.args(words).envs(given.iter().map(|(name, value)| (name, value))).output().expect("a shell").into()
    }

    /// What is there of the product, by kind and name.
    fn objects(&self, kinds: &str) -> Vec<String> {
        let label = "io.bootsmith.project=bootsmith-e2e";
        let seen = self.kubectl(&["--namespace", NAMESPACE, "get", kinds, "--selector", label, "--output", "name"]);
        let mut names: Vec<_> = seen.expect(0).out.lines().map(str::to_owned).collect();
        names.sort();
        names
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        let gone = self.kubectl(&["delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false"]);
        if gone.code != Some(0) {
            println!("the namespace {NAMESPACE} is left over: {}", gone.err);
        }
    }
}

fn release(image: &str, colour: &str) -> tempfile::TempDir {
    render(&format!(
        r#"[project]
name = "bootsmith-e2e"
version = "1.0.0"
[bootstrap]
platforms = ["kubernetes"]
[service-defaults]
user = "1000:1000"
read_only = true
stop_grace_period = "1s"
[parameters.API_KEY]
secret = true
required = true
[secrets.api-key]
parameter = "API_KEY"
[configs.settings]
content = "colour = {colour}\n"
[services.prepare]
image = "{image}"
command = ["true"]
deploy = {{ mode = "replicated-job" }}
[services.web]
image = "{image}"
command = ["sh", "-c", "cat /etc/settings; while :; do sleep 1; done"]
depends_on = {{ prepare = {{ condition = "service_completed_successfully" }} }}
secrets = [{{ source = "api-key", gid = "1000", mode = "0440" }}]
configs = [{{ source = "settings", target = "/etc/settings" }}]
healthcheck = {{ test = ["CMD", "true"], interval = "1s", timeout = "5s" }}
deploy = {{ replicas = 2, update_config = {{ monitor = "1s" }} }}
[environments.production]
"#
    ))
}

/// Refused, deployed, deployed again, changed, broken, repaired, scaled, and gone.
fn tell(cluster: &Cluster<'_>, image: &str) {
    let given = [("API_KEY", "hunter2hunter2")];
    let first = release(image, "red");
    let seen = cluster.operate(&first, &["up"], &[] as &[(&str, &str)]).expect(3);
    assert!(seen.err.contains("API_KEY"), "{}", seen.err);
    cluster.operate(&first, &["up"], &given).expect(0);
    let pods = cluster.objects("pods");
    assert_eq!(pods.iter().filter(|pod| pod.contains("/web-")).count(), 2, "{pods:?}");
    let ps = cluster.operate(&first, &["ps"], &given).expect(0).out;
    assert!(ps.lines().any(|line| line.starts_with("web") && line.contains("2/2")), "{ps}");
    cluster.operate(&first, &["up"], &given).expect(0);
    assert_eq!(cluster.objects("pods"), pods, "what is as wanted is left alone");

    cluster.operate(&release(image, "blue"), &["up"], &given).expect(0);
    assert_ne!(cluster.objects("pods"), pods, "a changed config reaches its users");
    let (name, _) = image.rsplit_once(':').expect("an image with a tag");
    let broken = release(&format!("{name}:{MISSING_TAG}"), "blue");
    cluster.operate(&broken, &["up", "--timeout", "60"], &given).expect(5);
    let repaired = release(image, "green");
    cluster.operate(&repaired, &["up"], &given).expect(0);
    cluster.operate(&repaired, &["scale", "web=3"], &given).expect(0);
    cluster.operate(&repaired, &["up"], &given).expect(0);
    let ps = cluster.operate(&repaired, &["ps"], &given).expect(0).out;
    assert!(ps.lines().any(|line| line.starts_with("web") && line.contains("3/3")), "a scale is kept: {ps}");

    cluster.operate(&repaired, &["down", "--volumes", "--yes"], &given).expect(0);
    let kinds = "configmaps,deployments,jobs,networkpolicies,secrets,services";
    assert_eq!(cluster.objects(kinds), Vec::<String>::new());
}
