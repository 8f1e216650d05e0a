# Processes: what is taken from the words of a tool that failed.

# What is left of the words on standard input.
complaint_of() {
    cat >"$box/home/complaint"
    # shellcheck disable=SC2016
    echo 'work=$1; complaint' >"$box/line"
    library "$box/home" <"$box/line"
}

test_complaint_is_the_reason_alone() {
    expect_equal 'pull access denied for shop/web, repository does not exist' \
        "$(echo 'Error response from daemon: pull access denied for shop/web, repository does not exist' | complaint_of)"
    expect_equal 'No such image: shop/web' "$(echo 'Error: No such image: shop/web' | complaint_of)"
    expect_equal 'for web  Cannot start service web' "$(echo 'ERROR: for web  Cannot start service web' | complaint_of)"
    expect_equal 'invalid reference format' "$(echo 'invalid reference format' | complaint_of)"
}

# An error within the reason is part of the reason.
test_complaint_takes_one_prefix_away() {
    expect_equal 'error: 0x5' "$(echo 'Error response from daemon: error: 0x5' | complaint_of)"
    expect_equal 'error pulling image configuration: download failed after attempts=6: x509: unknown authority' \
        "$(echo 'error pulling image configuration: download failed after attempts=6: x509: unknown authority' | complaint_of)"
    expect_equal 'errors.example.com/web: not found' "$(echo 'errors.example.com/web: not found' | complaint_of)"
}

test_complaint_goes_over_several_lines() {
    expect_equal 'error getting credentials - err: exit status 1, out: `no login here, log in first`' \
        "$(printf '%s\n' 'error getting credentials - err: exit status 1, out: `no login here,' 'log in first`' '' | complaint_of)"
    expect_equal 'No such container: b' \
        "$(printf 'Error response from daemon: No such container: %s\n' a b | complaint_of)"
    expect_equal 'last line' "$(printf '%s\n' 'WARNING: first' 'last line' '   ' | complaint_of)"
}

test_complaint_leaves_the_usage_out() {
    expect_equal 'Conflict. The name is in use' \
        "$(printf '%s\n' 'docker: Error response from daemon: Conflict. The name is in use' '' "Run 'docker create --help' for more information" | complaint_of)"
    expect_equal 'Conflict. The name is in use' \
        "$(printf '%s\n' 'docker: Error response from daemon: Conflict. The name is in use' "See 'docker create --help'." | complaint_of)"
    expect_equal 'unknown flag: --quiet' \
        "$(printf '%s\n' 'unknown flag: --quiet' '' 'Usage:  docker pull [OPTIONS] NAME' '' "Run 'docker pull --help' for more information" | complaint_of)"
}

test_complaint_without_a_word() {
    expect_equal 'it gave no reason' "$(printf '' | complaint_of)"
    expect_equal 'it gave no reason' "$(echo 'Error response from daemon: ' | complaint_of)"
}
