//! `tests/spec/invalid/<fault>.toml` beside `<fault>.stderr`: the exact picture the user sees.
//!
//! `BLESS=1 cargo test` writes the pictures anew; a change of them is a change to read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDER: &str = "tests/spec/invalid";

fn faults() -> Vec<PathBuf> {
    let entries = fs::read_dir(FOLDER).expect("the folder is part of the repository");
    let mut faults: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    faults.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    faults.sort();
    faults
}

/// What `bootsmith check` says of a spec: its exit code and its standard error.
fn check(spec: &Path) -> (Option<i32>, String) {
    let folder = spec.parent().expect("a file in a folder");
    let name = spec.file_name().expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_bootsmith"))
        .args(["check", "--file"])
        .arg(name)
        .current_dir(folder)
        .env_clear()
        .output()
        .expect("the program starts");
    assert!(output.stdout.is_empty(), "{} prints nothing on standard output", spec.display());
    (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
}

#[test]
fn every_fault_has_its_picture() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for fault in faults() {
        let (code, seen) = check(&fault);
        assert_eq!(code, Some(1), "{} is refused; it said:\n{seen}", fault.display());
        let golden = fault.with_extension("stderr");
        if bless {
            fs::write(&golden, &seen).expect("a writable repository");
        } else if fs::read_to_string(&golden).unwrap_or_default() != seen {
            wrong.push(format!("{}:\n{seen}", fault.display()));
        }
    }
    assert!(wrong.is_empty(), "these pictures changed:\n{}", wrong.join("\n"));
}

/// Somebody tries it with the file that they have.
#[test]
fn a_compose_file_is_called_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spec = folder.path().join("compose.yaml");
    fs::write(&spec, "services:\n  web:\n    image: x:1\n    ports: [\"80:80\"]\n").expect("a writable folder");
    let (code, seen) = check(&spec);
    assert_eq!(code, Some(1));
    assert!(seen.starts_with("error[B001]: this is a YAML file, and a spec is TOML\n"), "{seen}");
    assert!(
        seen.contains("hint: write a `bootstrap.toml`: a service of a Compose file is a table `[services.NAME]` there"),
        "{seen}"
    );
    assert_eq!(seen.matches("error").count(), 1, "{seen}");
}

#[test]
fn there_are_enough_faults_and_no_orphaned_pictures() {
    let faults = faults();
    assert!(faults.len() >= 30);
    let pictures = fs::read_dir(FOLDER).expect("the folder").map(|entry| entry.expect("a readable folder").path());
    for picture in pictures.filter(|path| path.extension().is_some_and(|extension| extension == "stderr")) {
        assert!(faults.contains(&picture.with_extension("toml")), "{} has no spec", picture.display());
    }
}

#[test]
fn every_error_code_of_a_spec_has_a_fixture() {
    let pictures: String = faults().iter().map(|fault| check(fault).1).collect();
    // Seen only by other tests: a file that is too large and a record that is (made by the tests that need them), and a migration that is
    // not as it was released (two specs); an image that is not locked (two files); and a base that a build alone needs.
    let elsewhere = ["B027", "B044", "B046", "B047", "B049"];
    for known in bootsmith::diagnostic::CODES {
        let code = known.code.to_string();
        assert!(
            elsewhere.contains(&code.as_str()) || pictures.contains(&format!("[{code}]")),
            "no fixture shows {code}"
        );
    }
}
