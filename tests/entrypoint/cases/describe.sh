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
