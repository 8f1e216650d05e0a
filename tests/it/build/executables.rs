//! Executable files of configs: in the payload, and in the records of every platform.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::project::{Project, run};

const SPEC: &str = r#"
[services.checked]
image = "registry.example.com/checked:1.0"
configs = ["check", "folder", { source = "check", target = "/plain", mode = "0440" }]

[configs.check]
file = "check.sh"
[configs.folder]
directory = "health"
"#;

fn project() -> Project {
    let project = Project::new();
    project.change(r#"["compose"]"#, r#"["compose", "swarm", "kubernetes"]"#);
    let spec = fs::read_to_string(project.path("bootstrap.toml")).expect("a spec") + SPEC;
    fs::write(project.path("bootstrap.toml"), spec).expect("room");
    fs::create_dir_all(project.path("health")).expect("room");
    for (name, mode) in [("check.sh", 0o755), ("health/postgres.sh", 0o700), ("health/notes.txt", 0o644)] {
        let path = project.path(name);
        fs::write(&path, "#!/bin/sh\n").expect("room");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }
    project
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn what_is_executable_in_the_project_is_executable_in_the_service() {
    let project = project();
    for (platform, lines) in [
        (
            "compose",
            &[
                "source='check' file='configs/check' uid='0' gid='0' mode='0440'",
                "source='check' file='configs/check' uid='0' gid='0' mode='0555'",
                "source='folder' directory='configs/folder' uid='0' gid='0' mode='0444' executables='yes'",
            ][..],
        ),
        (
            "swarm",
            &[
                "source='check' file='configs/check' uid='0' gid='0' mode='0440'",
                "source='check' file='configs/check' uid='0' gid='0' mode='0555'",
                "source='folder' file='configs/folder/notes.txt' uid='0' gid='0' mode='0444'",
                "source='folder' file='configs/folder/postgres.sh' uid='0' gid='0' mode='0555'",
            ],
        ),
        (
            "kubernetes",
            &[
                "source='check' file='configs/check' uid='0' gid='0' mode='0440'",
                "source='check' file='configs/check' uid='0' gid='0' mode='0555'",
                "source='folder' file='configs/folder/notes.txt' uid='0' gid='0' mode='0444'",
                "source='folder' file='configs/folder/postgres.sh' uid='0' gid='0' mode='0555'",
            ],
        ),
    ] {
        let output = project.path(platform);
        run(project.bootsmith().args(["render", "--platform", platform, "--output"]).arg(&output)).expect(0);
        let folder = output.join("bootstrap/environments/production");
        let folder = if folder.is_dir() { folder } else { output.join("environments/production") };
        let release = fs::read_to_string(folder.join("release")).expect("records");
        let mounts = release.lines().filter(|line| line.contains("source='check'") || line.contains("source='folder'"));
        let mut mounts: Vec<_> = mounts.filter_map(|line| line.split_once("kind='").map(|(_, rest)| rest)).collect();
        mounts.sort_unstable();
        let mounts: Vec<_> = mounts.iter().filter_map(|line| line.split_once(' ')).map(|(_, rest)| rest).collect();
        for line in lines {
            assert!(mounts.contains(line), "{platform}: {line} of {mounts:#?}");
        }
        assert_eq!(mode_of(&folder.join("configs/check")), 0o755);
        assert_eq!(mode_of(&folder.join("configs/folder/postgres.sh")), 0o755);
        assert_eq!(mode_of(&folder.join("configs/folder/notes.txt")), 0o644);
    }
}
