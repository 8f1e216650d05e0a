# Versions: which of two releases is the newer one, and whether a version meets a requirement, as SemVer 2.0.0 says (section 11).
#
# Takes in:  versions, comparators. Gives out: a word, or a truth.
# Must not:  know of releases beyond their version.

# Prints older, same or newer: what VERSION is, seen from OTHER. Build metadata does not count. VERSION OTHER
compare_versions() {
    printf '%s\n%s\n' "$1" "$2" | awk '
        # Numbers of any length: the longer one is greater, of the same length they compare as text.
        function order(a, b) {
            if (a ~ /^[0-9]+$/ && b ~ /^[0-9]+$/) {
                if (length(a) != length(b)) return length(a) < length(b) ? -1 : 1
            } else if (a ~ /^[0-9]+$/) return -1
            else if (b ~ /^[0-9]+$/) return 1
            return (a "") < (b "") ? -1 : (a "") > (b "") ? 1 : 0
        }
        { sub(/\+.*/, ""); dash = index($0, "-"); core[NR] = dash ? substr($0, 1, dash - 1) : $0; rest[NR] = dash ? substr($0, dash + 1) : "" }
        END {
            split(core[1], a, "."); split(core[2], b, ".")
            for (i = 1; i <= 3 && !result; i++) result = order(a[i], b[i])
            if (!result && rest[1] != rest[2]) {
                if (rest[1] == "") result = 1
                else if (rest[2] == "") result = -1
                else {
                    m = split(rest[1], c, "."); n = split(rest[2], d, ".")
                    for (i = 1; i <= m && i <= n && !result; i++) result = order(c[i], d[i])
                    if (!result) result = m - n
                }
            }
            print (result < 0 ? "older" : result > 0 ? "newer" : "same")
        }'
}

# Whether VERSION meets all comparators, such as `>=1.2.0 <2.0.0`. VERSION COMPARATORS
meets_requirement() {
    for comparator in $2; do
        case $comparator in
        '>='*) met_by=' newer same ' ;;
        '<='*) met_by=' older same ' ;;
        '>'*) met_by=' newer ' ;;
        '<'*) met_by=' older ' ;;
        *) met_by=' same ' ;;
        esac
        has_word "$met_by" "$(compare_versions "$1" "${comparator##*[<>=]}")" || return 1
    done
}
