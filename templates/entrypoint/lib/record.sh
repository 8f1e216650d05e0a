# Record: what a revision was, whole: it can be deployed again without its image and without a registry.
#
# A record is a folder like /bootstrap itself (environments/ENV, scripts/, migrations/) with four things more:
#     about         format, project, environment, platform and version, a `NAME=value` line each
#     images        service | image | id on the target | digest that a registry knows it by
#     parameters/   a file for each parameter that is not secret, with the value in force
#     applied       migrations that had run before: name | content | release | at
# It travels as a gzipped tar. The digest of its content is one of the files, not of the tar, and covers all of them but `applied`.
#
# Takes in:  the loaded release, the wanted table, a record of the ledger. Gives out: $work/record, $work/record.tgz; a release
#            that was recorded, loaded as if it were our own.
# Must not:  evaluate a recorded file before it was seen to hold nothing but records, or put a secret into a record.

pinned_images='' record_content='' unreadable_record='' unreadable_because='' unreadable_told=''

make_record() {
    record_folder=$work/record
    rm -rf "$record_folder"
    mkdir -p "$record_folder/environments" "$record_folder/parameters"
    cp -R "$environment_folder" "$record_folder/environments/$environment_name"
    for record_part in scripts migrations; do
        [ ! -d "$release_root/$record_part" ] || cp -R "$release_root/$record_part" "$record_folder/$record_part"
    done
    printf '%s\n' format=1 "project=$project" "environment=$environment_name" "platform=$platform" "version=$version" >"$record_folder/about"
    list_recorded_images >"$record_folder/images"
    for_each parameter record_parameter
    record_content=$(write_folder_digests "$record_folder" ./applied | digest_of_input)
    awk -F '|' -v OFS='|' '$2 == "applied" { print $1, $3, $4, $5 }' "$work/migrations" >"$record_folder/applied"
}

list_recorded_images() {
    for recorded_service in $service_names; do
        load_service "$recorded_service"
        load_wanted "$recorded_service"
        printf '%s|%s|%s|%s\n' "$recorded_service" "$service_image" "$wanted_image_id" "$(recorded_digest "$recorded_service")"
    done
}

# A record that is deployed again keeps the digest that it had. SERVICE
recorded_digest() {
    if [ -n "$pinned_images" ]; then
        awk -F '|' -v service="$1" '$1 "" == service { print $4; exit }' "$pinned_images"
    else
        driver_image_digest "$service_image"
    fi
}

record_parameter() {
    ! has_word "$parameters_secret" "$1" || return 0
    printf '%s' "$3" >"$work/record/parameters/$1"
}

pack_record() {
    tar -cf - -C "$work/record" . | gzip -n >"$work/record.tgz" || fail_bug 'the record could not be packed'
}

# Makes $work/revisions/REVISION of what the ledger holds. False when it is not whole; then $work/complaint says why. REVISION
fetch_record() {
    record_folder=$work/revisions/$1
    [ ! -d "$record_folder" ] || return 0
    [ -n "$(record_field 2 "$1")" ] || {
        echo 'the ledger has no record of it' >"$work/complaint"
        return 1
    }
    rm -rf "$record_folder.new"
    : >"$work/complaint"
    : >"$work/record.tgz"
    driver_fetch_record "$1" && mkdir -p "$work/revisions" "$record_folder.new" && [ -s "$work/record.tgz" ] || {
        [ -s "$work/complaint" ] || echo 'it is empty' >"$work/complaint"
        return 1
    }
    gzip -dc <"$work/record.tgz" 2>"$work/complaint" | tar -xf - -C "$record_folder.new" 2>>"$work/complaint" || return 1
    [ "$(write_folder_digests "$record_folder.new" ./applied | digest_of_input)" = "$(record_field 8 "$1")" ] || {
        echo "its content is not what its digest says" >"$work/complaint"
        return 1
    }
    is_record_ours "$record_folder.new" || return 1
    mv "$record_folder.new" "$record_folder"
}

# The same, or an end with 3. REVISION
require_record() {
    fetch_record "$1" || refuse "the record of revision $1 cannot be read: $(complaint)" \
        "choose another of \`history $environment_name\`; to leave it behind: forget $1 $environment_name"
}

is_record_ours() { # FOLDER
    [ "$(sed -n 's/^format=//p' "$1/about")" = 1 ] || {
        echo 'it is of a format that this image does not know: use a newer bootstrap image' >"$work/complaint"
        return 1
    }
    [ "$(sed -n 's/^project=//p' "$1/about")/$(sed -n 's/^environment=//p' "$1/about")" = "$project/$environment_name" ] &&
        [ -s "$1/environments/$environment_name/release" ] || {
        echo 'it is of another product' >"$work/complaint"
        return 1
    }
    holds_only_records "$1/environments/$environment_name/release" && list_pieces "$1/environments/$environment_name" >"$work/sourced" || return 1
    [ ! -e "$1/environments/$environment_name/requirements" ] || holds_only_records "$1/environments/$environment_name/requirements" requirements || return 1
    while IFS= read -r sourced_file; do
        holds_only_records "$1/environments/$environment_name/$sourced_file" pieces || return 1
    done <"$work/sourced"
}

# Prints the files that a recorded release says hold the pieces of a config: any other is but the product's own, whatever its name. FOLDER
list_pieces() {
    listed_before=$environment_data environment_data=$1/release
    for_each mount show_pieces
    environment_data=$listed_before
}

show_pieces() {
    for fact do
        case $fact in pieces=*) printf '%s\n' "${fact#*=}" ;; esac
    done
}

# From here on the loaded release is the recorded one: its environment, its version, its images by their ids. REVISION
use_record() {
    require_record "$1"
    release_root=$work/revisions/$1
    pinned_images=$release_root/images
    version=$(sed -n 's/^version=//p' "$release_root/about")
    load_environment "$environment_name"
}

# What is not given now is what it was in a revision. REVISION, empty when there is none
use_recorded_parameters() {
    recorded_parameters='' unreadable_record='' unreadable_because=''
    [ -n "$1" ] || return 0
    if fetch_record "$1"; then
        recorded_parameters=$work/revisions/$1/parameters
    else
        unreadable_record=$1 unreadable_because=$(complaint)
    fi
}

# A record that cannot be read stops only who needs a value that it alone has.
check_unreadable_record() {
    [ -n "$unreadable_record" ] || return 0
    parameters_unknown=''
    for_each parameter note_unknown_parameter
    if [ -n "$parameters_unknown" ]; then
        add_fault "the record of revision $unreadable_record cannot be read: $unreadable_because" \
            "it holds the parameters that were given: give them ($parameters_unknown), or leave it behind: forget $unreadable_record $environment_name"
    elif [ "$unreadable_told" != "$unreadable_record" ]; then
        warn "the record of revision $unreadable_record cannot be read: $unreadable_because; all parameters are given, so nothing of it is needed"
        unreadable_told=$unreadable_record
    fi
}

note_unknown_parameter() {
    has_word "$parameters_given $parameters_secret" "$1" || parameters_unknown="${parameters_unknown:+$parameters_unknown }$1"
}

# Our own release again.
use_own_release() { # it was loaded before, so it can be loaded
    release_root=$root pinned_images=''
    version=$own_version
    load_environment "$environment_name"
}

# Sets image_id, of the recorded image where the release is a recorded one, empty when it is not on the target. Needs the service_ variables.
read_service_image() {
    if [ -z "$pinned_images" ]; then
        driver_read_image_id "$service_image"
        return 0
    fi
    pinned_id=$(awk -F '|' -v service="$service_name" '$1 "" == service { print $3; exit }' "$pinned_images")
    driver_read_image_id "$pinned_id"
}
