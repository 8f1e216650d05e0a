//! A target with the engine of the entrypoint's own tests (`tests/entrypoint/docker`), and images of a few releases.
//!
//! Takes in commands, gives out what they say. It must not know the model.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Target;
use super::model::{Release, Releases, Script, Weather};
use crate::seen::Seen;

/// Two services in two waves. A web service that is given the port of a release is that release's.
const RELEASE: &str = r#"environment 'production' target='shop-production'
parameter 'PORT' "${PORT+given}" "${PORT-}" default='80'
service 'database' image='database:1' definition='d0' wave='1' gate='none' kind='service' replicas='1' window='0' pull='missing'
service 'web' image='web:1' definition='d1' wave='2' gate='none' kind='service' replicas='1' window='0' parameters='PORT' pull='missing'
"#;

/// A folder with everything; gone afterwards.
pub(crate) struct FakeTarget {
    folder: tempfile::TempDir,
}

impl FakeTarget {
    pub(crate) fn new(releases: &Releases) -> Self {
        // In memory where there is such a place: a walk makes thousands of small files.
        let place = Path::new("/dev/shm");
        let folder = if place.is_dir() { tempfile::tempdir_in(place) } else { tempfile::tempdir() };
        let target = Self { folder: folder.expect("a temporary folder") };
        for folder in ["bin", "engine/answers", "home", "secrets", "work"] {
            fs::create_dir_all(target.path(folder)).expect("a writable folder");
        }
        let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::copy(sources.join("tests/entrypoint/docker"), target.path("bin/docker"))
            .expect("the fake docker is copied");
        fs::set_permissions(target.path("bin/docker"), fs::Permissions::from_mode(0o755)).expect("it can be run");
        target.write("engine/calls", "");
        for release in 0..releases.compatible.len() {
            target.write_image(release, releases, &sources.join("templates/entrypoint"));
        }
        target
    }

    /// What the bootstrap image of a release holds.
    fn write_image(&self, release: usize, releases: &Releases, entrypoint: &Path) {
        let root = format!("image-{release}");
        for folder in ["driver", "migrations", "environments/production"] {
            fs::create_dir_all(self.path(&root).join(folder)).expect("a writable folder");
        }
        for part in ["bin", "lib"] {
            symlink(entrypoint.join(part), self.path(&root).join(part)).expect("a link is made");
        }
        for driver in ["driver/compose", "driver/docker"] {
            for file in fs::read_dir(entrypoint.join(driver)).expect("a driver has files") {
                let file = file.expect("a file").path();
                let name = file.file_name().expect("a file has a name");
                symlink(&file, self.path(&root).join("driver").join(name)).expect("a link is made");
            }
        }
        let about = format!(
            "format='1'\nproject='shop'\nversion='1.{release}.0'\nplatform='compose'\nreference='walk:1.{release}.0'\n\
             bootsmith_version='0.1.0'\nspec_digest='sha256:00ff'\nenvironments='production'\ndefault_environment='production'\n"
        );
        self.write(&format!("{root}/release"), &about);
        let mut records = RELEASE.to_owned();
        for migration in 1..=release {
            let fact = |name: &str, holds: bool| if holds { format!(" {name}='yes'") } else { String::new() };
            let facts = fact("compatible", releases.compatible[migration])
                + &fact("idempotent", releases.idempotent[migration]);
            writeln!(
                records,
                "migration 'm{migration}' release='1.{migration}.0' service='database' mode='exec' content='c{migration}' \
                 up='m{migration}.up' down='m{migration}.down'{facts} -- 'psql' 'm{migration}' '{{file}}'"
            )
            .expect("a text grows");
            for way in ["up", "down"] {
                self.write(&format!("{root}/migrations/m{migration}.{way}"), way);
            }
        }
        self.write(&format!("{root}/environments/production/release"), &records);
        self.write(&format!("{root}/environments/production/portability"), "");
        self.write(
            &format!("{root}/environments/production/compose.yaml"),
            "services:\n  database:\n    image: x\n  web:\n    image: x\n",
        );
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a writable folder");
    }
}

impl Target for FakeTarget {
    fn set_weather(&mut self, weather: &Weather) {
        fs::remove_dir_all(self.path("engine/answers")).expect("it is there");
        fs::create_dir(self.path("engine/answers")).expect("a writable folder");
        for (release, crashes) in weather.crashes.iter().enumerate() {
            let state = if *crashes { "exited|1|0||no" } else { "running|0|0||no" };
            let web = container("c2", "web", "@WEB@", state);
            let after = container("c1", "database", "@DATABASE@", "running|0|0||no") + &web;
            self.write(&format!("engine/after.8{release}"), &after);
            self.write("engine/after", &after);
        }
        let mut number = 0;
        for (migration, script) in weather.scripts.iter().enumerate() {
            let (code, output) = match script {
                Script::Runs => continue,
                Script::Fails => ("fail7", "ERROR: no such table\n"),
                Script::Refused => ("126", "OCI runtime exec failed: exec: \"psql\": executable file not found\n"),
            };
            number += 1;
            self.write(&format!("engine/answers/{number}.pattern"), &format!("exec *psql m{migration} *"));
            self.write(&format!("engine/answers/{number}.code"), code);
            self.write(&format!("engine/answers/{number}.output"), output);
        }
        let _ = fs::remove_file(self.path("engine/steps"));
        let _ = fs::remove_file(self.path("engine/kill-at"));
        if let Some(step) = weather.killed_before {
            self.write("engine/kill-at", &format!("{}\n", step + 1));
        }
    }

    fn run(&mut self, image: Release, words: &[&str]) -> Seen {
        let root = self.path(&format!("image-{image}"));
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("sh");
        command.arg(root.join("bin/bootstrap")).args(words).env_clear().env("PATH", path);
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("work")).env("BOOTSTRAP_ROOT", &root);
        command.env("BOOTSTRAP_SECRETS", self.path("secrets")).env("FAKE_DOCKER", self.path("engine"));
        // What goes back takes what was recorded.
        if matches!(words[0], "up" | "upgrade" | "migrate") {
            command.env("PORT", format!("8{image}"));
        }
        // A kill takes what it started along, and nothing of ours.
        command.process_group(0).stdin(Stdio::null());
        let seen = Seen::from(command.output().expect("a shell starts"));
        // What `unlock --force` would free.
        let _ = fs::remove_file(self.path("engine/lock"));
        seen
    }

    fn run_again_and_again(&mut self, image: Release, words: &[&str]) -> Seen {
        self.run(image, words)
    }

    fn runs_of(&self, migration: usize) -> Option<usize> {
        let calls = fs::read_to_string(self.path("engine/calls")).expect("calls are noted");
        Some(calls.lines().filter(|call| call.contains(&format!("[psql][m{migration}]"))).count())
    }

    fn is_fake(&self) -> bool {
        true
    }
}

/// A line of the engine's table of containers. The state: status, exit code, restarts, health, restart policy.
fn container(id: &str, service: &str, digest: &str, state: &str) -> String {
    let name = format!("shop-production-{service}-1");
    format!(
        "{id}|{service}|{digest}|{state}|2024-01-01T00:00:00Z|sha256:1234|{service}:1|/{name}|||net n1|1|hash|0 0\n"
    )
}
