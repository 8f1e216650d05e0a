# shellcheck shell=sh disable=SC2016
# Hooks that fail when the work is done, or a part of it: what is recorded, and what the hint says. journal.sh has the words.

# POINT
break_hook() {
    printf '%s\n' "script 'broken' mode='bootstrap' -- 'false'" "hook '$1' 'broken'" >>"$box/root/environments/production/release"
}

expect_hook_by_itself() { # CODE
    bootstrap run broken production
    expect_equal "run $1" "run $code"
}

test_a_hook_that_fails_after_migrations_leaves_no_pending_revision() {
    product_is_up
    for command in upgrade migrate; do
        take_release 1.5.0 "m-$command"
        break_hook post-migrate
        : >"$box/docker/calls"
        DB_PASSWORD=pw bootstrap "$command" production
        expect_equal "$command 5" "$command $code"
        expect_error 'the hook post-migrate failed: broken (exit code 1)'
        expect_error 'the migrations ran, and no service was changed; run the hook by itself, for it is not run again: run broken production'
        expect_no_error 'the services are as they should be'
        expect_no_call '\[up\]'
        expect_history "$command" failed
        bootstrap history production
        expect_no_output pending
        expect_state "m-$command" applied
        expect_hook_by_itself 1
        sed -i '/broken/d' "$box/root/environments/production/release"
        DB_PASSWORD=pw bootstrap upgrade production
        expect_equal "$command 0" "$command $code"
        expect_runs "m-$command" 1
        DB_PASSWORD=pw bootstrap downgrade production 1.4.2
        expect_code 0
    done
}

expect_dry_end() {
    DB_PASSWORD=pw bootstrap migrate production --dry-run
    expect_code 0
    expect_error 'revision 2, which was interrupted, would be ended'
}

# Nobody wrote down whether the hook ran, so it runs, and the revision is ended.
test_what_follows_the_migrations_of_an_interrupted_command_is_run() {
    product_is_up
    interrupted_migrations=''
    for interrupted in migrate:0002.done upgrade:0003.ok; do
        command=${interrupted%:*} interrupted_migrations="$interrupted_migrations m-${interrupted%:*}"
        # shellcheck disable=SC2086 # names
        take_release 1.5.0 $interrupted_migrations
        printf '%s\n' "script 'told' mode='bootstrap' -- 'echo' 'the hook ran'" "hook 'post-migrate' 'told'" >>"$box/root/environments/production/release"
        DB_PASSWORD=pw bootstrap "$command" production
        expect_equal "$command 0" "$command $code"
        forget_marks "${interrupted#*:}"
        bootstrap history production
        expect_output pending
        case $command in migrate) expect_dry_end ;; esac
        DB_PASSWORD=pw bootstrap "$command" production
        expect_equal "$command again 0" "$command again $code"
        expect_error "continuing revision"
        expect_error 'the hook ran'
        expect_runs "m-$command" 1
        bootstrap history production
        expect_no_output 'pending\|interrupted'
    done
}

# The services that a migration needed were changed by then.
test_a_hook_that_fails_after_the_first_migrations_says_what_was_changed() {
    product_after
    take_release 1.5.0 one
    break_hook post-migrate
    DB_PASSWORD=pw bootstrap up production
    expect_code 5
    expect_error 'the migrations ran, and these services were changed: database; run the hook by itself'
    expect_history up failed
}

# What follows the deployment is run again when the command is repeated.
test_a_hook_that_fails_after_the_deployment_is_repeated_with_it() {
    product_is_up
    for pair in up/post-up upgrade/post-upgrade; do
        break_hook "${pair#*/}"
        DB_PASSWORD=pw bootstrap "${pair%/*}" production
        expect_equal "$pair 5" "$pair $code"
        expect_error "the hook ${pair#*/} failed: broken (exit code 1)"
        expect_error 'everything else is done; to run the hook again, repeat the same command'
        expect_history "${pair%/*}" ok
        DB_PASSWORD=pw bootstrap "${pair%/*}" production
        expect_equal "$pair again 5" "$pair again $code"
        sed -i '/broken/d' "$box/root/environments/production/release"
        DB_PASSWORD=pw bootstrap "${pair%/*}" production
        expect_equal "$pair 0" "$pair $code"
    done
}

test_a_hook_that_fails_after_down_is_run_by_itself() {
    product_is_up
    break_hook post-down
    bootstrap down production --yes
    expect_code 5
    expect_error 'everything else is done; run the hook by itself: run broken production'
    expect_hook_by_itself 1
    bootstrap down production --yes
    expect_code 0
    expect_error 'nothing of shop-production is deployed'
}

test_a_hook_that_fails_before_is_a_revision_that_failed() {
    product_is_up
    for pair in up/pre-up upgrade/pre-upgrade migrate/pre-migrate; do
        take_release 1.5.0 one
        break_hook "${pair#*/}"
        DB_PASSWORD=pw bootstrap "${pair%/*}" production
        expect_equal "$pair 3" "$pair $code"
        expect_error "the hook ${pair#*/} failed: broken (exit code 1)"
        expect_history "${pair%/*}" failed
        expect_runs one 0
        sed -i '/broken/d' "$box/root/environments/production/release"
    done
}
