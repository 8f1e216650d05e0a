//! Migrations in an image, and held against those of the release before.

use bootsmith::inspect;

use super::project::{Project, SPEC, Seen, TARBALL, run};

const MIGRATIONS: &str = r#"
[[migrations]]
release = "1.4.0"
name = "add-orders"
service = "web"
up = "migrations/add-orders.up.sql"
down = "migrations/add-orders.down.sql"
runner = ["psql", "-f", "{file}"]

[[migrations]]
release = "1.4.2"
name = "fill-orders"
service = "web"
up = "sql/fill-orders.sh"
mode = "exec"

[upgrade]
from = "~1.4"
"#;

const UP: &str = "create table orders (id bigint primary key);\n";

/// A project with two migrations.
fn project() -> Project {
    let project = Project::new();
    project.write("bootstrap.toml", format!("{SPEC}{MIGRATIONS}"));
    project.write("migrations/add-orders.up.sql", UP);
    project.write("migrations/add-orders.down.sql", "drop table orders;\n");
    project.write("sql/fill-orders.sh", "#!/bin/bash\nfill-orders\n");
    project
}

/// A project whose release 1.4.2 is built, and which is 1.5.0 now.
fn after_a_release() -> Project {
    let project = project();
    run(&mut project.build()).expect(0);
    project.change("version = \"1.4.2\"", "version = \"1.5.0\"");
    project
}

fn build_after(project: &Project, previous: &str) -> Seen {
    run(project.build().args(["--previous", previous]))
}

#[test]
fn the_files_are_beside_the_scripts_and_the_records_name_them() {
    let project = project();
    let seen = run(&mut project.build()).expect(0);
    assert!(
        seen.err.contains("warning[B043]: migration `fill-orders` is irreversible: it has no `down`"),
        "{}",
        seen.err
    );
    let archive = inspect::open(&project.path(TARBALL)).expect("a tarball");
    let summary = archive.summary().expect("a summary");
    let layer = summary.images[0].layers.iter().find(|layer| layer.role == "scripts").expect("a layer");
    let files: Vec<_> = layer.files.iter().map(|file| format!("{} {}", file.mode, file.path)).collect();
    assert_eq!(
        files,
        [
            "0644 bootstrap/migrations/add-orders.down.sql",
            "0644 bootstrap/migrations/add-orders.up.sql",
            "0644 bootstrap/migrations/sql/fill-orders.sh",
            "0755 bootstrap/scripts/report.sh",
        ]
    );
    let release = archive.payload_file("bootstrap/environments/production/release").expect("a layer").expect("a file");
    let release = String::from_utf8(release).expect("UTF-8");
    let records: Vec<_> =
        release.lines().filter(|line| line.starts_with("migration ") || line.starts_with("upgrade")).collect();
    assert_eq!(
        records,
        [
            "migration 'add-orders' release='1.4.0' service='web' mode='run' content='38f50dacd4cf1e780944c2048af4f722' up='add-orders.up.sql' \
             down='add-orders.down.sql' -- 'psql' '-f' '{file}'",
            "migration 'fill-orders' release='1.4.2' service='web' mode='exec' content='52a724c497870b9363a69756e548cb6b' up='sql/fill-orders.sh' \
             interpreter='bash'",
            "upgrade from='>=1.4.0 <1.5.0'",
        ]
    );
    let shown = run(project.bootsmith().args(["inspect", TARBALL])).expect(0).out;
    assert!(shown.contains("add-orders   1.4.0  run web"), "{shown}");
    assert!(shown.contains("fill-orders  1.4.2  exec web  irreversible"), "{shown}");
}

#[test]
fn the_same_migrations_and_new_ones_may_follow() {
    let project = after_a_release();
    build_after(&project, TARBALL).expect(0);
    project.change(
        "\n[upgrade]",
        "\n[[migrations]]\nrelease = \"1.5.0\"\nname = \"more\"\nservice = \"web\"\nup = \"more.sh\"\ndown = \"more.sh\"\n[upgrade]",
    );
    project.write("more.sh", "true\n");
    build_after(&project, TARBALL).expect(0);
    // What does not change what a migration does.
    project.change("mode = \"exec\"", "mode = \"exec\"\nidempotent = true\ncompatible = true");
    build_after(&project, TARBALL).expect(0);
    let seen = run(project.bootsmith().args(["check", "--previous", TARBALL])).expect(0);
    assert!(seen.out.starts_with("shop 1.5.0: "), "{}", seen.out);
}

#[test]
fn a_released_migration_that_changed_is_refused() {
    for (file, text) in [
        ("migrations/add-orders.up.sql", "create table orders (id text primary key);\n"),
        ("migrations/add-orders.down.sql", "drop table if exists orders;\n"),
    ] {
        let project = after_a_release();
        project.write(file, text);
        assert_changed(&project, "add-orders");
        run(&mut project.build()).expect(0);
    }
    for (from, to) in [
        ("mode = \"exec\"", "mode = \"run\""),
        ("up = \"sql/fill-orders.sh\"", "up = \"sql/fill-orders.sh\"\ndown = \"sql/fill-orders.sh\""),
        ("up = \"sql/fill-orders.sh\"", "up = \"sql/fill-orders.sh\"\nrunner = [\"sh\", \"{file}\"]"),
    ] {
        let project = after_a_release();
        project.change(from, to);
        assert_changed(&project, "fill-orders");
    }
}

fn assert_changed(project: &Project, migration: &str) {
    let seen = build_after(project, TARBALL).expect(1);
    for expected in [
        &format!("error[B044]: the released migration `{migration}` does not do what it did in 1.4.2\n"),
        &format!("name = \"{migration}\"\n"),
        "restore it, and write a new migration",
    ] {
        assert!(seen.err.contains(expected), "{}", seen.err);
    }
}

#[test]
fn a_released_migration_that_is_gone_or_of_another_release_is_refused() {
    let project = after_a_release();
    project.change("name = \"add-orders\"", "name = \"add-some-orders\"");
    project.change("release = \"1.4.2\"", "release = \"1.4.3\"");
    let seen = run(project.bootsmith().args(["check", "--previous", TARBALL])).expect(1);
    for expected in [
        "error[B044]: the released migration `add-orders` of release 1.4.0 is gone; 1.4.2 has it\n",
        "error[B044]: the released migration `fill-orders` was for release 1.4.2 in 1.4.2, and is for 1.4.3 now\n",
    ] {
        assert!(seen.err.contains(expected), "{}", seen.err);
    }
}

#[test]
fn what_is_no_release_before_is_refused() {
    let project = after_a_release();
    run(&mut project.build()).expect(0);
    project.change("version = \"1.5.0\"", "version = \"1.4.9\"");
    let seen = build_after(&project, "out/shop-1.5.0-compose.tar").expect(2);
    assert!(seen.err.contains("the previous release is 1.5.0, which is newer than this one, 1.4.9"), "{}", seen.err);
    project.change("name = \"shop\"", "name = \"stall\"");
    let seen = build_after(&project, TARBALL).expect(2);
    assert!(seen.err.contains("the previous release is one of `shop`, this is `stall`"), "{}", seen.err);
    let seen = build_after(&project, "base.tar").expect(3);
    assert!(
        seen.err.contains("`base.tar` is not a tarball of bootsmith: it does not say which release it contains"),
        "{}",
        seen.err
    );
    let seen = build_after(&project, "nowhere.tar").expect(3);
    assert!(seen.err.contains("nowhere.tar"), "{}", seen.err);
}

#[test]
fn a_pre_release_carries_the_migrations_of_the_release_that_it_prepares() {
    let project = project();
    for version in ["1.4.2-rc.1", "1.4.2+build.7", "2.0.0"] {
        run(project.bootsmith().args(["check", "--version", version])).expect(0);
    }
    for version in ["1.4.1", "1.4.1-rc.1"] {
        let seen = run(project.bootsmith().args(["check", "--version", version])).expect(1);
        let expected = format!("migration `fill-orders` is for release 1.4.2, which is newer than this one, {version}");
        assert!(seen.err.contains(&expected), "{}", seen.err);
    }
}

/// The files of another environment's database are nobody's business where the service is left out, once that is said.
#[test]
fn a_migration_is_left_out_where_its_service_is_and_that_is_allowed() {
    let project = project();
    project.change(
        "[scripts.report]",
        "[services.shop]\nimage = \"docker.io/library/shop:1.0\"\n[environments.production]\n[environments.testing.services.web]\nenabled = false\n[scripts.report]",
    );
    project.change("service = \"web\"\n\n[[migrations]]", "service = \"shop\"\n\n[[migrations]]");
    let seen = run(&mut project.build()).expect(1);
    assert!(
        seen.err.contains(
            "error[B042]: migration `add-orders` is run with the service `web`, which environment `testing` leaves out"
        ),
        "{}",
        seen.err
    );
    let seen = run(project.build().args(["--allow", "B042"])).expect(0);
    assert!(seen.err.contains("warning[B042]: "), "{}", seen.err);
    let archive = inspect::open(&project.path(TARBALL)).expect("a tarball");
    for (environment, has_it) in [("production", true), ("testing", false)] {
        let path = format!("bootstrap/environments/{environment}/release");
        let release = archive.payload_file(&path).expect("a layer").expect("a file");
        let release = String::from_utf8(release).expect("UTF-8");
        assert_eq!(release.contains("\nmigration 'add-orders' "), has_it, "{release}");
    }
}
