# Parameters and secrets: faults all at once, nothing changed, nothing shown.

test_all_faults_are_reported_at_once() {
    LEVEL=loud PORT=99999 TIER=bronze bootstrap up production
    expect_code 3
    expect_error 'parameter `LEVEL` must match `debug|info|warn`, not `loud`'
    expect_error 'parameter `PORT` must be at most 65535, not `99999`'
    expect_error 'parameter `TIER` must be gold or silver, not `bronze`'
    expect_error 'secret `db-password` is not given and not stored on the target'
    expect_error 'docker run -e DB_PASSWORD'
}

test_a_refusal_changes_nothing() {
    bootstrap up production
    expect_code 3
    for word in create import cp pull up rm start; do expect_no_call "^\[\(volume\]\[\|compose\].*\[\|network\]\[\)*$word\]"; done
}

test_integers() {
    for value in x 1.5 0 65536 '1 2' 0x10 - 99999999999999999999 "$(printf '1\n2')"; do
        PORT=$value DB_PASSWORD=pw bootstrap run here production
        expect_code 3
    done
    for value in 1 65535 080; do
        PORT=$value DB_PASSWORD=pw bootstrap run here production
        expect_code 0
    done
}

test_patterns_match_the_whole_value() {
    for value in xinfo infox 'info x' "$(printf 'info\nx')" "$(printf 'x\ninfo')"; do
        LEVEL=$value bootstrap run here production
        expect_code 3
    done
    LEVEL=warn bootstrap run here production
    expect_code 0
}

test_enum_takes_one_word() {
    for value in 'gold silver' gol '*'; do
        TIER=$value bootstrap run here production
        expect_code 3
    done
    TIER=silver bootstrap run here production
    expect_code 0
}

test_required_given_empty() {
    DB_PASSWORD='' bootstrap up production
    expect_code 3
    expect_error 'parameter `DB_PASSWORD` (Password of the shop database user) is required, but given empty'
}

test_value_from_a_file_loses_one_newline() {
    printf 'from file\n\n' >"$box/secrets/DB_PASSWORD"
    product_after
    bootstrap up production
    expect_code 0
    expect_equal 'from file
.' "$(tar -xOf "$box/docker/archive.SECRET_DB_PASSWORD"; printf .)"
}

test_a_given_value_wins_over_a_file() {
    printf 'file' >"$box/secrets/DB_PASSWORD"
    product_after
    DB_PASSWORD=given bootstrap up production
    expect_equal given "$(tar -xOf "$box/docker/archive.SECRET_DB_PASSWORD")"
}

test_a_file_with_nul_bytes() {
    printf 'a\0b' >"$box/secrets/DB_PASSWORD"
    bootstrap up production
    expect_code 3
    expect_error 'holds NUL bytes'
}

test_hostile_values_reach_compose_unchanged() {
    product_after
    value=$(printf '%s' '-n "q" '\''s'\'' $HOME `id` \ 😀 %s
last')
    GREETING=$value DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_line "$box/docker/environment" 'GREETING=-n "q" '\''s'\'' $HOME `id` \ 😀 %s'
    expect_line "$box/docker/environment" last
    expect_no_call 'HOME'
}

test_default_with_quotes() {
    product_after
    DB_PASSWORD=pw bootstrap up production
    expect_line "$box/docker/environment" "GREETING=it's \"me\" \$HOME \\"
}

test_secrets_are_in_no_argv_and_no_output() {
    product_after
    DB_PASSWORD=hunter2hunter2 bootstrap up production --verbose
    expect_code 0
    expect_no_call hunter2
    DB_PASSWORD=hunter2hunter2 bootstrap config production --verbose
    DB_PASSWORD=hunter2hunter2 bootstrap explain production
    expect_no_call hunter2
    for place in out err work; do expect_no_text "$box/$place" hunter2; done
}

test_stored_secret_is_used() {
    product_is_up
    fingerprint=0123456789abcdef0123456789abcdef
    sed -i '/|secret|/d' "$box/docker/volumes"
    echo "shop-production_secret-db-password-$fingerprint|secret|db-password|$fingerprint|999:998:0400|aabb||||2024-01-01T00:00:00Z|/engine" >>"$box/docker/volumes"
    sed -i "1s/||net/|shop-production_secret-db-password-$fingerprint |net/" "$box/docker/containers" "$box/docker/after"
    bootstrap up production
    expect_code 0
    expect_no_call 'SECRET_DB_PASSWORD'
}

test_stored_secret_that_is_not_whole_is_refused() {
    echo "v-secret|secret|db-password|0123|999:998:0400|aabb||||2024-01-01T00:00:00Z|/engine" >"$box/docker/volumes"
    bootstrap up production
    expect_code 3
    expect_error 'what is stored on the target is not whole'
    expect_call '^\[rm\]\[--force\]\[filler\]'
}

test_config_needs_no_engine_and_masks() {
    printf 'unreachable\n' | answer 'version*' fail1
    echo 'services: shown' | answer 'compose*config' 0
    bootstrap config production
    expect_code 0
    expect_output 'services: shown'
    expect_no_call '^\[ps\]'
}
