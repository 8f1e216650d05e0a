# shellcheck shell=sh
# One walk over releases on every platform; journal.sh has the words that it is written in.

# What the three platforms keep in ways of their own is read as the same journal: an upgrade that fails after its migration (by a hook, which
# every platform has), what takes it back, the upgrade again, and a rollback that is repeated.
expect_one_journal() {
    take_release 1.5.0 one
    echo "script 'broken' mode='bootstrap' -- 'false'" >>"$box/root/environments/production/release"
    echo "hook 'post-migrate' 'broken'" >>"$box/root/environments/production/release"
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 5
    expect_state one applied
    DB_PASSWORD=pw bootstrap downgrade production 1.4.2
    expect_code 0
    expect_state one pending
    expect_runs one 2
    DB_PASSWORD=pw bootstrap downgrade production 1.4.2
    expect_code 0
    expect_runs one 2
    expect_history downgrade ok upgrade failed up ok
    sed -i '/broken/d' "$box/root/environments/production/release"
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
    expect_state one applied
    expect_history upgrade ok downgrade ok upgrade failed up ok
    DB_PASSWORD=pw bootstrap rollback production
    expect_code 3
    expect_error 'does not work with what these migrations did: one'
    take_release 1.4.2
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'does not have these migrations, which ran on the data of shop-production: one'
}

test_the_journal_is_the_same_on_compose() {
    product_is_up
    expect_one_journal
}

test_the_journal_is_the_same_on_a_swarm() {
    swarm_is_up
    expect_one_journal
}

test_the_journal_is_the_same_on_kubernetes() {
    cluster_is_up
    expect_one_journal
}
