# The release: what this image is, read from the generated data.
#
# $root/release holds assignments; $root/environments/<env>/release holds records, one call of a function each. A record
# reaches whoever asked for its kind, so the same file is read as often as needed and nothing is ever evaluated:
#
#     for_each service show_service        calls show_service with the words of every `service` record, in order
#
# Takes in:  the generated data. Gives out: the facts of a record in variables named after it (service_image …).
# Must not:  know of the target, or of parameters' values beyond handing them on.

visited='' visitor=''
environment_name='' target='' service_names='' mount_ids='' own_version=''
# The folder of the loaded release: our own, or a recorded one (record.sh).
release_root=$root

load_release() {
    format='' project='' version='' platform='' description='' reference='' bootsmith_version='' spec_digest=''
    environments='' default_environment=''
    # shellcheck source=/dev/null
    . "$root/release"
    own_version=$version
    [ "$format" = 1 ] || fail_bug "the release data has format \`$format\`, this entrypoint reads format \`1\`"
}

# Reads the records of an environment and keeps what is looked up by name. NAME
load_environment() {
    environment_name=$1
    environment_folder=$release_root/environments/$1
    environment_data=$environment_folder/release
    service_names='' mount_ids=''
    : >"$work/objects"
    for_each environment keep_environment
    for_each service keep_service
    for_each mount keep_mount
}

# RECORD FUNCTION. May be nested: positional parameters are what a function has of its own.
for_each() {
    set -- "$1" "$2" "$visited" "$visitor"
    visited=$1 visitor=$2
    # shellcheck source=/dev/null
    . "$environment_data"
    visited=$3 visitor=$4
}

visit() {
    [ "$1" = "$visited" ] || return 0
    shift
    "$visitor" "$@"
}

environment() { visit environment "$@"; }
parameter() { visit parameter "$@"; }
mount() { visit mount "$@"; }
network() { visit network "$@"; }
volume() { visit volume "$@"; }
host_file() { visit host_file "$@"; }
external_secret() { visit external_secret "$@"; }
service() { visit service "$@"; }
script() { visit script "$@"; }
hook() { visit hook "$@"; }
feature() { visit feature "$@"; }
requirement() { visit requirement "$@"; }
nodes() { visit nodes "$@"; }
users() { visit users "$@"; }
migration() { visit migration "$@"; }
upgrade() { visit upgrade "$@"; }
addition() { visit addition "$@"; }

keep_environment() {
    target=''
    for fact do
        case $fact in target=*) target=${fact#*=} ;; esac
    done
}

parse_parameter() {
    parameter_name=$1 parameter_given=$2 parameter_value=$3
    shift 3
    read_parameter_variable "$parameter_name"
    parameter_secret='' parameter_required='' parameter_description='' parameter_pattern='' parameter_type=''
    parameter_min='' parameter_max='' parameter_enum='' parameter_default='' parameter_has_default='' parameter_has_pattern=''
    for fact do
        case $fact in
        secret=yes) parameter_secret=yes ;;
        required=yes) parameter_required=yes ;;
        description=*) parameter_description=${fact#*=} ;;
        default=*) parameter_default=${fact#*=} parameter_has_default=yes ;;
        pattern=*) parameter_pattern=${fact#*=} parameter_has_pattern=yes ;;
        type=*) parameter_type=${fact#*=} ;;
        min=*) parameter_min=${fact#*=} ;;
        max=*) parameter_max=${fact#*=} ;;
        enum=*) parameter_enum=${fact#*=} ;;
        esac
    done
}

parse_mount() {
    mount_id=$1
    shift
    mount_kind='' mount_source='' mount_file='' mount_pieces='' mount_directory='' mount_parameter='' mount_parameters=''
    mount_uid=0 mount_gid=0 mount_mode=0444 mount_executables=''
    for fact do
        case $fact in
        kind=*) mount_kind=${fact#*=} ;;
        source=*) mount_source=${fact#*=} ;;
        file=*) mount_file=${fact#*=} ;;
        pieces=*) mount_pieces=${fact#*=} ;;
        directory=*) mount_directory=${fact#*=} ;;
        parameter=*) mount_parameter=${fact#*=} ;;
        parameters=*) mount_parameters=${fact#*=} ;;
        uid=*) mount_uid=${fact#*=} ;;
        gid=*) mount_gid=${fact#*=} ;;
        mode=*) mount_mode=${fact#*=} ;;
        executables=yes) mount_executables=yes ;;
        esac
    done
}

keep_mount() {
    mount_ids="$mount_ids $1"
}

# The facts of a network or volume record, in the object_ variables; object_digest and object_driver are empty in records of older images.
parse_object() {
    object_key=$1
    shift
    object_name='' object_external='' object_digest='' object_driver='' object_internal=false object_ipv6=false
    for fact do
        case $fact in
        --) break ;;
        name=*) object_name=${fact#*=} ;;
        external=yes) object_external=yes ;;
        digest=*) object_digest=${fact#*=} ;;
        driver=*) object_driver=${fact#*=} ;;
        internal=yes) object_internal=true ;;
        ipv6=yes) object_ipv6=true ;;
        esac
    done
}

parse_service() {
    service_name=$1 service_object=$1
    shift
    service_image='' service_definition='' service_wave=1 service_gate=none service_kind=service service_replicas=1
    service_window=5 service_parameters='' service_mounts='' service_pull=missing service_max_replicas='' service_global=''
    service_autoscaled='' service_networks='' service_joins='' service_restarts=''
    for fact do
        case $fact in
        object=*) service_object=${fact#*=} ;;
        image=*) service_image=${fact#*=} ;;
        definition=*) service_definition=${fact#*=} ;;
        wave=*) service_wave=${fact#*=} ;;
        gate=*) service_gate=${fact#*=} ;;
        kind=*) service_kind=${fact#*=} ;;
        replicas=*) service_replicas=${fact#*=} ;;
        max_replicas=*) service_max_replicas=${fact#*=} ;;
        global=yes) service_global=yes ;;
        autoscaled=yes) service_autoscaled=yes ;;
        window=*) service_window=${fact#*=} ;;
        parameters=*) service_parameters=${fact#*=} ;;
        mounts=*) service_mounts=${fact#*=} ;;
        pull=*) service_pull=${fact#*=} ;;
        networks=*) service_networks=${fact#*=} ;;
        joins=*) service_joins=${fact#*=} ;;
        restarts=*) service_restarts=${fact#*=} ;;
        esac
    done
}

# Services are looked up by name often, in products with many: one small file each.
keep_service() {
    parse_service "$@"
    service_names="$service_names $service_name"
    printf '%s|' "$service_image" "$service_definition" "$service_wave" "$service_gate" "$service_kind" \
        "$service_replicas" "$service_window" "$service_parameters" "$service_mounts" "$service_pull" \
        "$service_max_replicas" "$service_global" "$service_autoscaled" "$service_networks" "$service_joins" "$service_restarts" \
        "$service_object" >"$work/services/$service_name"
    printf '\n' >>"$work/services/$service_name"
    [ "$service_object" = "$service_name" ] || printf '%s|%s\n' "$service_object" "$service_name" >>"$work/objects"
}

# Sets the service_ variables. NAME
load_service() {
    service_name=$1
    IFS='|' read -r service_image service_definition service_wave service_gate service_kind service_replicas \
        service_window service_parameters service_mounts service_pull service_max_replicas service_global \
        service_autoscaled service_networks service_joins service_restarts service_object _ <"$work/services/$1"
}

# Sets object_of_service to what a service is called on the target. What is not of this release is known by that alone. NAME
read_object_of_service() {
    object_of_service=$1
    [ ! -f "$work/services/$1" ] ||
        IFS='|' read -r _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ object_of_service _ <"$work/services/$1"
}

# Sets service_variable to a name as part of a variable of a manifest, which no other name has (src/name.rs, to_variable). NAME
read_service_variable() {
    case $1 in
    *[!a-z0-9-]*) service_variable=$(printf '%s' "$1" | sed 's/[A-Z]/+&/g; s/_/,/g' | tr 'a-z.,+-' 'A-Zduc_') ;;
    *) service_variable=$(printf '%s' "$1" | tr 'a-z-' 'A-Z_') ;;
    esac
}

# The wave numbers of the environment, first to last.
service_waves() {
    for wave_service in $service_names; do
        load_service "$wave_service"
        printf '%s\n' "$service_wave"
    done | sort -nu
}

# Names of the services of WAVE that are in the list. WAVE NAME…
services_of_wave() {
    wave_wanted=$1
    shift
    wave_services=''
    for wave_service do
        load_service "$wave_service"
        [ "$service_wave" != "$wave_wanted" ] || wave_services="$wave_services $wave_service"
    done
}

# Words after `--` are the command of the script; callers find them in "$@" of their visitor.
parse_script() {
    script_name=$1
    shift
    script_mode='' script_service='' script_file='' script_interpreter=sh script_output='' script_input='' script_description='' script_schedule=''
    for fact do
        case $fact in
        --) break ;;
        mode=*) script_mode=${fact#*=} ;;
        service=*) script_service=${fact#*=} ;;
        file=*) script_file=${fact#*=} ;;
        interpreter=*) script_interpreter=${fact#*=} ;;
        output=*) script_output=${fact#*=} ;;
        input=*) script_input=${fact#*=} ;;
        schedule=*) script_schedule=${fact#*=} ;;
        description=*) script_description=${fact#*=} ;;
        esac
    done
}

# Sets the script_ variables. NAME; false when there is no such script.
load_script() {
    find_record script "$1" parse_script
}

# Calls FUNCTION with the words of the record of that name; false when there is none. RECORD NAME FUNCTION
find_record() {
    record_wanted=$2 record_function=$3 record_found=''
    for_each "$1" take_record
    [ -n "$record_found" ]
}

take_record() {
    [ "$1" = "$record_wanted" ] || return 0
    record_found=yes
    "$record_function" "$@"
}

# Names of all records of a kind, in their order, in $record_names. RECORD
read_names() {
    record_names=''
    for_each "$1" keep_name
}

keep_name() {
    record_names="$record_names $1"
}

# Sets record_word to word INDEX behind the `--` of a record; false when there is none. RECORD NAME INDEX
read_word() {
    record_index=$3 record_word_found=''
    find_record "$1" "$2" keep_word
    [ -n "$record_word_found" ]
}

keep_word() {
    while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
    [ $# -gt "$record_index" ] || return 0
    shift "$record_index"
    record_word=$1 record_word_found=yes
}
