# Files of configs that can be executed in the project can be executed in the service, where no mode is written.

# The folder of the fixture has a program, and the record says that it stays one.
keep_executables() {
    printf '#!/bin/sh\n' >"$box/root/environments/production/configs/site/check.sh"
    chmod 755 "$box/root/environments/production/configs/site/check.sh"
    sed -i "/^mount 'CONFIG_SITE'/s/\$/ executables='yes'/" "$box/root/environments/production/release"
}

test_a_program_in_a_folder_stays_one() {
    product_after
    keep_executables
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    tar -tvf "$box/docker/archive.CONFIG_SITE" >"$box/listed"
    expect_match "$box/listed" '^-r-xr-x--- .*check.sh$'
    expect_match "$box/listed" '^-r--r----- .*index.html$'
}

test_a_program_that_is_none_any_more_recreates_the_service() {
    product_after
    keep_executables
    DB_PASSWORD=pw bootstrap up production
    chmod 644 "$box/root/environments/production/configs/site/check.sh"
    DB_PASSWORD=pw bootstrap plan production
    expect_output 'web: recreate'
}
