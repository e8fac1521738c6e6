#!/usr/bin/env bash
# Every word of the parser's and the functions' tables is in both highlighters, and theirs are words
# of the language. Usage: editors.sh SOURCE_DIR
set -u
src=$1
vim=$src/scripts/editors/vim/syntax/stemma.vim
mate=$src/scripts/editors/stemma.tmLanguage.json
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
parser=("$src"/src/protocol/parse*.c)
{
  sed -n 's/^    {"\([a-z]*\)", S_[A-Z]*,.*/\1/p' "${parser[@]}"
  grep -ho '\(pr_take_word\|pr_at_word\|want_word\)(p, "[a-z]*")' "${parser[@]}" | grep -o '"[a-z]*"' | tr -d '"'
  sed -n 's/.*quantifiers\[\] = {\(.*\)};/\1/p' "${parser[@]}" | grep -o '"[a-z]*"' | tr -d '"'
  sed -n 's/.*\(reserved\|after\)\[\] = {\(.*\)};/\2/p' "${parser[@]}" | grep -o '"[a-z]*"' | tr -d '"'
  sed -n 's/^    {"\([a-z]*\)", [0-9]*, [0-9]*, {.*/\1/p' "$src/src/protocol/functions.c"
} | sort -u >"$tmp/words"
sed -n 's/^syntax keyword stemma[A-Za-z]* //p' "$vim" | tr ' ' '\n' | sort -u >"$tmp/vim"
grep '"match": "\\\\b(' "$mate" | grep -o '[a-z]\{2,\}' | sort -u >"$tmp/mate"
failed=0
[ "$(wc -l <"$tmp/words")" -ge 60 ] || { echo 'the tables were not found' >&2; failed=1; }
for f in vim mate; do
  comm -23 "$tmp/words" "$tmp/$f" | sed "s/^/not in $f: /" | grep . >&2 && failed=1
done
comm -13 "$tmp/words" "$tmp/vim" | sed 's/^/no word of the language: /' | grep . >&2 && failed=1
exit $failed
