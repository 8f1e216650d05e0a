# What an image says of itself.

test_explain_shows_what_the_platform_does_not_do_by_itself() {
    bootstrap explain production
    expect_code 0
    expect_output '  portability'
    expect_output 'emulated  the entrypoint starts wave by wave'
    expect_output "a replica is ended before its successor starts (accepted: it's short, and at night)"
    # The records of a release are read as before.
    expect_output '  hooks'
}

test_explain_of_an_environment_that_uses_nothing_special() {
    bootstrap explain testing
    expect_code 0
    expect_no_match "$box/out" portability
}

test_explain_shows_the_line_for_a_crontab_where_no_platform_has_a_clock() {
    echo "script 'nightly' mode='run' service='web' schedule='0 3 * * *' -- 'clean'" >>"$box/root/environments/production/release"
    bootstrap explain production
    expect_code 0
    expect_output 'in a crontab: 0 3 * * * docker run --rm -v /var/run/docker.sock:/var/run/docker.sock registry.example.com/shop/bootstrap:1.4.2 run nightly production'
    sed -i "s/platform='compose'/platform='kubernetes'/" "$box/root/release"
    bootstrap explain production
    expect_output 'nightly  0 3 * * *  a CronJob of the cluster, in UTC'
}
