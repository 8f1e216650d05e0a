//! Names that YAML reads as something else, a truth value or nothing, wherever the entrypoint or a manifest has one.

use std::fs;

use crate::stand_in::Ran;

use super::product::{Cluster, render};

/// One for each way in which YAML 1.1 and 1.2 read a word that is not quoted as no text.
const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

const NAMESPACE: &str = "true-none";

fn spec() -> String {
    let service = |name: &&str| {
        let upper = name.to_ascii_uppercase();
        format!(
            "[services.{name}]\nimage = \"registry.example.com/{name}:1.0.0\"\nexpose = [\"80\"]\nenvironment = {{ {upper} = \"${{{upper}}}\" }}\n\
             secrets = [\"{name}\"]\nvolumes = [{{ type = \"volume\", source = \"{name}\", target = \"/data\" }}]\nnetworks = [\"{name}\"]\n[volumes.{name}]\n[networks.{name}]\n\
             [secrets.{name}]\nparameter = \"SECRET\"\n[parameters.{upper}]\ndefault = \"{name}\"\n\
             [scripts.{name}]\ncommand = [\"{name}\"]\nservice = \"{name}\"\nmode = \"run\"\n"
        )
    };
    let services: String = WORDS.iter().map(service).collect();
    format!(
        "[project]\nname = \"true\"\nversion = \"1.0.0\"\n[bootstrap]\nplatforms = [\"kubernetes\"]\n[environments.none]\n\
         [parameters.SECRET]\nsecret = true\nrequired = true\n[service-defaults.deploy.update_config]\nmonitor = \"1s\"\n{services}"
    )
}

#[test]
fn names_that_are_no_texts_in_yaml_are_names() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.set_exec(|_, _, _| Ran { out: Vec::new(), err: Vec::new(), code: 0 });
    let release = render(&spec());
    let operate = |words: &[&str]| cluster.operate_given(&release, words, &[("SECRET", "no")]).expect(0).out;
    operate(&["up", "none", "--yes"]);
    for name in WORDS {
        assert!(cluster.object("StatefulSet", NAMESPACE, name).is_some(), "{name}");
    }
    operate(&["scale", "none", "y=2", "off=2"]);
    operate(&["run", "no", "none"]);
    operate(&["stop", "none"]);
    operate(&["start", "none"]);
    let file = release.path().join("shown.yaml");
    fs::write(&file, operate(&["config", "none"])).expect("a writable folder");
    cluster.kubectl(&["create", "--dry-run=client", "--validate=false", "-f", &file.to_string_lossy()]);
    operate(&["down", "none", "--volumes", "--yes"]);
    assert!(cluster.object("Namespace", "", NAMESPACE).is_none());
}

#[test]
fn users_may_be_called_as_they_like() {
    let Some(cluster) = Cluster::start() else { return };
    let release = render(
        "[project]\nname = \"true\"\nversion = \"1.0.0\"\n[bootstrap]\nplatforms = [\"kubernetes\"]\n[environments.none]\n\
         [services.web]\nimage = \"registry.example.com/web:1.0.0\"\n",
    );
    cluster.operate(&release, &["up", "none"]).expect(0);
    for name in WORDS {
        let kubeconfig =
            cluster.operate(&release, &["users", "add", "none", name, "--role", "view", "--yes"]).expect(0).out;
        let file = release.path().join(format!("kubeconfig-{name}"));
        fs::write(&file, &kubeconfig).expect("a writable folder");
        cluster.kubectl(&["--kubeconfig", &file.to_string_lossy(), "config", "view", "--minify"]);
        let role = cluster.object("Role", NAMESPACE, &format!("bootsmith-user-{name}")).expect("a Role");
        assert_eq!(role["metadata"]["labels"]["io.bootsmith.user"], *name);
    }
}

/// Names that Compose takes and a cluster does not: people say the ones, the cluster has the others.
const OF_COMPOSE: &str = r#"
[project]
name = "signs"
version = "1.0.0"
[bootstrap]
platforms = ["kubernetes"]
allow = [{ code = "B037", feature = "services.*", platform = "kubernetes", reason = "nothing calls them" }]
[environments.none]
[parameters.log_level]
default = "info"
[parameters.dbPassword]
secret = true
required = true
[service-defaults.deploy.update_config]
monitor = "1s"

[services."My_Web.1"]
image = "registry.example.com/web:1.0.0"
expose = ["80"]
environment = { LEVEL = "${log_level}" }
secrets = ["DB_Password"]
volumes = ["My_Data.1:/data"]
networks = ["Back.end"]
[services."1.0"]
image = "registry.example.com/cache:1.0.0"
expose = ["80"]
depends_on = ["My_Web.1"]
networks = ["Back.end"]
[volumes."My_Data.1"]
[networks."Back.end"]
[secrets.DB_Password]
parameter = "dbPassword"
[scripts.once]
service = "My_Web.1"
mode = "run"
command = ["report"]
[scripts.look]
service = "My_Web.1"
command = ["look"]
"#;

#[test]
fn services_are_called_as_declared_by_people_and_by_their_objects_in_a_cluster() {
    const NAMESPACE: &str = "signs-none";
    let Some(cluster) = Cluster::start() else { return };
    cluster.set_exec(|_, _, _| Ran { out: Vec::new(), err: Vec::new(), code: 0 });
    let release = render(OF_COMPOSE);
    let operate = |words: &[&str]| {
        cluster.operate_given(&release, words, &[("dbPassword", "no"), ("log_level", "debug")]).expect(0).out
    };
    operate(&["up", "none", "--yes"]);
    assert!(cluster.object("StatefulSet", NAMESPACE, "my-web-1").is_some());
    assert!(cluster.object("Deployment", NAMESPACE, "s1-0").is_some());
    for object in ["Service", "NetworkPolicy"] {
        let name = if object == "Service" { "my-web-1" } else { "network-back-end" };
        assert!(cluster.object(object, NAMESPACE, name).is_some(), "{object}/{name}");
    }
    let ps = operate(&["ps", "none"]);
    assert!(ps.lines().any(|line| line.starts_with("My_Web.1 ") && line.contains("1/1")), "{ps}");
    assert!(ps.lines().any(|line| line.starts_with("1.0 ") && line.contains("1/1")), "{ps}");
    operate(&["up", "none", "--yes"]);
    operate(&["plan", "none", "--exit-code"]);
    operate(&["scale", "none", "My_Web.1=2", "1.0=3"]);
    assert!(operate(&["ps", "none"]).lines().any(|line| line.starts_with("1.0 ") && line.contains("3/3")));
    operate(&["plan", "none", "--exit-code"]);
    operate(&["restart", "none", "My_Web.1"]);
    operate(&["logs", "none", "My_Web.1"]);
    operate(&["run", "once", "none"]);
    operate(&["run", "look", "none"]);
    operate(&["stop", "none"]);
    operate(&["start", "none"]);
    operate(&["down", "none", "--volumes", "--yes"]);
    assert!(cluster.object("Namespace", "", NAMESPACE).is_none());
}
