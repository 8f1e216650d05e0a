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
