//! Every row of the table of portability is used by a spec of the gallery, on every platform that can do it, and what is native or emulated
//! there is seen in what the gallery shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bootsmith::diagnostic::Code;
use bootsmith::host::{self, Failure};
use bootsmith::pipeline::PrepareError;
use bootsmith::plan::{Platform, Row, Verdict, features};

use super::gallery::{Exhibit, exhibits, selection};

/// What is used of the table on a platform, with everything that the gallery shows of the exhibits that use it.
type Shown = BTreeMap<(Platform, String), String>;

/// The files of an exhibit in which a feature can be seen: manifests and release data.
fn manifests(exhibit: &Exhibit) -> String {
    let entries = walkdir::WalkDir::new(exhibit.folder.join("environments")).sort_by_file_name();
    let files = entries.into_iter().map(|entry| entry.expect("a readable folder").into_path());
    let is_seen =
        |path: &Path| path.extension().is_some_and(|extension| extension == "yaml") || path.ends_with("release");
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
    match sight(row, platform) {
        Sight::Shown(sight) => {
            (!text.contains(&sight)).then(|| format!("{}: `{feature}` is not seen as `{sight}`", platform.name()))
        }
        Sight::LeftOut(sight) => {
            text.contains(&sight).then(|| format!("{}: `{feature}` is seen as `{sight}`", platform.name()))
        }
    }
}

/// How a feature looks in the manifests of a platform.
enum Sight {
    /// It is there.
    Shown(String),
    /// It is not: it says what is so without it, or nobody reads it there.
    LeftOut(String),
}

/// A feature or key, and a text of the manifests.
type Sights = &'static [(&'static str, &'static str)];

/// What a platform shows in its own way, and what it does not show. A new platform is one more arm, and lists of its own below.
fn sights(platform: Platform) -> (Sights, Sights) {
    match platform {
        Platform::Compose => (COMPOSE, &[]),
        Platform::Swarm => (SWARM, LEFT_OUT_ON_SWARM),
        Platform::Kubernetes => (KUBERNETES, LEFT_OUT_ON_KUBERNETES),
    }
}

fn sight(row: &Row, platform: Platform) -> Sight {
    let feature = row.feature();
    let listed = |list: Sights| {
        let by_name = list.iter().find(|(name, _)| *name == feature);
        by_name.or_else(|| list.iter().find(|(name, _)| *name == row.path)).map(|(_, sight)| (*sight).to_owned())
    };
    let (own, left_out) = sights(platform);
    if let Some(sight) = listed(left_out) {
        return Sight::LeftOut(sight);
    }
    Sight::Shown(listed(own).or_else(|| listed(EVERYWHERE)).unwrap_or_else(|| {
        let key = row.path.rsplit('.').find(|key| *key != "*").unwrap_or(row.path);
        format!("{key}:")
    }))
}

#[test]
fn every_sight_is_that_of_a_row() {
    let names: BTreeSet<_> = features().flat_map(|row| [row.feature(), row.path.to_owned()]).collect();
    let of_platforms = Platform::ALL.iter().map(|platform| sights(*platform));
    let lists = of_platforms.flat_map(|(own, left_out)| [own, left_out]).chain([EVERYWHERE]);
    for (name, sight) in lists.flatten() {
        assert!(names.contains(*name), "the table has no row `{name}`");
        assert!(sight.len() > 2, "`{name}` has a sight that is everywhere");
    }
}

/// What is impossible on a platform is refused there, in a spec of the gallery that another platform takes.
#[test]
fn what_is_impossible_is_refused_in_a_spec_of_the_gallery() {
    let specs: BTreeSet<_> = exhibits().into_iter().map(|exhibit| exhibit.spec).collect();
    for platform in Platform::ALL {
        let refused: Vec<_> = specs.iter().flat_map(|spec| refusals(spec, *platform)).collect();
        for row in features() {
            let Verdict::Impossible { reason, .. } = row.verdict(*platform) else { continue };
            let key = row.path.strip_prefix("services.*.").unwrap_or(row.path);
            let is_said = |message: &&String| message.starts_with(&format!("`{key}")) && message.ends_with(reason);
            assert!(refused.iter().any(|message| is_said(&message)), "{}: `{}`", platform.name(), row.feature());
        }
    }
}

/// What is said to be impossible in a spec on a platform.
fn refusals(spec: &Path, platform: Platform) -> Vec<String> {
    match host::prepare(spec, &selection(platform)) {
        Err(Failure::Prepare { error: PrepareError::Input(diagnostics), .. }) => {
            let impossible = diagnostics.errors().filter(|error| error.code == Code::IMPOSSIBLE);
            impossible.map(|error| error.message.clone()).collect()
        }
        Err(failure) => panic!("{}: {failure:?}", spec.display()),
        Ok(_) => Vec::new(),
    }
}

/// What the entrypoint does, or what is decided at build, looks the same on every platform.
const EVERYWHERE: Sights = &[
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
    ("migrations.*: in a container of its own", "migration 'prepare' release='0.9.0' service='web' mode='run'"),
    ("migrations.*: in the running service", "migration 'fill' release='1.0.0' service='web' mode='exec'"),
    ("upgrade", "upgrade from='>=0.9.0 <0.10.0' backup='save' backup_age='86400' rollback='no'"),
    ("nodes", "nodes create='here'"),
    ("users", "list='look'"),
];

const COMPOSE: Sights = &[
    ("services.*: a name with capitals or `_`, or one that begins with a digit", "  \"No\":"),
    ("services.*: a name with dots, or one that ends in a sign", "  My_Web.1:"),
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

const SWARM: Sights = &[
    ("services.*: a name with capitals or `_`, or one that begins with a digit", "  \"No\":"),
    ("services.*: a name with dots, or one that ends in a sign", "  My_Web-1:"),
    ("services.*.restart", "restart_policy:"),
    ("services.*.cpus", "cpus: \"0.75\""),
    ("services.*.mem_limit", "memory: 128m"),
    ("services.*.mem_reservation", "memory: 32m"),
    ("services.*.pids_limit", "pids: 50"),
    ("services.*.tmpfs", "type: tmpfs"),
    ("networks.*.driver = \"bridge\"", "driver: overlay"),
    ("configs.*.file", "config-file:"),
    ("configs.*.directory", "config-folder"),
    ("configs.*.content", "config-inline:"),
    ("secrets.*.parameter", "secret-key:"),
];

const KUBERNETES: Sights = &[
    ("services.*.command", "args:"),
    ("services.*.command: with a parameter", "$(LEVEL)"),
    ("services.*.entrypoint", "command:"),
    ("services.*.entrypoint: with a parameter", "$(LEVEL)"),
    ("services.*.environment", "env:"),
    ("services.*.environment: with a parameter", "secretKeyRef:"),
    ("services.*.working_dir", "workingDir: /srv"),
    ("services.*.user", "runAsUser: 1000"),
    ("services.*.hostname", "hostname: front"),
    ("services.*.labels", "tier: front"),
    ("services.*.annotations", "owner: web"),
    ("services.*.stdin_open", "stdin: true"),
    ("services.*.stop_grace_period", "terminationGracePeriodSeconds: 40"),
    ("services.*.restart: always or unless-stopped", "kind: Deployment"),
    ("services.*.pull_policy = \"always\"", "imagePullPolicy: Always"),
    ("services.*.pull_policy = \"never\"", "imagePullPolicy: Never"),
    ("services.*.pull_policy = \"missing\" | \"if_not_present\"", "imagePullPolicy: IfNotPresent"),
    ("services.*.platform", "kubernetes.io/arch: amd64"),
    ("services.*.runtime", "runtimeClassName: runsc"),
    ("services.*.healthcheck.test: a command", "readinessProbe:"),
    ("services.*.healthcheck.interval", "periodSeconds: 10"),
    ("services.*.healthcheck.timeout", "timeoutSeconds: 4"),
    ("services.*.healthcheck.retries", "failureThreshold: 7"),
    ("services.*.healthcheck.start_period", "startupProbe:"),
    ("services.*.healthcheck.start_interval", "periodSeconds: 3"),
    ("services.*.cpus", "cpu: 750m"),
    ("services.*.mem_limit", "memory: 128Mi"),
    ("services.*.mem_reservation", "memory: 32Mi"),
    ("services.*.shm_size", "mountPath: /dev/shm"),
    ("services.*.sysctls", "net.ipv4.tcp_keepalive_time"),
    ("services.*.read_only", "readOnlyRootFilesystem: true"),
    ("services.*.privileged = true", "privileged: true"),
    ("services.*.cap_add", "NET_ADMIN"),
    ("services.*.cap_drop", "drop:"),
    ("services.*.security_opt.*: no-new-privileges", "allowPrivilegeEscalation: false"),
    ("services.*.security_opt.*: apparmor, label, or seccomp unconfined", "localhostProfile: products"),
    ("services.*.group_add.*: a number", "supplementalGroups:"),
    ("services.*.userns_mode", "hostUsers: true"),
    ("services.*.pid = \"host\"", "hostPID: true"),
    ("services.*.ipc = \"host\"", "hostIPC: true"),
    ("services.*.deploy.mode = \"replicated\"", "kind: Deployment"),
    ("services.*.deploy.mode = \"global\"", "kind: DaemonSet"),
    ("services.*.deploy.mode = \"replicated-job\"", "kind: Job"),
    ("services.*.deploy.labels", "cost-centre: shop"),
    ("services.*.deploy.endpoint_mode = \"vip\"", "type: ClusterIP"),
    ("services.*.deploy.endpoint_mode = \"dnsrr\"", "clusterIP: None"),
    ("services.*.deploy.placement.constraints.*", "key: zone"),
    ("services.*.deploy.placement.preferences.*.spread", "topologyKey: rack"),
    ("services.*.deploy.placement.max_replicas_per_node: one, of several replicas", "podAntiAffinity:"),
    ("services.*.deploy.resources.limits.cpus", "cpu: 500m"),
    ("services.*.deploy.resources.limits.memory", "memory: 256Mi"),
    ("services.*.deploy.resources.reservations.cpus", "cpu: 250m"),
    ("services.*.deploy.resources.reservations.memory", "memory: 64Mi"),
    ("services.*.deploy.restart_policy.condition: any, of a service that is no job", "kind: Deployment"),
    ("services.*.deploy.restart_policy.condition: of a job", "backoffLimit: 4"),
    ("services.*.deploy.restart_policy.max_attempts: of a job", "backoffLimit: 4"),
    ("services.*.deploy.update_config.order = \"stop-first\"", "maxUnavailable: 1"),
    ("services.*.deploy.update_config.order: start-first, of a service without named volumes", "maxSurge: 2"),
    ("services.*.deploy.update_config.parallelism", "maxSurge: 2"),
    ("services.*.networks", "name: network-front"),
    ("services.*.networks.*.aliases", "name: www"),
    ("services.*.network_mode = \"host\"", "hostNetwork: true"),
    ("services.*.network_mode = \"none\"", "name: default-deny"),
    ("services.*.dns_search", "searches:"),
    ("services.*.dns_opt", "name: ndots"),
    ("services.*.extra_hosts", "hostAliases:"),
    ("services.*.expose", "port: 9001"),
    ("services.*.ports.*: one published number", "port: 8090"),
    ("services.*.ports.*: without a published number", "port: 9443"),
    ("services.*.ports.*.mode = \"ingress\"", "port: 8090"),
    ("services.*.ports.*.protocol", "protocol: UDP"),
    ("services.*.ports.*.app_protocol", "appProtocol: dns"),
    ("services.*.volumes.*", "PersistentVolumeClaim"),
    ("services.*.volumes.*.type = \"volume\" | \"bind\"", "PersistentVolumeClaim"),
    ("services.*.volumes.*.type = \"tmpfs\"", "medium: Memory"),
    ("services.*.volumes.*.read_only", "readOnly: true"),
    ("services.*.volumes.*.bind.create_host_path = true", "hostPath:"),
    ("services.*.volumes.*.volume.subpath", "subPath: tool"),
    ("services.*.volumes.*.tmpfs.size", "sizeLimit: 1Mi"),
    ("services.*.tmpfs", "medium: Memory"),
    ("volumes.*.driver = \"local\"", "PersistentVolumeClaim"),
    ("volumes.*.external = true", "claimName: shelf"),
    ("networks.*.driver = \"bridge\"", "name: network-front"),
    ("networks.*.driver = \"overlay\"", "name: network-wide"),
    ("networks.*.internal", "name: network-back"),
    ("services.*.configs", "configMap:"),
    ("services.*.secrets", "secretName:"),
    ("configs.*.file", "${BOOTSMITH_NAME_CONFIG_FILE}"),
    ("configs.*.directory", "projected:"),
    ("configs.*.content", "${BOOTSMITH_NAME_CONFIG_INLINE}"),
    ("secrets.*.parameter", "${BOOTSMITH_NAME_SECRET_KEY}"),
    ("secrets.*.external = true", "secretName: certificate"),
];

/// A stack is silent of these: its networks open all ports, and the rest is so by default, or read by nobody.
const LEFT_OUT_ON_SWARM: Sights = &[
    ("services.*.expose", "expose:"),
    ("services.*.privileged = false", "privileged:"),
    ("services.*.ipc = \"private\" | \"none\" | \"shareable\"", "ipc:"),
    ("services.*.volumes.*.bind.create_host_path = false", "create_host_path:"),
    ("services.*.ports.*.app_protocol", "app_protocol:"),
];

/// Kubernetes has no key for these: they are so by default, the entrypoint does them, or they mean nothing there.
const LEFT_OUT_ON_KUBERNETES: Sights = &[
    ("services.*.init = false", "init:"),
    ("services.*.healthcheck.test: switched off", "disable:"),
    ("services.*.healthcheck.disable: switched off", "disable:"),
    ("services.*.privileged = false", "privileged: false"),
    ("services.*.ipc = \"private\" | \"none\" | \"shareable\"", "ipc:"),
    ("services.*.deploy.placement.max_replicas_per_node: enough for all replicas", "max_replicas_per_node:"),
    ("services.*.deploy.update_config.failure_action = \"pause\"", "failure_action:"),
    ("services.*.deploy.update_config.failure_action = \"rollback\"", "failure_action:"),
    ("services.*.volumes.*.consistency", "consistency:"),
    ("services.*.volumes.*.volume.nocopy", "nocopy:"),
    ("networks.*.attachable", "attachable:"),
];
