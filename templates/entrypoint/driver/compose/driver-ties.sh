# The driver for Docker Compose, part: containers that are tied to others or to a network, and what became of those.
#
# A container joins another's namespaces by its id, and a network by its id: when that one was made again, it is left in the dark, and
# when that one was only started again, its namespace is another one.
#
# Takes in:  $work/containers, $work/networks.all, the `joins` and `restarts` of services. Gives out: $work/stale; networks made again.
# Must not:  judge by names.

# $work/stale, as lib/declared.sh has it.
list_stale() {
    for tied in $service_names; do printf '%s\n' "$work/services/$tied"; done >"$work/tied"
    awk -F '|' -v OFS='|' -v tied="$work/tied" -v networks="$work/networks.all" -v folder="$work/services/" '
        function stale(service, action, why) { if (!seen[service, why]++) print service, action, why }
        BEGIN {
            while ((getline file < tied) > 0) if ((getline line < file) > 0) {
                close(file)
                split(line, field, "|")
                restarts[substr(file, length(folder) + 1)] = field[16]
            }
            while ((getline line < networks) > 0) if (split(line, field, "|") > 2) { network[field[2]] = field[1]; listed = 1 }
        }
        { gsub(/Z/, "", $9); gsub(/Z/, "", $20) }
        $2 != "" && $13 == "" {
            id[++count] = $1; service[count] = $2; running[count] = $4 == "running"; started[count] = $9; joins[count] = $19; on[count] = $15
            started_of[$1] = $9; service_of[$1] = $2; is_here[$1] = 1
            if ($20 != "" && (!($2 in made) || $20 < made[$2])) made[$2] = $20
        }
        END {
            for (i = 1; i <= count; i++) {
                words = split(joins[i], word, " ")
                for (j = 1; j <= words; j++) {
                    if (word[j] !~ /^container:[0-9a-f]+$/ || length(word[j]) != 74) continue
                    other = substr(word[j], 11)
                    if (!(other in is_here)) stale(service[i], "recreate", "it is joined to a container that is gone")
                    else if (running[i] && started_of[other] > started[i]) stale(service[i], "restart", "`" service_of[other] "`, which it is joined to, was restarted after it")
                }
                words = split(on[i], word, " ")
                for (j = 1; listed && j < words; j += 2)
                    if (word[j + 1] ~ /^[0-9a-z]+$/ && network[word[j]] != word[j + 1]) stale(service[i], "recreate", "it is on a network that is gone: " word[j])
                words = split(restarts[service[i]], word, " ")
                for (j = 1; running[i] && j <= words; j++)
                    if (made[word[j]] > started[i]) stale(service[i], "restart", "`" word[j] "`, which it depends on, was made again after it")
            }
        }' "$work/containers" >"$work/stale"
}

# Those that run end well first; Compose makes them again on the new network. NAME ID
driver_renew_network() {
    # shellcheck disable=SC2046 # a list of ids
    set -- "$2" $(awk -F '|' -v id="$2" '$4 ~ /^(running|restarting|paused)$/ && index(" " $15 " ", " " id " ") { print $1 }' "$work/containers")
    renewed_network=$1
    shift
    [ $# -eq 0 ] || capture_seconds=3600 capture "$work/answer" docker stop "$@" || return 1
    capture "$work/answer" docker network rm "$renewed_network" || grep -qi 'not found\|no such' "$work/complaint"
}

# The network of the loaded release, as it was rendered. NETWORK
driver_show_network() {
    subset_of_section "$environment_folder/compose.yaml" networks "$1"
}
