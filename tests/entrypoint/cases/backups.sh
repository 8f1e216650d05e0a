# The backup that `[upgrade]` asks for: how old it may be, which one counts, what is as good.

# The release is an upgrade that wants a backup by a script. FACT…
want_backup() {
    sed -i "s/^version=.*/version='2.0.0'/" "$box/root/release"
    echo "upgrade from='>=1.0.0' backup='backup'${*:+ $*}" >>"$box/root/environments/production/release"
}

upgrade() { # OPTION…
    DB_PASSWORD=pw bootstrap upgrade production "$@"
}

expect_backup_is_too_old() { # AT
    expect_code 3
    expect_error "wants a backup before an upgrade, and the last one is of $1"
    expect_error 'take one: run backup production > FILE'
    expect_no_call '\[up\]\|^\[create\]\|\[volume\]\[create\]'
}

test_a_backup_is_good_for_as_long_as_the_release_says() {
    product_is_up
    want_backup "backup_age='3600'"
    bootstrap run production backup
    expect_code 0
    : >"$box/docker/calls"
    later 3601
    upgrade
    expect_backup_is_too_old 2030-01-01T00:00:00Z
    later -1
    upgrade
    expect_code 0
}

test_a_backup_is_good_for_a_day_where_the_release_does_not_say() {
    product_is_up
    want_backup
    bootstrap run production backup
    : >"$box/docker/calls"
    later 86401
    upgrade
    expect_backup_is_too_old 2030-01-01T00:00:00Z
    later -1
    upgrade
    expect_code 0
}

test_the_newest_backup_counts() {
    product_is_up
    want_backup "backup_age='3600'"
    bootstrap run production backup
    later 5000
    upgrade
    expect_code 3
    bootstrap run production backup
    expect_code 0
    : >"$box/docker/calls"
    later 3601
    upgrade
    expect_backup_is_too_old 2030-01-01T01:23:20Z
    later -3601
    upgrade
    expect_code 0
}

test_a_script_that_failed_or_is_another_one_is_no_backup() {
    product_is_up
    want_backup "backup_age='3600'"
    echo 'disk full' | answer 'exec *echo backup*' fail1
    bootstrap run production backup
    expect_code 1
    bootstrap run production psql
    expect_code 0
    upgrade
    expect_code 3
    expect_error 'wants a backup before an upgrade, and none was taken'
}

test_an_old_backup_is_no_matter_where_none_is_needed() {
    product_is_up
    want_backup "backup_age='3600'"
    bootstrap run production backup
    later 5000
    upgrade --without-backup --dry-run
    expect_code 0
    echo "hook 'pre-upgrade' 'backup'" >>"$box/root/environments/production/release"
    upgrade
    expect_code 0
    expect_call '^\[exec\].*\[backup\]'
}
