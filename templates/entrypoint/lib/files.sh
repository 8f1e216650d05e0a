# Files: the bytes of configs and secrets, their fingerprints, and the tar stream that carries them to the target.
#
# A fingerprint is 32 hex digits over owner, mode and bytes. Where a secret takes part a salt does too, so that the name
# of a stored secret does not tell what it is. The tar header is written here, by hand: so a secret goes from a builtin
# through a pipe to the target, and touches neither a disk nor an argv.
#
# Takes in:  `mount` records, parameters' values, the salt. Gives out: a table of mounts in $work/mounts; bytes.
# Must not:  know where the target keeps files.

salt=''

# One line in $work/mounts/ID for each mount: kind, source, fingerprint, parameter. Secrets that are not given get the
# fingerprint of what is stored on the target; none is a fault.
read_mounts() {
    salt=$(stored_salt)
    [ -n "$salt" ] || salt=$(od -An -v -N16 -tx1 /dev/urandom | tr -d ' \n')
    for_each mount read_mount
}

read_mount() {
    parse_mount "$@"
    mount_fingerprint='' mount_stored=''
    if [ "$mount_kind" != secret ]; then
        :
    elif mount_fingerprint=$(previous_secret); then
        # What is given now may be the same, and then it need not be read back.
        has_word "$parameters_given" "$mount_parameter" && [ "$(fingerprint_mount)" = "$mount_fingerprint" ] || mount_stored=yes
    elif ! has_word "$parameters_given" "$mount_parameter"; then
        mount_fingerprint=$(stored_secret) && mount_stored=yes
        [ -n "$mount_stored" ] || ! has_word "$parameters_missing" "$mount_parameter" || add_missing_secret
    fi
    [ -n "$mount_fingerprint" ] || mount_fingerprint=$(fingerprint_mount)
    printf '%s|%s|%s|%s|\n' "$mount_kind" "$mount_source" "$mount_fingerprint" "$mount_stored" >"$work/mounts/$mount_id"
}

add_missing_secret() {
    ! has_word "${parameters_needed:-}" "$mount_parameter" || return 0
    add_fault "secret \`$mount_source\` is not given and not stored on the target" "$(how_to_give "$mount_parameter")"
}

# Sets mount_kind, mount_source, mount_fingerprint, mount_stored. ID
load_mount() {
    mount_id=$1
    IFS='|' read -r mount_kind mount_source mount_fingerprint mount_stored _ <"$work/mounts/$1"
}

# Calls FUNCTION with the mount_ variables of the record ID set. ID FUNCTION
with_mount() {
    with_mount_id=$1 with_mount_function=$2
    for_each mount call_with_mount
}

call_with_mount() {
    [ "$1" = "$with_mount_id" ] || return 0
    parse_mount "$@"
    "$with_mount_function"
}

fingerprint_mount() {
    if [ "$mount_kind" = directory ]; then
        { fingerprint_meta && write_folder_digests "$environment_folder/$mount_directory" && list_executables; } | digest_of_input
    else
        { fingerprint_meta && write_content; } | digest_of_input
    fi
}

# The files of the folder at hand that can be executed, where that is kept; else nothing.
list_executables() {
    [ -n "$mount_executables" ] || return 0
    (
        cd "$environment_folder/$mount_directory" || exit 1
        find . -type f | sort | while IFS= read -r executable_path; do
            [ ! -x "$executable_path" ] || printf 'executable %s\n' "$executable_path"
        done
    )
}

# What stands before the bytes in a fingerprint: needs the mount_ variables.
fingerprint_meta() {
    fingerprint_salt=''
    ! takes_secret || fingerprint_salt=$salt
    printf '%s\n' "$fingerprint_salt" "$mount_uid" "$mount_gid" "$mount_mode"
}

# Whether a secret takes part in the bytes: a secret, or a config that uses one.
takes_secret() {
    [ "$mount_kind" != secret ] || return 0
    for secret_candidate in $mount_parameters; do
        ! has_word "$parameters_secret" "$secret_candidate" || return 0
    done
    return 1
}

digest_of_input() {
    sha256sum | cut -c1-32
}

write_content() {
    if [ "$mount_kind" = secret ]; then
        value "$mount_parameter"
    elif [ -n "$mount_pieces" ]; then
        # shellcheck source=/dev/null
        . "$environment_folder/$mount_pieces"
    else
        cat "$environment_folder/$mount_file"
    fi
}

# The records of a .pieces file, concatenated without separators.
literal() {
    printf '%s' "$1"
}

value() {
    load_parameter_value "$1"
    printf '%s' "$parameter_value"
}

# The digest and path of every file below FOLDER, but for one at PATH. FOLDER [PATH]
write_folder_digests() {
    (cd "$1" && find . ! -type d ! -path "${2:-.}" | sort | tr '\n' '\000' | xargs -0 sha256sum)
}

# The tar stream of a mount: the file `content`, or the tree of a directory.
write_archive() {
    if [ "$mount_kind" = directory ]; then
        write_folder_archive "$environment_folder/$mount_directory"
    else
        content_size=$(write_content | wc -c)
        write_header content 0 "$mount_mode" "$content_size"
        write_content
        write_padding "$content_size"
    fi
    write_archive_end
}

write_archive_end() {
    write_nuls 1024
}

# Its owner and mode are those of the mount at hand. FOLDER
write_folder_archive() {
    directory_mode=$(directory_mode_of "$mount_mode")
    (
        cd "$1" || exit 1
        find . | sort | while IFS= read -r archive_path; do
            if [ -d "$archive_path" ]; then
                write_header "$archive_path/" 5 "$directory_mode" 0
            else
                archive_size=$(wc -c <"$archive_path") archive_mode=$mount_mode
                [ -z "$mount_executables" ] || [ ! -x "$archive_path" ] || archive_mode=$directory_mode
                write_header "$archive_path" 0 "$archive_mode" "$archive_size"
                cat "$archive_path"
                write_padding "$archive_size"
            fi
        done
    )
}

# A folder can be entered by whoever may read its files: 0440 → 0550.
directory_mode_of() {
    directory_mode_octal=$((0$1))
    printf '%04o' "$((directory_mode_octal | (directory_mode_octal & 0444) >> 2))"
}

# Fills up to a multiple of 512 bytes. SIZE
write_padding() {
    write_nuls $(((512 - $1 % 512) % 512))
}

# A ustar header. PATH TYPE MODE SIZE
write_header() {
    header_path=${1#./} header_type=$2 header_mode=$3 header_size=$(($4))
    [ -n "$header_path" ] || header_path=./
    split_header_path
    header_sum=$(write_header_fields '' | od -An -v -tu1 | awk '{ for (i = 1; i <= NF; i++) sum += $i } END { printf "%06o", sum }')
    write_header_fields "$header_sum"
}

# Paths over 100 bytes go into prefix and name at a slash.
split_header_path() {
    header_prefix=''
    while [ "${#header_path}" -gt 100 ]; do
        case ${header_path%/} in */*) ;; *) break ;; esac
        header_prefix=${header_prefix:+$header_prefix/}${header_path%%/*}
        header_path=${header_path#*/}
    done
}

# CHECKSUM, empty as long as it is not known: then it counts as blanks.
write_header_fields() {
    write_field 100 "$header_path"
    printf '%07o' "$((0$header_mode))" && printf '\000'
    printf '%07o' "$mount_uid" && printf '\000'
    printf '%07o' "$mount_gid" && printf '\000'
    printf '%011o' "$header_size" && printf '\000'
    printf '00000000000\000'
    if [ -n "$1" ]; then printf '%s\000 ' "$1"; else printf '        '; fi
    printf '%s' "$header_type"
    write_nuls 100
    printf 'ustar\00000'
    write_nuls 64
    printf '0000000\0000000000\000'
    write_field 155 "$header_prefix"
    write_nuls 12
}

# A string filled with NULs to WIDTH bytes. WIDTH STRING
write_field() {
    printf '%s' "$2"
    write_nuls $(($1 - ${#2}))
}

# No word can hold a NUL, so the formats have them. NUMBER
write_nuls() {
    nuls_left=$1
    while [ "$nuls_left" -ge 32 ]; do printf '\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000' && nuls_left=$((nuls_left - 32)); done
    while [ "$nuls_left" -ge 4 ]; do printf '\000\000\000\000' && nuls_left=$((nuls_left - 4)); done
    while [ "$nuls_left" -gt 0 ]; do printf '\000' && nuls_left=$((nuls_left - 1)); done
}
