//! What the documents show is true: every whole spec in them passes `check`, and every example is built.

use std::fs;
use std::process::Command;

use bootsmith::plan::Platform;
use walkdir::WalkDir;

/// Every Markdown file of the repository that shows specs.
fn documents() -> Vec<std::path::PathBuf> {
    let docs = WalkDir::new("docs").into_iter().map(|entry| entry.expect("a readable folder").into_path());
    let mut documents: Vec<_> =
        docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    documents.push("README.md".into());
    documents.sort();
    documents
}

/// The blocks marked as TOML that are whole specs.
fn specs(text: &str) -> Vec<&str> {
    let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter(|block| block.trim_start().starts_with("[project]")).collect()
}

#[test]
fn every_spec_in_the_documents_is_right() {
    let mut checked = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).expect("UTF-8");
        for spec in specs(&text) {
            let folder = tempfile::tempdir().expect("a temporary folder");
            fs::write(folder.path().join("bootstrap.toml"), spec).expect("a writable folder");
            let output = Command::new(env!("CARGO_BIN_EXE_bootsmith"))
                .arg("check")
                .current_dir(folder.path())
                .output()
                .expect("the program starts");
            let report = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && report.is_empty(), "{}:\n{spec}\n{report}", document.display());
            checked += 1;
        }
    }
    assert!(checked > 0, "the README shows a spec");
}

#[test]
fn every_example_is_right() {
    for example in fs::read_dir("examples").expect("the folder is part of the repository") {
        let spec = example.expect("a readable folder").path().join("bootstrap.toml");
        let output = Command::new(env!("CARGO_BIN_EXE_bootsmith")).args(["check", "--file"]).arg(&spec).output();
        let output = output.expect("the program starts");
        let report = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && report.is_empty(), "{}:\n{report}", spec.display());
    }
}

/// On nothing: what the images stand on is no matter of the examples.
#[test]
fn every_example_becomes_the_tarballs_that_its_readme_names() {
    for example in fs::read_dir("examples").expect("the folder is part of the repository") {
        let example = example.expect("a readable folder").path();
        let output = tempfile::tempdir().expect("a temporary folder");
        let mut build = Command::new(env!("CARGO_BIN_EXE_bootsmith"));
        build.args(["build", "--allow", "B049", "--base", "scratch", "--architecture", "linux/amd64", "--file"]);
        build.arg(example.join("bootstrap.toml")).arg("--output").arg(output.path());
        let seen = build.env("XDG_CACHE_HOME", output.path().join("cache")).output().expect("the program starts");
        assert!(seen.status.success(), "{}: {}", example.display(), String::from_utf8_lossy(&seen.stderr));
        let readme = fs::read_to_string(example.join("README.md")).expect("UTF-8");
        let written =
            fs::read_dir(output.path()).expect("a readable folder").map(|entry| entry.expect("a file").path());
        let tarballs: Vec<_> = written.filter(|path| path.extension().is_some_and(|kind| kind == "tar")).collect();
        assert_eq!(tarballs.len(), Platform::ALL.len(), "{tarballs:?}");
        for tarball in tarballs {
            let name = tarball.file_name().expect("a file").display();
            assert!(readme.contains(&format!("`target/bootstrap/{name}`")), "{}: {name}", example.display());
        }
    }
}
