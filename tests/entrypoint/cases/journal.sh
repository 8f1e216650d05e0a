# shellcheck shell=sh
# The journal: what is applied, current and good is read from the entries in the order in which they were written, whatever was done,
# interrupted or repeated in between.

# The image at hand is that of another release: the one that was at hand, with these migrations of 1.5.0, which have a way back. VERSION [MIGRATION…]
take_release() {
    sed -i "s/^version=.*/version='$1'/" "$box/root/release"
    sed -i '/^migration /d' "$box/root/environments/production/release"
    mkdir -p "$box/root/migrations"
    shift
    for migration do
        echo "up of $migration" >"$box/root/migrations/$migration.up.sql"
        echo "down of $migration" >"$box/root/migrations/$migration.down.sql"
        declare_migration "$migration" "mode='exec' down='$migration.down.sql'"
    done
}

declare_migration() { # NAME FACTS
    echo "migration '$1' release='1.5.0' service='database' content='c-$1' up='$1.up.sql' $2 -- 'psql' '$1' '{file}'" \
        >>"$box/root/environments/production/release"
}

# How often a migration's script was run, its way back included. NAME
expect_runs() {
    expect_equal "$1: $2" "$1: $(grep -c "\[psql\]\[$1\]" "$box/docker/calls")"
}

# As `migrate --list` tells it: NAME STATE
expect_state() {
    bootstrap migrate production --list --output json
    expect_equal "$1 $2" "$1 $(sed -n 's/.*"migration": "'"$1"'".*"state": "\([a-z-]*\)".*/\1/p' "$box/out")"
}

# COMMAND OUTCOME of the newest revisions, the newest first. WORD…
expect_history() {
    bootstrap history production --output json
    expect_equal "$*" "$(sed -n 's/.*"command": "\([a-z]*\)".*"outcome": "\([a-z]*\)".*/\1 \2/p' "$box/out" | head -n "$(($# / 2))" | tr '\n' ' ' | sed 's/ $//')"
}

crash_with_port_81() {
    sed '3s/|running|0|0|/|restarting|9|3|/' "$box/docker/after" >"$box/docker/after.81"
}

# What a kill left undone: the entries of these marks were not written. MARK…
forget_marks() {
    for mark do sed -i "/_rel[.]$mark|/d" "$box/docker/volumes"; done
}

test_what_a_downgrade_took_back_after_a_failed_upgrade_is_pending_again() {
    product_is_up
    crash_with_port_81
    take_release 1.5.0 one
    DB_PASSWORD=pw PORT=81 bootstrap upgrade production
    expect_code 5
    expect_error 'downgrade 1.4.2 production'
    DB_PASSWORD=pw bootstrap downgrade production 1.4.2
    expect_code 0
    expect_history downgrade ok upgrade failed up ok
    expect_state one pending
    DB_PASSWORD=pw bootstrap plan production
    expect_output 'migration one: run'
    expect_runs one 2
    DB_PASSWORD=pw bootstrap downgrade production 1.4.2
    expect_code 0
    expect_runs one 2
    expect_history downgrade ok upgrade failed up ok
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
    expect_runs one 3
    expect_state one applied
}

test_what_a_downgrade_took_back_after_a_retry_is_pending_again() {
    product_is_up
    take_release 1.5.0 one
    echo 'ERROR: no such table' | answer 'exec *psql*' fail3
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 6
    rm "$box/docker/answers/"*
    DB_PASSWORD=pw bootstrap migrate production --retry
    expect_code 0
    expect_history migrate ok upgrade failed up ok
    expect_state one applied
    DB_PASSWORD=pw bootstrap downgrade production 1.4.2
    expect_code 0
    expect_state one pending
    expect_runs one 3
    DB_PASSWORD=pw bootstrap rollback production --check
    expect_no_error 'does not work with'
    DB_PASSWORD=pw bootstrap downgrade production 1.4.2
    expect_code 0
    expect_runs one 3
}

# `migrate` deploys nothing: the release that runs remains the current one, and the scripts that undo it are recorded.
test_migrate_is_a_revision_that_is_not_current() {
    product_is_up
    take_release 1.5.0 one
    DB_PASSWORD=pw bootstrap migrate production
    expect_code 0
    expect_history migrate ok up ok
    bootstrap history production
    expect_output '1 *'
    expect_no_output '2 *'
    DB_PASSWORD=pw bootstrap migrate production
    expect_code 0
    expect_history migrate ok up ok
    expect_runs one 1
    rm -r "$box/root/migrations"
    take_release 1.4.2
    DB_PASSWORD=pw bootstrap downgrade production 1.4.2
    expect_code 0
    expect_runs one 2
}

# Three releases, each deployed.
three_releases() {
    product_after
    for three in 1.4.0 1.4.1 1.4.2; do
        take_release "$three"
        DB_PASSWORD=pw bootstrap up production
        expect_code 0
    done
}

test_after_a_rollback_the_next_one_goes_on_down() {
    three_releases
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 0
    expect_error 'is at shop 1.4.1 again, revision 4'
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 0
    expect_error 'is at shop 1.4.0 again, revision 5'
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 3
    expect_error 'there is no good revision before revision 5'
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 0
    expect_error 'is at shop 1.4.0 again, revision 7'
}

# Three releases and a rollback that left these entries out, then the same again. MARK…
expect_end_of_killed_rollback() {
    three_releases
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 0
    forget_marks "$@"
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 0
    expect_error 'is at shop 1.4.1 again, revision 4'
    expect_history rollback ok up ok up ok up ok
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 0
    expect_error 'is at shop 1.4.0 again, revision 5'
}

test_a_rollback_killed_before_its_last_word_is_ended_and_goes_no_further() {
    expect_end_of_killed_rollback 0004.done
}

test_a_rollback_killed_in_the_middle_is_ended_and_goes_no_further() {
    expect_end_of_killed_rollback 0004.done 0004.ok
}

test_a_rollback_that_failed_is_repeated_to_the_same_revision() {
    product_after
    PORT=81 DB_PASSWORD=pw bootstrap up production
    PORT=82 DB_PASSWORD=pw bootstrap up production
    crash_with_port_81
    sed '3s/|running|0|0|/|restarting|9|3|/' "$box/docker/after" >"$box/docker/after.82"
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 5
    rm "$box/docker/after.81"
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 0
    expect_equal 81 "$(sed -n 's/^PORT=//p' "$box/docker/environment")"
}

test_a_rollback_to_a_number_is_idempotent() {
    three_releases
    for again in first second; do
        DB_PASSWORD=pw bootstrap rollback production 1 --message "$again"
        expect_code 0
        expect_error 'is at shop 1.4.0 again, revision 4'
        expect_history rollback ok up ok up ok up ok
    done
}

test_a_release_whose_migration_was_taken_back_is_not_rolled_back_to() {
    product_is_up
    take_release 1.5.0 one
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
    DB_PASSWORD=pw bootstrap downgrade production 1.4.2
    expect_code 0
    DB_PASSWORD=pw bootstrap rollback production 2
    expect_code 3
    expect_error 'shop 1.5.0 needs migrations that are not applied: one'
}

# The migration ran in the command that was killed; the one after it must not restore what does not work on its data.
test_what_an_interrupted_command_migrated_stands_against_a_restore() {
    product_is_up
    crash_with_port_81
    take_release 1.5.0 one
    DB_PASSWORD=pw PORT=81 bootstrap upgrade production
    expect_code 5
    forget_marks 0002.failed
    DB_PASSWORD=pw PORT=81 bootstrap upgrade production
    expect_code 5
    expect_error 'continuing revision 2'
    expect_error 'does not work with what these migrations did: one'
    expect_runs one 1
}

test_an_image_that_lacks_an_applied_migration_is_refused_whatever_its_version() {
    product_is_up
    crash_with_port_81
    take_release 1.5.0 one
    DB_PASSWORD=pw PORT=81 bootstrap upgrade production
    expect_code 5
    for version in 1.4.2 1.5.0 1.6.0; do
        take_release "$version"
        : >"$box/docker/calls"
        for command in up upgrade plan migrate; do
            DB_PASSWORD=pw bootstrap "$command" production
            expect_code 3
            expect_error "shop $version does not have these migrations, which ran on the data of shop-production: one"
            expect_error 'use the bootstrap image of shop 1.5.0 or a newer one'
        done
        expect_no_call '_lock\|\[up\]'
    done
    take_release 1.4.2
    DB_PASSWORD=pw bootstrap up production
    expect_error 'to go back to 1.4.2: downgrade 1.4.2 production'
    DB_PASSWORD=pw bootstrap downgrade 1.4.2 production
    expect_code 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
}

# Nobody depends on it, so nothing waits for it but the migration.
test_a_migration_in_a_service_that_nobody_waits_for_runs_on_a_first_install() {
    product_after
    take_release 1.4.2
    mkdir -p "$box/root/migrations"
    echo 'up of one' >"$box/root/migrations/one.up.sql"
    echo "migration 'one' release='1.4.2' service='web' mode='exec' content='c-one' up='one.up.sql' -- 'psql' 'one' '{file}'" \
        >>"$box/root/environments/production/release"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '^\[exec\].*\[c[34]\]\[psql\]\[one\]'
    expect_state one applied
}

test_a_migration_waits_for_the_health_of_its_service() {
    product_is_up
    take_release 1.5.0 one
    sed -i '/|database|/s/|healthy|/|starting|/' "$box/docker/containers"
    # shellcheck disable=SC2016 # it is expanded later
    echo 'sed -i "s/|starting|/|healthy|/" "$box/docker/containers"' | at_nap 1
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
    expect_error 'waiting for `database`'
    expect_runs one 1
}

test_a_migration_that_the_engine_refuses_to_begin_did_not_fail() {
    product_is_up
    take_release 1.5.0 one
    echo 'OCI runtime exec failed: exec failed: unable to start container process: exec: "psql": executable file not found in $PATH: unknown' |
        answer 'exec *psql*' 126
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 3
    expect_error 'the migration `one` could not be started'
    expect_no_call '\[up\]'
    expect_state one pending
    expect_history upgrade failed up ok
    rm "$box/docker/answers/"*
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
    expect_state one applied
}

# What a script says, even in these words, and ends with, is the script's own.
test_a_migration_that_began_and_failed_is_told_from_one_that_did_not() {
    product_is_up
    take_release 1.5.0 one
    printf 'copying\nOCI runtime exec failed: of a container that the script began\n' | answer 'exec *psql*' 126
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 6
    expect_state one failed
}

test_a_one_off_that_is_not_made_is_no_failed_migration() {
    product_is_up
    take_release 1.5.0 one
    sed -i "/^migration/d" "$box/root/environments/production/release"
    declare_migration one "down='one.down.sql'"
    echo "error decoding 'services[a].mem_limit': invalid size" | answer 'compose* run *psql*' fail15
    echo 'Error: No such container: it' | answer 'container inspect --format {{.State.StartedAt}}*' fail1
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 3
    expect_error 'the migration `one` could not be started'
    expect_state one pending
    bootstrap rollback production --check
    expect_code 0
    rm "$box/docker/answers/"*
    echo 'no such table' | answer 'compose* run *psql*' fail3
    echo '2026-01-01T00:00:00Z' | answer 'container inspect --format {{.State.StartedAt}}*' 0
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 6
    expect_state one failed
}

test_what_ran_before_one_that_did_not_begin_stays_applied() {
    product_is_up
    take_release 1.5.0 one two
    echo 'Error response from daemon: Container c1 is restarting, wait until the container is running' | answer 'exec *psql*two*' fail1
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 5
    expect_state one applied
    expect_state two pending
    rm "$box/docker/answers/"*
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
    expect_runs one 1
}

test_a_way_back_that_did_not_begin_leaves_the_migration_applied() {
    product_is_up
    take_release 1.5.0 one
    DB_PASSWORD=pw bootstrap upgrade production
    echo 'Error: No such container: c1' | answer 'exec *psql*' fail1
    DB_PASSWORD=pw bootstrap downgrade production 1.4.2
    expect_code 3
    expect_state one applied
    rm "$box/docker/answers/"*
    DB_PASSWORD=pw bootstrap downgrade production 1.4.2
    expect_code 0
    expect_state one pending
}

# A ledger that images without sequences wrote (ledgers/without-sequences): 1.4.1, 1.4.2, another port, a rollback of it, and 1.5.0, which failed
# after its migration; `downgrade` then wrote what it took back under the number of revision 4.
ledger_of_before() {
    product_after
    cp "$tests/ledgers/without-sequences/volumes" "$tests/ledgers/without-sequences/containers" "$box/docker"
    for record in "$tests"/ledgers/without-sequences/*.tgz; do
        cp "$record" "$box/record.tgz"
        record=${record##*/}
        tar -cf "$box/docker/record.shop-production_${record%.tgz}" -C "$box" record.tgz
    done
}

test_a_ledger_without_sequences_is_read_by_its_instants() {
    ledger_of_before
    take_release 1.5.0 one
    expect_state one pending
    expect_history upgrade failed rollback ok up ok upgrade ok up ok
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
    expect_error 'revision 6'
    expect_runs one 1
    expect_state one applied
}

test_a_rollback_of_before_is_not_undone_by_the_next() {
    ledger_of_before
    sed -i '/rel.0005/d; /[.]m00/d' "$box/docker/volumes"
    DB_PASSWORD=pw bootstrap rollback production --check
    expect_code 0
    expect_error 'rollback to revision 1 (1.4.1) would work'
}

# Clocks differ, and the order of names is not that of time.
test_entries_are_in_the_order_of_their_sequence() {
    product_is_up
    take_release 1.5.0 one
    DB_PASSWORD=pw bootstrap upgrade production
    DB_PASSWORD=pw bootstrap downgrade production 1.4.2
    sed -i '/|down|/s/|20[0-9-]*T[0-9:]*Z|1.5.0|down/|2001-01-01T00:00:00Z|1.5.0|down/' "$box/docker/volumes"
    sort -r -o "$box/docker/volumes" "$box/docker/volumes"
    expect_state one pending
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
    awk -F '|' '$12 != "" { print $21 }' "$box/docker/volumes" | sort | uniq -d >"$box/twice"
    expect_empty "$box/twice"
}

test_what_repairs_is_a_revision_and_what_finds_all_as_it_should_be_is_none() {
    product_is_up
    sed -i '/|web|/d' "$box/docker/containers"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_history up ok up ok
    DB_PASSWORD=pw bootstrap up production
    expect_history up ok up ok
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 3
    expect_error 'there is no good revision before revision 2'
}
