//! Kubernetes objects, read by kubectl.

use std::fs;
use std::process::Command;

use serde_json::Value as Json;

use super::*;
use crate::stand_in::kubectl;

/// What the entrypoint would take for a placeholder of ours, were it not written with an escape.
const PLACEHOLDERS: &[&str] =
    &["${BOOTSMITH_DIGEST_WEB}", "x ${BOOTSMITH_NAME_CONFIG_X}\n", "${BOOTSMITH_", "$(HOME)", "$é"];

/// A spec that has every value in an environment, in a command, in an entrypoint, in labels, in a health check and in a patch.
fn spec_for_kubernetes(values: &[String]) -> String {
    let list = values.iter().map(|value| spec_text(value)).collect::<Vec<_>>().join(", ");
    let patch = format!(
        "[services.web.kubernetes.patch.spec.template.spec.securityContext]\nsupplementalGroupsPolicy = \"Strict\"\n\
                         [services.web.kubernetes.patch.metadata.annotations]\npatched = {}\n",
        spec_text(&values[0])
    );
    spec(values)
        .replace("platforms = [\"compose\"]", "platforms = [\"kubernetes\"]")
        .replace("[services.web]\n", &format!("[services.web]\nhealthcheck = {{ test = [\"CMD\", {list}] }}\n"))
        + &patch
}

/// The workload as kubectl reads it, digests filled in as the entrypoint does.
fn workload(prepared: &Prepared) -> Option<Json> {
    let kubectl = kubectl()?;
    let path = RelativePath::parse("bootstrap/environments/production/kubernetes/service-web.yaml").expect("a path");
    let file = prepared.payloads[&Platform::Kubernetes].environments.get(&path).expect("a file of the payload");
    let text = String::from_utf8(file.bytes.to_vec()).expect("UTF-8").replace("${BOOTSMITH_DIGEST_WEB}", "0123abcd");
    // Every scalar stands on one line, so that nothing of a value can end a document.
    let first = text.split("\n---\n").nth(1).expect("a document");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("workload.yaml");
    fs::write(&place, first).expect("a writable folder");
    let mut annotate = Command::new(kubectl);
    annotate.args(["annotate", "--local", "--output", "json", "--filename"]).arg(&place).arg("read=yes");
    let output = annotate.env("KUBECONFIG", "/dev/null").output().expect("kubectl starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// What a container gets: Kubernetes expands `$(NAME)`, and reads `$$` as a dollar (`third_party/forked/golang/expansion`).
fn expanded(value: &Json) -> String {
    let text = value.as_str().expect("a text");
    assert!(!text.replace("$$", "").contains('$'), "a lone dollar in {text:?}");
    text.replace("$$", "$")
}

fn texts(list: &Json) -> Vec<String> {
    list.as_array().expect("a list").iter().skip(1).map(expanded).collect()
}

#[test]
fn a_thousand_values_survive_kubectl() {
    let mut values = sample(1000);
    values.extend(PLACEHOLDERS.iter().map(|text| (*text).to_owned()));
    let Some(workload) = workload(&prepared_for(&spec_for_kubernetes(&values), Platform::Kubernetes)) else { return };
    let template = &workload["spec"]["template"];
    let container = &template["spec"]["containers"][0];
    assert_eq!(texts(&container["args"]), values, "command");
    assert_eq!(texts(&container["command"]), values, "entrypoint");
    let env: BTreeMap<_, _> = container["env"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| (entry["name"].as_str().expect("a name"), expanded(&entry["value"])))
        .collect();
    let probe = container["readinessProbe"]["exec"]["command"].as_array().expect("a list");
    for (index, value) in values.iter().enumerate() {
        let key = format!("key_{index}");
        assert_eq!(env[key.as_str()], *value, "environment");
        assert_eq!(expanded(&probe[index]), *value, "health check");
        let of = |kind: &str| template["metadata"][kind].get(&key).and_then(Json::as_str).map(str::to_owned);
        assert_eq!(of("labels").or_else(|| of("annotations")).as_ref(), Some(value), "labels");
    }
    assert_eq!(workload["metadata"]["annotations"]["patched"], values[0], "patch");
}
