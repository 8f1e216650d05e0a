//! A record that a target could not keep.

use super::project::{Project, TARBALL, random_text, run};

#[test]
fn a_record_that_is_too_large_names_what_makes_it_so() {
    let project = Project::new();
    project.write("config/site.conf", random_text(400_000));
    project.write("scripts/report.sh", random_text(60_000));
    let spec = std::fs::read_to_string(project.path("bootstrap.toml")).expect("a spec");
    project.write("bootstrap.toml", format!("{spec}\n[[migrations]]\nname = \"fill\"\nrelease = \"1.0.0\"\nservice = \"web\"\nup = \"fill.sql\"\nrunner = [\"psql\", \"-f\", \"{{file}}\"]\n"));
    project.write("fill.sql", random_text(150_000));
    let seen = run(&mut project.build()).expect(1);
    assert!(
        seen.err.contains("error[B046]: a record of environment `production` on Docker Compose would have "),
        "{}",
        seen.err
    );
    assert!(seen.err.contains(" bytes, compressed; a target keeps 450000\n"), "{}", seen.err);
    let (_, hint) = seen.err.split_once("hint: the biggest are ").expect("a hint");
    let names: Vec<_> = hint.split('`').skip(1).step_by(2).collect();
    assert_eq!(
        names,
        [
            "bootstrap/environments/production/configs/site/site.conf",
            "bootstrap/migrations/fill.sql",
            "bootstrap/scripts/report.sh"
        ]
    );
    assert!(!project.path(TARBALL).exists());
    run(project.bootsmith().arg("check")).expect(1);
}

/// It is the compressed size that counts, and that of each environment by itself.
#[test]
fn what_compresses_well_may_be_long() {
    let project = Project::new();
    project.write("config/site.conf", "listen 80;\n".repeat(80_000));
    project.write("config/more/deep.conf", random_text(100_000));
    run(&mut project.build()).expect(0);
}
