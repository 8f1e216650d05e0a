//! Reading, patching, deleting, watching; leases; access; faults.

use std::time::Duration;

use super::session::{APPLY, deployment, session};
use crate::stand_in::{Effect, Ran, Rule, Status};

#[test]
fn the_server_tells_what_it_is() {
    let Some(session) = session() else { return };
    assert!(session.ok("version").contains("Server Version: v1.36.0"));
    assert_eq!(session.ok("get --raw /readyz"), "ok");
    let kinds = session.ok("api-resources --no-headers -o name");
    for name in ["deployments.apps", "leases.coordination.k8s.io", "secrets", "jobs.batch"] {
        assert!(kinds.lines().any(|line| line == name), "{name} in {kinds}");
    }
    assert_eq!(
        session.ok("get ns -o name"),
        "namespace/default\nnamespace/kube-node-lease\nnamespace/kube-public\nnamespace/kube-system\n"
    );
}

#[test]
fn labels_and_fields_select() {
    let Some(session) = session() else { return };
    for (name, label) in [("a", "color=red"), ("b", "color=blue"), ("c", "size=big")] {
        session.ok(&format!("create configmap {name}"));
        session.ok(&format!("label configmap {name} {label}"));
    }
    let names = |selector: &str| session.ok(&format!("get configmap -o name {selector}"));
    assert_eq!(names("-l color=red"), "configmap/a\n");
    assert_eq!(names("-l color"), "configmap/a\nconfigmap/b\n");
    assert_eq!(names("-l color,color!=red"), "configmap/b\n");
    assert_eq!(names("-l !color --field-selector metadata.name!=kube-root-ca.crt"), "configmap/c\n");
    assert_eq!(names("--field-selector metadata.name=b"), "configmap/b\n");
    assert_eq!(
        session.run("get configmap nothing").err,
        "Error from server (NotFound): configmaps \"nothing\" not found\n"
    );
    assert_eq!(session.ok("get configmap nothing --ignore-not-found"), "");
    assert_eq!(
        session.run("create configmap a").err,
        "error: failed to create configmap: configmaps \"a\" already exists\n"
    );
    assert_eq!(names("-A --chunk-size=1").lines().count(), 8, "in pieces, all of them");
}

#[test]
fn a_lease_is_taken_by_a_patch_that_tests_its_holder() {
    let Some(session) = session() else { return };
    let lease = r#"{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"lock"},"spec":{"holderIdentity":"one"}}"#;
    session.ok_with("create -f -", lease);
    let again = session.run_with("create -f -", lease);
    assert_eq!(
        again.err,
        "Error from server (AlreadyExists): error when creating \"STDIN\": leases.coordination.k8s.io \"lock\" already exists\n"
    );
    let take = |from: &str, to: &str| {
        let patch = format!(
            r#"[{{"op":"test","path":"/spec/holderIdentity","value":"{from}"}},{{"op":"replace","path":"/spec/holderIdentity","value":"{to}"}}]"#
        );
        session.run(&format!("patch lease lock --type=json -p {patch}"))
    };
    assert_eq!(take("one", "two").code, 0);
    let refused = take("one", "three");
    assert_eq!(refused.err, "The request is invalid: the server rejected our request due to an error in our request\n");
    let old = session.ok("get lease lock -o json").replace(r#""resourceVersion": ""#, r#""resourceVersion": "1"#);
    let refused = session.run_with("replace -f -", &old);
    assert!(
        refused
            .err
            .contains("the object has been modified; please apply your changes to the latest version and try again"),
        "{refused:?}"
    );
}

#[test]
fn a_delete_can_demand_an_identifier() {
    let Some(session) = session() else { return };
    session.ok("create configmap c");
    let path = "delete --raw /api/v1/namespaces/default/configmaps/c -f -";
    let refused =
        session.run_with(path, r#"{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"other"}}"#);
    assert!(
        refused.err.contains(
            "Operation cannot be fulfilled on ConfigMap \"c\": the UID in the precondition (other) does not match"
        ),
        "{refused:?}"
    );
    let uid = session.ok("get configmap c -o jsonpath={.metadata.uid}");
    session
        .ok_with(path, &format!(r#"{{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{{"uid":"{uid}"}}}}"#));
    assert_eq!(session.object("ConfigMap", "default", "c"), None);
}

#[test]
fn a_watch_follows_and_a_wait_ends() {
    let Some(session) = session() else { return };
    session.ok("create configmap c");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| session.run("wait --for=delete configmap/c --timeout=300s"));
        let watching = scope.spawn(|| {
            session
                .run("get configmap -l color --watch --request-timeout=30s --output-watch-events -o jsonpath={.type},")
        });
        // Both have begun: what happens now is seen.
        while session
            .requests()
            .iter()
            .filter(|request| request.contains("/configmaps") && request.contains("watch="))
            .count()
            < 2
        {
            std::thread::sleep(Duration::from_millis(20));
        }
        session.ok("label configmap c color=red");
        session.ok("label configmap c color=blue --overwrite");
        session.ok("delete configmap c");
        assert_eq!(waiting.join().expect("kubectl runs").code, 0);
        let seen = watching.join().expect("kubectl runs").out;
        assert_eq!(seen, "ADDED,MODIFIED,DELETED,");
    });
}

#[test]
fn a_namespace_takes_all_with_it() {
    let Some(session) = session() else { return };
    session.ok("create namespace shop");
    session.ok_with(APPLY, &deployment("web:1", ""));
    session.ok("delete namespace shop --timeout=300s");
    assert_eq!(session.object("Namespace", "", "shop"), None);
    assert_eq!(session.objects("Pod", "shop"), Vec::<serde_json::Value>::new());
}

#[test]
fn an_owner_takes_its_dependents_with_it() {
    let Some(session) = session() else { return };
    session.ok("create namespace shop");
    session.ok_with(APPLY, &deployment("web:1", ""));
    session.ok("rollout status deployment/web -n shop --timeout=300s");
    session.ok("delete deployment web -n shop --cascade=foreground --timeout=300s");
    assert_eq!((session.objects("ReplicaSet", "shop").len(), session.objects("Pod", "shop").len()), (0, 0));
}

#[test]
fn access_is_what_the_test_says() {
    let Some(session) = session() else { return };
    session.deny("create", "secrets");
    assert_eq!(session.ok("auth can-i create pods"), "yes\n");
    let no = session.run("auth can-i create secrets");
    assert_eq!((no.code, no.out.as_str()), (1, "no\n"));
    assert!(session.ok("auth whoami").contains("tester"));
    assert_eq!(session.writes(), Vec::<String>::new(), "questions change nothing");
    session.forget_requests();
    assert_eq!(session.requests(), Vec::<String>::new());
    session.ok("create serviceaccount ann");
    assert!(session.ok("create token ann").starts_with("stand-in."));
}

#[test]
fn faults_strike_what_they_are_for() {
    let Some(session) = session() else { return };
    session.fail(Rule::new("GET", "/configmaps", Effect::Refuse(Status::of_code(403))));
    let refused = session.run("get configmaps");
    assert_eq!(
        (refused.code, refused.err.as_str()),
        (1, "Error from server (Forbidden): forbidden: access is denied by the test\n")
    );
    session.ok("get configmaps");
    session.fail(Rule::new("GET", "/secrets", Effect::Refuse(Status::of_code(429).retry_after(1))));
    session.ok("get secrets");
    session.fail(Rule::new("POST", "/configmaps", Effect::ResetAfterwards));
    assert_ne!(session.run("create configmap c").code, 0);
    assert!(session.object("ConfigMap", "default", "c").is_some(), "it was done, and nobody was told");
    session.fail(Rule::new("POST", "/configmaps", Effect::Reset).after(1).times(1));
    session.ok("create configmap d");
    assert_ne!(session.run("create configmap e").code, 0);
    assert!(session.object("ConfigMap", "default", "e").is_none());
    session.fail(Rule::new("*", "/pods", Effect::Hang).always());
    let hung = session.run("get pods --request-timeout=1s");
    assert_ne!(hung.code, 0, "{hung:?}");
    session.heal();
    session.fail(Rule::new("GET", "/pods", Effect::Delay(Duration::from_millis(300))));
    session.ok("get pods --request-timeout=300s");
    session.fail(Rule::new("GET", "/pods", Effect::Refuse(Status::of_code(401))));
    let refused = session.run("get pods");
    assert!(refused.err.contains("You must be logged in to the server"), "{refused:?}");
}

#[test]
fn a_program_of_the_test_runs_in_a_pod() {
    let Some(session) = session() else { return };
    session.ok("run box --image=box:1");
    session.ok("wait --for=condition=Ready pod/box --timeout=300s");
    session.set_exec(|pod, arguments, input| Ran {
        out: [format!("{pod}: {}\n", arguments.join(" ")).as_bytes(), input].concat(),
        err: b"careful\n".to_vec(),
        code: if arguments.iter().any(|argument| argument == "fail") { 7 } else { 0 },
    });
    let said = session.run_with("exec -i box -- cat now", "some\0bytes");
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "box: cat now\nsome\0bytes", "careful\n"));
    let said = session.run("exec box -- fail");
    assert_eq!(said.code, 7);
    assert_eq!(said.err, "careful\ncommand terminated with exit code 7\n");
}
