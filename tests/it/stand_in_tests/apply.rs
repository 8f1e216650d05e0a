//! Server-side apply: owners, conflicts, dry runs, what goes away.

use super::session::{APPLY, Session, deployment, session};

fn with_namespace() -> Option<Session> {
    let session = session()?;
    assert_eq!(session.ok("create namespace shop"), "namespace/shop created\n");
    Some(session)
}

#[test]
fn the_same_applied_twice_changes_nothing() {
    let Some(session) = with_namespace() else { return };
    let web = deployment("web:1", "");
    assert_eq!(session.ok_with(APPLY, &web), "deployment.apps/web serverside-applied\n");
    session.ok("rollout status deployment/web -n shop --timeout=300s");
    let before = session.object("Deployment", "shop", "web");
    session.ok_with(APPLY, &web);
    let after = session.object("Deployment", "shop", "web");
    assert_eq!(before, after);
    assert_eq!(after.expect("it is there")["metadata"]["generation"], 1);
    assert_eq!(session.run_with("diff --server-side --field-manager=bootsmith -n shop -f -", &web).code, 0);
    let changed =
        session.run_with("diff --server-side --field-manager=bootsmith -n shop -f -", &deployment("web:2", ""));
    assert_eq!(changed.code, 1, "{changed:?}");
    assert!(changed.out.contains("image: web:2"), "{changed:?}");
}

#[test]
fn a_dry_run_needs_the_namespace_and_keeps_nothing() {
    let Some(session) = session() else { return };
    let web = deployment("web:1", "");
    let dry = format!("{APPLY} --dry-run=server");
    let refused = session.run_with(&dry, &web);
    assert_eq!(
        (refused.code, refused.err.as_str()),
        (1, "Error from server (NotFound): namespaces \"shop\" not found\n")
    );
    session.ok("create namespace shop");
    assert_eq!(session.ok_with(&dry, &web), "deployment.apps/web serverside-applied (server dry run)\n");
    assert_eq!(session.object("Deployment", "shop", "web"), None);
}

#[test]
fn a_field_of_another_manager_is_a_conflict() {
    let Some(session) = with_namespace() else { return };
    session.ok_with(APPLY, &deployment("web:1", r#","replicas":1"#));
    session.ok("scale deployment/web --replicas=3 -n shop");
    let refused = session.run_with(APPLY, &deployment("web:1", r#","replicas":2"#));
    assert_eq!(refused.code, 1);
    let told = "error: Apply failed with 1 conflict: conflict with \"kubectl\" with subresource \"scale\" using apps/v1: .spec.replicas\n";
    assert!(refused.err.starts_with(told), "{}", refused.err);
    session.ok_with(&format!("{APPLY} --force-conflicts"), &deployment("web:1", r#","replicas":2"#));
    assert_eq!(session.ok("get deployment web -n shop -o jsonpath={.spec.replicas}"), "2");
}

#[test]
fn conflicts_are_told_by_manager() {
    let Some(session) = with_namespace() else { return };
    session.ok_with("apply --server-side --field-manager=one -n shop -f -", &deployment("web:1", r#","replicas":1"#));
    let refused = session.run_with(APPLY, &deployment("web:2", r#","replicas":2"#));
    let told = "error: Apply failed with 2 conflicts: conflicts with \"one\":\n- .spec.replicas\n- .spec.template.spec.containers[name=\"web\"].image\n";
    assert!(refused.err.starts_with(told), "{}", refused.err);
    assert_eq!(session.ok("get deployment web -n shop -o jsonpath={.spec.template.spec.containers[0].image}"), "web:1");
}

#[test]
fn two_managers_share_an_object() {
    let Some(session) = with_namespace() else { return };
    session.ok_with(APPLY, &deployment("web:1", ""));
    let scale = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":3}}"#;
    session.ok_with("apply --server-side --field-manager=bootsmith-scale -n shop -f -", scale);
    session.ok_with(APPLY, &deployment("web:2", ""));
    assert_eq!(session.ok("get deployment web -n shop -o jsonpath={.spec.replicas}"), "3");
    let managers = "get deployment web -n shop --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}";
    assert_eq!(session.ok(managers), "bootsmith bootsmith-scale");
}

#[test]
fn what_is_no_longer_applied_goes_away() {
    let Some(session) = with_namespace() else { return };
    let with_env = deployment("web:1", r#","replicas":4"#)
        .replace(r#""image""#, r#""env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"image""#);
    session.ok_with(APPLY, &with_env);
    session.ok("set env deployment/web -n shop BY_HAND=yes");
    let without_a = deployment("web:1", "").replace(r#""image""#, r#""env":[{"name":"B","value":"2"}],"image""#);
    session.ok_with(APPLY, &without_a);
    let names = session.ok("get deployment web -n shop -o jsonpath={.spec.template.spec.containers[0].env[*].name}");
    assert_eq!(names, "B BY_HAND", "only what nobody wants goes");
    assert_eq!(session.ok("get deployment web -n shop -o jsonpath={.spec.replicas}"), "1", "the default is back");
}

#[test]
fn an_item_goes_as_a_whole() {
    let Some(session) = with_namespace() else { return };
    let web = deployment("web:1", "");
    session.ok_with(APPLY, &web);
    let other = web.replace(r#"{"name":"web","image""#, r#"{"name":"other","image""#);
    session.ok_with(APPLY, &other);
    let names = "get deployment web -n shop -o jsonpath={.spec.template.spec.containers[*].name}";
    assert_eq!(session.ok(names), "other");
    let empty = web.replace(r#"{"name":"web","image":"web:1","ports":[{"containerPort":80}]}"#, "");
    let refused = session.run_with(APPLY, &empty);
    assert_eq!(refused.err, "The Deployment \"web\" is invalid: spec.template.spec.containers: Required value\n");
    session.ok("set env deployment/web -n shop BY_HAND=yes");
    session.ok_with(APPLY, &web);
    assert_eq!(session.ok(names), "web", "what somebody else put into an item goes with it");
}

#[test]
fn what_must_not_change_is_refused() {
    let Some(session) = with_namespace() else { return };
    session.ok_with(APPLY, &deployment("web:1", ""));
    let moved = deployment("web:1", "").replace(r#""app":"web""#, r#""app":"other""#);
    let refused = session.run_with(APPLY, &moved);
    assert!(
        refused.err.starts_with("The Deployment \"web\" is invalid: spec.selector: Invalid value: "),
        "{}",
        refused.err
    );
    assert!(refused.err.ends_with(": field is immutable\n"), "{}", refused.err);
    let frozen = |value: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"s"}},"immutable":true,"stringData":{{"content":"{value}"}}}}"#
        )
    };
    session.ok_with(APPLY, &frozen("one"));
    let refused = session.run_with(APPLY, &frozen("two"));
    let told = "The Secret \"s\" is invalid: data: Forbidden: field is immutable when `immutable` is set\n";
    assert_eq!(refused.err, told);
    session.ok("label secret s -n shop outcome=ok");
}

#[test]
fn faulty_definitions_are_refused() {
    let Some(session) = with_namespace() else { return };
    let labelled = |label: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c","labels":{{"version":"{label}"}}}}}}"#
        )
    };
    let refused = session.run_with(APPLY, &labelled("1.4.2+b1"));
    assert!(
        refused
            .err
            .starts_with("The ConfigMap \"c\" is invalid: metadata.labels: Invalid value: \"1.4.2+b1\": a valid label"),
        "{}",
        refused.err
    );
    let big = "A".repeat(1_048_577);
    let secret = format!(
        r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"s"}},"stringData":{{"content":"{big}"}}}}"#
    );
    let refused = session.run_with(APPLY, &secret);
    assert_eq!(refused.err, "The Secret \"s\" is invalid: data: Too long: may not be more than 1048576 bytes\n");
    let nameless = deployment("web:1", "").replace(
        r#""containers":[{"name":"web","image":"web:1","ports":[{"containerPort":80}]}]"#,
        r#""containers":[]"#,
    );
    let refused = session.run_with(APPLY, &nameless);
    assert_eq!(refused.err, "The Deployment \"web\" is invalid: spec.template.spec.containers: Required value\n");
}
