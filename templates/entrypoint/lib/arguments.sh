# Arguments: `bootstrap <command> [environment] [arguments]`, checked to the end before anything is asked of an engine.
#
# Takes in:  the words of the command line. Gives out: command, environment_name, the option_ variables, and the call of
#            the command's function with the remaining words.
# Must not:  look at the target.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

option_yes='' option_dry_run='' option_timeout='' option_output=text option_volumes='' option_check='' option_list=''
option_follow='' option_since='' option_tail='' option_role='' option_help='' option_context='' option_take_over='' option_force='' option_lock_wait=''
option_message='' option_adopt='' option_migrated='' option_retry='' option_without_backup='' option_exit_code=''

commands='help version alias explain doctor config images plan pull load up upgrade migrate downgrade rollback stop start restart scale ps logs history forget run nodes users down unlock'

# The first word of some commands says what to do; COMMAND
actions_of() {
    case $1 in
    nodes) echo 'list drain activate label remove join create delete' ;;
    users) echo 'list add remove' ;;
    esac
}

# What each command takes besides --quiet, --verbose and --help. Every command that writes takes --dry-run and --yes, also
# where it asks nothing: whoever calls it from a script need not know which of them ask. COMMAND [ACTION]
options_of() {
    platform_options_of "$1"
    case $* in
    version | doctor | ps | history | 'nodes list' | 'users list') echo '--output' ;;
    nodes) echo '--output --role --dry-run --timeout --yes' ;;
    'nodes drain') echo '--dry-run --timeout --yes' ;;
    'nodes join') echo '--role --dry-run --yes' ;;
    nodes\ *) echo '--dry-run --yes' ;;
    users) echo '--output --role --dry-run --yes' ;;
    'users add') echo '--role --dry-run --yes' ;;
    users\ *) echo '--dry-run --yes' ;;
    images) echo '--check --output' ;;
    pull | load) echo '--dry-run --yes' ;;
    plan) echo '--exit-code --output' ;;
    up | upgrade) echo '--adopt --dry-run --lock-wait --message --migrated --retry --timeout --without-backup --yes' ;;
    migrate) echo '--dry-run --list --lock-wait --output --retry --yes' ;;
    downgrade) echo '--dry-run --lock-wait --message --retry --timeout --yes' ;;
    rollback) echo '--check --dry-run --lock-wait --message --timeout --yes' ;;
    start | restart | scale) echo '--dry-run --lock-wait --timeout --yes' ;;
    stop) echo '--dry-run --lock-wait --yes' ;;
    down) echo '--dry-run --lock-wait --volumes --yes' ;;
    forget) echo '--dry-run --lock-wait --yes' ;;
    unlock) echo '--dry-run --force --yes' ;;
    logs) echo '--follow --since --tail' ;;
    run) echo '--list --output --dry-run --yes' ;;
    esac
}

# What only a platform of this kind can mean: many clusters in one file of logins, and fields that others manage too.
platform_options_of() {
    [ "${platform:-}" = kubernetes ] || return 0
    case $1 in
    help | version | alias | explain | config) ;;
    up | upgrade) echo '--context --take-over' ;;
    *) echo '--context' ;;
    esac
}

# Which environment a command needs: none, one, or one when it is clear which.
environment_need() {
    case $1 in
    help | version | alias) echo none ;;
    explain) echo optional ;;
    *) echo one ;;
    esac
}

# Walks once over the words; those that are kept (operands) end up in "$@" again, behind the walk.
parse_arguments() {
    command='' action='' chosen='' options_ended='' script_seen='' options_used=''
    walk_left=$#
    while [ "$walk_left" -gt 0 ]; do
        word=$1
        shift
        walk_left=$((walk_left - 1))
        if [ -n "$options_ended" ]; then
            set -- "$@" "$word"
            continue
        fi
        read_long_option
        case $word in
        --) options_ended=yes ;;
        --output | --timeout | --since | --tail | --role | --context | --lock-wait | --message | --migrated)
            [ "$walk_left" -gt 0 ] || refuse_usage "option \`$word\` needs a value"
            take_option "$word" "$1"
            shift
            walk_left=$((walk_left - 1))
            ;;
        --output=* | --timeout=* | --since=* | --tail=* | --role=* | --context=* | --lock-wait=* | --message=* | --migrated=*) take_option "${word%%=*}" "${word#*=}" ;;
        --*) take_option "$word" '' ;;
        -?*) refuse_short_option ;;
        *)
            next_word=''
            [ "$walk_left" -eq 0 ] || next_word=$1
            if take_word "$word" "$next_word"; then set -- "$@" "$word"; fi
            ;;
        esac
        # From the script's name on the words are the script's, only the environment may still stand first among them.
        if [ -n "$script_seen" ]; then
            [ "$walk_left" -eq 0 ] || take_environment_after_script "$1" || { shift && walk_left=$((walk_left - 1)); }
            [ "$walk_left" -eq 0 ] || [ "$1" != -- ] || { shift && walk_left=$((walk_left - 1)); }
            options_ended=yes
        fi
    done
    check_arguments
    check_operands "$@"
    case $command/$# in rollback/1 | forget/1) set -- "$number" ;; esac
    choose_environment
    check_names "$@"
    "command_$command" "$@"
}

# The short options that other tools have taught everybody; needs word.
read_long_option() {
    case $word in
    -f) word=--follow ;;
    -h) word=--help ;;
    -o) word=--output ;;
    -o=*) word=--output=${word#-o=} ;;
    -o?*) word=--output=${word#-o} ;;
    -q) word=--quiet ;;
    -y) word=--yes ;;
    esac
}

refuse_short_option() {
    case $word in
    -d) refuse_usage "there is no \`-d\`: \`${command:-up}\` returns when all services are ready" 'to go on without waiting for it, run it in the background' ;;
    esac
    refuse_usage "unknown option \`$word\`" 'short options: -f (--follow), -h (--help), -o (--output), -q (--quiet), -y (--yes); `--` ends options'
}

# False when the word was the command or the environment: then it is no operand. WORD NEXT-WORD
take_word() {
    if [ -z "$command" ]; then
        take_command "$1" "$2"
        return 1
    fi
    if [ -z "$action" ] && has_word "$(actions_of "$command")" "$1"; then
        action=$1
        [ "$command $action" != 'nodes create' ] || script_seen=yes
        return 1
    fi
    if [ -z "$chosen" ] && [ "$(environment_need "$command")" != none ] && has_word "$environments" "$1"; then
        chosen=$1
        return 1
    fi
    # shellcheck disable=SC2046 # a list of words
    [ -n "$action" ] || [ -z "$(actions_of "$command")" ] ||
        refuse_usage "\`$command\` knows no action or environment \`$1\`" "$(near_hint "$1" actions $(actions_of "$command"))"
    case $command$action in run | nodesdelete) script_seen=yes ;; esac
    return 0
}

take_command() { # WORD NEXT-WORD
    case $1 in
    status) command='ps' ;;
    diff) command='plan' ;;
    *) command=$1 ;;
    esac
    ! has_word "$commands" "$command" || return 0
    if has_word "$environments" "$1"; then
        has_word "$commands status diff" "$2" || set -- "$1" up
        refuse_usage "\`$1\` is an environment, and the command comes first" "call: $2 $1"
    fi
    # shellcheck disable=SC2086 # a list of words
    refuse_usage "unknown command \`$1\`" "$(habit_hint "$1")$(near_hint "$1" commands $commands)"
}

# What other tools call it. WORD
habit_hint() {
    case $1 in
    deploy | install | apply | create) printf '%s' 'for that call `up`; ' ;;
    update) printf '%s' 'for that call `upgrade`; ' ;;
    delete | destroy | remove | rm | uninstall) printf '%s' 'for that call `down`; ' ;;
    ls | list) printf '%s' 'for that call `ps`; ' ;;
    exec | shell | sh | bash) printf '%s' 'for that call `run SCRIPT` (`run --list` shows the scripts); ' ;;
    undo) printf '%s' 'for that call `rollback`; ' ;;
    esac
}

# False when the word was taken. WORD
take_environment_after_script() {
    if [ -z "$chosen" ] && has_word "$environments" "$1"; then
        chosen=$1
        return 1
    fi
}

take_option() { # NAME VALUE
    case $1/$2 in --since/ | --context/) refuse_usage "option \`$1\` needs a value" ;; esac
    case $1 in
    --yes) option_yes=yes ;;
    --dry-run) option_dry_run=yes ;;
    --volumes) option_volumes=yes ;;
    --check) option_check=yes ;;
    --list) option_list=yes ;;
    --follow) option_follow=yes ;;
    --force) option_force=yes ;;
    --lock-wait)
        read_number "$2" || refuse_usage "\`--lock-wait\` takes a number of seconds: $number_fault" 'for example: --lock-wait 60'
        option_lock_wait=$number
        ;;
    --message) option_message=$2 ;;
    --adopt) option_adopt=yes ;;
    --migrated)
        is_version "$2" || refuse_usage "\`--migrated\` takes a version such as 1.4.2, not \`$2\`"
        option_migrated=$2
        ;;
    --retry) option_retry=yes ;;
    --without-backup) option_without_backup=yes ;;
    --exit-code) option_exit_code=yes ;;
    --quiet) quiet=yes ;;
    --verbose) verbose=yes ;;
    --help) option_help=yes ;;
    --version)
        [ -z "$command" ] || refuse_usage "\`$command\` takes no option \`--version\`" 'call `version`'
        command=version
        return 0
        ;;
    --since) option_since=$2 ;;
    --context) option_context=$2 ;;
    --take-over) option_take_over=yes ;;
    --tail)
        number=all
        [ "$2" = all ] || read_number "$2" || refuse_usage "\`--tail\` takes a number of lines or \`all\`: $number_fault" 'for example: --tail 20'
        option_tail=$number
        ;;
    --role)
        case $2 in
        '' | *[!a-z0-9-]*) refuse_usage "\`--role\` takes a word of lower-case letters, digits and \`-\`, not \`$2\`" ;;
        esac
        option_role=$2
        ;;
    --timeout)
        read_number "$2" || refuse_usage "\`--timeout\` takes a number of seconds: $number_fault" 'for example: --timeout 600'
        option_timeout=$number
        ;;
    --output)
        case $2 in text | json) ;; *) refuse_usage "\`--output\` takes \`text\` or \`json\`, not \`$2\`" ;; esac
        option_output=$2
        ;;
    *) refuse_usage "unknown option \`$1\`" "$(near_hint "$1" options --yes --dry-run --timeout --quiet --verbose \
        --output --volumes --check --list --follow --force --lock-wait --since --tail --role --context --take-over \
        --message --adopt --migrated --retry --without-backup --exit-code --help --version)" ;;
    esac
    options_used="$options_used $1"
}

check_arguments() {
    [ -n "$command" ] || { [ -n "$option_help" ] && command='help'; } ||
        refuse_usage 'no command given' "try \`help\`; known commands: $commands"
    for option in $options_used; do
        case $option in --quiet | --verbose | --help) continue ;; esac
        # shellcheck disable=SC2086 # an action is a word, or none
        has_word "$(options_of "$command" $action | tr '\n' ' ')" "$option" ||
            refuse_usage "\`$command${action:+ $action}\` takes no option \`$option\`" "see \`help $command\`"
    done
    case $option_adopt/$option_migrated in
    /?*) refuse_usage '`--migrated` says what `--adopt` takes over' "for example: $command --adopt --migrated=1.4.2" ;;
    esac
    [ -n "$quiet" ] && [ -n "$verbose" ] && refuse_usage '`--quiet` and `--verbose` exclude each other'
    return 0
}

# With one environment, or a declared default, the name may be left out.
choose_environment() {
    [ "$(environment_need "$command")" != none ] || return 0
    if [ -z "$chosen" ]; then
        chosen=$default_environment
        case $environments in *' '*) ;; *) chosen=$environments ;; esac
    fi
    [ -n "$chosen" ] || [ "$(environment_need "$command")" = optional ] ||
        refuse_usage 'which environment?' "known environments: $environments; for example: $command ${environments%% *}"
    [ -z "$chosen" ] || load_environment "$chosen"
}

# What does not fit the command, as far as that is known without an environment.
check_operands() {
    if [ -n "$option_help" ] && [ "$command" != help ]; then
        show_help "$command"
        exit 0
    fi
    case $command in
    help) [ $# -le 1 ] || refuse_usage '`help` takes one command' ;;
    logs | restart) ;;
    scale) [ $# -gt 0 ] || refuse_usage 'which service?' 'for example: scale web=3, or scale web=default' ;;
    nodes | users) check_action_operands "$@" ;;
    rollback)
        [ $# -le 1 ] || refuse_usage '`rollback` takes one revision' '`history` shows them'
        [ $# -eq 0 ] || read_number "$1" || refuse_revision "$1"
        ;;
    forget)
        [ $# -eq 1 ] || refuse_usage 'forget which revision?' 'for example: forget 3; `history` shows them'
        read_number "$1" || refuse_revision "$1"
        ;;
    downgrade)
        [ $# -eq 1 ] || refuse_usage 'downgrade to which version?' 'for example: downgrade 1.4.2; `history` shows them'
        is_version "$1" || refuse_version "$1"
        ;;
    run) [ $# -gt 0 ] || [ -n "$option_list" ] || refuse_usage 'which script?' '`run --list` shows them' ;;
    *) [ $# -eq 0 ] || refuse_operand "$1" ;;
    esac
}

# How many words each action takes. What the scripts of a release take is theirs to say.
check_action_operands() {
    [ -n "$action" ] || refuse_usage "what to do with $command?" "known actions: $(actions_of "$command"); see \`help $command\`"
    case $command\ $action/$# in
    'nodes list/0' | 'nodes join/0' | 'nodes drain/1' | 'nodes activate/1' | 'nodes remove/1' | 'nodes create/'*) ;;
    'nodes label/0' | 'nodes label/1') refuse_usage 'which node, and which label?' 'for example: nodes label NODE type=frontend, or nodes label NODE type-' ;;
    'nodes label/'*) check_label_operands "$@" ;;
    'users list/'* | *' delete/'[1-9]* | 'users '*/[1-9]*) ;;
    */0) refuse_usage "which ${command%s}?" "for example: $command $action NAME; \`$command list\` shows them" ;;
    *' list/'* | *' join/'*) refuse_usage "\`$command $action\` takes no argument \`$1\`" "see \`help $command\`" ;;
    *) refuse_usage "\`$command $action\` takes no argument \`$2\`" "see \`help $command\`" ;;
    esac
}

# Names of services are known when the environment is.
check_names() {
    case $command in logs | restart) check_service_operands "$@" ;; esac
    [ "$command" != restart ] || check_no_jobs "$@"
}

check_no_jobs() {
    for operand do
        load_service "$operand"
        [ "$service_kind" != job ] || refuse_usage "\`$operand\` is a job, it runs once" 'a job is run again when something about it changes: see `plan`'
    done
}

check_service_operands() {
    for operand do
        # shellcheck disable=SC2086 # a list of words
        has_word "$service_names" "$operand" ||
            refuse_usage "unknown service or environment \`$operand\`" "$(near_hint "$operand" services $service_names)"
    done
}

refuse_operand() {
    [ "$(environment_need "$command")" != none ] || refuse_usage "\`$command\` takes no argument \`$1\`" "see \`help $command\`"
    [ -z "$chosen" ] || refuse_usage "unexpected argument \`$1\`" "see \`help $command\`"
    # shellcheck disable=SC2086 # a list of words
    refuse_usage "unknown environment \`$1\`" "$(near_hint "$1" environments $environments)"
}

# What is to be a revision, and is no number.
refuse_revision() {
    case $number_fault in *'too large') refuse_usage "revision $number_fault" '`history` shows the revisions' ;; esac
    refuse_usage "\`$1\` is neither an environment nor the number of a revision" "known environments: $environments; \`history\` shows the revisions"
}

refuse_version() {
    case $1 in
    [0-9]* | v[0-9]*) refuse_usage "\`$1\` is not a full version" 'for example: downgrade 1.4.2; `history` shows what is recorded' ;;
    esac
    refuse_usage "\`$1\` is neither an environment nor a version" "known environments: $environments; \`history\` shows the versions"
}
