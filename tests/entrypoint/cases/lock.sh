# shellcheck shell=sh
# One writer at a time: the lock on the target, who waits for it, who may free it.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

# Somebody else has the lock. [HOLDER]
somebody_has_the_lock() {
    printf 'lock-1|%s|0123|2024-02-29T08:00:00Z|upgrade|anna@desk\n' "${1:-}" >"$box/docker/lock"
}

test_a_lock_is_taken_and_freed() {
    product_after
    DB_PASSWORD=pw BOOTSMITH_OPERATOR='anna@desk|x' bootstrap up production
    expect_code 0
    expect_call '^\[create\].*\[shop-production_lock\].*\[io.bootsmith.command=up\].*\[io.bootsmith.who=anna@deskx\]'
    expect_call '^\[rm\]\[--force\]\[lock-'
    expect_no_file "$box/docker/lock"
}

test_the_second_writer_is_told_who_is_first() {
    product_after
    somebody_has_the_lock
    for words in up upgrade stop start restart down 'scale web=2'; do
        # shellcheck disable=SC2086 # words
        set -- $words
        case $words in up | upgrade) ;; *) product_is_there ;; esac
        DB_PASSWORD=pw bootstrap "$1" production ${2:+"$2"}
        expect_code 75
        expect_error 'someone else holds the lock: anna@desk, which runs `upgrade` on shop-production since 2024-02-29T08:00:00Z'
        expect_error 'unlock production --force'
        expect_no_call '\[up\]\|\[volume\]\[create\]\|^\[stop\]\|^\[start\]\|^\[restart\]\|^\[rm\]'
    done
    expect_file "$box/docker/lock"
}

# What runs is what is wanted.
product_is_there() {
    if [ -s "$box/docker/containers" ]; then return 0; fi
    mv "$box/docker/lock" "$box/docker/kept-lock"
    product_is_up
    mv "$box/docker/kept-lock" "$box/docker/lock"
}

test_reading_needs_no_lock() {
    somebody_has_the_lock
    for words in ps images config; do
        bootstrap "$words" production
        expect_code 0
    done
    DB_PASSWORD=pw bootstrap up production --dry-run
    expect_code 0
}

test_lock_wait_waits() {
    product_after
    somebody_has_the_lock
    echo 'rm "$box/docker/lock"' | at_nap 3
    DB_PASSWORD=pw bootstrap up production --lock-wait 20
    expect_code 0
    expect_error 'waiting for anna@desk'
    expect_naps 3
}

test_lock_wait_ends() {
    somebody_has_the_lock
    DB_PASSWORD=pw bootstrap up production --lock-wait=5
    expect_code 75
    expect_naps 3
}

test_the_lock_of_a_dead_container_is_taken_over() {
    product_after
    somebody_has_the_lock dead1
    printf 'Error: No such container: dead1\n' | answer 'container inspect*dead1' fail1
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_error 'taking over the lock of anna@desk'
    somebody_has_the_lock dead2
    echo false | answer 'container inspect*dead2' 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
}

# It writes nothing, and waits for nobody.
test_migrate_with_nothing_to_do_leaves_no_lock_of_a_dead_container() {
    product_is_up
    somebody_has_the_lock dead
    printf 'Error: No such container: dead\n' | answer 'container inspect*dead' fail1
    bootstrap migrate production --dry-run
    expect_code 0
    expect_file "$box/docker/lock"
    bootstrap migrate production
    expect_code 0
    expect_error 'taking over the lock of anna@desk'
    expect_no_file "$box/docker/lock"
    somebody_has_the_lock
    bootstrap migrate production
    expect_code 0
    expect_file "$box/docker/lock"
}

test_the_lock_of_a_living_container_is_not() {
    somebody_has_the_lock alive
    echo true | answer 'container inspect*alive' 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 75
    somebody_has_the_lock unsure
    echo 'Cannot connect to the Docker daemon' | answer 'container inspect*unsure' fail1
    DB_PASSWORD=pw bootstrap up production
    expect_code 75
}

test_a_lock_that_was_freed_by_hand_ends_the_command() {
    product_after
    printf '#!/bin/sh\nrm "%s"\n' "$box/docker/lock" >"$box/root/scripts/here.sh"
    DB_PASSWORD=pw bootstrap up production
    expect_code 5
    expect_error 'the lock of shop-production is no longer ours'
    expect_no_call '\[up\]'
}

test_a_signal_frees_the_lock() {
    answer 'image inspect*' hang </dev/null
    DB_PASSWORD=pw run_bootstrap up production >"$box/out" 2>"$box/err" </dev/null &
    signalled=$!
    await_file "$box/docker/hanging"
    kill -TERM "$signalled"
    code=0
    wait "$signalled" || code=$?
    expect_code 143
    expect_no_file "$box/docker/lock"
}

test_unlock() {
    bootstrap unlock production
    expect_code 0
    expect_error 'nobody holds the lock of shop-production'
    somebody_has_the_lock
    bootstrap unlock production
    expect_code 3
    expect_error 'held by anna@desk'
    expect_error 'add `--force`'
    bootstrap unlock production --force --dry-run
    expect_code 0
    expect_file "$box/docker/lock"
    bootstrap unlock production --force
    expect_code 0
    expect_error 'the lock of shop-production is free'
    expect_no_file "$box/docker/lock"
}

test_doctor_tells_of_the_lock() {
    somebody_has_the_lock
    DB_PASSWORD=pw bootstrap doctor production
    expect_code 0
    expect_output 'lock        held by anna@desk'
}

test_a_swarm_keeps_the_lock_as_a_config() {
    use_driver swarm
    somebody_has_the_lock
    DB_PASSWORD=pw bootstrap up production
    expect_code 75
    expect_error 'someone else holds the lock: anna@desk'
    bootstrap unlock production --force
    expect_code 0
    expect_call '^\[config\]\[rm\]\[lock-1\]'
}

# An engine of another node does not know of the holder, and has nothing to say.
test_a_holder_on_another_node_is_not_called_gone() {
    use_driver swarm
    somebody_has_the_lock n2:dead
    printf 'Error: No such container: dead\n' | answer 'container inspect*dead' fail1
    DB_PASSWORD=pw bootstrap up production
    expect_code 75
    somebody_has_the_lock n1:dead
    DB_PASSWORD=pw bootstrap scale production web=2
    expect_code 0
    expect_error 'taking over the lock of anna@desk'
}

test_a_cluster_keeps_the_lock_as_a_lease_that_its_holder_renews() {
    use_kubernetes
    workload Deployment web web 2 >"$box/docker/objects"
    somebody_has_the_lock "$("$box/bin/date" -u +%Y-%m-%dT%H:%M:%S.000000Z)"
    bootstrap stop production
    expect_code 75
    expect_error 'someone else holds the lock: anna@desk'
    somebody_has_the_lock 2024-02-29T08:00:00.000000Z
    bootstrap stop production
    expect_code 0
    expect_error 'taking over the lock of anna@desk'
    expect_no_file "$box/docker/lock"
}
