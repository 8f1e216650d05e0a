# The driver for Kubernetes, part: objects that change without a service (lib/additions.sh).
#
# One of ours carries the digest of its definition as an annotation. Their kinds are those that bootsmith renders, those of the release, and
# those that a record of the ledger names: what an earlier release brought is found when this one has nothing of the kind.
#
# Takes in:  the `addition` records, the ledger. Gives out: tables of what is there; objects on the cluster.
# Must not:  look for a kind that the cluster does not know, or remove a claim: that is data.
# shellcheck disable=SC2016 # dollars of the template; backquotes in messages are quotation marks

readonly addition_template='{{range .items}}{{$kind := .kind}}{{$version := .apiVersion}}{{$name := .metadata.name}}{{$labels := .metadata.labels}}{{$kind}}/{{$name}}|{{with .metadata.annotations}}
{{- with index . "io.bootsmith.definition"}}{{.}}{{with $labels}}{{with index . "io.bootsmith.config-digest"}}-{{.}}{{end}}{{end}}{{end}}{{end}}|{{$version}}{{"\n"}}{{end}}'

# Of every kind that bootsmith renders as an addition.
readonly own_addition_kinds='networkpolicies.networking.k8s.io poddisruptionbudgets.policy horizontalpodautoscalers.autoscaling serviceaccounts persistentvolumeclaims'

# Prints the resources of what the loaded release brings, each once.
own_addition_resources() {
    for_each addition show_addition_resource | sort -u
}

show_addition_resource() {
    parse_addition "$@"
    [ -n "$addition_own" ] || printf '%s\n' "$addition_resource"
}

# Prints those that records of the ledger name and this release does not.
earlier_addition_resources() {
    own_addition_resources >"$work/own-resources"
    [ ! -f "$work/records" ] || awk -F '|' '$2 == "ledger" { print $23 }' "$work/records" | tr ' ' '\n' | sed '/^$/d' | sort -u |
        grep -vxF -f "$work/own-resources"
}

# $work/addition-resources: all of them, as far as the cluster knows them. Whoever works by the Role of this release need not be allowed to look
# for what an earlier one brought.
read_addition_resources() {
    earlier_addition_resources >"$work/earlier-resources"
    : >"$work/addition-resources"
    [ -s "$work/own-resources" ] || [ -s "$work/earlier-resources" ] || return 0
    list_known_resources || return 1
    grep -xF -f "$work/known-resources" "$work/own-resources" >"$work/addition-resources"
    for earlier_resource in $(grep -xF -f "$work/known-resources" "$work/earlier-resources"); do
        if capture "$work/answer" cluster get "$earlier_resource" --selector "$(our_labels)" -o name; then
            printf '%s\n' "$earlier_resource" >>"$work/addition-resources"
        else
            warn "whether $earlier_resource of an earlier release are left is not known: $(complaint)"
        fi
    done
}

list_known_resources() {
    capture "$work/known-resources" cluster api-resources --namespaced --verbs=list -o name
}

# $work/additions.found: name | digest | object as kubectl deletes it.
find_additions() {
    read_addition_resources || return 1
    found_resources=$(printf '%s\n' $own_addition_kinds | cat - "$work/addition-resources" | awk '!seen[$0]++' | tr '\n' ',')
    capture "$work/answer" cluster get "${found_resources%,}" --selector "$(our_labels),io.bootsmith.kind notin (in-cluster,oneoff,user,ledger)" \
        -o go-template="$addition_template" || return 1
    for_each addition show_addition_name >"$work/addition-names"
    awk -F '|' -v OFS='|' '
        FILENAME == ARGV[1] { wanted[$1] = 1; next }
        # What an earlier image made has no digest, and a claim outlives the release that had it.
        !($1 in wanted) && ($2 == "" || $1 ~ /^PersistentVolumeClaim\//) { next }
        {
            split($1, name, "/"); group = ""
            if (match($3, /[/]/)) group = "." substr($3, 1, RSTART - 1)
            print $1, $2, tolower(name[1]) group "/" name[2]
        }' "$work/addition-names" "$work/answer" >"$work/additions.found"
}

show_addition_name() {
    printf '%s\n' "$1"
}

driver_list_additions() {
    find_additions && cut -d '|' -f 1,2 "$work/additions.found"
}

# SECONDS first|last
driver_apply_additions() {
    capture_seconds=$1
    case $2 in
    first) apply_first_additions ;;
    last) apply_as bootsmith "$work/answer" -f "$work/manifests/_schedules.yaml" ;;
    esac
    additions_status=$?
    capture_seconds=''
    return "$additions_status"
}

apply_first_additions() {
    set --
    for additions_manifest in common _availability _additions; do
        [ ! -f "$work/manifests/$additions_manifest.yaml" ] || set -- "$@" -f "$work/manifests/$additions_manifest.yaml"
    done
    apply_as bootsmith "$work/answer" "$@" || return 1
    common_applied=yes
}

# Those that the rehearsal of this release did not name. Needs $work/kept.
remove_old_additions() {
    find_additions || return 1
    cut -d '|' -f 3 "$work/additions.found" >"$work/listed"
    # shellcheck disable=SC2046 # a list of names
    remove_objects $(grep -vxF -f "$work/kept" "$work/listed")
}

# Kinds that the cluster must know before anything is written.
check_addition_resources() {
    own_addition_resources >"$work/own-resources"
    [ -s "$work/own-resources" ] || return 0
    list_known_resources ||
        { add_fault "the kinds of the cluster cannot be listed: $(complaint)" && return 0; }
    for checked_resource in $(grep -vxF -f "$work/known-resources" "$work/own-resources"); do
        add_fault "the cluster has no resource \`$checked_resource\` in namespaces, of which the release brings objects" \
            'let its administrator install what defines them'
    done
}

# Objects that have the name of one of ours and were made by somebody else, in the fields of lib/whose.sh.
list_addition_namesakes() {
    read_names addition
    addition_names=$record_names
    [ -n "$addition_names" ] || return 0
    read_addition_resources || return 1
    [ -s "$work/addition-resources" ] || return 0
    capture "$work/whose" cluster get "$(tr '\n' ',' <"$work/addition-resources" | sed 's/,$//')" -o go-template="$whose_template" || return 1
    awk -F '|' -v OFS='|' -v project="$project" -v environment="$environment_name" -v names=" $addition_names " '
        NF < 5 || ($3 == project && $4 == environment) { next }
        index(names, " " $1 "/" $2 " ") { print tolower($1), $2, $3, $4, "", $5, "" }' "$work/whose"
}
