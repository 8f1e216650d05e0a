# The Docker Engine, for the drivers that use one: reachable, new enough, logged in; images, lists of objects, logs.
#
# Takes in:  the engine that the docker CLI is pointed at. Gives out: faults, tables in $work, the variables that are named.
# Must not:  know Compose or Swarm.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly engine_api_minimum=1.41  # Engine 20.10, the oldest this was tried on

# Compares as many numbers as MINIMUM has; what stands behind the number of a part does not count. VERSION MINIMUM
is_version_at_least() {
    version_left=$1. minimum_left=$2.
    while [ -n "$minimum_left" ]; do
        version_part=${version_left%%.*} minimum_part=${minimum_left%%.*}
        version_part=${version_part%%[!0-9]*}
        [ "${version_part:-0}" -eq "$minimum_part" ] || break
        version_left=${version_left#*.} minimum_left=${minimum_left#*.}
    done
    [ -z "$minimum_left" ] || [ "${version_part:-0}" -gt "$minimum_part" ]
}

check_docker_engine() {
    if capture_seconds=20 capture "$work/engine" docker version --format '{{.Server.Version}} {{.Server.APIVersion}}'; then
        read -r engine_version engine_api <"$work/engine"
        is_version_at_least "$engine_api" "$engine_api_minimum" ||
            add_fault "the engine is too old: $engine_version (API $engine_api)" "API $engine_api_minimum is needed: Docker Engine 20.10 or newer"
        # shellcheck disable=SC2034 # read by doctor_check
        check_note="Docker $engine_version, API $engine_api${DOCKER_HOST:+, $DOCKER_HOST}"
    else
        add_fault "the engine does not answer: $(complaint)" "$(engine_hint)"
    fi
}

# Asks by API: what is not Docker counts its releases in another way. Needs the requirement_ variables.
check_engine_requirement() {
    is_version_at_least "$engine_api" "$requirement_api" ||
        add_requirement_fault "Docker Engine" "$engine_version" "update the engine, or leave the key out of the release"
}

# Refuses the ports of $work/ports that somebody else has. Standard input: ID, NAME and PORTS between bars, the ports as docker shows them:
# `0.0.0.0:8080-8081->80-81/tcp, :::8080->80/tcp, *:443->443/tcp, 90/tcp`; and the target that it is of, if it is of one: what bears our target's name
# is judged by whose.sh. OWN is a table whose lines begin with the ids of what is ours. OWN
refuse_ports_of_others() {
    awk -F '|' -v own="$1" -v target="$target" '
    BEGIN { while ((getline line <own) > 0) { split(line, field, "|"); ours[field[1]] = 1 } }
    {
        if ($4 == target) next
        for (id in ours) if (index(id, $1) == 1) next
        total = split($3, entry, /, */)
        for (i = 1; i <= total; i++) {
            if (!match(entry[i], /->/)) continue
            before = substr(entry[i], 1, RSTART - 1); behind = substr(entry[i], RSTART + 2)
            ports = before; sub(/.*:/, "", ports)
            address = substr(before, 1, length(before) - length(ports) - 1)
            gsub(/[][]/, "", address)
            last = split(ports, port, "-")
            sub(/.*\//, "", behind)
            print $2, address == "" ? "*" : address, port[1], port[last], behind
        }
    }' >"$work/ports.taken"
    refuse_taken_ports
}

engine_hint() {
    case $(cat "$work/complaint") in
    *[Pp]ermission\ denied*) permission_hint ;;
    *'"ssh"'* | *ssh*'executable file not found'*) echo 'this image has no ssh: forward the socket of that engine (ssh -L /tmp/engine.sock:/var/run/docker.sock HOST) and mount it, or use tcp:// with TLS' ;;
    *'context '*'not found'* | *'context '*'does not exist'*) echo 'a docker context is a file of your machine: give what it says as -e DOCKER_HOST=…' ;;
    *'API version'* | *'client version'*) echo 'engine and docker CLI do not speak a common API version: use a bootstrap image with another base' ;;
    *x509* | *[Tt][Ll][Ss]*) echo 'check DOCKER_TLS_VERIFY and the files in DOCKER_CERT_PATH (ca.pem, cert.pem, key.pem)' ;;
    *)
        if [ -n "${DOCKER_HOST:-}" ]; then
            echo "DOCKER_HOST is $DOCKER_HOST: is it right as seen from inside this container? (for 127.0.0.1: --network host)"
        else
            echo 'mount the socket: -v /var/run/docker.sock:/var/run/docker.sock, or give -e DOCKER_HOST=tcp://…'
        fi
        ;;
    esac
}

# Root of the container may be somebody else on the host, and labels may keep even root away.
permission_hint() {
    if [ "$(id -u)" -eq 0 ]; then
        echo 'the container runs as root already: where the engine remaps users add --userns host, with SELinux add --security-opt label=disable'
    else
        echo 'run the container as a user that may use the socket: --user 0, or --group-add with the socket'\''s group'
    fi
}

# Credential helpers that the mounted config.json names but this image does not have.
driver_check_logins() {
    login_file=${DOCKER_CONFIG:-${HOME:-/root}/.docker}/config.json
    check_note='no config.json mounted'
    [ -f "$login_file" ] || return 0
    check_note=$login_file
    for login_helper in $(credential_helpers "$login_file"); do
        command -v "docker-credential-$login_helper" >/dev/null ||
            add_fault "$login_file names the credential helper docker-credential-$login_helper, which is not in this image" \
                'log in with a config.json that holds the login itself, or pull on the host'
    done
}

# Prints the values of credsStore and credHelpers, one a line: small JSON, flattened to one line first.
credential_helpers() {
    {
        tr -d '\n\r\t' <"$1" | sed -n 's/.*"credsStore" *: *"\([A-Za-z0-9._-]*\)".*/\1/p'
        echo
        tr -d '\n\r\t' <"$1" | sed -n 's/.*"credHelpers" *: *{\([^}]*\)}.*/\1/p' | tr ',' '\n' |
            sed -n 's/.*: *"\([A-Za-z0-9._-]*\)" *$/\1/p'
    } | sort -u
}

driver_describe_disk() {
    if capture_seconds=10 capture "$work/answer" docker system df --format '{{.Type}} {{.Size}}'; then
        check_note=$(tr '\n' ',' <"$work/answer" | sed 's/,$//; s/,/, /g')
    else
        check_note='unknown'
    fi
}

# Lists by label, then inspects what was listed; what vanished in between is no fault. TABLE TYPE FORMAT COMMAND…
read_objects() {
    objects_table=$work/$1 objects_type=$2 objects_format=$3
    shift 3
    set -- "$@" --filter "label=io.bootsmith.project=$project" --filter "label=io.bootsmith.environment=$environment_name"
    for objects_try in 1 2 3; do
        capture "$work/names" "$@" || return 1
        : >"$objects_table"
        [ -s "$work/names" ] || return 0
        # shellcheck disable=SC2046 # a list of ids
        ! capture "$objects_table" docker "$objects_type" inspect --format "$objects_format" $(cat "$work/names") || return 0
        is_gone_meanwhile || return 1
        detail "the $objects_type list changed while it was read ($objects_try)"
    done
}

# Whether a list failed for something that was there a moment ago. A manager says of tasks and configs that they are not found.
is_gone_meanwhile() {
    grep -qi 'no such\|not found' "$work/complaint"
}

# $work/image-ids has what was asked: image | id | what registries know it by. It holds until the target is read again, or pulls.
forget_image_ids() {
    : >"$work/image-ids"
}

# Sets image_digests too. IMAGE
driver_read_image_id() {
    ! read_known_image "$1" || return 0
    image_id='' image_digests=''
    capture "$work/answer" docker image inspect --format '{{.Id}}{{range .RepoDigests}} {{.}}{{end}}' "$1" &&
        read -r image_id image_digests <"$work/answer" && printf '%s|%s|%s\n' "$1" "$image_id" "$image_digests" >>"$work/image-ids"
}

read_known_image() {
    [ -s "$work/image-ids" ] || return 1
    while IFS='|' read -r known_image image_id image_digests; do
        [ "$known_image" != "$1" ] || return 0
    done <"$work/image-ids"
    return 1
}

# Prints the digest that the registry of its name knows the image by, if it does: one of another name leads nowhere. IMAGE
driver_image_digest() {
    driver_read_image_id "$1" || return 1
    read_familiar_name "$1"
    for known_digest in $image_digests; do
        [ "${known_digest%%@*}" != "$familiar" ] || { printf '%s\n' "${known_digest#*@}" && return 0; }
    done
}

# Sets familiar to the name as the engine shows it: without tag, digest, and the registry and folder that are taken when none is named. IMAGE
read_familiar_name() {
    familiar=${1#docker.io/}
    familiar=${familiar#library/}
    familiar=${familiar%%@*}
    case ${familiar##*/} in *:*) familiar=${familiar%:*} ;; esac
}

# Whether a registry has the image: only its manifest is read. IMAGE
driver_is_pullable() {
    capture "$work/answer" docker manifest inspect "$1"
}

driver_pull() {
    forget_image_ids
    capture_long "the engine, which pulls $1" 3600 "$work/answer" docker pull --quiet "$1"
}

readonly load_seconds=86400 # a slow line is no fault

# What begins with first_byte and goes on on our standard input.
driver_load() {
    # shellcheck disable=SC2059 # one octal escape, made by us
    { printf "\\$first_byte" && exec cat; } <&3 | docker load --quiet >"$work/answer" 2>"$work/complaint" &
    child=$!
    waiting_for='the engine, which loads the bundle'
    wait_for_child_within "$load_seconds"
    load_status=$?
    waiting_for=''
    return "$load_status"
}

# Reads the target's clock once: engine and we may be different machines.
driver_read_clock() {
    if [ -z "${clock_ahead:-}" ]; then
        clock_ahead=0
        if capture "$work/answer" docker info --format '{{.SystemTime}}' && read_epoch "$(cat "$work/answer")"; then
            clock_ahead=$((epoch - $(date +%s)))
        fi
    fi
    target_clock=$(($(date +%s) + clock_ahead))
}

# Lines of a log on standard output, each with the name. With --follow until interrupted, several at once. False where its driver cannot be
# read, which is asked beforehand: what the engine says of it would look like a line of the product. NAME ID COMMAND…
follow_log() {
    logs_name=$1 logs_id=$2
    shift 2
    if ! capture "$work/answer" "$@" --tail 0 "$logs_id"; then
        warn "the log of $logs_name cannot be read: $(complaint)"
        return 1
    fi
    [ -z "$option_follow" ] || set -- "$@" --follow
    [ -z "$option_since" ] || set -- "$@" --since "$option_since"
    [ -z "$option_tail" ] || set -- "$@" --tail "$option_tail"
    mkfifo "$work/logs.$logs_name"
    "$@" "$logs_id" </dev/null >"$work/logs.$logs_name" 2>&1 &
    logs_readers="${logs_readers:-} $!"
    awk -v name="$logs_name" '{ print name " | " $0; fflush() }' <"$work/logs.$logs_name" &
    child=$!
    [ -n "$option_follow" ] || wait_for_child
}

# A script's command in a running container of this engine. ID WORD…
exec_in_container() {
    for script_variable in $(script_variables); do set -- -e "$script_variable" "$@"; done
    if [ -t 0 ] && [ -t 1 ] && [ -z "$script_input$script_output" ]; then set -- -t "$@"; fi
    run_with_input docker exec -i "$@"
}

# Whether the engine refused to begin a command in a container. The words of a lost connection are not among them: it may have begun. FILE
driver_is_exec_refused() {
    grep -Eq '^(Error response from daemon: |Error: No such container|OCI runtime exec failed: )' "$1"
}

# Prints the id of our own container when it runs on this engine: then others can see whether we are alive.
holder_on_engine() {
    [ -z "$lock_own_holder" ] ||
        ! capture "$work/answer" docker container inspect --format '{{.State.Running}}' "$lock_own_holder" ||
        printf '%s' "$lock_own_holder"
}

# Whether a container of this engine is not there, or does not run. ID
is_container_gone() {
    if capture "$work/answer" docker container inspect --format '{{.State.Running}}' "$1"; then
        [ "$(cat "$work/answer")" = false ]
    else
        grep -qi 'no such' "$work/complaint"
    fi
}

# What stands below the name of a service in a manifest, without what is before it. FILE SERVICE
subset_of_services() {
    subset_of_section "$1" services "$2"
}

# FILE SECTION NAME
subset_of_section() {
    awk -v among="$2:" -v wanted="$3" '
        /^[^ ]/ { section = $1; inside = 0; next }
        section == among && /^  [^ ]/ { name = $1; gsub(/:$|["\047]/, "", name); inside = (name "" == wanted); next }
        inside { print substr($0, 5) }' "$1"
}

# The fields of the ledger's table, as labels of an object of the engine. What the labels are called in the object.
ledger_format() { # .Labels | .Spec.Labels
    for ledger_field in $ledger_fields; do printf '|{{index %s "io.bootsmith.%s"}}' "$1" "$ledger_field"; done
}

readonly ledger_fields='entry revision at version command who message content name sequence target before'

# $work/ledger from the last fields of a table, of objects whose kind is `ledger`. TABLE NAME-FIELD FIRST-FIELD
read_ledger_of() {
    awk -F '|' -v OFS='|' -v name="$2" -v first="$3" '
        $first != "" {
            print $first, $(first + 1), $(first + 2), $(first + 3), $(first + 4), $(first + 5), $(first + 6), $(first + 7), $(first + 8), $name, \
                $(first + 9), $(first + 10), $(first + 11)
        }' "$work/$1" >"$work/ledger"
}

# A call with the labels of the entry at hand in place of `--`. It replaces the process: to be called in the background only. WORD… -- WORD…
with_ledger_labels() {
    with_labels_left=$# with_labels_done=''
    while [ "$with_labels_left" -gt 0 ]; do
        if [ "$1" = -- ] && [ -z "$with_labels_done" ]; then
            with_labels_done=yes
            set -- "$@" --label "io.bootsmith.project=$project" --label "io.bootsmith.environment=$environment_name" \
                --label io.bootsmith.kind=ledger --label "io.bootsmith.entry=$ledger_entry" --label "io.bootsmith.revision=$ledger_revision" \
                --label "io.bootsmith.at=$ledger_at" --label "io.bootsmith.version=$ledger_version" --label "io.bootsmith.command=$ledger_command" \
                --label "io.bootsmith.who=$ledger_who" --label "io.bootsmith.message=$ledger_message" \
                --label "io.bootsmith.content=$ledger_content" --label "io.bootsmith.name=$ledger_name" \
                --label "io.bootsmith.sequence=$ledger_sequence" --label "io.bootsmith.target=$ledger_target" --label "io.bootsmith.before=$ledger_before"
        else
            set -- "$@" "$1"
        fi
        shift
        with_labels_left=$((with_labels_left - 1))
    done
    exec "$@"
}

# Prints the names of the containers of this engine that use a network, or what is stored in a volume. KIND NAME
list_container_users() {
    case $1 in
    container) return 0 ;;
    network) capture "$work/users-of" docker network inspect --format '{{range .Containers}}{{.Name}}{{println}}{{end}}' "$2" ;;
    *) capture "$work/users-of" docker ps --all --filter "volume=$2" --format '{{.Names}}' ;;
    esac && sed '/^$/d' "$work/users-of"
}
