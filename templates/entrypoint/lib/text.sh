# Text: quoting for a shell, for JSON and for tables, near names, instants.
#
# Takes in:  any string, hostile ones too. Gives out: text on standard output, or one variable that is named.
# Must not:  know of releases or engines.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

# Prints a word as a shell reads it back: 'it'\''s'.
quote_word() {
    case $1 in
    '' | *[!A-Za-z0-9_./:=@%+,-]*)
        quoted_word=$(printf '%s.' "$1" | sed "s/'/'\\\\''/g") # the dot keeps newlines at the end
        printf "'%s'" "${quoted_word%.}"
        ;;
    *) printf '%s' "$1" ;;
    esac
}

# Prints a JSON string, quotes included.
json_string() {
    case $1 in
    *[!A-Za-z0-9\ _./:=@%+,\(\)*-]*) printf '%s\n' "$1" | json_escape ;;
    *) printf '"%s"' "$1" ;;
    esac
}

# Bytes from 0x80 pass unchanged: UTF-8 stays UTF-8. Everything below a space is escaped, and DEL.
json_escape() {
    awk 'BEGIN {
            for (code = 1; code < 32; code++) escape[sprintf("%c", code)] = sprintf("\\u%04x", code)
            escape["\t"] = "\\t"; escape["\r"] = "\\r"; escape["\""] = "\\\""; escape["\\"] = "\\\\"
            escape[sprintf("%c", 127)] = "\\u007f"
            printf "\""
        }
        NR > 1 { printf "\\n" }
        {
            for (place = 1; place <= length($0); place++) {
                letter = substr($0, place, 1)
                printf "%s", (letter in escape) ? escape[letter] : letter
            }
        }
        END { printf "\"" }'
}

# true or false for a shell fact: empty means no.
json_boolean() {
    if [ -n "$1" ]; then printf true; else printf false; fi
}

# A JSON array of words without blanks. WORD…
json_words() {
    printf '['
    json_separator=''
    for json_word do
        printf '%s' "$json_separator"
        json_string "$json_word"
        json_separator=', '
    done
    printf ']'
}

# Sets columns under each other: lines with fields between tabs from standard input.
print_table() {
    printable | awk -F '\t' '{
            for (field = 1; field <= NF; field++) {
                cell[NR, field] = $field
                if (length($field) > width[field]) width[field] = length($field)
            }
            fields[NR] = NF
        }
        END {
            for (row = 1; row <= NR; row++) {
                line = ""
                for (field = 1; field < fields[row]; field++) line = line sprintf("%-" width[field] "s  ", cell[row, field])
                line = line cell[row, fields[row]]
                sub(/ +$/, "", line)
                print line
            }
        }'
}

# Prints the known word that is nearest to WORD, or nothing when none is near. What it begins is near; else a third of its letters may be others,
# and two that changed places are one. WORD KNOWN…
near_word() {
    printf '%s\n' "$@" | awk '
        function smaller(a, b) { return a < b ? a : b }
        function distance(a, b,    i, j, row, change) {
            for (i = 0; i <= length(a); i++) row[i, 0] = i
            for (j = 0; j <= length(b); j++) row[0, j] = j
            for (i = 1; i <= length(a); i++) for (j = 1; j <= length(b); j++) {
                change = substr(a, i, 1) != substr(b, j, 1)
                row[i, j] = smaller(smaller(row[i - 1, j], row[i, j - 1]) + 1, row[i - 1, j - 1] + change)
                if (i > 1 && j > 1 && substr(a, i, 1) == substr(b, j - 1, 1) && substr(a, i - 1, 1) == substr(b, j, 1))
                    row[i, j] = smaller(row[i, j], row[i - 2, j - 2] + 1)
            }
            return row[length(a), length(b)]
        }
        NR == 1 { wanted = substr($0, 1, 64); best = int(length(wanted) / 3); if (best < 1) best = 1; next }
        {
            away = distance(wanted, $0)
            if (away >= length($0)) next # nothing of it is left
            if (away <= best) { best = away - 1; near = $0 }
            if (begun == "" && length(wanted) > 1 && index($0, wanted) == 1) begun = $0
        }
        END { if (near == "") near = begun; if (near != "") print near }'
}

# The hint for an unknown word. WORD WHAT KNOWN…, where WHAT is the plural of the kind.
near_hint() {
    near_word_wanted=$1 near_kind=$2
    shift 2
    near_found=$(near_word "$near_word_wanted" "$@")
    [ -z "$near_found" ] || printf 'did you mean `%s`? ' "$near_found"
    if [ $# -gt 0 ]; then printf 'known %s: %s' "$near_kind" "$*"; else printf 'there are no %s' "$near_kind"; fi
}

# Of small files of text. FILE FILE
is_same_text() {
    [ "$(cat "$1")" = "$(cat "$2")" ]
}

# Nothing, and what is several words, is no word of any list. LIST WORD
has_word() {
    case $2 in '' | *[[:space:]]*) return 1 ;; esac
    case " $1 " in *" $2 "*) return 0 ;; esac
    return 1
}

# Sets number to a whole number without the zeros at its front, of at most 9 digits: what arithmetic and every `test` can hold. Else false, and
# number_fault says why. WORD
read_number() {
    number=''
    case $1 in
    '' | *[!0-9]*)
        number_fault="\`$1\` is not a whole number"
        return 1
        ;;
    esac
    number=${1#"${1%%[!0]*}"}
    number=${number:-0}
    case $number in ??????????*)
        number='' number_fault="\`$1\` is too large"
        return 1
        ;;
    esac
}

# Whether standard input is UTF-8 (RFC 3629, section 4).
is_utf8() {
    od -An -v -tu1 | awk '
        {
            for (i = 1; i <= NF; i++) {
                byte = $i + 0
                if (left > 0) {
                    if (byte < low || byte > high) { bad = 1; exit }
                    left--; low = 128; high = 191
                } else if (byte >= 128) {
                    left = byte < 194 || byte > 244 ? 0 : byte < 224 ? 1 : byte < 240 ? 2 : 3
                    if (!left) { bad = 1; exit }
                    low = byte == 224 ? 160 : byte == 240 ? 144 : 128
                    high = byte == 237 ? 159 : byte == 244 ? 143 : 191
                }
            }
        }
        END { exit bad || left > 0 }'
}

# MAJOR.MINOR.PATCH with what SemVer lets follow.
is_version() {
    printf '%s\n' "$1" | grep -Exq '(0|[1-9][0-9]*)[.](0|[1-9][0-9]*)[.](0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?([+][0-9A-Za-z.-]+)?'
}

# Seconds since 1970 of an instant such as 2024-02-29T08:05:09.5Z or …+02:00, in $epoch.
read_epoch() {
    epoch=0
    case $1 in [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]*) ;; *) return 1 ;; esac
    epoch_date=${1%%T*} epoch_time=${1#*T}
    epoch_year=${epoch_date%%-*} epoch_day=${epoch_date##*-} epoch_month=${epoch_date#*-}
    epoch_month=${epoch_month%-*}
    epoch_hour=${epoch_time%%:*} epoch_rest=${epoch_time#*:}
    epoch_minute=${epoch_rest%%:*} epoch_rest=${epoch_rest#*:}
    epoch_second=${epoch_rest%"${epoch_rest#??}"} epoch_zone=${epoch_rest#??}
    # The year begins in March, so that the leap day is its last: Howard Hinnant's days_from_civil.
    epoch_month=$(((${epoch_month#0} + 9) % 12))
    [ "$epoch_month" -lt 10 ] || epoch_year=$((epoch_year - 1))
    epoch=$((epoch_year * 365 + epoch_year / 4 - epoch_year / 100 + epoch_year / 400))
    epoch=$((epoch + (epoch_month * 306 + 5) / 10 + ${epoch_day#0} - 1 - 719468))
    epoch=$((epoch * 86400 + ${epoch_hour#0} * 3600 + ${epoch_minute#0} * 60 + ${epoch_second#0}))
    case $epoch_zone in
    *[0-9]+[0-9][0-9]:[0-9][0-9] | +[0-9][0-9]:[0-9][0-9]) subtract_zone "${epoch_zone##*+}" 1 ;;
    *[0-9]-[0-9][0-9]:[0-9][0-9] | -[0-9][0-9]:[0-9][0-9]) subtract_zone "${epoch_zone##*-}" -1 ;;
    esac
}

subtract_zone() { # HH:MM SIGN
    zone_hour=${1%:*} zone_minute=${1#*:}
    epoch=$((epoch - $2 * (${zone_hour#0} * 3600 + ${zone_minute#0} * 60)))
}
