# Parameters with small letters: variables of the entrypoint are written so too, and neither is taken for the other.

# Names that the entrypoint itself uses, and some that it does not.
readonly SMALL_NAMES='version project work root target command visitor visited environment_data parameter_value given_names name fact log_level logLevel'

release_with_small_parameters() {
    for small in $SMALL_NAMES; do
        printf "parameter '%s' \"\${BOOTSMITH_GIVEN_%s+given}\" \"\${BOOTSMITH_GIVEN_%s-}\" default='default of %s'\n" "$small" "$small" "$small" "$small"
    done >>"$box/root/environments/production/release"
    cat >"$box/root/scripts/here.sh" <<'END'
#!/bin/sh
env
END
}

# WORD…: with a value of every one.
bootstrap_with_small() {
    code=0
    PATH="$box/bin:$PATH" HOME="$box/home" TMPDIR="$box/work" BOOTSTRAP_ROOT="$box/root" BOOTSTRAP_SECRETS="$box/secrets" \
        FAKE_DOCKER="$box/docker" DB_PASSWORD=pw env version='a version' project=p/q work=/nowhere root=/other target=t command=down \
        visitor=false visited=x environment_data=/dev/null parameter_value=y given_names='PATH IFS' name=n fact=f log_level=low \
        logLevel='it'\''s "$HOME" `id`' plain_word='no parameter' http_proxy=http://proxy \
        $shell "$box/root/bin/bootstrap" "$@" >"$box/out" 2>"$box/err" </dev/null || code=$?
}

test_given_values_have_their_names_in_what_is_called() {
    release_with_small_parameters
    bootstrap_with_small run here production
    expect_code 0
    for line in 'version=a version' project=p/q work=/nowhere root=/other target=t command=down visitor=false visited=x \
        environment_data=/dev/null parameter_value=y 'given_names=PATH IFS' name=n fact=f log_level=low 'logLevel=it'\''s "$HOME" `id`' \
        'plain_word=no parameter' http_proxy=http://proxy BOOTSMITH_VERSION=1.4.2 BOOTSMITH_PROJECT=shop; do
        expect_line "$box/out" "$line"
    done
    expect_no_output BOOTSMITH_GIVEN
}

test_defaults_have_their_names_too() {
    release_with_small_parameters
    bootstrap run here production
    expect_code 0
    for small in $SMALL_NAMES; do expect_line "$box/out" "$small=default of $small"; done
}

test_a_value_of_compose_is_the_given_one() {
    release_with_small_parameters
    product_after
    bootstrap_with_small up production
    expect_code 0
    expect_line "$box/docker/environment" 'version=a version'
    expect_line "$box/docker/environment" 'logLevel=it'\''s "$HOME" `id`'
    expect_call '^\[compose\].*\[-p\]\[shop-production\]'
    bootstrap history production
    expect_output 1.4.2
}

test_a_small_value_is_recorded_and_used_again() {
    release_with_small_parameters
    product_after
    DB_PASSWORD=pw log_level=low bootstrap up production
    expect_code 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_line "$box/docker/environment" log_level=low
}

test_rules_of_small_parameters_hold() {
    echo "parameter 'log_level' \"\${BOOTSMITH_GIVEN_log_level+given}\" \"\${BOOTSMITH_GIVEN_log_level-}\" enum='low high'" >>"$box/root/environments/production/release"
    DB_PASSWORD=pw log_level=middle bootstrap run here production
    expect_code 3
    expect_error 'parameter `log_level` must be low or high, not `middle`'
}

test_a_parameter_in_capitals_is_no_constant_of_ours() {
    for capitals in EXIT_BUG HISTORY_LENGTH DEFAULT_TIMEOUT EMPTY_IMAGE STATE_TEMPLATE _TAG; do
        echo "parameter '$capitals' \"\${$capitals+given}\" \"\${$capitals-}\" default='of the release'" >>"$box/root/environments/production/release"
    done
    cat >"$box/root/scripts/here.sh" <<'END'
#!/bin/sh
env
END
    EXIT_BUG=given DB_PASSWORD=pw bootstrap run here production
    expect_code 0
    expect_line "$box/out" EXIT_BUG=given
    expect_line "$box/out" 'HISTORY_LENGTH=of the release'
    expect_line "$box/out" '_TAG=of the release'
}

test_a_stack_has_small_parameters() {
    use_driver swarm
    release_with_small_parameters
    printf '29.0.0\n' | answer 'version*' 0
    bootstrap_with_small config production
    expect_call '^\[stack\]\[config\]'
}
