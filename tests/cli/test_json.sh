#!/usr/bin/env bash
# --json is one document of UTF-8 on stdout, whatever the names are and whatever is warned of.
. "$(dirname "$0")/lib.sh"

# Values at depth 0; strings are skipped.
documents() {
    awk '{ n = length($0)
           for (i = 1; i <= n; i++) { c = substr($0, i, 1)
             if (text) { if (c == "\\") i++; else if (c == "\"") text = 0; continue }
             if (c == "\"") text = 1
             if (c == "{" || c == "[") depth++
             if ((c == "}" || c == "]") && --depth == 0) count++ } }
         END { print count + 0 + (depth || text ? 1000 : 0) }' "$1"
}

one_document() {
    [ "$(documents out)" = 1 ] || die "$1: $(documents out) documents"
    iconv -f UTF-8 -t UTF-8 out >/dev/null || die "$1: not UTF-8"
    if command -v python3 >/dev/null; then
        python3 -c 'import json, sys; json.loads(sys.stdin.buffer.read().decode())' <out ||
            die "$1: python3 does not read it"
    fi
}

# A warning is in the document, of every command that reads a file; stderr says nothing of it.
warned='"code":"W0001"'
for command in plan run report origin tree status; do
    expect_exit 0 stemma "$command" warned.stemma --store st --json
    one_document "$command --json"
    expect_out "\"warnings\":[{$warned"
    ! grep -q W0001 err || die "$command: the warning is on stderr, too"
    expect_exit 0 stemma "$command" warned.stemma --store st
    expect_err 'warning[W0001]'
    expect_exit 0 stemma "$command" plain.stemma --store st --json --seeds 0..0
    one_document "$command --json"
    expect_out '"warnings":[]'
done
expect_exit 0 stemma check warned.stemma --json
one_document 'check --json'
expect_out "$warned"

# So are errors.
sed 's/median(loss/medain(loss/' warned.stemma >wrong.stemma
for command in plan run report origin tree status; do
    expect_exit 1 stemma "$command" wrong.stemma --store st --json
    one_document "$command --json, of a file with an error"
    expect_out '{"errors":[{"code":"E0'
    [ ! -s err ] || die "$command: the error is on stderr, too"
done

# Names in Latin-1 and worse become U+FFFD.
name=$'caf\xe9.\xed\xa0\x80\xf8.stemma'
sed $'s/"plain"/"caf\xe9 \xc0\xaf"/' plain.stemma >"$name"
for command in plan run report origin tree status; do
    expect_exit 0 stemma "$command" "$name" --store st --json --seeds 0..0
    one_document "$command --json of a Latin-1 name"
    case $command in origin) ;; *) expect_out $'"title":"caf\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd"' ;; esac
done
expect_exit 0 stemma tree --store st --json
iconv -f UTF-8 -t UTF-8 out >/dev/null || die "tree --json: not UTF-8"
expect_exit 0 stemma report "$name" --store st --ndjson --seeds 0..0
iconv -f UTF-8 -t UTF-8 out >/dev/null || die "report --ndjson: not UTF-8"
for verb in fsck stats; do
    expect_exit 0 stemma store "$verb" --store st --json
    one_document "store $verb --json"
done
expect_exit 0 stemma store ls --store st --json
! grep -qv '^{"id":"[0-9a-f]*","type":"[a-z]*",.*}$' out || die "store ls --json: a line is no object"

# Two forms of one output are an error, of every command that has two.
for pair in 'report plain.stemma --csv --json' 'report plain.stemma --csv --ndjson' \
    'report plain.stemma --ndjson --json' 'plan plain.stemma --dot --json' 'show trunk#0@0 --id --json'; do
    # shellcheck disable=SC2086 # words of a command
    expect_exit 2 stemma $pair --store st
    expect_message 'are two forms of one output'
done
