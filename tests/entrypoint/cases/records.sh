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
literal 'a'
value 'PASSWORD'
END
    printf "service 'a'\\0; touch x\\n" >"$box/line"
    expect_equal no "$(holds_only_records_each release "$box/line")"
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
