//! What the controllers do: rollouts, crash loops, Jobs, sets, nodes, logs.

use super::session::{APPLY, Session, deployment, session};
use crate::stand_in::Behaviour;

fn with_namespace() -> Option<Session> {
    let session = session()?;
    session.ok("create namespace shop");
    Some(session)
}

const STATUS: &str = "rollout status deployment/web -n shop --timeout=300s";

fn job(image: &str, more: &str) -> String {
    format!(
        r#"{{"apiVersion":"batch/v1","kind":"Job","metadata":{{"name":"once"}},"spec":{{"backoffLimit":0,"template":{{
"spec":{{"restartPolicy":"Never","containers":[{{"name":"once","image":"{image}"}}]}}}}{more}}}}}"#
    )
}

#[test]
fn a_good_update_replaces_all_pods() {
    let Some(session) = with_namespace() else { return };
    session.set_behaviour("web:1", Behaviour::Slow(10));
    session.ok_with(APPLY, &deployment("web:1", r#","replicas":3"#));
    assert!(session.ok(STATUS).ends_with("deployment \"web\" successfully rolled out\n"));
    session.ok_with(APPLY, &deployment("web:2", r#","replicas":3"#));
    session.ok(STATUS);
    let images = session.ok("get pods -n shop -l app=web -o jsonpath={.items[*].spec.containers[0].image}");
    assert_eq!(images, "web:2 web:2 web:2");
    let status = session.object("Deployment", "shop", "web").expect("it is there");
    assert_eq!(status["metadata"]["generation"], 2);
    assert_eq!(status["status"]["observedGeneration"], 2);
    assert_eq!(status["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
    assert!(session.ok("logs -n shop deployment/web").is_empty());
}

#[test]
fn a_bad_update_leaves_enough_old_pods() {
    let Some(session) = with_namespace() else { return };
    session.set_behaviour("web:2", Behaviour::NeverReady);
    session.ok_with(APPLY, &deployment("web:1", r#","replicas":4"#));
    session.ok(STATUS);
    session.ok_with(APPLY, &deployment("web:2", r#","replicas":4,"progressDeadlineSeconds":1"#));
    let failed = session.run(STATUS);
    assert_eq!((failed.code, failed.err.as_str()), (1, "error: deployment \"web\" exceeded its progress deadline\n"));
    let deployment = session.object("Deployment", "shop", "web").expect("it is there");
    assert_eq!(deployment["status"]["availableReplicas"], 3);
    assert_eq!(deployment["status"]["updatedReplicas"], 2);
}

#[test]
fn troubles_show_in_the_pods() {
    let Some(session) = with_namespace() else { return };
    session.set_behaviour("crash", Behaviour::CrashLoop(3));
    session.set_behaviour("secret", Behaviour::ImagePullBackOff("unexpected status: 401 Unauthorized".to_owned()));
    session.set_behaviour("huge", Behaviour::Unschedulable);
    session.set_log("crash", "one\ntwo\nno luck today\n");
    for image in ["crash", "secret", "huge"] {
        session.ok(&format!("run {image} -n shop --image=registry.example.com/{image}:1"));
    }
    let wait =
        |pod: &str, path: &str| session.ok(&format!("wait -n shop pod/{pod} --timeout=300s --for=jsonpath={path}"));
    wait("crash", "{.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff");
    let restarts = || {
        let pod = session.object("Pod", "shop", "crash").expect("it is there");
        pod["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap_or(0)
    };
    let early = restarts();
    while restarts() < early + 2 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    wait("crash", "{.status.containerStatuses[0].lastState.terminated.exitCode}=3");
    assert_eq!(session.ok("logs -n shop crash --tail=1"), "no luck today\n");
    wait("secret", "{.status.containerStatuses[0].state.waiting.reason}=ImagePullBackOff");
    let message = session.ok("get pod secret -n shop -o jsonpath={.status.containerStatuses[0].state.waiting.message}");
    assert!(message.contains("401 Unauthorized"), "{message}");
    let refused = session.run("logs -n shop secret");
    assert!(
        refused.err.ends_with(
            "container \"secret\" in pod \"secret\" is waiting to start: trying and failing to pull image\n"
        ),
        "{refused:?}"
    );
    wait("huge", "{.status.conditions[?(@.type==\"PodScheduled\")].reason}=Unschedulable");
    assert_eq!(session.ok("get pod huge -n shop -o jsonpath={.status.phase}"), "Pending");
}

#[test]
fn a_job_completes() {
    let Some(session) = with_namespace() else { return };
    session.set_log("migrate", "all done\n");
    session.ok_with(APPLY, &job("migrate:1", ""));
    session.ok("wait --for=condition=complete job/once -n shop --timeout=300s");
    assert_eq!(session.ok("get job once -n shop -o jsonpath={.status.succeeded}"), "1");
    assert_eq!(session.ok("logs -n shop job/once"), "all done\n");
    let before = session.version();
    session.ok_with(APPLY, &job("migrate:1", ""));
    assert_eq!(session.version(), before, "the same again is no change");
    let refused = session.run_with(APPLY, &job("migrate:2", ""));
    assert!(refused.err.starts_with("The Job \"once\" is invalid: spec.template.spec: Invalid value:"), "{refused:?}");
    session.ok("delete job once -n shop --cascade=foreground --timeout=300s");
    assert_eq!(session.objects("Pod", "shop").len(), 0);
}

#[test]
fn a_job_fails() {
    let Some(session) = with_namespace() else { return };
    session.set_behaviour("migrate", Behaviour::Exit(4));
    session.ok_with(APPLY, &job("migrate:1", ""));
    session.ok("wait --for=condition=failed job/once -n shop --timeout=300s");
    let code = "get pods -n shop -l job-name=once -o jsonpath={.items[*].status.containerStatuses[0].state.terminated.exitCode}";
    assert_eq!(session.ok(code), "4", "one attempt");
    let reason = "get job once -n shop -o jsonpath={.status.conditions[?(@.type==\"Failed\")].reason}";
    assert_eq!(session.ok(reason), "BackoffLimitExceeded");
    session.ok("delete job once -n shop");
    session.set_behaviour("migrate", Behaviour::Endless);
    session.ok_with(APPLY, &job("migrate:1", r#","activeDeadlineSeconds":1"#));
    session.ok("wait --for=condition=failed job/once -n shop --timeout=300s");
    assert_eq!(session.ok(reason), "DeadlineExceeded");
}

#[test]
fn a_stateful_set_goes_in_order() {
    let Some(session) = with_namespace() else { return };
    let set = |image: &str| {
        deployment(
            image,
            r#","replicas":2,"serviceName":"web","volumeClaimTemplates":[{"metadata":{"name":"data"},
"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}]"#,
        )
        .replace("Deployment", "StatefulSet")
    };
    session.ok_with(APPLY, &set("db:1"));
    session.ok("rollout status statefulset/web -n shop --timeout=300s");
    assert_eq!(session.ok("get pods -n shop -o name"), "pod/web-0\npod/web-1\n");
    assert_eq!(session.ok("get pvc -n shop -o jsonpath={.items[*].metadata.name}"), "data-web-0 data-web-1");
    session.ok_with(APPLY, &set("db:2"));
    session.ok("rollout status statefulset/web -n shop --timeout=300s");
    assert_eq!(session.ok("get pods -n shop -o jsonpath={.items[*].spec.containers[0].image}"), "db:2 db:2");
    let other = set("db:2").replace("1Gi", "2Gi");
    let refused = session.run_with(APPLY, &other);
    assert!(
        refused.err.starts_with("The StatefulSet \"web\" is invalid: spec: Forbidden: updates to statefulset spec"),
        "{refused:?}"
    );
    session.ok("scale statefulset/web --replicas=0 -n shop");
    session.ok("wait --for=jsonpath={.status.replicas}=0 statefulset/web -n shop --timeout=300s");
    assert_eq!(session.ok("get pvc -n shop -o name").lines().count(), 2, "claims stay");
}

#[test]
fn a_daemon_set_is_on_every_node() {
    let Some(session) = with_namespace() else { return };
    let set = |image: &str| deployment(image, "").replace("Deployment", "DaemonSet");
    session.ok_with(APPLY, &set("log:1"));
    session.ok("rollout status daemonset/web -n shop --timeout=300s");
    session.ok_with(APPLY, &set("log:2"));
    session.ok("rollout status daemonset/web -n shop --timeout=300s");
    let nodes = session.ok("get pods -n shop -o jsonpath={.items[*].spec.nodeName}");
    let mut nodes: Vec<_> = nodes.split(' ').collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["node-1", "node-2"]);
}

#[test]
fn a_drained_node_is_empty() {
    let Some(session) = with_namespace() else { return };
    session.ok_with(APPLY, &deployment("web:1", r#","replicas":4"#));
    session.ok(STATUS);
    let said = session.ok("drain node-1 --timeout=300s");
    assert!(said.contains("node/node-1 drained"), "{said}");
    session.ok(STATUS);
    assert_eq!(session.ok("get pods -n shop -o name --field-selector spec.nodeName=node-1"), "");
    assert_eq!(session.ok("get node node-1 -o jsonpath={.spec.unschedulable}"), "true");
    session.ok("uncordon node-1");
    assert_eq!(session.ok("get node node-1 -o jsonpath={.spec.unschedulable}"), "");
    session.ok("label node node-1 disk=fast");
    assert_eq!(session.ok("get nodes -l disk=fast -o name"), "node/node-1\n");
    session.ok("delete node node-1");
    assert_eq!(session.ok("get nodes -o name"), "node/node-2\n");
}

#[test]
fn a_budget_holds_up_a_drain() {
    let Some(session) = with_namespace() else { return };
    session.ok_with(APPLY, &deployment("web:1", r#","replicas":2"#));
    let budget = r#"{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"web"},
"spec":{"minAvailable":2,"selector":{"matchLabels":{"app":"web"}}}}"#;
    session.ok_with(APPLY, budget);
    session.ok(STATUS);
    let node = session.ok("get pods -n shop -o jsonpath={.items[0].spec.nodeName}");
    let refused = session.run(&format!("drain {node} --timeout=1s"));
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("Cannot evict pod as it would violate the pod's disruption budget."), "{refused:?}");
}

#[test]
fn a_pod_is_what_the_test_decides() {
    let Some(session) = with_namespace() else { return };
    session.decide(|_, container| {
        let word = container["command"].as_array()?.last()?.as_str()?;
        word.strip_prefix("exit ").map(|code| Behaviour::Exit(code.parse().expect("a code")))
    });
    let failing = job("box:1", "").replace(r#""image""#, r#""command":["sh","-c","exit 9"],"image""#);
    session.ok_with(APPLY, &failing);
    session.ok("wait --for=condition=failed job/once -n shop --timeout=300s");
}
