//! What the documents show is true: every whole spec in them passes `check`.

use std::fs;
use std::process::Command;

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
