# Drift: what was changed by hand since we made it.
#
# A trait is a part of what the live object of a service says: its environment, its limits, its networks … Whenever we have made or changed
# a service, the digests of its traits are entered into the ledger, as the words SERVICE:TRAIT=DIGEST of the one entry `baseline`. What
# differs from them later was not us. A service whose configuration we changed meanwhile, or that an interrupted command left, is not judged.
#
# $work/traits and $work/baseline have such a word in each line; $work/drift a line for each service that was changed: service | traits.
#
# Takes in:  driver_list_traits, the ledger. Gives out: the entry, $work/drift. Must not:  keep a value, or take anything back.

# After a deployment: the traits of the services that it made; of the others what was known of them. SERVICE…
note_baseline() {
    read_baseline
    [ $# -gt 0 ] || [ ! -s "$work/baseline" ] || return 0
    read_traits || {
        detail "what was made cannot be read, so no change by hand will be seen: $(complaint)"
        return 0
    }
    merge_baseline "$@" >"$work/baseline.new"
    ! is_same_text "$work/baseline.new" "$work/baseline" || return 0
    baseline_object=$(awk -F '|' '$1 == "baseline" { print $10 }' "$work/ledger")
    # shellcheck disable=SC2086 # a list of objects
    { [ -z "$baseline_object" ] || driver_forget_entries $baseline_object; } &&
        write_entry baseline "${revision:-0}" baseline "$operation" '' "$(tr '\n' ' ' <"$work/baseline.new")" ||
        warn "changes by hand will not be seen, for what was made could not be recorded: $(complaint)"
}

# The words of $work/baseline for services that are as we left them, those of $work/traits for all others. SERVICE…
merge_baseline() {
    awk -v made=" $* " '
        { service = $0; sub(/:.*/, "", service) }
        FILENAME == ARGV[1] { if (!index(made, " " service " ")) kept[service] = kept[service] $0 "\n"; next }
        !(service in kept) { print; next }
        kept[service] != "" { printf "%s", kept[service]; kept[service] = "" }' "$work/baseline" "$work/traits"
}

read_baseline() {
    awk -F '|' '$1 == "baseline" { print $8 }' "$work/ledger" | tr ' ' '\n' | sed '/^$/d' >"$work/baseline"
}

# The words of what runs now. The texts are hashed in one go, a file each.
read_traits() {
    rm -rf "$work/traits.texts"
    mkdir "$work/traits.texts"
    driver_list_traits >"$work/traits.listed" || return 1
    { list_core_traits && sort -u "$work/traits.listed"; } | awk -F '|' -v folder="$work/traits.texts" '{
        file = folder "/" $1 ":" $2
        print substr($0, length($1) + length($2) + 3) >>file
        close(file)
    }'
    write_folder_digests "$work/traits.texts" | sed 's/^\([0-9a-f]\{12\}\)[0-9a-f]* *\.\/\(.*\)$/\2=\1/' >"$work/traits"
}

# What the tables of state.sh tell on every platform: service | trait | text. The number is the target's where it decides itself.
list_core_traits() {
    awk -F '|' -v OFS='|' '!seen[$2]++ { print $2, "digest", $3 }' "$work/instances"
    while IFS='|' read -r trait_service trait_replicas _; do
        has_word "$service_names" "$trait_service" || continue
        load_service "$trait_service"
        [ -n "$service_global$service_autoscaled" ] || [ "$service_kind" = job ] || printf '%s|replicas|%s\n' "$trait_service" "$trait_replicas"
    done <"$work/live"
}

# $work/drift, empty where nothing can be said.
read_drift() {
    : >"$work/drift"
    [ -z "$newest_revision" ] || [ -n "$newest_outcome" ] || return 0 # what runs may be half-way
    read_baseline
    [ -s "$work/baseline" ] || return 0
    read_traits || {
        detail "what runs cannot be held against what was made: $(complaint)"
        return 0
    }
    compare_traits "$work/baseline" "$work/traits" >"$work/drift"
}

# A trait is compared where both know it; `definition` is all of them, and named where no other is. What another tool shows in another way
# is the trait `tool` of the service `-`.
compare_traits() { # BASELINE TRAITS
    awk -F '[:=]' -v OFS='|' '
        FNR == NR { baseline[$1, $2] = $3; next }
        { if (!($1 in seen)) { seen[$1] = 1; order[++count] = $1 } }
        ($1, $2) in baseline && baseline[$1, $2] != $3 {
            if ($2 == "digest" || $2 == "tool") skip[$1] = 1
            else if ($2 == "definition") whole[$1] = 1
            else traits[$1] = traits[$1] (traits[$1] == "" ? "" : " ") $2
        }
        !(($1, "digest") in baseline) && $1 != "-" { skip[$1] = 1 }
        END {
            if ("-" in skip) exit
            for (i = 1; i <= count; i++) {
                service = order[i]
                if (service in skip) continue
                if (service in traits) print service, traits[service]
                else if (service in whole) print service, "definition"
            }
        }' "$1" "$2"
}

# Prints the traits of a service that were changed by hand, a word each. SERVICE
drift_of() {
    awk -F '|' -v service="$1" '$1 "" == service { print $2 }' "$work/drift"
}
