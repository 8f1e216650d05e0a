//! Which keys of a service no manifest of a platform has, compared with the portability table: what is left out is said there.
//!
//! These lists decide nothing. They are what the renderers do not read, written down, so that a key that is new in the table has to be
//! rendered or listed, and none is listed that the table calls native.

use std::collections::BTreeSet;

use crate::plan::{Platform, Row, Verdict, features};

use super::swarm::{KEPT, REWRITTEN};

/// Keys of one engine's host, which neither a stack nor Kubernetes has.
const OF_ONE_ENGINE: &[&str] = &[
    "blkio_config",
    "cgroup",
    "cgroup_parent",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpuset",
    "device_cgroup_rules",
    "devices",
    "domainname",
    "gpus",
    "mac_address",
    "mem_swappiness",
    "memswap_limit",
    "oom_kill_disable",
    "storage_opt",
    "uts",
];

/// What else a stack does not take, or `docker stack deploy` ignores.
const BY_SWARM: &[&str] = &[
    "annotations",
    "dns_opt",
    "group_add",
    "ipc",
    "network_mode",
    "pid",
    "platform",
    "privileged",
    "runtime",
    "security_opt",
    "shm_size",
    "userns_mode",
];

/// What else Kubernetes has no word for.
const BY_KUBERNETES: &[&str] =
    &["init", "isolation", "logging", "oom_score_adj", "pids_limit", "stop_signal", "ulimits"];

/// What the plan decides, or the entrypoint does: it is in the release data, if anywhere.
const DECIDED: &[&str] = &["depends_on", "env_file", "expose", "profiles", "pull_policy"];

/// Every key of a service in the table.
fn judged() -> BTreeSet<&'static str> {
    let below = features().filter_map(|row| row.path.strip_prefix("services.*."));
    below.map(|path| path.split('.').next().unwrap_or(path)).collect()
}

/// What a key of the table comes to on a platform, row by row.
fn verdicts(platform: Platform, key: &str) -> Vec<(String, Verdict)> {
    let is_of = |row: &&Row| row.path.starts_with("services.") && row.path.split('.').nth(2) == Some(key);
    features().filter(is_of).map(|row| (row.feature(), row.verdict(platform))).collect()
}

/// Whether a row is done by nobody, or says what is so by default.
fn needs_no_key((feature, verdict): &(String, Verdict)) -> bool {
    const DEFAULT: &str = "services.*.ipc = \"private\" | \"none\" | \"shareable\"";
    match verdict {
        Verdict::Lossy { .. } | Verdict::Impossible { .. } => true,
        Verdict::Native => feature.ends_with(" = false") || feature == DEFAULT,
        Verdict::Emulated(_) => false,
    }
}

/// Whether a platform does nothing of a key, whatever its value.
fn is_denied(platform: Platform, key: &str) -> bool {
    let is_done = |verdict: &Verdict| matches!(verdict, Verdict::Native | Verdict::Emulated(_));
    !verdicts(platform, key).iter().any(|(_, verdict)| is_done(verdict))
}

#[test]
fn every_key_has_one_fate_in_a_stack() {
    let lists = [KEPT, REWRITTEN, OF_ONE_ENGINE, BY_SWARM, DECIDED];
    let keys: BTreeSet<_> = lists.into_iter().flatten().copied().collect();
    assert_eq!(keys.len(), lists.iter().map(|list| list.len()).sum::<usize>(), "no key stands in two lists");
    assert_eq!(keys, judged());
}

#[test]
fn what_is_left_out_is_what_the_table_denies() {
    // The servers of `dns` are written, though the cluster's own is asked first.
    for (platform, own, written) in
        [(Platform::Swarm, BY_SWARM, &[][..]), (Platform::Kubernetes, BY_KUBERNETES, &["dns"])]
    {
        let left_out: BTreeSet<_> = OF_ONE_ENGINE.iter().chain(own).copied().collect();
        for key in &left_out {
            let verdicts = verdicts(platform, key);
            let is_said = !verdicts.is_empty() && verdicts.iter().all(needs_no_key);
            assert!(is_said, "`{key}` is left out on {}: {verdicts:?}", platform.title());
        }
        let denied: BTreeSet<_> = judged().into_iter().filter(|key| is_denied(platform, key)).collect();
        let kept: Vec<_> = denied.difference(&left_out).filter(|key| !written.contains(*key)).collect();
        assert!(kept.is_empty(), "{} takes none of {kept:?}, but they are not listed", platform.title());
    }
}
