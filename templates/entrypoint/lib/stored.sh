# Stored: what the target keeps beside what runs: secrets, the salt of their names, scales.
#
# The driver fills $work/stored with a line for each config, secret and record that the target keeps, in these fields:
#     object | kind | source | fingerprint | owner | salt | service | scale | scale of | created at
# kind is config, secret, scale, or the driver's own; created at sorts as text. What does not apply is empty.
#
# Takes in:  the table, the mount_ variables of files.sh. Gives out: the salt, fingerprints, the scale_ variables.
# Must not:  ask the target itself.

# Prints the salt of the secrets' names.
stored_salt() {
    awk -F '|' '$6 != "" { print $6; exit }' "$work/stored"
}

# Prints the fingerprint of the stored secret of the mount at hand: the newest in use, or the only one; else false.
stored_secret() {
    awk -F '|' -v source="$mount_source" -v owner="$mount_uid:$mount_gid:$mount_mode" \
        '$2 == "secret" && $3 == source && $5 == owner { print $10 "|" $1 "|" $4 }' "$work/stored" | sort -r >"$work/stored-secrets"
    while IFS='|' read -r stored_created stored_object stored_fingerprint; do
        if driver_is_stored_used "$stored_object" || [ "$(wc -l <"$work/stored-secrets")" -eq 1 ]; then
            detail "secret \`$mount_source\`: stored on the target since $stored_created"
            printf '%s' "$stored_fingerprint"
            return 0
        fi
    done <"$work/stored-secrets"
    return 1
}

# Sets scale_recorded, empty when there is no record, and scale_of. SERVICE
read_scale() {
    scale_recorded='' scale_of=''
    IFS='|' read -r scale_recorded scale_of <<END
$(awk -F '|' -v service="$1" '$2 == "scale" && $7 "" == service { print $8 "|" $9; exit }' "$work/stored")
END
}

# Whether a record of a scale still holds: the service is there, and the release's own number is what it was. SERVICE RELEASE-REPLICAS
is_scale_valid() {
    has_word "$service_names" "$1" || return 1
    load_service "$1"
    [ "$service_replicas" = "$2" ]
}
