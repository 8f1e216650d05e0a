//! The release before, read from its tarball.

use std::path::Path;

use semver::Version;

use crate::inspect;
use crate::plan::{PreviousRelease, ReleasedMigration};
use crate::render::{EnvironmentOverview, OVERVIEW_PATH, Overview};

use super::{Failure, HostError};

/// What a tarball of a release says of its migrations.
pub fn read_previous(tarball: &Path) -> Result<PreviousRelease, Failure> {
    let unreadable = |error| Failure::Previous(Box::new(error));
    let bytes = inspect::open(tarball).and_then(|archive| archive.payload_file(OVERVIEW_PATH)).map_err(unreadable)?;
    let overview = bytes.and_then(|bytes| serde_json::from_slice::<Overview>(&bytes).ok());
    let release = overview.and_then(|overview| {
        let version = Version::parse(&overview.version).ok()?;
        let migrations = overview.environments.into_iter().map(released).collect();
        Some(PreviousRelease { project: overview.project, version, migrations })
    });
    release.ok_or_else(|| HostError::NoRelease(tarball.to_owned()).into())
}

fn released(environment: EnvironmentOverview) -> (String, Vec<ReleasedMigration>) {
    let migrations = environment.migrations.into_iter().map(|migration| ReleasedMigration {
        name: migration.name,
        release: migration.release,
        content: migration.content,
    });
    (environment.name, migrations.collect())
}
