# Scripts and signals.

test_list() {
    bootstrap run --list production --output json
    expect_output '{"script": "backup", "mode": "exec", "service": "database", "input": false, "output": "data", "description": "Dump \"all\""}'
    bootstrap run production --list
    expect_output 'psql     exec in database'
}

test_unknown_script() {
    bootstrap run bakup production
    expect_code 2
    expect_error 'did you mean `backup`? known scripts: backup restore here psql once'
}

test_exit_code_and_words_pass_through() {
    HERE_CODE=77 bootstrap run here production 'a b' --yes -- "it's" '$x' production
    expect_code 77
    expect_content "$box/out" "<shop><production><1.4.2><a b><--yes><--><it's><\$x><production>"
}

test_environment_may_stand_before_the_script() {
    bootstrap run production here testing
    expect_content "$box/out" '<shop><production><1.4.2><testing>'
}

test_exec_file_travels_as_an_argument() {
    product_is_up
    echo DUMP | answer 'exec *' 0
    bootstrap run backup production x
    expect_code 0
    expect_content "$box/out" DUMP
    expect_call '^\[exec\]\[-i\]\[-e\].*\[c1\]\[sh\]\[-c\]\[#!/bin/sh~# Stands for a script that writes data.~echo backup "$@"\]\[backup\]\[x\]$'
}

test_exec_command_words_stay_words() {
    product_is_up
    bootstrap run psql production -c 'select 1'
    expect_call "\[c1\]\[psql\]\[-U\]\[it's \$me\]\[-c\]\[select 1\]\$"
}

test_exec_needs_a_running_service() {
    bootstrap run psql production
    expect_code 3
    expect_error 'runs in the service `database`, which does not run'
}

test_once_is_named_and_removed() {
    DB_PASSWORD=pw bootstrap run once production 1
    expect_code 0
    expect_call "\[run\]\[--no-deps\]\[-T\]\[--name\]\[shop-production-run-once-[0-9a-f]*\].*\[--entrypoint\]\['mi grate'\]\[web\]\[--all\]\[1\]\$"
    expect_call '^\[rm\]\[--force\]\[--volumes\]\[shop-production-run-once-'
}

test_input_is_not_changed() {
    product_is_up
    printf '' | answer 'exec *' stdin
    head -c 70000 /dev/urandom >"$box/input"
    printf '\0\n%%s\\' >"$box/input2"
    for input in "$box/input" "$box/input2"; do
        run_bootstrap run restore production <"$input" >"$box/out" 2>"$box/err"
        expect_same "$input" "$box/docker/stdin"
    done
}

test_empty_input_is_refused() {
    product_is_up
    bootstrap run restore production
    expect_code 3
    expect_error 'standard input is empty'
    expect_no_call '^\[exec\]'
}

# Sends SIGNAL to the entrypoint when docker hangs; the code is in $code, the seconds it took in $took.
interrupt_when_hanging() { # SIGNAL WORD…
    signal=$1
    shift
    # shellcheck disable=SC2086
    PATH="$box/bin:$PATH" HOME="$box/home" TMPDIR="$box/work" BOOTSTRAP_ROOT="$box/root" BOOTSTRAP_SECRETS="$box/secrets" \
        FAKE_DOCKER="$box/docker" DB_PASSWORD=pw $shell "$box/root/bin/bootstrap" "$@" >"$box/out" 2>"$box/err" </dev/null &
    running=$!
    await_file "$box/docker/hanging"
    began=$(date +%s)
    kill -s "$signal" "$running"
    code=0
    wait "$running" || code=$?
    took=$(($(date +%s) - began))
}

test_signals_end_it_at_once_with_their_code() {
    for pair in TERM:143 HUP:129; do
        rm -f "$box/docker/hanging"
        printf '' | answer '*up -d*' hang
        interrupt_when_hanging "${pair%:*}" up production
        expect_code "${pair#*:}"
        expect_at_most 'seconds until it ended' 60 "$took"
        expect_error "interrupted by ${pair%:*}"
        expect_error 'goes on from there'
        expect_ended "$(cat "$box/docker/hanging")"
        expect_empty "$box/work"
    done
}

test_term_while_the_engine_does_not_answer() {
    printf '' | answer 'version *' hang
    interrupt_when_hanging TERM ps production
    expect_code 143
    expect_at_most 'seconds until it ended' 60 "$took"
}

test_term_in_a_one_off_stops_it_first() {
    printf '' | answer 'compose* run *' hang
    interrupt_when_hanging TERM run once production
    expect_code 143
    expect_call '^\[stop\]\[--time\]\[1\]\[shop-production-run-once-'
    expect_call '^\[rm\]\[--force\]\[--volumes\]\[shop-production-run-once-'
}

test_term_in_exec_says_that_the_script_goes_on() {
    product_is_up
    printf '' | answer 'exec *' hang
    interrupt_when_hanging TERM run psql production
    expect_code 143
    expect_error 'the script goes on in the service `database`'
}
