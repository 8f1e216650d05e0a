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

const KUBERNETES: &[(&str, &str)] = &[
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
    ("services.*.init = false", ""),
    ("services.*.stdin_open", "stdin: true"),
    ("services.*.stop_grace_period", "terminationGracePeriodSeconds: 40"),
    ("services.*.restart: always or unless-stopped", "kind: Deployment"),
    ("services.*.pull_policy = \"always\"", "imagePullPolicy: Always"),
    ("services.*.pull_policy = \"never\"", "imagePullPolicy: Never"),
    ("services.*.pull_policy = \"missing\" | \"if_not_present\"", "imagePullPolicy: IfNotPresent"),
    ("services.*.platform", "kubernetes.io/arch: amd64"),
    ("services.*.runtime", "runtimeClassName: runsc"),
    ("services.*.healthcheck.test", "readinessProbe:"),
    ("services.*.healthcheck.interval", "periodSeconds: 10"),
    ("services.*.healthcheck.timeout", "timeoutSeconds: 4"),
    ("services.*.healthcheck.retries", "failureThreshold: 7"),
    ("services.*.healthcheck.start_period", "startupProbe:"),
    ("services.*.healthcheck.start_interval", "periodSeconds: 3"),
    ("services.*.healthcheck.disable", ""),
    ("services.*.cpus", "cpu: 750m"),
    ("services.*.mem_limit", "memory: 128Mi"),
    ("services.*.mem_reservation", "memory: 32Mi"),
    ("services.*.shm_size", "mountPath: /dev/shm"),
    ("services.*.sysctls", "net.ipv4.tcp_keepalive_time"),
    ("services.*.read_only", "readOnlyRootFilesystem: true"),
    ("services.*.privileged = true", "privileged: true"),
    ("services.*.privileged = false", ""),
    ("services.*.cap_add", "NET_ADMIN"),
    ("services.*.cap_drop", "drop:"),
    ("services.*.security_opt.*: no-new-privileges", "allowPrivilegeEscalation: false"),
    ("services.*.security_opt.*: apparmor, label, or seccomp unconfined", "localhostProfile: products"),
    ("services.*.group_add.*: a number", "supplementalGroups:"),
    ("services.*.userns_mode = \"host\"", "hostUsers: true"),
    ("services.*.pid = \"host\"", "hostPID: true"),
    ("services.*.ipc = \"host\"", "hostIPC: true"),
    ("services.*.ipc = \"private\" | \"none\" | \"shareable\"", ""),
    ("services.*.deploy.mode = \"replicated\"", "kind: Deployment"),
    ("services.*.deploy.mode = \"global\"", "kind: DaemonSet"),
    ("services.*.deploy.mode = \"replicated-job\"", "kind: Job"),
    ("services.*.deploy.labels", "cost-centre: shop"),
    ("services.*.deploy.endpoint_mode = \"vip\"", "type: ClusterIP"),
    ("services.*.deploy.endpoint_mode = \"dnsrr\"", "clusterIP: None"),
    ("services.*.deploy.placement.constraints.*", "key: zone"),
    ("services.*.deploy.placement.preferences.*.spread", "topologyKey: rack"),
    ("services.*.deploy.placement.max_replicas_per_node: enough for all replicas", ""),
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
    ("services.*.deploy.update_config.failure_action = \"pause\"", ""),
    ("services.*.deploy.update_config.failure_action = \"rollback\"", ""),
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
    ("services.*.volumes.*.consistency", ""),
    ("services.*.volumes.*.bind.create_host_path = true", "hostPath:"),
    ("services.*.volumes.*.volume.nocopy", ""),
    ("services.*.volumes.*.volume.subpath", "subPath: tool"),
    ("services.*.volumes.*.tmpfs.size", "sizeLimit: 1Mi"),
    ("services.*.tmpfs", "medium: Memory"),
    ("volumes.*.driver = \"local\"", "PersistentVolumeClaim"),
    ("volumes.*.external = true", "claimName: shelf"),
    ("networks.*.driver = \"bridge\"", "name: network-front"),
    ("networks.*.driver = \"overlay\"", "name: network-wide"),
    ("networks.*.internal", "name: network-back"),
    ("networks.*.attachable", ""),
    ("services.*.configs", "configMap:"),
    ("services.*.secrets", "secretName:"),
    ("configs.*.file", "${BOOTSMITH_NAME_CONFIG_FILE}"),
    ("configs.*.directory", "projected:"),
    ("configs.*.content", "${BOOTSMITH_NAME_CONFIG_INLINE}"),
    ("secrets.*.parameter", "${BOOTSMITH_NAME_SECRET_KEY}"),
    ("secrets.*.external = true", "secretName: certificate"),
];
