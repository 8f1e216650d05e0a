//! The chapter of what the entrypoint does by itself: parameters, scripts, hooks, migrations, upgrades, and the scripts for nodes and users.

use super::rows;

rows! {
    "parameters.*" {
        compose emulated "the entrypoint reads them, and hands them over"
        swarm emulated "the entrypoint reads them, and hands them over"
        kubernetes emulated "the entrypoint reads them, and hands them over"
    }
    "scripts.*" where RUNS_IN_THE_SERVICE {
        compose native
        swarm emulated "in a replica on the node that the entrypoint talks to"
        kubernetes native
    }
    "scripts.*" where RUNS_HERE { compose native swarm native kubernetes native }
    "scripts.*" where RUNS_APART {
        compose native
        swarm emulated "a job of the swarm, whose log is the output"
        kubernetes emulated "a Job of the cluster, whose log is the output"
    }
    "scripts.*" where RUNS_APART_WITH_DATA {
        compose native
        swarm impossible "the log of a job is its only output, and not binary clean" "use `mode = \"exec\"`"
        kubernetes native
    }
    "scripts.*" where RUNS_APART_WITH_INPUT {
        compose native
        swarm impossible "a job of a swarm has no standard input" "use `mode = \"exec\"`"
        kubernetes native
    }
    "scripts.*.schedule" where SCHEDULED_APART {
        compose lossy "nobody starts it: `explain` of the image shows the line for a crontab" "install that line on a host that reaches the engine"
        swarm lossy "nobody starts it: `explain` of the image shows the line for a crontab" "install that line on a host that reaches a manager"
        kubernetes native
    }
    "scripts.*.schedule" where SCHEDULED_ELSEWHERE {
        compose lossy "nobody starts it: `explain` of the image shows the line for a crontab" "install that line on a host that reaches the engine"
        swarm lossy "nobody starts it: `explain` of the image shows the line for a crontab" "install that line on a host that reaches a manager"
        kubernetes impossible "a CronJob has a pod of its own" "use `mode = \"run\"`"
    }
    "hooks" {
        compose emulated "the entrypoint runs them"
        swarm emulated "the entrypoint runs them"
        kubernetes emulated "the entrypoint runs them"
    }
    "migrations.*" where MIGRATES_APART {
        compose native
        swarm emulated "a job of the swarm, with the file as a config"
        kubernetes emulated "a Job of the cluster, with the file in a ConfigMap"
    }
    "migrations.*" where MIGRATES_IN_THE_SERVICE {
        compose native
        swarm emulated "in a replica on the node that the entrypoint talks to, with the file as standard input"
        kubernetes native
    }
    "upgrade" {
        compose emulated "the entrypoint compares it with what is recorded on the target"
        swarm emulated "the entrypoint compares it with what is recorded on the target"
        kubernetes emulated "the entrypoint compares it with what is recorded on the target"
    }
    "nodes" {
        compose lossy "the engine itself is the only node: `nodes create` and `nodes delete` are refused"
            "keep it to environments of Swarm and Kubernetes"
        swarm emulated "the entrypoint runs the scripts"
        kubernetes emulated "the entrypoint runs the scripts"
    }
    "users" {
        compose emulated "the entrypoint runs the scripts"
        swarm emulated "the entrypoint runs the scripts"
        kubernetes emulated "the entrypoint runs the scripts"
    }
}
