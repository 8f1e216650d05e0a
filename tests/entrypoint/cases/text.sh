# Text: quoting, JSON, near names, instants, tar headers, in the shell under test.

hostile() {
    printf '%s\n' plain "it's" '"q"' 'a\b' '$HOME `id` $(id)' '-n' '--' '' '😀 é' '%s\n' '*' '~' "'" "''" '\'
}

test_quote_word_is_read_back_by_a_shell() {
    hostile >"$box/words"
    library "$box/words" <<'END' >"$box/quoted"
while IFS= read -r word; do
    printf "printf '%%s\\\\n' "
    quote_word "$word"
    echo
done <"$1"
END
    sh "$box/quoted" >"$box/back"
    expect_same "$box/words" "$box/back"
}

test_quote_word_keeps_newlines() {
    # shellcheck disable=SC2016
    printf '%s\n' 'quote_word "$1"' >"$box/line"
    expect_equal "'a

b
'." "$(library 'a

b
' <"$box/line" && printf .)"
}

test_json_string() {
    # shellcheck disable=SC2016
    printf '%s\n' 'json_string "$1"' >"$box/line"
    expect_equal '"plain"' "$(library plain <"$box/line")"
    expect_equal '""' "$(library '' <"$box/line")"
    expect_equal '"a\"b\\c"' "$(library 'a"b\c' <"$box/line")"
    expect_equal '"a\nb\n"' "$(library 'a
b
' <"$box/line")"
    expect_equal '"t\tr\r\u0001\u007f\u001b"' "$(library "$(printf 't\tr\r\001\177\033')" <"$box/line")"
    expect_equal '"😀 é"' "$(library '😀 é' <"$box/line")"
    expect_equal '"-n"' "$(library -n <"$box/line")"
}

test_near_word() {
    # shellcheck disable=SC2016
    printf '%s\n' 'near_word "$@"' >"$box/line"
    expect_equal production "$(library prodution testing production <"$box/line")"
    library xyz testing production <"$box/line" >"$box/said"
    expect_empty "$box/said"
    library '\' testing <"$box/line" >"$box/said"
    expect_empty "$box/said"
}

test_read_epoch() {
    # shellcheck disable=SC2016
    printf '%s\n' 'if read_epoch "$1"; then echo "$epoch"; else echo invalid; fi' >"$box/line"
    expect_equal 0 "$(library 1970-01-01T00:00:00Z <"$box/line")"
    expect_equal 1709194209 "$(library 2024-02-29T08:10:09.123456789Z <"$box/line")"
    expect_equal 1709187009 "$(library 2024-02-29T08:10:09+02:00 <"$box/line")"
    expect_equal 1709213109 "$(library 2024-02-29T08:10:09.5-05:15 <"$box/line")"
    expect_equal 4102444799 "$(library 2099-12-31T23:59:59Z <"$box/line")"
    expect_equal invalid "$(library 'yesterday' <"$box/line")"
}

test_archive_of_a_secret_keeps_owner_mode_and_bytes() {
    DB_PASSWORD="it's
\$x " bootstrap run once production </dev/null
    tar -tvf "$box/docker/archive.SECRET_DB_PASSWORD" --numeric-owner >"$box/list" 2>/dev/null ||
        tar -tvf "$box/docker/archive.SECRET_DB_PASSWORD" >"$box/list"
    expect_match "$box/list" '^-r-------- 999/998 *8 '
    expect_equal "it's
\$x ." "$(tar -xOf "$box/docker/archive.SECRET_DB_PASSWORD"; printf .)"
}

test_archive_of_pieces_is_rendered() {
    DB_PASSWORD=pw LEVEL=debug bootstrap run once production
    expect_equal 'level = debug
it'\''s $5 \n' "$(tar -xOf "$box/docker/archive.CONFIG_APP")"
}

test_archive_of_a_directory() {
    DB_PASSWORD=pw bootstrap run once production
    tar -tvf "$box/docker/archive.CONFIG_SITE" >"$box/list"
    expect_match "$box/list" '^dr-xr-x--- 0/0 .* sub/$'
    expect_match "$box/list" '^-r--r----- 0/0 *5 .* sub/page.html$'
    expect_equal page "$(tar -xOf "$box/docker/archive.CONFIG_SITE" sub/page.html)"
}

test_archive_with_long_paths() {
    long=$(printf '%060d/%060d' 1 2)
    mkdir -p "$box/root/environments/production/configs/site/$long"
    echo deep >"$box/root/environments/production/configs/site/$long/file"
    DB_PASSWORD=pw bootstrap run once production
    expect_equal deep "$(tar -xOf "$box/docker/archive.CONFIG_SITE" "$long/file")"
}
