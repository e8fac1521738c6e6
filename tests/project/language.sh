#!/usr/bin/env bash
# language.sh STEMMA: every example of docs/language.md that is no error is run to its end: a whole
# file as it stands, a fragment at its place in the page's prelude. The network is tiny, there are two
# seeds, and thousands of steps are hundreds; an expectation may fail, anything else may not.
set -euo pipefail
stemma=$(realpath "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/stemma-language.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
unset STEMMA_STORE STEMMA_BLAS_CORE

# Files 1, 2, ... with the examples, 1 being the prelude; `places` has a line "N LINE PLACE" for each.
# Those with error=CODE are test_run_language's.
awk '/^```stemma/ { on = 1; bad = /error=/; place = $2 == "" ? "-" : $2; if (!bad) print ++n, NR, place >"places"; next }
     /^```/ { on = 0 }
     on && !bad { print >n }' "$root/docs/language.md"

# The common file that the prelude imports, for a network of seconds.
mkdir common
sed 's/^param p = .*/param p = 7/; s/embed = 128, hidden = 256/embed = 8, hidden = 8/; s/lr = 1e-3/lr = 1e-2/' \
  "$root/protocols/common/modadd.stemma" >common/modadd.stemma
grep -q 'embed = 8, hidden = 8' common/modadd.stemma

shrink() { sed -E 's/\b([0-9]+)k\b/\100/g; s/\bp = 23$/p = 7/; s/embed = 32, hidden = 64/embed = 8, hidden = 8/'; }

run=0
while read -r n line place; do
  if [ "$place" = - ] || [ "$place" = prelude ]; then
    shrink <"$n" >example.stemma
  else
    grep -q "# <- $place\$" 1
    awk -v mark="# <- $place" -v file="$n" '
      index($0, mark) && !done { while ((getline text <file) > 0) print text; done = 1 } { print }' 1 |
      shrink >example.stemma
  fi
  code=0
  "$stemma" run example.stemma --store store --seeds 0..1 --jobs 1 --yes >out 2>err || code=$?
  if [ "$code" -gt 1 ] || ! grep -q '^executed ' out; then
    echo "docs/language.md:$line: \`stemma run\` exits $code:"
    grep -v ': step ' err || true
    exit 1
  fi
  "$stemma" report example.stemma --store store --seeds 0..1 --json >report.json 2>err || [ $? -eq 1 ]
  "$stemma" run example.stemma --store store --seeds 0..1 --jobs 1 >out 2>err || [ $? -eq 1 ]
  grep -q '^executed 0 steps ' out || { echo "docs/language.md:$line: a second run trains"; exit 1; }
  run=$((run + 1))
done <places
echo "$run examples of the language page run"
[ "$run" -ge 20 ]
