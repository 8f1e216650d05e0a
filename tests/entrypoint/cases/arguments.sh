# Arguments: commands, environments, options, near names, codes.

test_help_lists_every_command() {
    bootstrap help
    expect_code 0
    for command in up upgrade scale doctor run; do expect_output "  $command "; done
    expect_empty "$box/docker/calls"
}

test_help_of_a_command() {
    bootstrap help down
    expect_output '--volumes'
    bootstrap down --help
    expect_code 0
    expect_output 'usage: bootstrap down [environment]'
}

test_no_command() {
    bootstrap
    expect_code 2
    expect_error 'no command given'
}

test_unknown_command_names_the_near_one_and_the_known() {
    bootstrap upp production
    expect_code 2
    expect_error 'unknown command `upp`'
    expect_error 'did you mean `up`? known commands: help version'
}

test_yes_is_taken_by_every_command_that_writes() {
    for command in pull load up upgrade stop start restart scale down run; do
        bootstrap "$command" --help
        expect_output '--dry-run'
        expect_output '--yes'
    done
    for command in ps logs doctor images config explain; do
        bootstrap "$command" production --yes
        expect_code 2
        expect_error "\`$command\` takes no option \`--yes\`"
    done
}

test_unknown_environment() {
    bootstrap up prodution
    expect_code 2
    expect_error 'did you mean `production`? known environments: production testing'
}

test_environment_is_needed_when_there_are_several() {
    bootstrap ps
    expect_code 2
    expect_error 'which environment?'
}

test_default_environment() {
    sed -i "s/default_environment=''/default_environment='testing'/" "$box/root/release"
    bootstrap ps
    expect_code 0
    expect_output 'nothing of shop-testing is deployed'
}

test_only_environment_may_be_left_out() {
    sed -i "s/environments='production testing'/environments='testing'/" "$box/root/release"
    bootstrap ps
    expect_output 'nothing of shop-testing is deployed'
}

test_option_of_another_command() {
    bootstrap ps production --volumes
    expect_code 2
    expect_error '`ps` takes no option `--volumes`'
}

test_unknown_option_names_the_near_one() {
    bootstrap up production --timout 3
    expect_code 2
    expect_error 'did you mean `--timeout`?'
    bootstrap up production -x
    expect_code 2
    expect_error 'unknown option `-x`'
}

test_option_values() {
    for words in '--timeout x' '--timeout -1' '--timeout' '--timeout=' '--timeout 9999999999'; do
        # shellcheck disable=SC2086
        bootstrap up production $words
        expect_code 2
    done
    bootstrap ps production --output xml
    expect_code 2
    bootstrap logs production --tail many
    expect_code 2
}

test_quiet_excludes_verbose() {
    bootstrap ps production --quiet --verbose
    expect_code 2
}

test_words_behind_two_dashes_are_no_options_and_no_environment() {
    bootstrap logs production -- --follow
    expect_code 2
    expect_error 'unknown service or environment `--follow`'
    bootstrap ps -- production
    expect_code 2
}

test_hostile_words_are_only_shown() {
    for word in 'a b' '$(touch x)' '`id`' "it's" '*' '\' '😀' '%s%n' "$(printf 'two\nlines')"; do
        bootstrap up "$word"
        expect_code 2
        expect_error "unknown environment \`$(printf %s "$word" | sed -n 1p)"
    done
}

test_unknown_service() {
    bootstrap restart production wep
    expect_code 2
    expect_error 'did you mean `web`? known services: database init web'
}

test_scale_operands() {
    for word in web web= web=-1 web=x wep=1 init=2 web=1=2; do
        bootstrap scale production "$word"
        expect_code 2
    done
    expect_empty "$box/docker/calls"
}

test_volumes_need_yes() {
    bootstrap down production --volumes
    expect_code 2
    expect_empty "$box/docker/calls"
}

test_unknown_format_is_our_fault() {
    sed -i "s/format='1'/format='2'/" "$box/root/release"
    bootstrap help
    expect_code 1
    expect_error 'format `2`'
}

test_alias_is_a_function_that_calls_this_image() {
    bootstrap alias
    expect_code 0
    expect_content "$box/out" 'bootstrap() { t=-i; [ -t 0 ] && [ -t 1 ] && t=-it; docker run --rm $t -v /var/run/docker.sock:/var/run/docker.sock -e BOOTSMITH_OPERATOR="$(id -un)@$(hostname)" -e DB_PASSWORD -e GREETING -e LEVEL -e PORT -e TIER registry.example.com/shop/bootstrap:1.4.2 "$@"; }'
    DOCKER_HOST=tcp://127.0.0.1:2375 bootstrap alias
    expect_output '--network host -e DOCKER_HOST=tcp://127.0.0.1:2375'
    expect_empty "$box/docker/calls"
}
