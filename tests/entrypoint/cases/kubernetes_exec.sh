# shellcheck shell=sh disable=SC2016
# Commands in pods: what kubectl says by itself of how a command ended is nothing that the command said. kubernetes.sh has the cluster.

# The script backup says so on standard error and ends so. CODE LINE…
backup_says() {
    said_code=$1
    shift
    printf '%s\n' "$@" "command terminated with exit code $said_code" | answer 'exec -i *' "fail$said_code"
}

test_kubernetes_the_code_of_a_script_is_no_line_of_it() {
    cluster_is_up
    backup_says 7 'pg_dump: no such role' 'command terminated with exit code 4' 'and more'
    bootstrap run production backup
    expect_code 7
    expect_equal 'pg_dump: no such role|command terminated with exit code 4|and more|' "$(tr '\n' '|' <"$box/err")"
}

# A hook, and a migration, whose first line tells whether it began.
test_kubernetes_the_code_of_a_hook_and_of_a_migration_is_no_line_of_them() {
    cluster_is_up
    take_release 1.5.0 one
    printf '%s\n' 'ERROR: no such table' 'command terminated with exit code 3' | answer 'exec *psql*' fail3
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 6
    expect_error 'ERROR: no such table'
    expect_no_error 'command terminated'
    expect_error 'the migration `one` failed with exit code 3'
    rm "$box/docker/answers/"*
    echo 'command terminated with exit code 3' | answer 'exec *psql*' fail3
    DB_PASSWORD=pw bootstrap migrate production --retry
    expect_code 6
    expect_no_error 'command terminated'
}

# A last line without an end has the words of kubectl behind it.
test_kubernetes_the_end_of_a_script_is_as_it_was() {
    cluster_is_up
    printf 'half a linecommand terminated with exit code 1\n' | answer 'exec -i *' fail1
    bootstrap run production backup
    expect_code 1
    expect_content "$box/err" 'half a line'
}

# What the cluster said when it ended the call is passed on.
test_kubernetes_a_call_that_broke_off_says_so() {
    cluster_is_up
    echo 'error: unexpected EOF' | answer 'exec -i *' fail1
    bootstrap run production backup
    expect_code 1
    expect_content "$box/err" 'error: unexpected EOF'
}
