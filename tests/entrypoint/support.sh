# shellcheck shell=sh
# What the cases are written in: prepare, bootstrap, the expect_ functions.
#
# A failed expectation says what it saw and ends the case.

# What every case begins with; copied for each.
make_fresh() {
    mkdir -p "$box/root" "$box/docker/answers" "$box/bin" "$box/secrets" "$box/home" "$box/work" "$box/naps"
    cp -R "$tests/fixture/." "$box/root"
    cp -R "$entrypoint/bin" "$entrypoint/lib" "$box/root"
    use_driver compose
    cp "$tests/docker" "$box/bin/docker"
    cp "$tests/clock" "$box/bin/clock"
    ln -s clock "$box/bin/date"
    ln -s clock "$box/bin/sleep"
    : >"$box/docker/calls"
    echo "$CASE_BEGINS 0" >"$box/clock"
}

readonly CASE_BEGINS=1893456000 # 2030-01-01T00:00:00Z, of the clock

# A fresh release and a fresh record of docker calls.
prepare() {
    find "$box" -mindepth 1 -delete
    cp -R "$shared/fresh/." "$box"
}

# How often the entrypoint has waited a moment. NUMBER
expect_naps() {
    read -r now naps <"$box/clock"
    expect_equal "$1 naps" "$naps naps"
}

# Moves the clock. SECONDS
later() {
    read -r now naps <"$box/clock"
    echo "$((now + $1)) $naps" >"$box/clock"
}

# What happens while the entrypoint waits for the NUMBERth time. Standard input: lines of sh, which find the box in $box.
at_nap() { # NUMBER
    { printf 'box=%s\n' "$box" && cat; } >"$box/naps/$1"
}

# The driver that the release is for. PLATFORM
use_driver() {
    rm -rf "$box/root/driver"
    cp -R "$entrypoint/driver/$1" "$box/root/driver"
    case $1 in compose | swarm) cp "$entrypoint/driver/docker/"* "$box/root/driver" ;; esac
    sed "s/^platform=.*/platform='$1'/" "$tests/fixture/release" >"$box/root/release"
}

# A release for Kubernetes, with a kubectl of ours (kubectl).
use_kubernetes() {
    rm -rf "$box/root/environments"
    cp -R "$tests/kubernetes/." "$box/root"
    use_driver kubernetes
    sed "s/^environments=.*/environments='production'/" "$box/root/release" >"$box/root/release.new"
    mv "$box/root/release.new" "$box/root/release"
    rm "$box/bin/docker"
    cp "$tests/kubectl" "$box/bin/kubectl"
}

# Calls the entrypoint; its code in $code, its output in $box/out and $box/err.
bootstrap() {
    code=0
    run_bootstrap "$@" >"$box/out" 2>"$box/err" </dev/null || code=$?
}

# The same with the standard streams of the caller.
run_bootstrap() {
    # shellcheck disable=SC2086 # the shell may be two words
    PATH="$box/bin:$PATH" HOME="$box/home" TMPDIR="$box/work" BOOTSTRAP_ROOT="$box/root" BOOTSTRAP_SECRETS="$box/secrets" \
        FAKE_DOCKER="$box/docker" $shell "$box/root/bin/bootstrap" "$@"
}

# Makes the fake docker answer a call whose words begin with PATTERN (a shell pattern): CODE, and standard input as output. `twice` answers two
# calls and no more, `failN` on standard error, `hang` not at all, `stdin` keeps what it is given.
answer() { # PATTERN CODE
    answer_number=$(($(find "$box/docker/answers" -name '*.pattern' | wc -l) + 1))
    printf '%s' "$1" >"$box/docker/answers/$answer_number.pattern"
    printf '%s' "$2" >"$box/docker/answers/$answer_number.code"
    cat >"$box/docker/answers/$answer_number.output"
}

# Calls of docker are lines of words between brackets. PATTERN
expect_call() {
    expect_match "$box/docker/calls" "$1"
}

expect_no_call() {
    expect_no_match "$box/docker/calls" "$1"
}

expect_code() {
    [ "$code" -eq "$1" ] || fail "code is $code, not $1" "$box/err" "$box/out"
}

expect_error() {
    expect_text "$box/err" "$1"
}

expect_no_error() {
    expect_no_text "$box/err" "$1"
}

expect_output() {
    expect_text "$box/out" "$1"
}

expect_no_output() {
    expect_no_text "$box/out" "$1"
}

# WANTED SEEN. For an empty text there is expect_empty: a command that fails says nothing, too.
expect_equal() {
    [ "$1" = "$2" ] || {
        printf 'wanted: %s\nseen:   %s\n' "$1" "$2"
        exit 1
    }
}

# A line of the file matches the basic regular expression. FILE PATTERN
expect_match() {
    has_line "$1" -e "$2" || fail "nothing matches: $2" "$1"
}

expect_no_match() {
    ! has_line "$1" -e "$2" || fail "something matches: $2" "$1"
}

# The text is within a line of the file. FILE TEXT
expect_text() {
    has_line "$1" -F -e "$2" || fail "missing text: $2" "$1"
}

# It is in no line of the file, or of any file below the folder. PLACE TEXT
expect_no_text() {
    ! has_line "$1" -r -F -e "$2" || fail "unexpected text: $2" "$1"
}

# A whole line of the file. FILE LINE
expect_line() {
    has_line "$1" -x -F -e "$2" || fail "missing line: $2" "$1"
}

# How many lines of the file match. FILE NUMBER PATTERN
expect_count() {
    has_line "$1" -e "$3" || :
    lines_seen=$(grep -c -e "$3" "$1") || :
    [ "$lines_seen" = "$2" ] || fail "$lines_seen lines match, not $2: $3" "$1"
}

# What the file holds, but for newlines at its end. FILE TEXT
expect_content() {
    expect_file "$1"
    content_seen=$(cat "$1") || fail "unreadable: $1"
    expect_equal "$2" "$content_seen"
}

# WANTED-FILE SEEN-FILE
expect_same() {
    cmp "$1" "$2" || fail "${2##*/} differs from ${1##*/}" "$1" "$2"
}

expect_file() {
    [ -f "$1" ] || fail "missing file: $1"
}

expect_no_file() {
    [ ! -e "$1" ] || fail "unexpected file: $1"
}

# A file without a byte, or a folder without an entry, that is there.
expect_empty() {
    if [ -d "$1" ]; then
        entries_seen=$(ls -A "$1") || fail "unreadable: $1"
        expect_equal '' "$entries_seen"
    else
        expect_file "$1"
        [ ! -s "$1" ] || fail "${1##*/} is not empty" "$1"
    fi
}

# WHAT MOST SEEN: a number that is not larger.
expect_at_most() {
    [ "$3" -le "$2" ] || fail "$1: $3, more than $2" "$box/err"
}

# The process ends soon, if it has not ended yet. ID
expect_ended() {
    await_condition process_is_gone "$1" || fail "process $1 still runs" "$box/err"
}

process_is_gone() {
    ! kill -0 "$1" 2>/dev/null
}

# Waits for a file that a program in the background makes.
await_file() {
    await_condition test -f "$1" || fail "never made: $1" "$box/err"
}

# Asks again and again until a command succeeds; only what hangs reaches the end of this. COMMAND…
await_condition() {
    condition_tries=0
    until "$@"; do
        condition_tries=$((condition_tries + 1))
        [ "$condition_tries" -lt 1200 ] || return 1
        sleep 0.1
    done
}

# Whether grep finds something; a file or a pattern that it cannot read is neither found nor absent. PLACE OPTION…
has_line() {
    line_place=$1
    shift
    [ -e "$line_place" ] || fail "missing: $line_place"
    line_status=0
    grep -q "$@" "$line_place" || line_status=$?
    [ "$line_status" -le 1 ] || fail "grep cannot look for: $*"
    return "$line_status"
}

# MESSAGE PLACE…
fail() {
    printf '%s\n' "$1"
    shift
    for shown do
        printf -- '-- %s\n' "${shown##*/}"
        find "$shown" -type f -exec cut -c 1-300 {} +
    done
    exit 1
}

# Runs lines of sh with the library loaded, in the shell under test. Standard input: the lines.
library() {
    {
        printf 'set -u; LC_ALL=C; export LC_ALL; root=%s; work=%s\n' "$box/root" "$box/work"
        # shellcheck disable=SC2016
        printf 'for part in message process text versions release parameters files state stored gate record restore; do . "$root/lib/$part.sh"; done\n'
        cat
    } >"$box/library.sh"
    # shellcheck disable=SC2086
    $shell "$box/library.sh" "$@"
}

# A line of what the engine tells of a container. ID SERVICE DIGEST STATUS EXIT RESTARTS HEALTH POLICY NAME [VOLUMES]
container() {
    printf '%s|%s|%s|%s|%s|%s|%s|%s|2024-01-01T00:00:00Z|sha256:1234|%s|/shop-production-%s||%s|net n1|%s|hash-%s|0 0\n' \
        "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8" "$(image_of "$2")" "$9" "${10:-}" "${9##*-}" "$2"
}

image_of() {
    case $1 in web) echo registry.example.com/shop/web:1.4.2 ;; *) echo docker.io/library/postgres:16.4 ;; esac
}

# Everything runs as wanted once Compose was called.
product_after() {
    {
        container c1 database @DATABASE@ running 0 0 healthy unless-stopped database-1
        container c2 init @INIT@ exited 0 0 '' no init-1
        container c3 web @WEB@ running 0 0 '' unless-stopped web-1
        container c4 web @WEB@ running 0 0 '' unless-stopped web-2
    } >"$box/docker/after"
}

# Brings the product up for the first time. The same release on the same engine is brought up once by each worker: a second case gets a copy
# of what that made.
first_up() {
    up_key=$(cd "$box" && tar --sort=name --mtime=@0 -cf - root docker secrets home clock bin | cksum | tr -d ' \n')
    up_key=$up_key.${PORT:-}.${GREETING:-}.${LEVEL:-}.${TIER:-}
    if [ -d "$box.up/$up_key" ]; then
        find "$box" -mindepth 1 -maxdepth 1 ! -name report -exec rm -r {} +
        cp -a "$box.up/$up_key/." "$box"
    else
        DB_PASSWORD=pw bootstrap up production
        expect_code 0
        : >"$box/docker/calls"
        mkdir "$box.up/$up_key"
        cp -a "$box/." "$box.up/$up_key"
    fi
}

# A product that was brought up by the entrypoint itself.
product_is_up() {
    product_after
    first_up
}
