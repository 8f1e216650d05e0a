# The driver for Kubernetes, part: what it must be allowed. permission_list is the one list: the Role of in-cluster.yaml is all of it, and what a
# command needs of it is asked of the authorizer before the command begins. BROUGHT stands for the resources of the objects that a release brings as they are.
#
# Takes in:  the command, the release's hooks and migrations. Gives out: faults that name what is missing.
# Must not:  ask for what a command can do without.

# WHEN|VERBS|RESOURCES, a resource as RESOURCE.GROUP. WHEN is a class of `needed_classes`; `hints` is asked for by no command, for without it the
# command does as well, and says less. A test compares the list with the requests of every scenario.
readonly permission_list='
look|list|deployments.apps statefulsets.apps daemonsets.apps jobs.batch cronjobs.batch pods configmaps
secrets|list|secrets
records|get|secrets
logs|get|pods pods/log
write|get create patch delete|deployments.apps statefulsets.apps daemonsets.apps jobs.batch cronjobs.batch
write|delete|pods
names|list|services ingresses.networking.k8s.io networkpolicies.networking.k8s.io poddisruptionbudgets.policy
names|list|horizontalpodautoscalers.autoscaling serviceaccounts persistentvolumeclaims
write|get create patch delete|services ingresses.networking.k8s.io networkpolicies.networking.k8s.io poddisruptionbudgets.policy
write|get create patch delete|horizontalpodautoscalers.autoscaling serviceaccounts persistentvolumeclaims
write|get create patch delete|configmaps secrets leases.coordination.k8s.io
records|list|BROUGHT
write|get create patch delete|BROUGHT
exec|get create|pods/exec
hints|get|namespaces
hints|list|events services ingresses.networking.k8s.io
hints|watch|deployments.apps statefulsets.apps daemonsets.apps persistentvolumeclaims'

# Everything that the command will ask for is asked of the authorizer at once: what `kubectl auth can-i` does, many times.
check_permissions() {
    needed_permissions | while read -r asked_verb asked_kind; do
        write_access_review "$asked_verb" "$asked_kind"
    done | cluster create --validate=false -o go-template="$access_template" -f - >"$work/allowed" 2>"$work/complaint" &
    child=$!
    wait_for_child || add_fault "permissions cannot be asked for: $(complaint)"
    # Kinds of which the same is missing are named together.
    permissions_missing=$(sed -n 's/ denied$//p' "$work/allowed" | sort -k 2,2 -k 1,1 |
        awk '{ verbs[$2] = verbs[$2] (verbs[$2] == "" ? "" : ",") $1; if (!seen[$2]++) kind[++kinds] = $2 }
            END {
                for (i = 1; i <= kinds; i++) {
                    if (!(verbs[kind[i]] in named)) group[++groups] = verbs[kind[i]]
                    named[verbs[kind[i]]] = named[verbs[kind[i]]] " " kind[i]
                }
                for (i = 1; i <= groups; i++) printf "%s%s of%s", (i == 1 ? "" : "; "), group[i], named[group[i]]
            }')
    [ -z "$permissions_missing" ] ||
        add_fault "permissions are missing in the namespace $target: $permissions_missing" \
            "$(permissions_hint)"
}

readonly access_template='{{with .spec.resourceAttributes}}{{.verb}} {{.resource}}{{with .group}}.{{.}}{{end}}{{with .subresource}}/{{.}}{{end}}{{end}}{{if .status.allowed}} allowed{{else}} denied{{end}}{{"\n"}}'

# Nodes and users are nothing that the product's own operator needs.
permissions_hint() {
    case $command/$script_call in
    nodes/ | users/) echo 'whoever administers the cluster has them' ;;
    *) echo "the Role in environments/$environment_name/kubernetes/in-cluster.yaml of this image holds what is needed" ;;
    esac
}

# Prints VERB RESOURCE.GROUP lines, each once.
needed_permissions() {
    case $command/$script_call in
    nodes/) needed_node_permissions && return 0 ;;
    users/) needed_user_permissions && return 0 ;;
    esac
    printf '%s\n' "$permission_list" | sed "s/BROUGHT\$/$(own_addition_resources | tr '\n' ' ')/" | awk -F '|' -v classes="$(needed_classes)" '
        index(" " classes " ", " " $1 " ") {
            verbs = split($2, verb, " "); kinds = split($3, kind, " ")
            for (i = 1; i <= kinds; i++) for (j = 1; j <= verbs; j++) if (!asked[verb[j], kind[i]]++) print verb[j], kind[i]
        }'
}

# Looking needs nothing of a Secret, so who may only look (`users add --role view`) need not be allowed to read them.
needed_classes() {
    case $command in
    ps | images) echo look ;;
    logs) echo look logs ;;
    history) echo look secrets ;;
    plan) echo look secrets records names ;;
    *)
        echo look secrets records names logs write
        ! runs_in_services || echo exec
        ;;
    esac | tr '\n' ' '
}

# Whether the script at hand, or else a hook or a migration of the release, is run in a service that is up.
runs_in_services() {
    if [ -n "$script_call" ]; then
        [ "$script_mode" = exec ]
    else
        in_services=''
        for_each hook note_hook_in_service
        for_each migration note_migration_in_service
        [ -n "$in_services" ]
    fi
}

note_hook_in_service() { # POINT SCRIPT
    { load_script "$2" && [ "$script_mode" = exec ]; } || return 0
    in_services=yes
}

note_migration_in_service() {
    parse_migration "$@"
    [ "$migration_mode" != exec ] || in_services=yes
}

write_access_review() { # VERB RESOURCE.GROUP
    asked_sub='' asked_group='' asked_resource=$2
    case $2 in */*) asked_sub=${2#*/} asked_resource=${2%%/*} ;; esac
    case $asked_resource in *.*) asked_group=${asked_resource#*.} asked_resource=${asked_resource%%.*} ;; esac
    printf -- '---\napiVersion: authorization.k8s.io/v1\nkind: SelfSubjectAccessReview\nspec:\n  resourceAttributes: '
    printf '{namespace: "%s", verb: "%s", group: "%s", resource: "%s", subresource: "%s"}\n' "$target" "$1" \
        "$asked_group" "$asked_resource" "$asked_sub"
}
