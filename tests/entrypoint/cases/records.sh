# Records: what may be read of the ledger, and what may be sourced.

# Prints yes or no for every file. FILE…
holds_only_records_each() {
    printf '%s\n' 'kind=$1; shift' 'for file do if holds_only_records "$file" "$kind"; then echo yes; else echo no; fi; done' | library "$@"
}

test_what_is_not_a_record_is_not_sourced() {
    number=0
    while IFS= read -r line; do
        number=$((number + 1))
        printf '%s\n' "$line" >"$box/line"
        expect_equal "no $line" "$(holds_only_records_each release "$box/line") $line"
    done <<'END'
service web; touch x
service "$(touch x)"
service `x`
service=x touch y
touch x
touch 'x'
service
service 'a'$(x)
service 'a'"$(x)"
service 'a' x=$(x)
service 'a' x=`x`
service 'a' "${PATH-}"
service 'open
service 'a' >x
service 'a' &
service 'a';service 'b'
service 'a' | sh
service 'a' wave=1
service 'a' wave='a[$(id)]'
service 'a' 'wave=a[$(id)]'
service 'a' wave='1' 'b'
service 'a' replicas='99999999999999999999999'
service '../../../tmp/x'
service 'a' mounts='../x'
service 'a'  wave='1'
service  'a'
 service 'a'
service 'a' -- 'b'
service 'a' \$x
service \'a
# a comment
mount 'A' kind='config' file='../../../etc/passwd'
mount 'A' kind='config' file='/etc/passwd'
mount 'A' kind='config' pieces='configs/..'
mount 'A' kind='config' directory=''
mount 'A' kind='config' file='configs/''..''/x'
mount 'A' kind='config' mode='$(x)'
mount 'a/b' kind='config' file='configs/a'
script 'a' mode='run' file='a/../../b'
script 'a' mode='run' file='a.sh' interpreter='sh -c id'
script 'a' -- "${PATH-}"
script 'a' -- b
migration 'a' up='../a' down='b'
migration 'a' up='a' down='b/../..'
parameter 'PATH' "${PATH+given}" "${PATH-}"
parameter 'LD_PRELOAD' "${LD_PRELOAD+given}" "${LD_PRELOAD-}" default='/x.so'
parameter 'BASH_ENV' "${BASH_ENV+given}" "${BASH_ENV-}"
parameter 'TAR_OPTIONS' "${TAR_OPTIONS+given}" "${TAR_OPTIONS-}"
parameter 'BOOTSMITH_X' "${BOOTSMITH_X+given}" "${BOOTSMITH_X-}"
parameter 'A' "${B+given}" "${A-}"
parameter 'A' "${A-}" "${A+given}"
parameter 'A' "${A+given}"
parameter 'A' "${A+given}" "${A-$(id)}"
parameter 'A' "${A+given}" "${A-}" "${A-}"
parameter 'A' default='x' "${A+given}" "${A-}"
parameter 'A' "${A+given}" "${A-}" min='a[$(id)]'
parameter 'a b' "${A+given}" "${A-}"
parameter '_' "${_+given}" "${_-}"
parameter 'http_proxy' "${BOOTSMITH_GIVEN_http_proxy+given}" "${BOOTSMITH_GIVEN_http_proxy-}"
parameter 'work' "${work+given}" "${work-}"
parameter 'work' "${BOOTSMITH_GIVEN_work+given}" "${work-}"
parameter 'WORK' "${BOOTSMITH_GIVEN_WORK+given}" "${BOOTSMITH_GIVEN_WORK-}"
literal 'a'
value 'PASSWORD'
END
    printf "service 'a'\\0; touch x\\n" >"$box/line"
    expect_equal no "$(holds_only_records_each release "$box/line")"
    for line in 'touch x' "service 'a'" "requirement 'a' api=\$(x)"; do
        printf '%s\n' "$line" >"$box/line"
        expect_equal "no $line" "$(holds_only_records_each requirements "$box/line") $line"
    done
    for line in "value 'a b'" "service 'a'" "literal 'a' 'b'" 'literal a'; do
        printf '%s\n' "$line" >"$box/line"
        expect_equal "no $line" "$(holds_only_records_each pieces "$box/line") $line"
    done
}

test_what_is_written_is_sourced() {
    while IFS= read -r line; do
        printf '%s\n' "$line" >"$box/line"
        expect_equal "yes $line" "$(holds_only_records_each release "$box/line") $line"
    done <<'END'
upgrade
upgrade rollback='no'
service 'web' image='a b' x='it'\''s'
parameter 'PORT' "${PORT+given}" "${PORT-}" default='80'
parameter 'SHELL_COLOR' "${SHELL_COLOR+given}" "${SHELL_COLOR-}" default='up=../x' description='a $(b) `c` "d"'
parameter 'BASH_COLOR' "${BASH_COLOR+given}" "${BASH_COLOR-}"
parameter 'BOOTS_PRICE' "${BOOTS_PRICE+given}" "${BOOTS_PRICE-}"
parameter 'BOOTSTRAP' "${BOOTSTRAP+given}" "${BOOTSTRAP-}"
parameter 'work' "${BOOTSMITH_GIVEN_work+given}" "${BOOTSMITH_GIVEN_work-}" default='x'
parameter 'logLevel' "${BOOTSMITH_GIVEN_logLevel+given}" "${BOOTSMITH_GIVEN_logLevel-}"
parameter '_TAG' "${_TAG+given}" "${_TAG-}"
service 'web' image='x' parameters='work logLevel _TAG'
script 'x' mode='run' service='web' description='file=../a' -- 'a' '$(b)' '--directory=/srv/../backup' '--' 'key=x' ''\'''
migration 'a' release='1.0.0' up='a..b/..c' down='...' -- '{file}' 'down=x/..'
mount 'CONFIG_A' kind='config' source='a' file='configs/a' uid='0' gid='0' mode='0444'
host_file '/srv/a=b' source='key'
hook 'pre-upgrade' 'x'
nodes create='x'
END
    printf "parameter 'A' \"\${A+given}\" \"\${A-}\" default='two\nservice \$(x)\nlines'\\''s' description=''\n" >"$box/line"
    expect_equal yes "$(holds_only_records_each release "$box/line")"
    printf "literal 'two\nlines'\nvalue 'PORT'\nliteral ''\n" >"$box/line"
    expect_equal yes "$(holds_only_records_each pieces "$box/line")"
}

# Whatever the order of the files: what one leaves open does not open the next.
test_files_are_judged_one_by_one() {
    printf "service 'open\n" >"$box/a"
    printf "service 'web'\n" >"$box/b"
    printf "touch x\n" >"$box/c"
    # shellcheck disable=SC2016
    echo 'list_refused release "$@"' | library "$box/a" "$box/b" "$box/c" "$box/b" "$box/a" >"$box/said"
    expect_equal "a b c: a 1 a quoted word does not end, c 1 not a record: \`touch\`, a 1 a quoted word does not end, " \
        "a b c: $(sed "s|$box/||; s/|/ /g" "$box/said" | while IFS= read -r said; do printf '%s, ' "$said"; done)"
}

# A file of the product may be called like one of ours; what is sourced is what the release names.
test_only_what_is_sourced_of_a_record_must_hold_records() {
    mkdir "$box/root/environments/production/configs/etc"
    for own in configs/release configs/etc/x.pieces; do echo 'log: all' >"$box/root/environments/production/$own"; done
    product_is_up
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_error 'revision 1'
    mkdir -p "$box/evil/environments/production"
    echo "mount 'A' kind='config' pieces='configs/evil'" >"$box/evil/environments/production/release"
    mkdir "$box/evil/environments/production/configs"
    echo 'touch x' >"$box/evil/environments/production/configs/evil"
    printf '%s\n' format=1 project=shop environment=production >"$box/evil/about"
    echo 'project=shop environment_name=production work=$1 environment_data=""; if is_record_ours "$1"; then echo yes; else complaint; fi' |
        library "$box/evil" >"$box/said"
    expect_content "$box/said" '`evil` of it holds something that is not a record (line 1: not a record: `touch`)'
}

# The requirements of a recorded release are sourced too.
test_recorded_requirements_must_hold_records() {
    mkdir -p "$box/evil/environments/production"
    echo "environment 'production' target='x'" >"$box/evil/environments/production/release"
    echo 'touch x' >"$box/evil/environments/production/requirements"
    printf '%s\n' format=1 project=shop environment=production >"$box/evil/about"
    echo 'project=shop environment_name=production work=$1 environment_data=""; if is_record_ours "$1"; then echo yes; else complaint; fi' |
        library "$box/evil" >"$box/said"
    expect_content "$box/said" '`requirements` of it holds something that is not a record (line 1: not a record: `touch`)'
}

# A product that is up, again and again in one case: as it was the first time. [WHAT BRINGS IT UP]
product_is_up_again() {
    if [ -n "${product_is_kept:-}" ]; then
        find "$box" -mindepth 1 -maxdepth 1 ! -name report -exec rm -r {} +
    else
        "${1:-product_is_up}"
        product_is_kept=yes
        rm -rf "$box.kept"
        mkdir "$box.kept"
        cp -a "$box/." "$box.kept"
        rm -f "$box.kept/report"
    fi
    cp -a "$box.kept/." "$box"
}

# Where the fake target keeps entries and records: sets entry_table, record_file and record_command, which prints the record.
find_record_file() { # REVISION
    case $(sed -n "s/^platform='\(.*\)'/\1/p" "$box/root/release") in
    compose) entry_table=$box/docker/volumes record_file=$box/docker/record.shop-production_rel.000$1 record_command="tar -xO record.tgz" ;;
    swarm) entry_table=$box/docker/configs record_file=$box/docker/content.shop-production_rel.000$1 record_command=cat ;;
    kubernetes) entry_table=$box/docker/records record_file=$box/docker/record.bootsmith-rel.000$1 record_command='base64 -d' ;;
    esac
}

# From $box/record.tgz.
put_record() {
    case $record_command in
    tar*) tar -cf "$record_file" -C "$box" record.tgz ;;
    cat) cp "$box/record.tgz" "$record_file" ;;
    base64*) base64 "$box/record.tgz" | tr -d '\n' >"$record_file" ;;
    esac
}

# Makes the record of a revision one that cannot be read, and says as what. HOW [REVISION]
spoil_record() {
    spoiled=${2:-1}
    find_record_file "$spoiled"
    case $1 in
    missing) rm "$record_file" ;;
    markonly) sed -i "/|record|$spoiled|/d" "$entry_table" ;;
    *)
        # shellcheck disable=SC2086 # words
        $record_command <"$record_file" >"$box/record.whole"
        spoil_bytes "$1"
        put_record
        ;;
    esac
}

# From $box/record.whole to $box/record.tgz. HOW
spoil_bytes() {
    case $1 in
    truncated) head -c 200 "$box/record.whole" >"$box/record.tgz" ;;
    empty) : >"$box/record.tgz" ;;
    changed) echo changed | gzip >"$box/record.tgz" ;;
    refused) change_record "echo 'touch x' >>environments/production/release" ;;
    newer) change_record "sed -i s/^format=1/format=2/ about" ;;
    esac
}

# A record that is whole, and says something else. COMMAND
change_record() {
    rm -rf "$box/unpacked"
    mkdir "$box/unpacked"
    gzip -dc <"$box/record.whole" | tar -xf - -C "$box/unpacked"
    (cd "$box/unpacked" && sh -c "$1")
    tar -cf - -C "$box/unpacked" . | gzip -n >"$box/record.tgz"
    spoiled_digest=$(cd "$box/unpacked" && find . ! -type d ! -path ./applied | sort | tr '\n' '\000' | xargs -0 sha256sum | sha256sum | cut -c 1-32)
    sed -i "s/\(|record|$spoiled|[^|]*|[^|]*|[^|]*|[^|]*|[^|]*|\)[0-9a-f]\{32\}/\1$spoiled_digest/" "$entry_table"
}

reason_of() {
    case $1 in
    truncated) echo 'cannot be read: .' ;;
    empty) echo 'cannot be read: it is empty' ;;
    changed) echo 'cannot be read: .' ;;
    refused) echo 'cannot be read: `release` of it holds something that is not a record' ;;
    missing) echo 'cannot be read: .' ;;
    newer) echo 'cannot be read: it is of a format that this image does not know: use a newer bootstrap image' ;;
    esac
}

# Everything that a record could know, and the secret.
give_all_parameters() {
    GREETING=hello LEVEL=info PORT=81 TIER=gold DB_PASSWORD=pw "$@"
}

test_a_record_that_cannot_be_read_stops_who_needs_it() {
    for how in truncated empty changed refused missing newer; do
        product_is_up_again
        spoil_record "$how"
        for called in plan up upgrade; do
            PORT=81 bootstrap "$called" production
            expect_equal "$how $called 3" "$how $called $code"
            expect_match "$box/err" "the record of revision 1 $(reason_of "$how")"
            expect_error 'give them (GREETING LEVEL TIER), or leave it behind: forget 1 production'
        done
        expect_no_call '^\[compose\].*\[up\]'
        bootstrap downgrade production 1.4.2
        expect_equal "$how downgrade 3" "$how downgrade $code"
        expect_match "$box/err" "revision 1 $(reason_of "$how")"
    done
}

test_who_needs_nothing_of_a_record_is_not_stopped_by_it() {
    for how in truncated empty changed refused missing newer; do
        product_is_up_again
        spoil_record "$how"
        give_all_parameters bootstrap plan production
        expect_equal "$how plan 0" "$how plan $code"
        give_all_parameters bootstrap up production
        expect_equal "$how up 0" "$how up $code"
        expect_match "$box/err" "warning: the record of revision 1 $(reason_of "$how")"
        expect_error 'is at shop 1.4.2, revision 2'
    done
}

test_a_revision_is_forgotten() {
    for how in truncated empty changed refused missing newer markonly; do
        product_is_up_again
        spoil_record "$how"
        bootstrap forget production 1 --dry-run
        expect_equal "$how dry 0" "$how dry $code"
        expect_match "$box/docker/volumes" '^shop-production_rel.0001.ok|'
        bootstrap forget production 1 --yes
        expect_equal "$how forget 0" "$how forget $code"
        expect_error 'revision 1 of shop-production is forgotten'
        expect_no_match "$box/docker/volumes" '^shop-production_rel.0001'
        bootstrap forget production 1 --yes
        expect_code 3
        expect_error 'there is no revision 1'
    done
}

test_the_current_revision_is_not_forgotten_as_long_as_it_can_be_read() {
    product_is_up
    bootstrap forget production 1 --yes
    expect_code 3
    expect_error 'revision 1 is the current one, and its record can be read'
    expect_match "$box/docker/volumes" '^shop-production_rel.0001|'
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 0
    bootstrap forget production 1 --yes
    expect_code 0
    bootstrap history production
    expect_no_match "$box/out" '^1 '
    bootstrap forget production
    expect_code 2
    bootstrap forget production one
    expect_code 2
}

# A rollback needs the record that it goes to, and of the one that it leaves only whether it may.
test_a_rollback_goes_past_a_record_that_cannot_be_read() {
    product_is_up
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 0
    : >"$box/record.tgz"
    tar -cf "$box/docker/record.shop-production_rel.0002" -C "$box" record.tgz
    DB_PASSWORD=pw bootstrap rollback production 1
    expect_code 0
    expect_error 'warning: the record of revision 2 cannot be read: it is empty'
    expect_error 'is at shop 1.4.2 again, revision 3'
    spoil_record empty
    DB_PASSWORD=pw bootstrap rollback production 1
    expect_code 3
    expect_error 'the record of revision 1 cannot be read: it is empty'
}

# What ran of a migration is known for good; that its scripts are gone is said.
test_migrations_of_a_forgotten_revision_are_still_known() {
    add_migration old 1.3.0
    product_is_up
    spoil_record empty
    bootstrap migrate production --list
    expect_match "$box/out" '^old .*applied'
    bootstrap forget production 1 --yes
    expect_code 0
    expect_error 'can no longer be taken back: old'
    bootstrap migrate production --list
    expect_match "$box/out" '^old .*applied'
}

# What `up` records is read back, before anything changes.
test_a_record_that_does_not_come_back_is_refused() {
    product_is_up
    : >"$box/record.tgz"
    tar -cf "$box/broken" -C "$box" record.tgz
    answer 'cp shop-production_rel.0002:/record/record.tgz -' 0 <"$box/broken"
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'revision 2 was recorded, but its record cannot be read: it is empty'
    expect_error 'forget 2 production'
    expect_no_call '^\[compose\].*\[up\]'
    bootstrap history production
    expect_match "$box/out" '^2 .*failed.*its record cannot be read'
}

# Labels that none of our commands wrote.
test_what_is_not_an_entry_of_the_ledger_is_passed_over() {
    for number in 99999999999999999999 'a[$(id)]' -1 1x '' 0; do
        product_is_up_again
        echo "odd|ledger||||||||2024-01-01T00:00:00Z|/engine|record|$number|2024-01-01T00:00:00Z|1.4.2|up|a|b|c|" >>"$box/docker/volumes"
        bootstrap plan production
        expect_equal "$number 0" "$number $code"
        expect_equal "$number 1" "$number $(grep -c '^warning: passed over what is not an entry of the ledger of shop-production: odd' "$box/err")"
        expect_no_error 'invalid number'
        PORT=81 DB_PASSWORD=pw bootstrap up production
        expect_code 0
        expect_error 'revision 2'
        expect_no_match "$box/docker/volumes" 'rel.0000'
    done
}

# What others wrote does not reach a terminal as it is.
test_control_characters_from_the_target_are_not_shown() {
    product_is_up
    escape=$(printf '\033')
    upper=$(printf '\302\233')
    sed -i "s/^\(shop-production_rel.0001|.*|record|1|.*\)$/\1/; s/anna@deskx/anna${escape}[31m${upper}31m/" "$box/docker/volumes"
    sed -i "/rel.0001|/s/|up|[^|]*|/|up|anna${escape}[31m${upper}31m|/" "$box/docker/volumes"
    bootstrap history production
    expect_code 0
    expect_match "$box/out" 'anna?\[31m?31m'
    expect_no_match "$box/out" "$escape"
    expect_no_match "$box/out" "$upper"
    printf 'lock-1||0123|2024-02-29T08:00:00Z|upgrade|%s[31manna%s\n' "$escape" "$upper" >"$box/docker/lock"
    bootstrap unlock production
    expect_error 'held by ?[31manna?'
    expect_no_match "$box/err" "$escape"
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 75
    expect_no_match "$box/err" "$escape"
    expect_no_match "$box/err" "$upper"
}

test_a_parameter_in_a_file_is_utf8() {
    for bytes in '\377' 'a\303' '\300\200' '\355\240\200' '\364\220\200\200' '\200' 'a\342\202'; do
        printf "$bytes" >"$box/secrets/GREETING"
        DB_PASSWORD=pw bootstrap plan production
        expect_equal "$bytes 3" "$bytes $code"
        expect_error 'parameter `GREETING`: the file'
        expect_error 'is not UTF-8 text'
    done
    printf 'gr\303\274n \342\202\254 \360\237\230\200' >"$box/secrets/GREETING"
    printf 'a\377b' >"$box/secrets/DB_PASSWORD"
    bootstrap plan production
    expect_code 0
}
