# The words of the command line: short options, habits of other tools, near names, and hints that can be followed to the letter.

test_short_options_mean_the_long_ones() {
    for words in '-o json' '-o=json' '-ojson' '--output json'; do
        # shellcheck disable=SC2086 # words
        bootstrap ps testing $words
        expect_code 0
        expect_output '"services": ['
    done
    bootstrap down -h
    expect_output 'usage: bootstrap down'
    bootstrap up production -q -y -n
    expect_code 2
    expect_error 'unknown option `-n`'
    expect_error 'short options: -f (--follow)'
    bootstrap ps production -f
    expect_code 2
    expect_error '`ps` takes no option `--follow`'
    product_is_up
    bootstrap stop production -y -q --dry-run
    expect_code 0
    bootstrap logs production -f
    expect_call '^\[logs\].*\[--follow\]'
}

test_version_is_an_option_too() {
    bootstrap --version
    expect_code 0
    expect_output 'shop          1.4.2'
    bootstrap up --version
    expect_code 2
    expect_error '`up` takes no option `--version`'
}

test_detaching_is_explained() {
    bootstrap up -d
    expect_code 2
    expect_error 'there is no `-d`: `up` returns when all services are ready'
}

test_the_command_comes_first() {
    bootstrap production up
    expect_code 2
    expect_error '`production` is an environment, and the command comes first'
    expect_error 'hint: call: up production'
    bootstrap testing
    expect_error 'hint: call: up testing'
}

test_words_of_other_tools_are_answered_with_ours() {
    for pair in deploy:up install:up exec:run delete:down ls:ps undo:rollback update:upgrade; do
        bootstrap "${pair%:*}" production
        expect_code 2
        expect_error "for that call \`${pair#*:}"
    done
}

# WORD NEAR KNOWN…
expect_near() {
    near_of=$1 near_wanted=$2
    shift 2
    expect_equal "$near_wanted" "$(echo 'near_word "$@"' | library "$near_of" "$@")"
}

test_near_words_are_near_for_their_length() {
    expect_near prots ports port ports volumes
    expect_near web '' db database
    expect_near prod production production testing
    expect_near rolback rollback rollback restart
    expect_near wep web database init web
    expect_near worker worker1 worker1 web
    expect_near x '' ps up
    expect_near upgarde upgrade up upgrade
    expect_near zzzzzz '' production testing
}

test_what_is_neither_is_called_neither() {
    bootstrap rollback one
    expect_code 2
    expect_error '`one` is neither an environment nor the number of a revision'
    bootstrap rollback production 99999999999999999999
    expect_code 2
    expect_error 'too large'
    bootstrap downgrade 0.9
    expect_code 2
    expect_error '`0.9` is not a full version'
    bootstrap up production extra
    expect_code 2
    expect_error 'unexpected argument `extra`'
    bootstrap restart production init
    expect_code 2
    expect_error '`init` is a job, it runs once'
}

test_empty_values_are_no_values() {
    for option in --timeout --lock-wait; do
        bootstrap up production "$option" ''
        expect_code 2
    done
    for option in --since --tail; do
        bootstrap logs production "$option="
        expect_code 2
    done
    for word in logs restart; do
        bootstrap "$word" production ''
        expect_code 2
    done
    bootstrap up ''
    expect_code 2
    bootstrap up 'production testing'
    expect_code 2
    expect_empty "$box/docker/calls"
}

test_who_cannot_go_back_is_told_why_and_where_to() {
    bootstrap rollback testing
    expect_code 3
    expect_error 'shop-testing has no successful deployment to go back to'
    product_is_up
    crash_with_port 81
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 4
    PORT=82 DB_PASSWORD=pw bootstrap up production
    expect_code 0
    bootstrap rollback production 99
    expect_code 3
    expect_error 'revision 99 is not recorded'
    expect_error 'hint: you can go back to: 1 (1.4.2), 3 (1.4.2, current)'
    bootstrap rollback production 2
    expect_code 3
    expect_error 'revision 2 was never deployed successfully'
}

# The description says what it is for; a secret is not shown.
test_a_value_that_is_refused_comes_with_what_it_is_for() {
    sed -i "/^parameter 'TIER'/s/$/ description='What the shop may do'/; /^parameter 'DB_PASSWORD'/s/$/ pattern='x+'/" "$box/root/environments/production/release"
    TIER='it'\''s' DB_PASSWORD=hunter2 bootstrap plan production
    expect_code 3
    expect_error 'parameter `TIER` (What the shop may do) must be gold or silver, not `'\''it'\''\'\'''\''s'\''`'
    expect_error 'parameter `DB_PASSWORD` (Password of the shop database user) must match `x+`'
    expect_no_error hunter2
    bootstrap plan production
    expect_error 'set it in your shell (`export DB_PASSWORD=…`) and pass it on with `docker run -e DB_PASSWORD …`'
}
