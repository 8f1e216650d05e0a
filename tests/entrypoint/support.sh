# shellcheck shell=sh
# What the cases are written in: prepare, bootstrap, the expect_ functions.
#
# A failed expectation says what it saw and ends the case.

# A fresh release and a fresh record of docker calls.
prepare() {
    find "$box" -mindepth 1 -delete
    mkdir -p "$box/root" "$box/docker/answers" "$box/bin" "$box/secrets" "$box/home" "$box/work"
    cp -R "$tests/fixture/." "$box/root"
    cp -R "$entrypoint/bin" "$entrypoint/lib" "$box/root"
    use_driver compose
    cp "$tests/docker" "$box/bin/docker"
    : >"$box/docker/calls"
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
    grep -q -e "$1" "$box/docker/calls" || fail "no call of docker like: $1" "$box/docker/calls"
}

expect_no_call() {
    ! grep -q -e "$1" "$box/docker/calls" || fail "a call of docker like: $1" "$box/docker/calls"
}

expect_code() {
    [ "$code" -eq "$1" ] || fail "code is $code, not $1" "$box/err" "$box/out"
}

expect_error() {
    grep -qF -e "$1" "$box/err" || fail "standard error does not say: $1" "$box/err"
}

expect_no_error() {
    ! grep -qF -e "$1" "$box/err" || fail "standard error says: $1" "$box/err"
}

expect_output() {
    grep -qF -e "$1" "$box/out" || fail "standard output does not say: $1" "$box/out" "$box/err"
}

expect_no_output() {
    ! grep -qF -e "$1" "$box/out" || fail "standard output says: $1" "$box/out"
}

# WANTED SEEN
expect_equal() {
    [ "$1" = "$2" ] || {
        printf 'wanted: %s\nseen:   %s\n' "$1" "$2"
        exit 1
    }
}

fail() {
    printf '%s\n' "$1"
    shift
    for shown do
        printf -- '-- %s\n' "${shown##*/}"
        cut -c 1-300 "$shown"
    done
    exit 1
}

# Runs lines of sh with the library loaded, in the shell under test. Standard input: the lines.
library() {
    {
        printf 'set -u; LC_ALL=C; export LC_ALL; root=%s; work=%s\n' "$box/root" "$box/work"
        # shellcheck disable=SC2016
        printf 'for part in message process text versions release parameters files state stored record restore; do . "$root/lib/$part.sh"; done\n'
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

# A product that was brought up by the entrypoint itself.
product_is_up() {
    product_after
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    : >"$box/docker/calls"
}
