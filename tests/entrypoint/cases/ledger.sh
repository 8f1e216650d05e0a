# What is recorded on the target, and what is done with it: history, restore, rollback, downgrade, migrations, plan.

# A migration of the fixture's release. NAME RELEASE FACT…
add_migration() {
    migration="migration '$1' release='$2' service='database' mode='exec' content='c-$1' up='$1.up.sql'"
    mkdir -p "$box/root/migrations"
    echo "up of $1" >"$box/root/migrations/$1.up.sql"
    echo "down of $1" >"$box/root/migrations/$1.down.sql"
    shift 2
    for fact do migration="$migration $fact"; done
    echo "$migration -- 'psql' '-f' '{file}'" >>"$box/root/environments/production/release"
}

# The release says another version of itself. VERSION
set_version() {
    sed -i "s/^version=.*/version='$1'/" "$box/root/release"
}

# The web service crashes when it is given this port. PORT
crash_with_port() {
    sed '3s/|running|0|0|/|restarting|9|3|/' "$box/docker/after" >"$box/docker/after.$1"
}


test_a_deployment_is_a_revision_and_its_repetition_is_none() {
    product_is_up
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_error 'revision 1'
    bootstrap history production --output json
    expect_output '"revision": 1, "version": "1.4.2"'
    expect_output '"outcome": "ok"'
    expect_count "$box/out" 1 '"revision":'
}

test_who_and_why_are_recorded_and_no_secret_is() {
    product_after
    BOOTSMITH_OPERATOR='anna@desk' DB_PASSWORD=hunter2 bootstrap up production --message 'the | first'
    bootstrap history production
    expect_output 'anna@desk'
    expect_output 'the / first'
    mkdir "$box/seen"
    tar -xOf "$box/docker/record.shop-production_rel.0001" | gunzip -c | tar -xf - -C "$box/seen"
    for place in seen docker/volumes docker/calls; do expect_no_text "$box/$place" hunter2; done
    expect_content "$box/seen/parameters/PORT" 80
}

test_what_is_not_given_is_what_was_given() {
    product_after
    PORT=81 DB_PASSWORD=pw bootstrap up production
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_error 'revision 1'
    PORT=82 DB_PASSWORD=pw bootstrap up production
    expect_error 'revision 2'
    DB_PASSWORD=pw bootstrap up production --dry-run
    expect_output 'web: keep'
}

test_a_failed_update_is_put_back_with_4() {
    product_is_up
    crash_with_port 81
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 4
    expect_error 'restoring revision 1 (1.4.2)'
    expect_error 'up of shop-production failed; revision 1 (1.4.2) was restored and runs'
    expect_match "$box/docker/environment" '^PORT=80$'
    bootstrap history production
    expect_output 'restored'
    expect_output 'is in a crash loop'
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_error 'revision 1'
}

test_a_record_that_is_gone_is_refused_before_anything_changes() {
    product_is_up
    crash_with_port 81
    rm "$box/docker/record.shop-production_rel.0001"
    DB_PASSWORD=pw PORT=81 bootstrap up production
    expect_code 3
    expect_error 'the record of revision 1 cannot be read'
}

test_a_live_product_without_a_ledger_is_refused_until_it_is_adopted() {
    product_is_up
    : >"$box/docker/volumes"
    add_migration old 1.3.0
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'has no ledger'
    DB_PASSWORD=pw bootstrap up production --adopt
    expect_code 2
    DB_PASSWORD=pw bootstrap up production --adopt --migrated=1.4.0
    expect_code 0
    expect_no_call '^\[exec\].*psql'
    bootstrap migrate production --list
    expect_output 'applied'
    DB_PASSWORD=pw bootstrap up production --adopt --migrated=1.4.0
    expect_code 3
}

test_an_older_revision_is_deployed_again_by_rollback() {
    product_is_up
    PORT=82 DB_PASSWORD=pw bootstrap up production
    bootstrap rollback production --check
    expect_code 0
    rm -r "$box/root/environments/production/compose.yaml"
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 0
    expect_error 'again, revision 3'
    expect_match "$box/docker/environment" '^PORT=80$'
    expect_call '\[-f\]\[[^]]*/revisions/1/environments/production/compose.yaml\]\[-f\]\[[^]]*/pin.yaml\]'
    bootstrap rollback production 7
    expect_code 3
    expect_error 'you can go back to: 1 (1.4.2), 2 (1.4.2), 3 (1.4.2, current)'
}

test_migrations_run_once_in_order_with_their_files() {
    product_is_up
    add_migration one 1.4.1
    add_migration two 1.4.2
    answer 'exec *psql*' stdin </dev/null
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '^\[exec\]\[-i\].*\[c1\]\[psql\]\[-f\]\[/dev/stdin\]$'
    expect_content "$box/docker/stdin" 'up of two'
    : >"$box/docker/calls"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_no_call '^\[exec\]'
    bootstrap migrate production --list --output json
    expect_output '{"migration": "one", "release": "1.4.1", "service": "database", "state": "applied"'
}

test_a_failed_migration_ends_with_6_and_is_not_run_again_by_itself() {
    product_is_up
    add_migration one 1.4.2
    echo 'ERROR: no such table' | answer 'exec *psql*' fail3
    PORT=82 DB_PASSWORD=pw bootstrap up production
    expect_code 6
    expect_error 'no such table'
    expect_error 'no service was touched'
    expect_no_call '\[up\]'
    PORT=82 DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'migrate production --retry'
    rm "$box/docker/answers/"*
    DB_PASSWORD=pw bootstrap migrate production --retry
    expect_code 0
    expect_error 'migration one: running'
    PORT=82 DB_PASSWORD=pw bootstrap up production
    expect_code 0
}

test_after_a_migration_only_a_compatible_one_lets_the_release_be_put_back() {
    product_is_up
    crash_with_port 81
    add_migration one 1.4.2
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 5
    expect_error 'does not work with what these migrations did: one'
    expect_error 'downgrade 1.4.2 production'
}

test_after_a_compatible_migration_the_release_is_put_back() {
    product_is_up
    crash_with_port 81
    add_migration one 1.4.2 "compatible='yes'"
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 4
}

test_rollback_refuses_where_a_migration_stands_in_between() {
    product_is_up
    add_migration one 1.5.0 "down='one.down.sql'"
    set_version 1.5.0
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 3
    expect_error 'does not work with what these migrations did: one'
    expect_error 'downgrade 1.4.2 production'
}

test_downgrade_takes_migrations_back_then_deploys_the_older_release() {
    product_is_up
    add_migration one 1.5.0 "down='one.down.sql'"
    set_version 1.5.0
    answer 'exec *psql*' stdin </dev/null
    PORT=82 DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
    DB_PASSWORD=pw bootstrap downgrade 1.4.2 production
    expect_code 0
    expect_content "$box/docker/stdin" 'down of one'
    expect_error 'is at shop 1.4.2 again'
    bootstrap migrate production --list
    expect_output 'pending'
    bootstrap history production
    expect_output '-one'
}

test_a_rollback_that_fails_is_put_back_too() {
    product_is_up
    PORT=82 DB_PASSWORD=pw bootstrap up production
    crash_with_port 80
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 4
    expect_error 'failed; revision 2 (1.4.2) was restored and runs'
    expect_match "$box/docker/environment" '^PORT=82$'
}

test_a_downgrade_that_fails_is_not_put_back_on_other_data() {
    product_is_up
    add_migration one 1.5.0 "down='one.down.sql'"
    set_version 1.5.0
    PORT=82 DB_PASSWORD=pw bootstrap upgrade production
    crash_with_port 80
    DB_PASSWORD=pw bootstrap downgrade 1.4.2 production
    expect_code 5
    expect_error 'these migrations were taken back: one'
}

test_downgrade_refuses_what_has_no_way_back() {
    product_is_up
    add_migration one 1.5.0
    set_version 1.5.0
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
    : >"$box/docker/calls"
    DB_PASSWORD=pw bootstrap downgrade 1.4.2 production
    expect_code 3
    expect_error 'the migration `one` is irreversible'
    expect_no_call '\[up\]\|^\[exec\]\|_lock'
    DB_PASSWORD=pw bootstrap downgrade 1.0.0 production
    expect_code 3
    expect_error 'recorded are: 1.4.2 1.5.0'
}

test_upgrade_keeps_to_the_paths_of_the_release() {
    product_is_up
    set_version 1.0.0
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 3
    expect_error 'newer than 1.0.0'
    set_version 2.0.0
    echo "upgrade from='>=1.5.0 <3.0.0' backup='backup' backup_age='3600'" >>"$box/root/environments/production/release"
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 3
    expect_error 'go through 1.5.0 first'
    expect_error 'wants a backup before an upgrade, and none was taken'
}

test_a_backup_that_was_taken_opens_the_way() {
    product_is_up
    set_version 2.0.0
    echo "upgrade from='>=1.0.0' backup='backup' backup_age='3600'" >>"$box/root/environments/production/release"
    bootstrap run production backup
    expect_code 0
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
}

test_a_backup_of_a_script_that_needs_no_target_is_noted_too() {
    product_is_up
    set_version 2.0.0
    echo "script 'dump' mode='bootstrap' -- 'true'" >>"$box/root/environments/production/release"
    echo "upgrade backup='dump'" >>"$box/root/environments/production/release"
    DB_PASSWORD=pw bootstrap run production dump
    expect_code 0
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
}

test_hooks_stand_around_migrations_that_are_pending_and_around_nothing_else() {
    product_is_up
    add_migration one 1.4.2
    {
        echo "script 'before' mode='bootstrap' -- 'echo' 'hook before'"
        echo "script 'after' mode='bootstrap' -- 'echo' 'hook after'"
        echo "hook 'pre-migrate' 'before'"
        echo "hook 'post-migrate' 'after'"
    } >>"$box/root/environments/production/release"
    DB_PASSWORD=pw bootstrap migrate production
    expect_code 0
    expect_equal 'hook before
shop-production: migration one: running
hook after' "$(grep -E '^hook|running' "$box/err" | sed 's/.*migration one/shop-production: migration one/')"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_no_error 'hook before'
}

test_a_hook_of_migrations_that_cannot_run_is_refused_before_anything_changes() {
    product_is_up
    add_migration one 1.4.2
    {
        echo "script 'before' mode='bootstrap' input='yes' -- 'cat'"
        echo "hook 'pre-migrate' 'before'"
    } >>"$box/root/environments/production/release"
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the hook pre-migrate runs `before`, which reads data'
}

test_migrate_has_json_of_its_list_alone() {
    product_is_up
    DB_PASSWORD=pw bootstrap migrate production --output json
    expect_code 2
    expect_error 'only with `--list`'
}

test_explain_tells_of_migrations_and_of_upgrades() {
    add_migration one 1.4.2 "compatible='yes'"
    echo "upgrade from='>=1.0.0' backup='backup' backup_age='3600'" >>"$box/root/environments/production/release"
    bootstrap explain production
    expect_code 0
    expect_output 'one  1.4.2  exec in database  compatible irreversible'
    expect_output 'from    >=1.0.0'
    expect_output 'backup  backup, at most 3600 s old'
}

test_plan_says_why_and_only_reads() {
    product_is_up
    PORT=82 DB_PASSWORD=pw bootstrap plan production --exit-code
    expect_code 10
    expect_output 'web: recreate'
    expect_output '    parameter PORT: 80 -> 82'
    sed '/^\[ps\]/d; /^\[version\]/d; /^\[info\]/d; /^\[compose\]\[version\]/d; /^\[[cvin][a-z]*\]\[inspect\]/d; /^\[[cvin][a-z]*\]\[ls\]/d
        /^\[cp\]\[[^]]*\]\[-\]$/d; /^\[compose\].*\[config\]\[--quiet\]$/d' "$box/docker/calls" >"$box/others"
    expect_empty "$box/others"
    expect_no_call '\[create\]\|\[rm\]\|\[up\]\|\[tag\]\|\[pull\]\|^\[cp\]\[-\]'
    DB_PASSWORD=pw bootstrap plan production --exit-code --output json
    expect_code 0
    expect_output '"changes": false'
}

# Two services have it, each as its own user.
test_plan_tells_of_a_secret_that_is_given_anew() {
    release=$box/root/environments/production/release
    sed -i "s/^mount 'SECRET_DB_PASSWORD'.*/&\n&/; s/ mounts='CONFIG_APP CONFIG_SITE'/ mounts='CONFIG_APP CONFIG_SITE WEB_PASSWORD'/" "$release"
    sed -i "0,/^mount 'SECRET_DB_PASSWORD'/{s//mount 'WEB_PASSWORD'/;s/uid='999'/uid='33'/;}" "$release"
    product_is_up
    PORT=82 DB_PASSWORD=pw bootstrap plan production
    expect_output 'web: recreate'
    expect_no_output 'secret db-password'
    DB_PASSWORD=other bootstrap plan production
    expect_code 0
    expect_output 'database: recreate'
    expect_count "$box/out" 2 'secret db-password: as it was -> changed'
}

test_ten_revisions_are_kept_and_the_good_one() {
    product_is_up
    # What ten deployments that failed leave: a record and a mark each.
    for number in 02 03 04 05 06 07 08 09 10 11; do
        for entry in record failed; do
            case $entry in record) suffix='' ;; failed) suffix=.failed ;; esac
            echo "shop-production_rel.00$number$suffix|ledger||||||||2024-01-01T00:00:00Z|/engine|$entry|${number#0}|2024-01-01T00:00:00Z|1.4.2|up|a|b|c$number|"
        done
    done >>"$box/docker/volumes"
    echo web-2 | answer 'image ls *' 0
    PORT=92 DB_PASSWORD=pw bootstrap up production
    expect_code 0
    # The volume is what tells of the revision: it goes when nothing else is left.
    expect_equal '[image][rm][bootsmith/shop-production:web-2] [rm][--force][shop-production_rel.0002] [volume][rm][shop-production_rel.0002]' \
        "$(grep 'rm\].*\(:web-2\|rel.0002\)\]' "$box/docker/calls" | tr '\n' ' ' | sed 's/ $//')"
    bootstrap history production --output json
    expect_equal '12 11 10 9 8 7 6 5 4 3 1' "$(sed -n 's/.*"revision": \([0-9]*\),.*/\1/p' "$box/out" | tr '\n' ' ' | sed 's/ $//')"
}

test_an_interrupted_revision_goes_on_under_its_number() {
    product_is_up
    PORT=82 DB_PASSWORD=pw bootstrap up production
    sed -i '/rel.0002.ok|/d' "$box/docker/volumes"
    bootstrap history production
    expect_output 'pending'
    PORT=82 DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_error 'continuing revision 2'
}

test_versions_are_in_the_order_of_semver() {
    previous=0.9.8
    for next in 0.9.9 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.2.0 1.10.0 99999999999999999999.0.0; do
        expect_equal "older newer $previous $next" \
            "$(printf 'echo $(compare_versions "$1" "$2") $(compare_versions "$2" "$1") "$1" "$2"\n' | library "$previous" "$next")"
        previous=$next
    done
    expect_equal 'same' "$(echo 'compare_versions 1.0.0+a 1.0.0+b' | library)"
    expect_equal 'yes' "$(echo 'meets_requirement 1.4.2 ">=1.2.0 <2.0.0" && echo yes' | library)"
    expect_equal 'no' "$(echo 'meets_requirement 2.0.0 ">=1.2.0 <2.0.0" || echo no' | library)"
}

test_what_was_changed_by_hand_is_told_and_left_alone() {
    product_after
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    bootstrap ps production
    expect_no_output 'changed by hand'
    sed -i '/|web|/s/|0 0$/|67108864 0/' "$box/docker/containers"
    bootstrap ps production
    expect_output 'changed by hand: limits'
    bootstrap ps production --output json
    expect_output '"drift": ["limits"]'
    DB_PASSWORD=pw bootstrap plan production
    expect_equal 'web: keep
    changed by hand: limits' "$(grep -A 1 '^web' "$box/out")"
    DB_PASSWORD=pw bootstrap plan production --exit-code --output json
    expect_code 0
    expect_output '"service": "web", "action": "keep", "drift": ["limits"]'
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    bootstrap ps production
    expect_output 'changed by hand: limits'
}

test_what_a_deployment_makes_anew_is_no_change_by_hand() {
    product_after
    DB_PASSWORD=pw bootstrap up production
    sed -i '/|web|/s/|0 0$/|67108864 0/' "$box/docker/after"
    PORT=82 DB_PASSWORD=pw bootstrap up production
    expect_code 0
    bootstrap ps production
    expect_no_output 'changed by hand'
}
