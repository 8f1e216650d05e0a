# Gate: whether a file holds nothing but records, so that it may be sourced.
#
# Whoever may write to the ledger must not be able to run a program here, write outside of our folders, or set a variable that a tool
# reads. A record is one call of a function of ours: its name, words in single quotes, `key='value'` words, and for a parameter the two
# words that ask the environment. The writer is src/render/release_data.rs; a test holds that all it writes is taken.
#
# Takes in:  files, lib/reserved-names. Gives out: a verdict, and why.
# Must not:  source a file.

# KIND FILE…: `release`, `pieces` or `requirements`. Prints FILE|LINE|REASON for every file that is refused, LINE that of the record.
list_refused() {
    refused_kind=$1
    shift
    awk -v quote="'" -v file_kind="$refused_kind" -v table="$root/lib/reserved-names" '
        BEGIN {
            # Kinds of records, with the number of words that stand for themselves.
            if (file_kind == "pieces") kinds = "literal 1 value 1"
            else if (file_kind == "requirements") kinds = "requirement 1"
            else kinds = "environment 1 parameter 1 mount 1 network 1 volume 1 host_file 1 external_secret 1 service 1 constraint 2 " \
                "script 1 hook 2 nodes 0 users 0 migration 1 upgrade 0 addition 1"
            count = split(kinds, parts, " ")
            for (i = 1; i < count; i += 2) words_of[parts[i]] = parts[i + 1]
            # What a fact must look like, for the target uses it as a number, as part of a path, or as a name. Any other is text.
            number = "^[0-9]+$"; octal = "^[0-7]+$"; integer = "^-?[0-9]+$"
            is_numeric[number] = is_numeric[octal] = is_numeric[integer] = 1
            variables = "^[A-Za-z0-9_ ]*$"; label = "^[a-z][a-z0-9-]*$"; declared = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
            several = "^[A-Za-z0-9._ -]*$"; path = "path"; digest = "^[0-9a-f]+$"
            rule["service wave"] = rule["service replicas"] = rule["service max_replicas"] = rule["service window"] = number
            rule["mount uid"] = rule["mount gid"] = rule["upgrade backup_age"] = number
            rule["mount mode"] = octal
            rule["parameter min"] = rule["parameter max"] = integer
            rule["service mounts"] = rule["service parameters"] = rule["mount parameters"] = rule["mount parameter"] = variables
            rule["mount file"] = rule["mount pieces"] = rule["mount directory"] = path
            rule["script file"] = rule["migration up"] = rule["migration down"] = path
            rule["script service"] = rule["migration service"] = rule["addition service"] = declared
            rule["upgrade backup"] = label; rule["service object"] = "^[A-Za-z0-9][A-Za-z0-9_-]*$"
            rule["service networks"] = rule["service joins"] = rule["service restarts"] = several
            rule["network digest"] = rule["addition definition"] = digest
            rule["addition own"] = "^yes$"
            rule["script schedule"] = "^[-@*/,0-9A-Za-z ]+$"
            rule["addition resource"] = "^[a-z0-9.-]+$"
            rule["script interpreter"] = rule["migration interpreter"] = "^[a-z]+$"
            split("environment script hook migration", parts, " ")
            for (i in parts) name_rule[parts[i]] = label
            split("network volume service constraint", parts, " ")
            for (i in parts) name_rule[parts[i]] = declared
            name_rule["mount"] = "^[A-Z][A-Z0-9_]*$"
            name_rule["value"] = name_rule["parameter"] = "^[A-Za-z_][A-Za-z0-9_]*$"
            name_rule["addition"] = "^[A-Z][A-Za-z0-9]*/[a-z0-9.-]+$"
            second_rule["hook"] = label
            while ((getline name < table) > 0) {
                if (name ~ /[*]$/) families[substr(name, 1, length(name) - 1)] = 1
                else if (name !~ /^#/ && name != "") reserved[name] = 1
            }
            file = ""
        }
        function refuse(reason) {
            if (!bad) printf "%s|%d|%s\n", file, start, reason
            bad = 1
        }
        function is_reserved(name,   family) {
            if (name in reserved) return 1
            for (family in families) if (index(name, family) == 1) return 1
            return 0
        }
        function is_path(text) {
            return text != "" && length(text) < 4096 && text !~ /^\// && text !~ /\n/ && ("/" text "/") !~ /\/[.][.]\//
        }
        function fits(text, wanted) {
            if (wanted == path) return is_path(text)
            return length(text) < 4096 && text ~ wanted && (length(text) < 20 || !(wanted in is_numeric))
        }
        function begin_file() {
            file = FILENAME; bad = inside = open = 0; start = 0
        }
        function end_file() {
            if (file != "" && inside) refuse("a quoted word does not end")
        }
        function begin_record() {
            start = FNR
            if (!match(rest, /^[a-z_]+/)) { refuse("not a record"); return }
            kind = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1)
            if (!(kind in words_of)) { refuse("not a record: `" kind "`"); return }
            words = asked = is_command = open = 0; has_facts = 0
        }
        function end_record() {
            if (words != words_of[kind]) refuse("a `" kind "` with another number of words")
            else if (kind == "parameter" && asked != 2) refuse("a `parameter` that does not ask for its value")
        }
        function begin_word() {
            open = 1; quoted = 0; key = ""; value = ""
            if (rest ~ /^--( |$)/ && !is_command && (kind == "script" || kind == "migration" || kind == "volume")) {
                is_command = 1; open = 0; rest = substr(rest, 3)
            } else if (match(rest, /^"[$][{][A-Za-z_][A-Za-z0-9_]*([+]given|-)[}]"/)) {
                ask(substr(rest, 1, RLENGTH)); open = 0; rest = substr(rest, RLENGTH + 1)
            } else if (!is_command && match(rest, /^[a-z_]+=/)) {
                key = substr(rest, 1, RLENGTH - 1); rest = substr(rest, RLENGTH + 1)
            }
        }
        function ask(text) {
            asked++
            if (kind != "parameter" || words != 1 || has_facts || text != "\"${" (name ~ /[a-z]/ ? "BOOTSMITH_GIVEN_" : "") name (asked == 1 ? "+given" : "-") "}\"")
                refuse("a word that is expanded")
        }
        function end_word() {
            open = 0
            if (!quoted) refuse("a word without quotes")
            else if (key != "") {
                has_facts = 1
                if (((kind " " key) in rule) && !fits(value, rule[kind " " key])) refuse("an invalid `" key "` of a `" kind "`")
            } else if (!is_command) {
                if (has_facts || asked) refuse("a word without a key")
                words++
                if (words == 1) {
                    name = value
                    if ((kind in name_rule) && !fits_name(value, name_rule[kind])) refuse("an invalid name of a `" kind "`")
                    else if (kind == "parameter" && is_reserved(value)) refuse("a `parameter` with a reserved name: `" value "`")
                } else if (words == 2 && (kind in second_rule) && !fits_name(value, second_rule[kind]))
                    refuse("an invalid name of a `" kind "`")
            }
        }
        function fits_name(text, wanted) { return length(text) < 4096 && text ~ wanted }
        function take(text) {
            if (length(value) < 4096) value = value text
        }
        FNR == 1 { end_file(); begin_file() }
        bad { next }
        {
            rest = $0
            if (inside) take("\n")
            else begin_record()
            while (!bad) {
                if (inside) {
                    at = index(rest, quote)
                    if (!at) { take(rest); next }
                    take(substr(rest, 1, at - 1)); rest = substr(rest, at + 1); inside = 0
                } else if (open && substr(rest, 1, 1) == quote) {
                    inside = quoted = 1; rest = substr(rest, 2)
                } else if (open && quoted && substr(rest, 1, 2) == "\\" quote) {
                    take(quote); rest = substr(rest, 3)
                } else {
                    if (open) end_word()
                    if (bad) next
                    if (rest == "") { end_record(); next }
                    if (substr(rest, 1, 1) != " ") { refuse("not a record"); next }
                    rest = substr(rest, 2)
                    begin_word()
                }
            }
        }
        END { end_file() }' "$@"
}

# False when a file holds anything else, with the reason in $work/complaint. FILE [KIND]
holds_only_records() {
    if [ "$(tr -d '\000' <"$1" | wc -c)" -ne "$(wc -c <"$1")" ]; then # a shell and awk need not agree on what stands behind it
        refused_record='1|a NUL byte'
    else
        refused_record=$(list_refused "${2:-release}" "$1") && [ -z "$refused_record" ] && return 0
        refused_record=${refused_record#"$1|"}
    fi
    echo "\`${1##*/}\` of it holds something that is not a record (line ${refused_record%%|*}: ${refused_record#*|})" >"$work/complaint"
    return 1
}
