# Messages and exit codes: the only file that decides how a line for the operator looks.
#
# Takes in:  sentences. Gives out: lines on standard error, and the end of the process with one of the codes below.
# Must not:  print a value of a secret parameter; print results (those go to standard output, from show.sh).

# 0 done · 1 a bug in us · 129, 130, 143 interrupted (process.sh)
readonly exit_bug=1 exit_usage=2 exit_refused=3 exit_restored=4 exit_not_restored=5 exit_migration=6 exit_locked=75

quiet='' verbose=''
# What a refusal ends with: once a service was changed, nothing can be refused any more.
refusal_code=$exit_refused

# Control characters but tab and newline: a terminal would obey them. Also those of the upper half, which UTF-8 writes in two bytes.
control_characters=$(printf '\001\002\003\004\005\006\007\010\013\014\015\016\017\020\021\022\023\024\025\026\027\030\031\032\033\034\035\036\037\177\302')
upper_control=$(printf '\302')[$(printf '\200')-$(printf '\237')]

# What others wrote, as it may reach a terminal: standard input with a `?` for every control character.
printable() {
    LC_ALL=C tr '\001-\010\013-\037\177' '?' | LC_ALL=C sed "s/$upper_control/?/g"
}

# A line for the operator. Whatever of it is from the target: text of labels, answers of tools. LINE
show_message() {
    case $1 in
    *["$control_characters"]*) printf '%s\n' "$1" | printable >&2 ;;
    *) printf '%s\n' "$1" >&2 ;;
    esac
}

# Progress. Left out with --quiet.
say() {
    [ -n "$quiet" ] || show_message "$*"
}

# Progress that only --verbose shows.
detail() {
    [ -z "$verbose" ] || show_message "$*"
}

warn() {
    show_message "warning: $*"
}

error() {
    show_message "error: $*"
}

hint() {
    show_message "hint: $*"
}

# The command line is wrong. MESSAGE [HINT]
refuse_usage() {
    error "$1"
    [ -z "${2:-}" ] || hint "$2"
    exit "$exit_usage"
}

# Something is missing, and nothing has changed yet: unless it is missing for what is to be restored. MESSAGE [HINT]
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
    exit "$exit_restored"
}

# Something changed and the end was not reached. MESSAGE [HINT]
fail_unrestored() {
    error "$1"
    [ -z "${2:-}" ] || hint "$2"
    exit "$exit_not_restored"
}

# The image was built wrong, or we are wrong. MESSAGE
fail_bug() {
    error "$1"
    hint 'this is a fault of the bootstrap image, not of the target: please report it'
    exit "$exit_bug"
}

# Shows a file of lines that a tool wrote, set in, so that they are told from ours. FILE
show_lines() {
    # The last line may have no end.
    [ ! -s "$1" ] || awk '{ print "    | " $0 }' "$1" | printable >&2
}
