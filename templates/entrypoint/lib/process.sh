# Processes and signals: how we wait without being deaf.
#
# A shell answers a signal only when its foreground child ends, so every child that may take long runs in the
# background and is waited for. As PID 1 of a container the shell has no default action for a signal: the traps are
# what makes `docker stop` and Ctrl-C work at all.
#
# Takes in:  commands. Gives out: their exit codes; their output in files of the work directory.
# Must not:  keep a secret in the work directory.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

child='' child_timer=''
# What a tool that may take long does, in words for who waits: said every so many seconds.
waiting_for=''
readonly say_seconds=10
# Set while a helper of ours is forked, and so in the helper for good: bash lets one that is killed run the exit trap it inherited.
is_helper=''

# Sets up traps, the work directory in memory where there is one, and what was given to us: fd 3 is the standard input,
# fd 4 the standard error.
begin_process() {
    trap 'on_signal HUP 129' HUP
    trap 'on_signal INT 130' INT
    trap 'on_signal TERM 143' TERM
    if (: <&0) 2>/dev/null; then exec 3<&0; else exec 3</dev/null; fi
    if (: >&2) 2>/dev/null; then exec 4>&2; else exec 4>/dev/null; fi
    make_work_directory
}

make_work_directory() {
    for work_place in "${TMPDIR:-/dev/shm}" /tmp; do
        work=$(mktemp -d "$work_place/bootstrap.XXXXXX" 2>/dev/null) || continue
        trap end_process EXIT
        mkdir "$work/services" "$work/mounts"
        return 0
    done
    refuse 'there is no place for temporary files' 'with `docker run --read-only` add `--tmpfs /tmp`'
}

# Nothing of ours stays: the lock is freed, the work directory removed.
end_process() {
    end_status=$?
    [ -z "$is_helper" ] || exit "$end_status"
    trap '' HUP INT TERM
    free_lock
    rm -rf "$work"
    exit "$end_status"
}

# Runs a program, waits for it, gives its code. Its standard input is empty.
await() {
    "$@" </dev/null &
    child=$!
    wait_for_child
}

# The same with the standard input that was given to us.
await_with_input() {
    "$@" <&3 &
    child=$!
    wait_for_child
}

# The same as await, with a deadline: after SECONDS the program is asked to end. SECONDS COMMAND…
await_within() {
    await_seconds=$1
    shift
    "$@" </dev/null &
    child=$!
    wait_for_child_within "$await_seconds"
}

# Waits for the child, which is asked to end after so long. SECONDS
wait_for_child_within() {
    is_helper=yes
    end_child_after "$1" >/dev/null 2>&1 3<&- &
    child_timer=$! is_helper=''
    wait_for_child
    await_status=$?
    kill -USR1 "$child_timer" 2>/dev/null
    wait "$child_timer" 2>/dev/null
    child_timer=''
    return "$await_status"
}

# Runs a program and keeps what it says: standard output in FILE, standard error in $work/complaint. FILE COMMAND…
capture() {
    capture_file=$1
    shift
    await_within "${capture_seconds:-60}" "$@" >"$capture_file" 2>"$work/complaint"
}

# The same for what may take long. WHAT SECONDS FILE COMMAND…
capture_long() {
    waiting_for=$1 capture_seconds=$2
    shift 2
    capture "$@"
    capture_status=$?
    waiting_for='' capture_seconds=''
    return "$capture_status"
}

# What is waited for in a loop of our own: after so many seconds, and again as often. WHAT
say_slow_wait() {
    slow_now=$(date +%s)
    if [ -z "${slow_since:-}" ] || [ "$1" != "${slow_for:-}" ]; then
        slow_since=$slow_now slow_said=$slow_now slow_for=$1
    elif [ $((slow_now - slow_said)) -ge "$say_seconds" ]; then
        slow_said=$slow_now
        say "waiting: $1 ($((slow_now - slow_since)) s)"
    fi
}

# What a captured program complained about, on one line: from its last error on, or else its last line. What it says of its
# usage is left out, and the words that say no more than that it is an error.
complaint() {
    awk '
        /^Usage:/ || /^(See|Run) .docker .*--help/ { exit }
        !/[^[:space:]]/ { next }
        /^(docker: )?Error response from daemon:/ || /^([Ee]rror|ERROR)[: ]/ { said = ""; has_error = 1 }
        { said = has_error && said != "" ? said " " $0 : $0 }
        END {
            sub(/^docker: /, "", said)
            sub(/^(Error response from daemon|[Ee]rror|ERROR): */, "", said)
            print (said == "" ? "it gave no reason" : said)
        }' "$work/complaint"
}

nap() {
    await sleep "$1"
}

wait_for_child() {
    wait "$child"
    child_status=$?
    child=''
    return "$child_status"
}

# Runs in the background, and dies with its sleep by USR1: we catch that nowhere, so it ends the timer at whatever moment it comes. A
# signal that we do catch would be lost between the timer's fork and the reset of what it inherits.
end_child_after() {
    trap - HUP INT TERM EXIT
    timer_left=$1 timer_gone=0
    [ -n "$waiting_for" ] || exec 4>&-
    while [ "$timer_left" -gt 0 ]; do
        timer_step=$timer_left
        [ -z "$waiting_for" ] || [ "$timer_step" -le "$say_seconds" ] || timer_step=$say_seconds
        sleep "$timer_step" 4>&- &
        timer_sleep=$!
        trap 'kill "$timer_sleep" 2>/dev/null; exit 0' USR1
        wait "$timer_sleep"
        timer_left=$((timer_left - timer_step)) timer_gone=$((timer_gone + timer_step))
        [ -z "$waiting_for" ] || [ -n "$quiet" ] || printf 'waiting: %s (%s s)\n' "$waiting_for" "$timer_gone" >&4
    done
    kill -TERM "$child" 2>/dev/null
}

# NAME CODE. The child gets a second to end well; then we are gone, and in a container everything with us.
on_signal() {
    trap '' HUP INT TERM
    is_helper=''
    exec 2>&4 # the signal may have met us in the middle of a redirection
    error "interrupted by $1"
    [ -z "$child_timer" ] || kill -USR1 "$child_timer" 2>/dev/null
    stop_script_on_signal
    if [ -n "$child" ] && kill -TERM "$child" 2>/dev/null; then
        end_hard "$child" >/dev/null 2>&1 3<&- 4>&- &
        wait "$child" 2>/dev/null
    fi
    hint_after_signal
    exit "$2"
}

end_hard() {
    sleep 1
    kill -KILL "$1" 2>/dev/null
}
