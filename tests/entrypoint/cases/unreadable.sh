# shellcheck shell=sh disable=SC2016
# Records that cannot be read, on every platform and for every command that needs one. records.sh has the words that spoil them.

# Everything of a record, its marks included, and nothing else, goes. PRODUCT-IS-UP
expect_forgotten() {
    for how in truncated empty changed refused missing newer markonly; do
        product_is_up_again "$1"
        spoil_record "$how"
        bootstrap forget production 1 --dry-run
        expect_equal "$how dry 0" "$how dry $code"
        expect_output 'forget '
        expect_match "$entry_table" 'rel.0001.ok|'
        bootstrap forget production 1 --yes
        expect_equal "$how forget 0" "$how forget $code"
        expect_error 'revision 1 of shop-production is forgotten'
        expect_no_match "$entry_table" 'rel.0001'
        bootstrap forget production 1 --yes
        expect_equal "$how again 3" "$how again $code"
        expect_error 'there is no revision 1'
        DB_PASSWORD=pw bootstrap up production --adopt
        expect_equal "$how up 0" "$how up $code"
        expect_match "$entry_table" '|record|[12]|'
    done
}

test_a_revision_is_forgotten_on_a_swarm() {
    expect_forgotten swarm_is_up
}

test_a_revision_is_forgotten_on_kubernetes() {
    expect_forgotten cluster_is_up
}

# `--adopt` changes nothing of what a record that cannot be read means: who gives everything needs none.
expect_adoption() {
    for how in truncated empty changed refused missing newer markonly; do
        product_is_up_again "$1"
        spoil_record "$how"
        give_all_parameters bootstrap up production --adopt
        expect_equal "$how up 0" "$how up $code"
        expect_match "$entry_table" '|record|2|'
        bootstrap history production
        expect_match "$box/out" '^2 \*'
    done
}

test_adopting_needs_no_record_on_compose() {
    expect_adoption product_is_up
}

test_adopting_needs_no_record_on_a_swarm() {
    expect_adoption swarm_is_up
}

test_adopting_needs_no_record_on_kubernetes() {
    expect_adoption cluster_is_up
}

# What was taken over is ours by the record; where that cannot be read, it is taken over again when that is said.
test_what_was_taken_over_is_taken_over_again_without_its_record() {
    product_after
    echo 'shop-production_dbdata||||' >"$box/docker/whose.volumes"
    DB_PASSWORD=pw bootstrap up production --adopt
    expect_code 0
    spoil_record empty
    give_all_parameters bootstrap up production
    expect_code 3
    expect_error 'the volume `shop-production_dbdata` belongs to no bootstrap image'
    give_all_parameters bootstrap up production --adopt
    expect_code 0
    give_all_parameters bootstrap up production
    expect_code 0
}

# What the fixture's parameters are by default, and the secret.
give_the_same() {
    GREETING='it'\''s "me" $HOME \' LEVEL=info PORT=80 TIER='' DB_PASSWORD=pw "$@"
}

# The same release and the same parameters: the record is written again, so that nobody meets it once more.
test_up_replaces_the_record_that_cannot_be_read() {
    for how in truncated empty changed refused missing newer; do
        product_is_up_again
        spoil_record "$how"
        give_the_same bootstrap up production
        expect_equal "$how up 0" "$how up $code"
        expect_error 'revision 2'
        DB_PASSWORD=pw bootstrap up production
        expect_equal "$how again 0" "$how again $code"
        expect_no_error 'cannot be read'
        expect_error 'revision 2'
    done
}

# Two releases, of which the second ran a migration.
two_releases() {
    "$two_are_up"
    take_release 1.5.0 one
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
}

expect_nothing_taken_back() {
    expect_runs one 1
    expect_state one applied
    expect_history upgrade ok up ok
}

# The record that a downgrade or a rollback deploys.
expect_downgrade_needs_its_target() {
    two_are_up=$1
    for how in truncated empty changed refused missing newer; do
        product_is_up_again two_releases
        spoil_record "$how" 1
        for called in 'downgrade production 1.4.2' 'rollback production' 'rollback production 1'; do
            # shellcheck disable=SC2086 # words
            DB_PASSWORD=pw bootstrap $called
            expect_equal "$how $called 3" "$how $called $code"
            expect_match "$box/err" "the record of revision 1 $(reason_of "$how")"
            expect_error 'forget 1 production'
        done
        expect_nothing_taken_back
    done
    product_is_up_again
    spoil_record markonly 1
    DB_PASSWORD=pw bootstrap downgrade production 1.4.2
    expect_code 3
    expect_error 'shop 1.4.2'
    expect_runs one 1
}

test_a_downgrade_needs_the_record_that_it_deploys_on_compose() {
    expect_downgrade_needs_its_target product_is_up
}

test_a_downgrade_needs_the_record_that_it_deploys_on_a_swarm() {
    expect_downgrade_needs_its_target swarm_is_up
}

test_a_downgrade_needs_the_record_that_it_deploys_on_kubernetes() {
    expect_downgrade_needs_its_target cluster_is_up
}

# The record that has the scripts: it is named, and the hint leads out.
expect_downgrade_needs_the_scripts() {
    two_are_up=$1
    for how in truncated empty changed refused missing newer markonly; do
        product_is_up_again two_releases
        spoil_record "$how" 2
        DB_PASSWORD=pw bootstrap downgrade production 1.4.2
        expect_equal "$how downgrade 3" "$how downgrade $code"
        case $how in
        markonly) expect_error 'cannot be taken back: no record has its script' ;;
        *) expect_match "$box/err" "cannot be taken back: no record that can be read has its script (revision 2 $(reason_of "$how")" ;;
        esac
        expect_error 'record it again: up production with the bootstrap image of shop 1.5.0, then repeat this command'
        expect_runs one 1
        expect_state one applied
        give_the_same bootstrap up production
        expect_equal "$how up 0" "$how up $code"
        DB_PASSWORD=pw bootstrap downgrade production 1.4.2
        expect_equal "$how again 0" "$how again $code"
        expect_runs one 2
        expect_state one pending
    done
}

test_a_downgrade_names_the_record_whose_scripts_it_needs_on_compose() {
    expect_downgrade_needs_the_scripts product_is_up
}

test_a_downgrade_names_the_record_whose_scripts_it_needs_on_a_swarm() {
    expect_downgrade_needs_the_scripts swarm_is_up
}

test_a_downgrade_names_the_record_whose_scripts_it_needs_on_kubernetes() {
    expect_downgrade_needs_the_scripts cluster_is_up
}

# Whether a release bears a migration is in a record too: that nobody can read it is not that it does not.
test_a_rollback_says_what_is_not_known() {
    two_are_up=product_is_up
    for how in truncated empty changed refused missing newer; do
        product_is_up_again two_releases
        spoil_record "$how" 2
        DB_PASSWORD=pw bootstrap rollback production
        expect_equal "$how rollback 3" "$how rollback $code"
        expect_match "$box/err" "shop 1.4.2 is not known to work with what these migrations did: one (revision 2 $(reason_of "$how")"
        expect_no_error 'does not work with'
    done
}
