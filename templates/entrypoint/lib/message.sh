# Messages and exit codes: the only file that decides how a line for the operator looks.
#
# Takes in:  sentences. Gives out: lines on standard error, and the end of the process with one of the codes below.
# Must not:  print a value of a secret parameter; print results (those go to standard output, from show.sh).

# 0 done · 1 a bug in us · 129, 130, 143 interrupted (process.sh)
readonly EXIT_BUG=1 EXIT_USAGE=2 EXIT_REFUSED=3 EXIT_RESTORED=4 EXIT_NOT_RESTORED=5 EXIT_MIGRATION=6 EXIT_LOCKED=75

quiet='' verbose=''
# What a refusal ends with: once a service was changed, nothing can be refused any more.
refusal_code=$EXIT_REFUSED

# Progress. Left out with --quiet.
say() {
    [ -n "$quiet" ] || printf '%s\n' "$*" >&2
}

# Progress that only --verbose shows.
detail() {
    [ -z "$verbose" ] || printf '%s\n' "$*" >&2
}

warn() {
    printf 'warning: %s\n' "$*" >&2
}

error() {
    printf 'error: %s\n' "$*" >&2
}

hint() {
    printf 'hint: %s\n' "$*" >&2
}

# The command line is wrong. MESSAGE [HINT]
refuse_usage() {
    error "$1"
    [ -z "${2:-}" ] || hint "$2"
    exit "$EXIT_USAGE"
}

# Something is missing, and nothing has changed yet: unless it is missing for what shall be put back. MESSAGE [HINT]
refuse() {
    [ -z "${restoring:-}" ] || fail_restore "$1"
    [ -z "${migration_open:-}" ] || fail_unbegun_migration "$1"
    error "$1"
    [ -z "${2:-}" ] || hint "$2"
    exit "$refusal_code"
}

# The end was not reached, and everything is as it was before. MESSAGE [HINT]
fail_restored() {
    error "$1"
    [ -z "${2:-}" ] || hint "$2"
    exit "$EXIT_RESTORED"
}

# Something changed and the end was not reached. MESSAGE [HINT]
fail_unrestored() {
    error "$1"
    [ -z "${2:-}" ] || hint "$2"
    exit "$EXIT_NOT_RESTORED"
}

# The image was built wrong, or we are wrong. MESSAGE
fail_bug() {
    error "$1"
    hint 'this is a fault of the bootstrap image, not of the target: please report it'
    exit "$EXIT_BUG"
}

# Shows a file of lines that a tool wrote, set in, so that they are told from ours. FILE
show_lines() {
    # The last line may have no end.
    [ ! -s "$1" ] || awk '{ print "    | " $0 }' "$1" >&2
}
