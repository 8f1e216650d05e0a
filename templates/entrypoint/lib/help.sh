# Help: what each command does, how it is called, and the shell function `alias` prints.
#
# Takes in:  the release's names and where we can see that the engine is. Gives out: text on standard output.
# Must not:  ask the engine.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

command_help() {
    if [ $# -eq 0 ]; then
        show_overview
    else
        # shellcheck disable=SC2086 # a list of words
        has_word "$commands status diff" "$1" || refuse_usage "unknown command \`$1\`" "$(near_hint "$1" commands $commands)"
        show_help "$1"
    fi
}

show_overview() {
    printf '%s %s%s\n\n' "$project" "$version" "${description:+: $description}"
    printf 'usage: bootstrap <command> [environment] [arguments]\n\ncommands:\n'
    for help_command in $commands; do
        printf '  %-9s %s\n' "$help_command" "$(summary_of "$help_command")"
    done
    printf '\nenvironments: %s\n' "$environments"
    [ -z "$default_environment" ] || printf 'default environment: %s\n' "$default_environment"
    cat <<'END'

options:
  --yes          no questions
  --dry-run      print what would be done, write nothing
  --timeout N    seconds to wait for services to become ready (default: 300)
  --output json  machine-readable: doctor, history, images, migrate --list, nodes list, plan, ps, run --list, users list, version
  --quiet, --verbose, --help, --version
  --             ends options
  short: -f --follow, -h --help, -o --output, -q --quiet, -y --yes

exit codes: 0 done · 1 fault of this image · 2 usage · 3 refused, nothing changed
            4 failed, previous revision restored · 5 failed, not restored · 6 migration failed, services untouched
            75 someone else holds the lock · 129, 130, 143 interrupted · run: the script's own
END
    printf '\nThe shell function `bootstrap` is printed by:\n  docker run --rm %s alias\n' "$(quote_word "$reference")"
}

show_help() {
    printf 'usage: bootstrap %s\n\n%s\n' "$(usage_of "$1")" "$(summary_of "$1")"
    help_options=$(options_of "$1")
    [ -z "$help_options" ] || printf '\noptions:\n'
    for option in $help_options; do
        printf '  %-20s %s\n' "$(option_usage "$option")" "$(option_summary "$1" "$option")"
    done
    [ -z "$(actions_of "$1")" ] || show_actions "$1"
    [ "$1" != run ] || cat <<'END'

Words after the script's name are the script's own, options too; the first of them may be the environment.
Standard input and output are the script's: `run backup production > file`, `run restore production < file`.
END
}

# What the first word of `nodes` and `users` may be. COMMAND
show_actions() {
    printf '\nactions:\n'
    for help_action in $(actions_of "$1"); do
        printf '  %-24s %s\n' "$(action_usage "$1 $help_action")" "$(action_summary "$1 $help_action")"
    done
    "show_${1}_examples"
}

action_usage() {
    case $1 in
    'nodes label') echo 'label NODE KEY=VALUE… | KEY-' ;;
    'nodes join') echo 'join' ;;
    'nodes create') echo 'create [arguments]' ;;
    'nodes delete') echo 'delete NODE [arguments]' ;;
    *\ list) echo 'list' ;;
    nodes\ *) echo "${1#* } NODE" ;;
    'users add') echo 'add NAME --role ROLE' ;;
    users\ *) echo "${1#* } NAME" ;;
    esac
}

action_summary() {
    case $1 in
    'nodes list') echo 'the nodes, their state and labels' ;;
    'nodes drain') echo 'moves what runs on a node to others, and waits for it' ;;
    'nodes activate') echo 'lets a drained node take work again' ;;
    'nodes label') echo 'sets or removes labels, which placements ask for' ;;
    'nodes remove') echo 'takes a node that is drained or down out of the cluster' ;;
    'nodes join') echo 'prints the command that makes a machine a node; it holds a token' ;;
    'nodes create') echo 'makes a machine with the script of the release' ;;
    'nodes delete') echo 'unmakes a machine with the script of the release' ;;
    'users list') echo 'the users and their roles' ;;
    'users add') echo 'makes a user, or changes its role' ;;
    'users remove') echo 'removes a user; what was handed out to it ends' ;;
    esac
}

show_nodes_examples() {
    cat <<'END'

examples:
  nodes list production --output json
  nodes label production node-2 type=frontend zone-
  nodes drain production node-2 --timeout 600
  nodes join production --role worker

What follows `create`, and the node of `delete`, goes to the script: its options too. Ours stand before the action.
END
}

show_users_examples() {
    cat <<'END'

examples:
  users add production anna --role edit > anna.kubeconfig
  users remove production anna

The scripts of the release come first: they manage the product's own users, get NAME and what follows `--`, and see the
role as BOOTSMITH_ROLE. Without any, Kubernetes makes users of the product's namespace: view, edit or admin.
END
}

summary_of() {
    case $1 in
    help) echo 'this text, or the help of one command' ;;
    version) echo 'the release, its digest, and the tools found' ;;
    alias) echo 'prints a shell function that calls this image' ;;
    explain) echo 'what is in this image: services, parameters, scripts' ;;
    doctor) echo 'checks engine, parameters, secrets and logins; changes nothing' ;;
    config) echo 'prints the resolved manifest, secrets masked' ;;
    images) echo 'lists the images of the release' ;;
    pull) echo 'fetches all images of the release' ;;
    load) echo 'loads the images of a bundle from standard input' ;;
    up) echo 'brings the target to this release: first install or update' ;;
    upgrade) echo 'pull, then up, with the upgrade hooks around them' ;;
    plan | diff) echo 'what up would change, service by service; changes nothing' ;;
    migrate) echo 'runs the pending migrations alone' ;;
    downgrade) echo 'takes migrations back, then deploys a recorded older release' ;;
    rollback) echo 'deploys a recorded revision again; runs no migration' ;;
    history) echo 'the recorded revisions: what, when, by whom, how it ended' ;;
    stop) echo 'stops the services, keeps their containers' ;;
    start) echo 'starts stopped services, in order' ;;
    restart) echo 'restarts all services, or those named' ;;
    scale) echo 'sets the number of replicas; a later up keeps it' ;;
    ps | status) echo 'the state of every service' ;;
    logs) echo 'the logs of all services, or of those named' ;;
    run) echo 'runs a maintenance script' ;;
    nodes) echo 'lists, drains, labels, adds and removes the nodes of the cluster' ;;
    users) echo 'lists, adds and removes users' ;;
    down) echo 'removes the product; data only with --volumes --yes' ;;
    forget) echo 'leaves a recorded revision behind, also one that cannot be read' ;;
    unlock) echo 'tells who holds the lock; frees it with --force' ;;
    esac
}

usage_of() {
    case $1 in
    help) echo 'help [command]' ;;
    version | alias) echo "$1" ;;
    restart | logs) echo "$1 [environment] [service…]" ;;
    scale) echo 'scale [environment] SERVICE=N… | SERVICE=default' ;;
    rollback) echo 'rollback [environment] [REVISION]' ;;
    forget) echo 'forget [environment] REVISION' ;;
    downgrade) echo 'downgrade [environment] VERSION' ;;
    run) echo 'run [environment] SCRIPT [arguments] | run --list' ;;
    nodes) echo 'nodes [environment] ACTION [NODE] [arguments]' ;;
    users) echo 'users [environment] ACTION [NAME] [-- arguments]' ;;
    *) echo "$1 [environment]" ;;
    esac
}

option_usage() {
    case $1 in
    --timeout) echo '--timeout SECONDS' ;;
    --since) echo '--since INSTANT' ;;
    --tail) echo '--tail LINES' ;;
    --lock-wait) echo '--lock-wait SECONDS' ;;
    --output) echo '--output json' ;;
    --role) echo '--role ROLE' ;;
    --context) echo '--context NAME' ;;
    --message) echo '--message TEXT' ;;
    --migrated) echo '--migrated VERSION' ;;
    *) echo "$1" ;;
    esac
}

option_summary() { # COMMAND OPTION
    case $1$2 in
    down--yes) echo 'no question; with --volumes: yes, delete the data' ;;
    stop--yes) echo 'no question' ;;
    nodes--yes) echo 'no question; drain, remove and delete ask one on a terminal' ;;
    users--yes) echo 'no question; remove asks one on a terminal' ;;
    nodes--timeout) echo 'drain: seconds to wait for the node to become empty (default: 300)' ;;
    nodes--role) echo 'join: worker (default) or manager' ;;
    users--role) echo 'add: view, edit or admin; with a script, any word' ;;
    nodes--output | users--output) echo 'list: one JSON document instead of text' ;;
    *--yes) echo 'no question; this command asks none, but all that write take it' ;;
    *--dry-run) echo 'print what would be done, write nothing' ;;
    *--timeout) echo 'seconds to wait for services to become ready (default: 300)' ;;
    *--output) echo 'one JSON document instead of text' ;;
    rollback--check) echo 'say whether it would work, and why not; change nothing' ;;
    *--check) echo 'ask whether each image is present or can be pulled' ;;
    *--volumes) echo 'delete the data volumes too; needs --yes' ;;
    *--follow) echo 'go on until interrupted' ;;
    *--since) echo 'no older lines: 10m, or 2024-02-29T08:00:00' ;;
    *--tail) echo 'the last lines of each only' ;;
    migrate--list) echo 'list the migrations: which ran, and which are pending' ;;
    *--list) echo 'list the scripts' ;;
    downgrade--retry) echo 'take back a migration again that could not be' ;;
    *--retry) echo 'run a migration again that failed or was interrupted' ;;
    *--message) echo 'why, for the history' ;;
    *--adopt) echo 'take over what runs or is stored under the name of the product and has no ledger; with --migrated' ;;
    *--migrated) echo 'the release whose migrations have run already' ;;
    *--without-backup) echo 'do not ask for the backup that the release wants' ;;
    *--exit-code) echo '0: nothing would change, 10: something would' ;;
    *--context) echo 'the context of the kubeconfig (default: its current one)' ;;
    *--take-over) echo 'overwrite fields that somebody else changed' ;;
    *--lock-wait) echo 'seconds to wait for a command that holds the lock (default: 0)' ;;
    *--force) echo 'free the lock, whoever holds it' ;;
    esac
}

# The function of this image, with what can be seen of the way it was called: socket, DOCKER_HOST, logins, TLS. The
# parameters are handed through by name, so that no value stands on a command line.
command_alias() {
    printf 'bootstrap() { t=-i; [ -t 0 ] && [ -t 1 ] && t=-it; docker run --rm $t'
    alias_engine
    printf ' -e BOOTSMITH_OPERATOR="$(id -un)@$(hostname)"'
    [ ! -f "${DOCKER_CONFIG:-${HOME:-/root}/.docker}/config.json" ] ||
        printf ' -v "$HOME/.docker/config.json:%s:ro"' "${DOCKER_CONFIG:-${HOME:-/root}/.docker}/config.json"
    alias_parameters
    printf ' %s "$@"; }\n' "$(quote_word "$reference")"
}

alias_engine() {
    if [ "$platform" = kubernetes ]; then
        printf ' -v "${KUBECONFIG:-$HOME/.kube/config}:/kubeconfig:ro" -e KUBECONFIG=/kubeconfig'
        return 0
    fi
    case ${DOCKER_HOST:-} in
    '') printf ' -v /var/run/docker.sock:/var/run/docker.sock' ;;
    unix://*) printf ' -e DOCKER_HOST=%s -v %s:%s' "$(quote_word "$DOCKER_HOST")" \
        "$(quote_word "${DOCKER_HOST#unix://}")" "$(quote_word "${DOCKER_HOST#unix://}")" ;;
    *)
        case $DOCKER_HOST in *://127.* | *://localhost* | *'://[::1]'*) printf ' --network host' ;; esac
        printf ' -e DOCKER_HOST=%s' "$(quote_word "$DOCKER_HOST")"
        [ -z "${DOCKER_TLS_VERIFY:-}" ] || printf ' -e DOCKER_TLS_VERIFY=%s' "$(quote_word "$DOCKER_TLS_VERIFY")"
        [ -z "${DOCKER_CERT_PATH:-}" ] ||
            printf ' -e DOCKER_CERT_PATH=%s -v "$HOME/.docker:%s:ro"' "$(quote_word "$DOCKER_CERT_PATH")" "$(quote_word "$DOCKER_CERT_PATH")"
        ;;
    esac
}

alias_parameters() {
    alias_names=''
    for alias_environment in $environments; do
        load_environment "$alias_environment"
        for_each parameter keep_alias_parameter
    done
    for alias_name in $alias_names; do
        printf ' -e %s' "$alias_name"
    done
}

keep_alias_parameter() {
    has_word "$alias_names" "$1" || alias_names="$alias_names $1"
}
