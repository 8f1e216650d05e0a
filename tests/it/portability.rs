//! Every row of the table of portability is used by a spec of the gallery, on every platform that can do it, and what is native or emulated
//! there is seen in what the gallery shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use bootsmith::host;
use bootsmith::plan::{Platform, Row, Verdict, features};

use super::gallery::{Exhibit, exhibits, selection};

/// What is used of the table on a platform, with everything that the gallery shows of the exhibits that use it.
type Shown = BTreeMap<(Platform, String), String>;

/// The files of an exhibit in which a feature can be seen: manifests and release data.
fn manifests(exhibit: &Exhibit) -> String {
    let entries = walkdir::WalkDir::new(exhibit.folder.join("environments")).sort_by_file_name();
    let files = entries.into_iter().map(|entry| entry.expect("a readable folder").into_path());
    let is_seen = |path: &std::path::Path| {
        path.extension().is_some_and(|extension| extension == "yaml") || path.ends_with("release")
    };
    files.filter(|path| path.is_file() && is_seen(path)).map(|path| fs::read_to_string(path).expect("UTF-8")).collect()
}

fn shown() -> Shown {
    let mut shown = Shown::new();
    for exhibit in exhibits() {
        let (_, prepared) = host::prepare(&exhibit.spec, &selection(exhibit.platform))
            .unwrap_or_else(|failure| panic!("{}: {failure:?}", exhibit.spec.display()));
        let text = manifests(&exhibit);
        let by_platform = prepared.plan.portability.values().filter_map(|judged| judged.get(&exhibit.platform));
        let used: BTreeSet<_> = by_platform.flatten().map(|judged| judged.row.feature()).collect();
        for feature in used {
            shown.entry((exhibit.platform, feature)).or_default().push_str(&text);
        }
    }
    shown
}

#[test]
fn every_row_is_used_where_it_is_possible_and_seen_where_it_means_something() {
    let shown = shown();
    let mut faults = Vec::new();
    for row in features() {
        for platform in Platform::ALL {
            faults.extend(assert_shown(row, *platform, &shown));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is missing of a row on a platform.
fn assert_shown(row: &Row, platform: Platform, shown: &Shown) -> Option<String> {
    let feature = row.feature();
    let verdict = row.verdict(platform);
    if matches!(verdict, Verdict::Impossible { .. }) {
        return None;
    }
    let Some(text) = shown.get(&(platform, feature.clone())) else {
        return Some(format!("{}: no spec of the gallery uses `{feature}`", platform.name()));
    };
    if matches!(verdict, Verdict::Lossy { .. }) {
        return None;
    }
    let sight = sight(row, platform);
    (!text.contains(&sight)).then(|| format!("{}: `{feature}` is not seen as `{sight}`", platform.name()))
}

/// How a feature looks in the manifest of a platform. A new platform is one more arm, and a list of its own below.
fn sight(row: &Row, platform: Platform) -> String {
    let own = match platform {
        Platform::Compose => COMPOSE,
        Platform::Swarm => SWARM,
        Platform::Kubernetes => KUBERNETES,
    };
    let feature = row.feature();
    let listed = |list: &[(&str, &'static str)]| {
        let by_name = list.iter().find(|(name, _)| *name == feature);
        by_name.or_else(|| list.iter().find(|(name, _)| *name == row.path)).map(|(_, sight)| (*sight).to_owned())
    };
    listed(own).or_else(|| listed(EVERYWHERE)).unwrap_or_else(|| {
        let key = row.path.rsplit('.').find(|key| *key != "*").unwrap_or(row.path);
        format!("{key}:")
    })
}

/// What the entrypoint does, or what is decided at build, looks the same on every platform. An empty text is seen nowhere: there is nothing to see.
const EVERYWHERE: &[(&str, &str)] = &[
    ("services.*.env_file", "FROM_FILE"),
    ("services.*.profiles", "debugger"),
    ("services.*.depends_on", "wave='2'"),
    ("services.*.depends_on.*.required", "wave='2'"),
    ("services.*.deploy.replicas", "replicas='4'"),
    ("services.*.deploy.update_config.monitor", "window='20'"),
    ("services.*.restart: of a job", "kind='job'"),
    ("services.*.pull_policy = \"always\"", "pull='always'"),
    ("services.*.pull_policy = \"missing\" | \"if_not_present\"", "pull='missing'"),
    ("services.*.configs.*.uid: another than root", "uid='1000'"),
    ("services.*.configs.*.gid: another than root", "gid='1000'"),
    ("services.*.configs.*.mode", "mode='0440'"),
    ("services.*.secrets.*.uid: another than root", "uid='1000'"),
    ("services.*.secrets.*.gid: another than root", "gid='1000'"),
    ("services.*.secrets.*.mode", "mode='0400'"),
    ("secrets.*.host-file", "/etc/ssl/portable.pem"),
    ("parameters.*", "parameter 'LEVEL'"),
    ("scripts.*: in the running service", "script 'look' mode='exec'"),
    ("scripts.*: in the bootstrap container", "script 'here' mode='bootstrap'"),
    ("scripts.*: in a container of its own", "script 'check' mode='run'"),
    ("scripts.*: in a container of its own, with data as output", "script 'dump' mode='run'"),
    ("scripts.*: in a container of its own, with input", "script 'restore' mode='run'"),
    ("hooks", "hook 'pre-stop' 'look'"),
];

const COMPOSE: &[(&str, &str)] = &[
    ("services.*.pull_policy = \"never\"", "pull='never'"),
    ("services.*.depends_on.*.restart = true", "restart: true"),
    ("services.*.deploy.mode = \"replicated\"", "${BOOTSMITH_REPLICAS_WEB}"),
    ("services.*.deploy.mode = \"global\"", "global='yes'"),
    ("services.*.deploy.mode = \"replicated-job\"", "kind='job'"),
    ("services.*.deploy.mode = \"global-job\"", "kind='job'"),
    ("services.*.deploy.restart_policy.condition: of a job", "kind='job'"),
    ("services.*.configs", "${BOOTSMITH_CONFIG_FILE_PATH}"),
    ("services.*.secrets", "${BOOTSMITH_SECRET_KEY_PATH}"),
    ("configs.*.file", "${BOOTSMITH_CONFIG_FILE_PATH}"),
    ("configs.*.directory", "${BOOTSMITH_CONFIG_FOLDER_PATH}"),
    ("configs.*.content", "${BOOTSMITH_CONFIG_INLINE_PATH}"),
    ("secrets.*.parameter", "${BOOTSMITH_SECRET_KEY_PATH}"),
];

const SWARM: &[(&str, &str)] = &[
    ("services.*.restart", "restart_policy:"),
    ("services.*.expose", ""),
    ("services.*.cpus", "cpus: \"0.75\""),
    ("services.*.mem_limit", "memory: 128m"),
    ("services.*.mem_reservation", "memory: 32m"),
    ("services.*.pids_limit", "pids: 50"),
    // What is not so by default is left out, and so is what nobody reads.
    ("services.*.privileged = false", ""),
    ("services.*.ipc = \"private\" | \"none\" | \"shareable\"", ""),
    ("services.*.volumes.*.bind.create_host_path = \"false\"", ""),
    ("services.*.volumes.*.bind.create_host_path = false", ""),
    ("services.*.ports.*.app_protocol", ""),
    ("services.*.tmpfs", "type: tmpfs"),
    ("networks.*.driver = \"bridge\"", "driver: overlay"),
    ("configs.*.file", "config-file:"),
    ("configs.*.directory", "config-folder"),
    ("configs.*.content", "config-inline:"),
    ("secrets.*.parameter", "secret-key:"),
];

const KUBERNETES: &[(&str, &str)] = &[];
