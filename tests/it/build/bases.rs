//! Bases as they are named on the command line and in the spec: good ones in every form, and bad ones with one clear error.

use std::fs;

use super::project::{Project, Seen, TARBALL, TOOLS, base_in, base_with, run};
use crate::fixture;

fn build_on(project: &Project, base: &str) -> Seen {
    run(project.build().args(["--base", base]))
}

/// The fault of a build that fails; an older output must be as it was.
fn fault(project: &Project, base: &str) -> String {
    let before = fs::read(project.path(TARBALL)).ok();
    let seen = build_on(project, base).expect(3);
    assert_eq!(seen.err.lines().filter(|line| line.starts_with("error")).count(), 1, "{}", seen.err);
    assert_eq!(seen.out, "");
    assert!(fs::read(project.path(TARBALL)).ok() == before, "the older output is as it was");
    seen.err.replace(&project.path("").display().to_string(), "")
}

#[test]
fn a_layout_is_taken_as_a_file_and_as_a_folder() {
    let project = Project::new();
    run(&mut project.build()).expect(0);
    let expected = project.tarball();
    fixture::unpack(&project.path("base.tar"), &project.path("layout"));
    for base in ["oci:base.tar", "oci-archive:base.tar", "oci:layout"] {
        fs::remove_dir_all(project.path("out")).expect("an output folder");
        build_on(&project, base).expect(0);
        assert!(project.tarball() == expected, "{base} gives other bytes");
    }
}

#[test]
fn a_docker_archive_gives_the_same_layers() {
    let project = Project::new();
    let layers = |base: &str| {
        build_on(&project, base).expect(0);
        let receipt = fs::read(project.path(TARBALL).with_extension("json")).expect("a receipt");
        let receipt: serde_json::Value = serde_json::from_slice(&receipt).expect("JSON");
        receipt["images"][0]["layers"].clone()
    };
    assert_eq!(layers("oci:base.tar"), layers("docker-archive:base.tar"));
}

#[test]
fn a_path_starts_at_the_spec_or_where_the_user_stands() {
    let project = Project::new();
    fs::create_dir_all(project.path("elsewhere")).expect("room");
    let from_elsewhere = |arguments: &[&str]| {
        run(project
            .bootsmith()
            .args(["build", "--file", "../bootstrap.toml"])
            .args(arguments)
            .current_dir(project.path("elsewhere")))
    };
    from_elsewhere(&[]).expect(0);
    assert!(from_elsewhere(&["--base", "oci:base.tar"]).expect(3).err.contains("No such file or directory"));
    from_elsewhere(&["--base", "oci:../base.tar"]).expect(0);
}

#[test]
fn a_platform_may_have_a_base_of_its_own() {
    let project = Project::new();
    project.change(r#"["compose"]"#, r#"["compose", "swarm"]"#);
    let build = |arguments: &[&str]| run(project.build().args(arguments));
    build(&["--allow", "B049", "--base", "scratch", "--base", "swarm=oci:base.tar"]).expect(0);
    let reference = |platform: &str| {
        let receipt = fs::read(project.path(&format!("out/shop-1.4.2-{platform}.json"))).expect("a receipt");
        let receipt: serde_json::Value = serde_json::from_slice(&receipt).expect("JSON");
        (
            receipt["reference"].as_str().expect("a reference").to_owned(),
            receipt["images"][0]["layers"].as_array().map(Vec::len),
        )
    };
    let (compose, swarm) = (reference("compose"), reference("swarm"));
    assert!(compose.0.ends_with(":1.4.2-compose") && swarm.0.ends_with(":1.4.2-swarm"), "{compose:?} {swarm:?}");
    assert!(compose.1 < swarm.1, "one stands on a base, the other on nothing");

    build(&["--platform", "swarm"]).expect(0);
    assert_eq!(reference("swarm"), swarm, "built alone, an image has the same tag");
    let seen = build(&["--platform", "swarm", "--base", "compose=scratch"]).expect(2);
    assert!(seen.err.contains("`--base` names `compose`, which is not built"), "{}", seen.err);
}

#[test]
fn a_compose_that_is_too_old_for_what_the_release_uses() {
    let project = Project::new();
    let base = |version: &str| base_in(&[("DOCKER_COMPOSE_VERSION".to_owned(), version.to_owned())].into(), &TOOLS, 0);
    project.change("[services.web]", "[services.web]\ngpus = \"all\"\nuts = \"host\"");
    fs::write(project.path("old.tar"), base("2.29.7-1")).expect("room");
    let text = fault(&project, "oci:old.tar");
    let wanted =
        "error: the base `oci:old.tar` has Docker Compose 2.29.7-1, which is too old for what the release uses:
  `services.web.gpus` needs Docker Compose 2.30
hint: use a base with Docker Compose 2.30 or newer, or leave these keys out\n";
    assert_eq!(text, wanted);
    for version in ["2.30.0", "v2.40.3", "5.1.0"] {
        fs::write(project.path("new.tar"), base(version)).expect("room");
        build_on(&project, "oci:new.tar").expect(0);
    }
}

#[test]
fn a_damaged_layer() {
    let project = Project::new();
    run(&mut project.build()).expect(0);
    let mut bytes = fs::read(project.path("base.tar")).expect("a base");
    // The last blob is the only layer: its gzip header starts at a block.
    let layer = bytes.chunks(512).rposition(|block| block.starts_with(&[0x1f, 0x8b])).expect("a layer") * 512;
    bytes[layer + 100] ^= 1;
    fs::write(project.path("bad.tar"), bytes).expect("room");
    let text = fault(&project, "oci:bad.tar");
    assert!(text.starts_with("error: `bad.tar` is damaged or was tampered with: the layer sha256:"), "{text}");
    assert!(text.contains(" should have the digest sha256:"), "{text}");
}

#[test]
fn a_damaged_configuration() {
    let project = Project::new();
    let mut bytes = fs::read(project.path("base.tar")).expect("a base");
    let at = bytes.windows(9).rposition(|window| window == b"\"rootfs\":").expect("a configuration");
    bytes[at + 1] = b'R';
    fs::write(project.path("bad.tar"), bytes).expect("room");
    let text = fault(&project, "oci:bad.tar");
    assert!(text.contains("is damaged or was tampered with: the configuration sha256:"), "{text}");
}

#[test]
fn a_truncated_base() {
    let project = Project::new();
    let bytes = fs::read(project.path("base.tar")).expect("a base");
    for length in [0, 100, 512, bytes.len() / 2, bytes.len() - 1500] {
        fs::write(project.path("bad.tar"), &bytes[..length]).expect("room");
        let text = fault(&project, "oci:bad.tar");
        assert!(text.starts_with("error: `bad.tar` "), "cut at {length}: {text}");
    }
}

/// A base that changes after it was verified and recorded is verified again.
#[test]
fn a_base_that_is_damaged_after_it_was_trusted() {
    let project = Project::slow();
    run(&mut project.build()).expect(0);
    let mut bytes = fs::read(project.path("base.tar")).expect("a base");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(project.path("base.tar"), bytes).expect("room");
    project.change("DESCRIPTION", "another");
    let text = fault(&project, "oci:base.tar");
    assert!(text.contains("is damaged or was tampered with"), "{text}");
}

#[test]
fn missing_tools_are_named() {
    let project = Project::new();
    for (without, named) in [
        (["sh", "-"], "sh"),
        (["docker", "-"], "docker"),
        (["docker-compose", "-"], "docker compose"),
        (["docker-compose", "sh"], "sh, docker compose"),
    ] {
        let tools: Vec<_> = TOOLS.iter().filter(|tool| !without.contains(&tool.as_str())).collect();
        project.write("bad.tar", base_with(&tools, 0));
        let text = fault(&project, "oci:bad.tar");
        let hint = "use a base that has them; searched in ";
        assert!(
            text.starts_with(&format!("error: the base `oci:bad.tar` (linux/amd64) lacks {named}\nhint: {hint}")),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_base() {
    let project = Project::new();
    project.write("text", "this is no tar, however long the text that stands in it may be; and no folder either");
    for (base, expected) in [
        ("oci:nowhere", "error: cannot read `nowhere`\n  because: No such file or directory"),
        ("docker-archive:nowhere", "error: cannot read `nowhere`\n  because: No such file or directory"),
        ("oci:config", "error: `config` has no `oci-layout`"),
        ("oci:base.tar:9.9", "error: `base.tar` holds no image with the tag `9.9`; it holds 1.4.2"),
        ("oci:text", "error: `text` is not a tar archive, or is damaged: "),
        ("docker-archive:text", "error: `text` is not a tar archive, or is damaged: "),
        ("oci:/dev/zero", "error: `/dev/zero` is neither a folder nor a regular file"),
    ] {
        let text = fault(&project, base);
        assert!(text.starts_with(expected), "{base}: {text}");
    }
    let seen = run(project.build().args(["--architecture", "linux/s390x"])).expect(3);
    assert!(seen.err.contains("has no image for linux/s390x; it has linux/amd64"), "{}", seen.err);
}

#[test]
fn a_text_that_names_no_base() {
    let project = Project::new();
    for base in ["", "docker://docker:28-cli", "oci:", "base.tar"] {
        let seen = build_on(&project, base).expect(2);
        assert!(seen.err.starts_with(&format!("error[B030]: invalid base `{base}`")), "{}", seen.err);
    }
    for base in ["docker:28-cli", "scratch:x"] {
        let seen = build_on(&project, base).expect(2);
        assert!(seen.err.starts_with(&format!("error[B030]: the base `{base}` is not pinned")), "{}", seen.err);
    }
}

#[test]
fn who_has_no_base_is_told_what_one_must_hold() {
    let project = Project::new();
    for (platform, tools) in
        [("compose", "the docker CLI and Compose"), ("swarm", "the docker CLI"), ("kubernetes", "kubectl")]
    {
        let spec = fs::read_to_string(project.path("bootstrap.toml")).expect("a spec");
        let spec: Vec<_> =
            spec.lines().filter(|line| !line.starts_with("base") && !line.starts_with("platforms")).collect();
        let spec = spec.join("\n").replacen("[bootstrap]", &format!("[bootstrap]\nplatforms = [\"{platform}\"]"), 1);
        fs::write(project.path("bootstrap.toml"), spec).expect("a writable folder");
        let seen = run(&mut project.build()).expect(1);
        assert!(seen.err.contains(&format!("error[B004]: no base for platform `{platform}`")), "{}", seen.err);
        let hint = format!("an image with a shell, the usual tools and {tools}");
        assert!(seen.err.contains("`base = \"NAME:TAG@sha256:DIGEST\"`") && seen.err.contains(&hint), "{}", seen.err);
    }
}

#[test]
fn a_base_from_scratch_is_for_those_who_bring_the_tools() {
    let project = Project::new();
    let seen = build_on(&project, "scratch").expect(1);
    assert!(seen.err.contains("error[B049]: the base `scratch` holds nothing"), "{}", seen.err);
    run(project.build().args(["--allow", "B049", "--base", "scratch"])).expect(0);
    assert_eq!(bootsmith::inspect::verify(&project.path(TARBALL)).expect("a tarball").faults, []);
}

/// A file that was given by mistake may hold anything, a key included.
#[test]
fn what_is_no_base_is_not_quoted() {
    let project = Project::new();
    fs::write(project.path("key.pem"), "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKc\n".repeat(20))
        .expect("room");
    let fault = fault(&project, "oci:key.pem");
    assert!(fault.contains("is not a tar archive, or is damaged: invalid tar header"), "{fault}");
    assert!(!fault.contains("KEY"), "{fault}");
}
