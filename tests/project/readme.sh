#!/usr/bin/env bash
# readme.sh STEMMA: the README does what it says. Its protocol is protocols/first.stemma, and every
# command of its `console` blocks is run, in order, in an empty directory: exit code and output must
# be those that stand there. Numbers and ids may differ (they belong to a profile); a line `...`
# stands for any lines.
set -euo pipefail
stemma=$(realpath "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/stemma-readme.XXXXXX")
trap 'rm -rf "$work"' EXIT

block() { # LANGUAGE: the lines of all blocks in that language
  awk -v start="\`\`\`$1" '$0 == start { on = 1; next } /^```/ { on = 0 } on' "$root/README.md"
}

normal() {
  sed -E -e 's#portable/[0-9]+#PROFILE#' -e 's/\b[0-9a-f]{12,32}\b/ID/g' \
    -e 's/[0-9]+([.,][0-9]+)*(e[+-]?[0-9]+)?/N/g' -e 's/-+/-/g' -e 's/[[:space:]]+/ /g' \
    -e 's/^ //; s/ $//' -e '/^$/d'
}

matches() { # EXPECTED ACTUAL: files of normal lines
  local -a want have
  local w=0 h=0 any=0
  mapfile -t want <"$1"
  mapfile -t have <"$2"
  while [ "$w" -lt ${#want[@]} ]; do
    if [ "${want[w]}" = ... ]; then
      any=1
    else
      while [ "$any" -eq 1 ] && [ "$h" -lt ${#have[@]} ] && [ "${have[h]}" != "${want[w]}" ]; do
        h=$((h + 1))
      done
      if [ "$h" -ge ${#have[@]} ] || [ "${have[h]}" != "${want[w]}" ]; then return 1; fi
      any=0
      h=$((h + 1))
    fi
    w=$((w + 1))
  done
  [ "$any" -eq 1 ] || [ "$h" -eq ${#have[@]} ]
}

check() { # COMMAND: runs it and compares with expected.raw
  local code=0 expected=0
  case "$1" in scripts/build | 'export PATH='*) return ;; esac
  if [[ $1 =~ '# exit '([0-9]+)$ ]]; then expected=${BASH_REMATCH[1]}; fi
  bash -o pipefail -c "$1" >actual.raw 2>errors.raw || code=$?
  if [ "$code" -ne "$expected" ]; then
    echo "README: \`$1\` exits $code, not $expected:"
    cat actual.raw errors.raw
    exit 1
  fi
  if [ "$code" -ne 0 ]; then cat errors.raw >>actual.raw; fi
  normal <expected.raw >expected
  normal <actual.raw >actual
  if ! matches expected actual; then
    echo "README: \`$1\` prints something else:"
    diff expected actual || true
    exit 1
  fi
  checked=$((checked + 1))
}

block stemma >"$work/protocol"
cmp "$work/protocol" "$root/protocols/first.stemma"

mkdir "$work/bin"
ln -s "$stemma" "$work/bin/stemma"
ln -s "$root/protocols" "$work/protocols"
cd "$work"
export PATH="$work/bin:$PATH"
unset STEMMA_STORE STEMMA_BLAS_CORE
checked=0 command=''
while IFS= read -r line; do
  case "$line" in
    '$ '*)
      if [ -n "$command" ]; then check "$command"; fi
      command=${line#??}
      : >expected.raw
      ;;
    *) printf '%s\n' "$line" >>expected.raw ;;
  esac
done < <(block console)
check "$command"
echo "$checked commands of the README do what it says"
[ "$checked" -ge 10 ]
