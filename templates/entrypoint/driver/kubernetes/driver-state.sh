# The driver for Kubernetes, part: what is there, as the tables of lib/state.sh.
#
# One call answers for all workloads and pods, as lines of key=value between tabs; texts of the cluster are quoted as Go does.
# A replica is a pod; pods that are on their way out, and pods that a controller has given up and replaced, are none.
# Of a job each completion is a replica, also when its pod is long gone. Several jobs of one service are releases of it: the
# wanted one counts, or else the newest.
#
# A container that a probe ends is unhealthy, whatever it ended with: the event of its end says so.
#
# Takes in:  the API server's answer. Gives out: $work/instances, $work/live, and for the driver itself $work/workloads:
#                kind | name | service | digest | replicas in the specification | replicas kept by `stop` | stopped | secrets it uses
#            and $work/pods: name | service | role | leaving | owner | phase
# Must not:  ask for the content of a secret.

# shellcheck disable=SC2016 # dollars of the template
readonly state_template='{{range .items}}
{{- $service := or (index .metadata.labels "io.bootsmith.service") ""}}
{{- "object="}}{{.kind}}{{"\t"}}name={{.metadata.name}}{{"\t"}}uid={{.metadata.uid}}{{"\t"}}service={{$service}}{{"\t"}}created={{.metadata.creationTimestamp}}
{{- "\t"}}digest={{or (index .metadata.labels "io.bootsmith.config-digest") ""}}{{"\t"}}role={{or (index .metadata.labels "io.bootsmith.kind") ""}}
{{- with .metadata.annotations}}{{"\t"}}kept={{or (index . "io.bootsmith.replicas") ""}}{{end}}
{{- range .status.conditions}}{{"\t"}}{{.type}}={{.status}}{{"\t"}}{{.type}}-since={{.lastTransitionTime}}{{"\t"}}{{.type}}-text={{printf "%q" (or .message .reason "")}}{{end}}
{{- if eq .kind "Pod"}}
{{- "\t"}}phase={{.status.phase}}{{with .metadata.deletionTimestamp}}{{"\t"}}leaving=yes{{end}}
{{- range .metadata.ownerReferences}}{{"\t"}}owner={{.kind}}/{{.name}}{{end}}
{{- range .spec.containers}}{{if eq .name $service}}{{"\t"}}image={{.image}}
{{- with .readinessProbe}}{{"\t"}}probe={{or .initialDelaySeconds 0}} {{or .periodSeconds 10}} {{or .failureThreshold 3}} {{or .timeoutSeconds 1}}{{end}}
{{- with .startupProbe}}{{"\t"}}startup={{or .initialDelaySeconds 0}} {{or .periodSeconds 10}} {{or .failureThreshold 3}} {{or .timeoutSeconds 1}}{{end}}
{{- with .livenessProbe}}{{"\t"}}liveness=yes{{end}}{{end}}{{end}}
{{- range .status.initContainerStatuses}}{{with .state.waiting}}{{"\t"}}waiting={{.reason}}{{"\t"}}waiting-text={{printf "%q" (or .message "")}}{{end}}{{end}}
{{- range .status.containerStatuses}}{{if eq .name $service}}{{"\t"}}restarts={{.restartCount}}
{{- with .state}}{{with .running}}{{"\t"}}running={{.startedAt}}{{end}}{{with .terminated}}{{"\t"}}ended={{.exitCode}}{{"\t"}}running={{.startedAt}}{{end}}
{{- with .waiting}}{{"\t"}}waiting={{.reason}}{{"\t"}}waiting-text={{printf "%q" (or .message "")}}{{end}}{{end}}
{{- with .lastState}}{{with .terminated}}{{"\t"}}last={{.exitCode}}{{end}}{{end}}{{end}}{{end}}
{{- else if eq .kind "CronJob"}}{{"\t"}}suspended={{or .spec.suspend ""}}
{{- else}}
{{- "\t"}}generation={{or .metadata.generation 0}}{{"\t"}}observed={{or .status.observedGeneration 0}}{{"\t"}}replicas={{or .spec.replicas 0}}
{{- "\t"}}made={{or .status.replicas 0}}{{"\t"}}updated={{or .status.updatedReplicas 0}}{{"\t"}}nodes={{or .status.desiredNumberScheduled 0}}
{{- "\t"}}updated-nodes={{or .status.updatedNumberScheduled 0}}{{"\t"}}completions={{or .spec.completions 1}}{{"\t"}}succeeded={{or .status.succeeded 0}}
{{- "\t"}}suspended={{or .spec.suspend ""}}{{with .spec.template.spec.nodeSelector}}{{"\t"}}parked={{or (index . "io.bootsmith.stopped") ""}}{{end}}
{{- range .spec.template.spec.containers}}{{if eq .name $service}}{{"\t"}}image={{.image}}{{end}}{{end}}
{{- "\t"}}uses={{range .spec.template.spec.volumes}}{{with .secret}}{{.secretName}} {{end}}{{with .projected}}{{range .sources}}{{with .secret}}{{.name}} {{end}}{{end}}{{end}}{{end}}
{{- end}}{{"\n"}}{{end}}'

# What workloads say, for drift.sh: service, and by tabs each trait as Go shows it. Jobs cannot be changed.
# shellcheck disable=SC2016 # dollars of the template
readonly trait_template='{{range .items}}{{$service := or (index .metadata.labels "io.bootsmith.service") ""}}
{{- $pod := .spec.template}}{{with .spec.jobTemplate}}{{$pod = .spec.template}}{{end}}{{$kept := ""}}{{with .metadata.annotations}}{{$kept = or (index . "io.bootsmith.replicas") ""}}{{end}}
{{- if and $service (not $kept)}}{{with $pod.spec}}{{$spec := .}}{{range .containers}}{{if eq .name $service}}{{$service}}
{{- "\t"}}{{.image}}{{"\t"}}{{printf "%q" (print .command .args)}}{{"\t"}}{{printf "%q" (print .env .envFrom)}}
{{- "\t"}}{{printf "%q" (print .volumeMounts $spec.volumes)}}{{"\t"}}{{printf "%q" (print .resources)}}
{{- "\t"}}{{printf "%q" (print $spec.nodeSelector $spec.affinity $spec.tolerations $spec.topologySpreadConstraints)}}{{"\t"}}{{printf "%q" (print .ports)}}
{{- "\t"}}{{printf "%q" (print .livenessProbe .readinessProbe .startupProbe)}}{{"\t"}}{{printf "%q" (print $spec)}}{{"\n"}}{{end}}{{end}}{{end}}{{end}}{{end}}'

# Lines of a table, with the names of services as the release declares them instead of those that they have on the cluster. SEPARATOR FIELD
declare_services() {
    awk -F "$1" -v OFS="$1" -v field="$2" -v objects="$work/objects" '
        BEGIN { while ((getline line <objects) > 0) { split(line, part, "|"); declared[part[1]] = part[2] } }
        $field in declared { $field = declared[$field] }
        { print }'
}

# A newer API server may fill in what an older one did not know.
driver_list_traits() {
    printf -- '-|tool|%s\n' "${server_version%.*}"
    # shellcheck disable=SC2086 # a list of kinds
    capture "$work/answer" cluster get "$(printf '%s\n' $workload_kinds | grep -v '^jobs\|^cronjobs' | tr '\n' ',' | sed 's/,$//')" \
        --selector "$(our_labels),io.bootsmith.kind!=in-cluster" -o go-template="$trait_template" || return 1
    declare_services '\t' 1 <"$work/answer" | awk -F '\t' -v OFS='|' '
        BEGIN { traits = split("- image command environment files limits placement ports healthcheck definition", trait, " ") }
        NF == traits { for (i = 2; i <= traits; i++) print $1, trait[i], $i }'
}

# Services of the types LoadBalancer and NodePort, and the hosts of Ingresses. Who may only look may not be allowed to list them.
# shellcheck disable=SC2016 # dollars of the template
readonly address_template='{{range .items}}{{$service := or (index .metadata.labels "io.bootsmith.service") ""}}{{if eq .kind "Ingress"}}
{{- $scheme := "http"}}{{with .spec.tls}}{{$scheme = "https"}}{{end}}
{{- range .spec.rules}}{{$host := or .host "*"}}{{with .http}}{{range .paths}}{{$service}}|{{$scheme}}://{{$host}}{{or .path "/"}}|{{"\n"}}{{end}}{{end}}{{end}}
{{- else}}{{$type := .spec.type}}{{$balancers := .status.loadBalancer.ingress}}{{range .spec.ports}}{{$port := .}}
{{- if eq $type "LoadBalancer"}}{{range $balancers}}{{$service}}|{{or .hostname .ip}}:{{$port.port}}|{{$port.targetPort}}/{{$port.protocol}}{{"\n"}}{{end}}{{end}}
{{- if and (ne $type "ClusterIP") .nodePort}}{{$service}}|*:{{.nodePort}}|{{.targetPort}}/{{.protocol}}{{"\n"}}{{end}}{{end}}{{end}}{{end}}'

driver_list_addresses() {
    capture "$work/answer" cluster get services,ingresses.networking.k8s.io --selector "$(our_labels)" -o go-template="$address_template" || return 1
    awk -F '|' -v OFS='|' 'NF == 3 && $1 != "" { $3 = tolower($3); print }' "$work/answer" | declare_services '|' 1
}

# The cluster keeps the last exit code itself.
driver_read_exit() {
    last_exit=$(awk -F '|' -v id="$1" '$1 == id { print $5; exit }' "$work/instances")
}

driver_read_state() {
    driver_read_clock # first: while the state is read nothing is known to have stayed up
    # shellcheck disable=SC2086 # a list of kinds
    capture "$work/state" cluster get "$(printf '%s,' $workload_kinds)pods" --selector "$(our_labels),io.bootsmith.kind!=in-cluster" \
        -o go-template="$state_template" || return 1
    read_probe_ends
    awk -v work="$work" -v clock="$target_clock" "$state_program" "$work/state" || return 1
    sort -t '|' -k 12 -o "$work/instances" "$work/instances"
    sort -o "$work/live" "$work/live"
}

# $work/probe-ends: uid | message of containers that the kubelet ended, when any that has a probe was started again. Who may not read events sees
# a crash.
read_probe_ends() {
    : >"$work/probe-ends"
    awk '/\trestarts=[1-9]/ && /\t(startup|liveness)=/ { found = 1 } END { exit !found }' "$work/state" || return 0
    capture "$work/answer" cluster get events --field-selector 'involvedObject.kind=Pod,reason=Killing' \
        -o go-template='{{range .items}}{{.involvedObject.uid}}|{{.message}}{{"\n"}}{{end}}' || return 0
    mv "$work/answer" "$work/probe-ends"
}

# Reads the lines of state_template, and writes the tables when all are read.
readonly state_program='
    function text(quoted) {
        gsub(/^"|"$/, "", quoted); gsub(/\\n/, " ", quoted); gsub(/\\"/, "\"", quoted); gsub(/\\\\/, "\\", quoted); gsub(/\|/, "/", quoted)
        return substr(quoted, 1, 400)
    }
    function days(year, month) { # since 1970, of the first of a month; the year begins in March
        if (month > 2) month -= 3; else { month += 9; year-- }
        return year * 365 + int(year / 4) - int(year / 100) + int(year / 400) + int((month * 306 + 5) / 10) - 719468
    }
    function epoch(instant,    part) {
        if (split(instant, part, /[-T:Z.]/) < 6) return 0
        return (days(part[1] + 0, part[2] + 0) + part[3] - 1) * 86400 + part[4] * 3600 + part[5] * 60 + part[6]
    }
    function allowance(probe,    part) { split(probe, part, " "); return part[1] + part[2] * part[3] + part[4] }
    function get(object, key) { return (object, key) in value ? value[object, key] : "" }

    # The kubelet says: Container web failed startup probe, will be restarted.
    function read_probe_ends(    line, part) {
        while ((getline line < (work "/probe-ends")) > 0) {
            split(line, part, "|")
            if (line ~ / failed startup probe/) ended_by[part[1]] = "startup"
            else if (line ~ / failed liveness probe/) ended_by[part[1]] = "liveness"
        }
        close(work "/probe-ends")
    }
    # Sets status, code, health and reason of the pod.
    function judge(pod,    waiting, message, since) {
        status = "created"; code = 0; health = ""; reason = ""
        waiting = get(pod, "waiting"); message = text(get(pod, "waiting-text"))
        if (get(pod, "last") != "") code = get(pod, "last")
        if (get(pod, "uid") in ended_by && get(pod, "Ready") != "True" && get(pod, "phase") !~ /Succeeded|Failed/) {
            status = "running"; health = "unhealthy"; reason = "its " ended_by[get(pod, "uid")] " probe fails"
        } else if (waiting == "CrashLoopBackOff") status = "restarting"
        else if (waiting ~ /^(InvalidImageName|ErrImageNeverPull|CreateContainerConfigError)$/) { status = "failed"; reason = waiting ": " message }
        else if (waiting ~ /^(ErrImagePull|ImagePullBackOff)$/) judge_pull(pod, message)
        else if (waiting == "RunContainerError" || waiting == "CreateContainerError") { reason = waiting ": " message }
        else if (get(pod, "ended") != "") { code = get(pod, "ended"); status = get(pod, "phase") ~ /Succeeded|Failed/ ? "exited" : "restarting" }
        else if (get(pod, "running") != "") judge_running(pod)
        else if (get(pod, "PodScheduled") == "False") reason = "no node takes it: " text(get(pod, "PodScheduled-text"))
        else if (waiting != "" && waiting !~ /^(ContainerCreating|PodInitializing)$/) reason = waiting (message == "" ? "" : ": " message)
        else if (message != "") reason = message
    }
    function judge_pull(pod, message) {
        reason = "its image " get(pod, "image") " cannot be pulled: " (message == "" ? "the node gave no reason" : message)
        if (message ~ /[Uu]nauthorized|authentication required|authorization failed|denied|[Ff]orbidden|no basic auth/) {
            status = "failed"; reason = reason " (the registry refuses the login of the nodes)"
        } else if (message ~ /not found|manifest unknown|does not exist|repository name not known/) status = "failed"
    }
    function judge_running(pod,    since, ready) {
        status = "running"
        if (get(pod, "Ready") == "True") { health = get(pod, "probe") == "" ? "" : "healthy"; return }
        health = "starting"
        if (get(pod, "probe") == "") return
        since = epoch(get(pod, "running")); ready = epoch(get(pod, "Ready-since"))
        if (ready > since) since = ready
        if (clock - since > allowance(get(pod, "probe")) + (get(pod, "startup") == "" ? 0 : allowance(get(pod, "startup")))) {
            health = "unhealthy"; reason = "its readiness probe fails"
        }
    }
    function instance(id, object, policy, image, name) {
        print id "|" get(object, "service") "|" get(object, "digest") "|" status "|" code "|" (get(object, "restarts") + 0) "|" health "|" \
            policy "|" get(object, "running") "|" image "|" image "|" name "|" reason > (work "/instances")
    }
    function live(service, number, why, failed) { print service "|" number "|" why "|" failed > (work "/live") }

    # Why a rollout is not at its end; empty when it is.
    function rollout(object, wanted, updated, made) {
        if (get(object, "observed") + 0 < get(object, "generation") + 0) return "the cluster has not taken up the change yet"
        if (get(object, "ReplicaFailure") == "True") return "replicas cannot be made: " text(get(object, "ReplicaFailure-text"))
        if (updated < wanted) return updated " of " wanted " replicas are of the new revision"
        if (made > updated) return "replicas of the old revision have yet to end"
        return ""
    }
    function workload(object,    kind, number, kept, stopped, why) {
        kind = get(object, "object"); kept = get(object, "kept"); stopped = ""; number = get(object, "replicas") + 0
        if (kind == "DaemonSet") {
            stopped = get(object, "parked") == "" ? "" : "yes"; number = get(object, "nodes") + 0
            why = rollout(object, number, get(object, "updated-nodes") + 0, 0)
            if (why != "" && number == 0) number = 1
        } else if (kind == "Job" || kind == "CronJob") {
            stopped = get(object, "suspended") == "true" ? "yes" : ""; number = get(object, "completions")
        } else {
            stopped = number == 0 && kept != "" ? "yes" : ""
            why = rollout(object, number, get(object, "updated") + 0, get(object, "made") + 0)
        }
        print kind "|" get(object, "name") "|" get(object, "service") "|" get(object, "digest") "|" number "|" kept "|" stopped "|" get(object, "uses") > (work "/workloads")
        if (kind != "Job" && kind != "CronJob" && get(object, "service") != "")
            live(get(object, "service"), stopped != "" ? kept : number, stopped != "" ? "" : why, why ~ /violates PodSecurity/ ? "failed" : "")
    }
    function wanted_digest(service,    line, part, file) {
        file = work "/wanted/" service; line = ""
        if ((getline line < file) > 0) close(file)
        split(line, part, "|")
        return part[2]
    }
    # The one job of each service that counts.
    function choose_jobs(    i, service, object) {
        for (i = 1; i <= count; i++) {
            object = i; service = get(object, "service")
            if (get(object, "object") != "Job" || get(object, "role") != "" || service == "") continue
            if (!(service in job) || get(job[service], "digest") != wanted_digest(service) &&
                (get(object, "digest") == wanted_digest(service) || get(object, "created") >= get(job[service], "created"))) job[service] = object
        }
    }
    function show_job(object,    number, i, shown, name, failed_code, image) {
        number = get(object, "completions") + 0; name = get(object, "name"); shown = 0; failed_code = 1; image = get(object, "image")
        for (i = 1; i <= count; i++) {
            if (get(i, "object") != "Pod" || get(i, "owner") != "Job/" name || get(i, "leaving") != "") continue
            if (get(i, "phase") == "Failed" && get(i, "ended") + 0 != 0) failed_code = get(i, "ended")
            if (get(i, "phase") == "Failed" || shown == number) continue
            judge(i); shown++
            instance("pod/" get(i, "name"), i, "no", image, get(i, "name"))
        }
        for (; shown < number; shown++) {
            status = "created"; code = 0; health = ""; reason = ""
            if (get(object, "Complete") == "True") status = "exited"
            else if (get(object, "Failed") == "True") { status = "exited"; code = failed_code; reason = text(get(object, "Failed-text")) }
            else if (get(object, "suspended") == "true") reason = "it is suspended"
            instance("job/" name, object, "no", image, name)
        }
        live(get(object, "service"), number, "", "")
    }
    BEGIN { while ((getline line < (work "/objects")) > 0) { split(line, part, "|"); declared[part[1]] = part[2] } }
    {
        count++
        fields = split($0, field, "\t")
        for (i = 1; i <= fields; i++) { at = index(field[i], "="); value[count, substr(field[i], 1, at - 1)] = substr(field[i], at + 1) }
        if (get(count, "service") in declared) value[count, "service"] = declared[get(count, "service")]
    }
    END {
        read_probe_ends()
        printf "" > (work "/instances"); printf "" > (work "/live"); printf "" > (work "/workloads"); printf "" > (work "/pods")
        for (i = 1; i <= count; i++) {
            if (get(i, "object") != "Pod") { if (get(i, "role") == "") workload(i); continue }
            print get(i, "name") "|" get(i, "service") "|" get(i, "role") "|" get(i, "leaving") "|" get(i, "owner") "|" get(i, "phase") > (work "/pods")
            if (get(i, "role") != "" || get(i, "service") == "" || get(i, "leaving") != "" || get(i, "owner") ~ /^Job\//) continue
            if (get(i, "phase") ~ /^(Failed|Succeeded)$/) continue
            judge(i)
            instance("pod/" get(i, "name"), i, "always", get(i, "image"), get(i, "name"))
        }
        choose_jobs()
        for (service in job) show_job(job[service])
    }'
