#!/usr/bin/env bash
# readme.sh [--update] STEMMA: the README does what it says. Its protocol is protocols/first.stemma,
# and every command of its `console` blocks is run, in order, in an empty directory: exit code and
# output must be those that stand there, digit by digit, for bits are the product. Only what the
# machine decides is matched by its form: the seconds and the memory of the line `executed ...`. A
# line `...` stands for any lines. --update writes the README anew from what the commands print.
set -euo pipefail
update=
if [ "$1" = --update ]; then update=1 && shift; fi
root=$(cd "$(dirname "$0")/../.." && pwd)
stemma=$(realpath "${1:-$root/build/src/cli/stemma}")
work=$(mktemp -d "${TMPDIR:-/tmp}/stemma-readme.XXXXXX")
trap 'rm -rf "$work"' EXIT

readme=$work/readme # as it is now, for a run that takes minutes with slow kernels
cp "$root/README.md" "$readme"
mkdir "$work/bin" "$work/at"
ln -s "$stemma" "$work/bin/stemma"
ln -s "$root/protocols" "$work/at/protocols"
cd "$work/at"
export PATH="$work/bin:$PATH"
unset STEMMA_STORE STEMMA_BLAS_CORE

# The one thing that may differ.
machine() { sed -E 's/^(executed .* steps) in [0-9.]+ s; worker peak [0-9]+ MB$/\1 in T s; worker peak M MB/'; }

# Without blank lines at the end.
trim() { sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' "$1"; }

# matches EXPECTED ACTUAL: files; `...` in the first one takes any lines.
matches() {
  local -a want have
  local w h=0 any=0
  mapfile -t want < <(machine <"$1")
  mapfile -t have < <(machine <"$2")
  for ((w = 0; w < ${#want[@]}; w++)); do
    if [ "${want[w]}" = ... ]; then
      any=1
      continue
    fi
    while [ "$any" -eq 1 ] && [ "$h" -lt ${#have[@]} ] && [ "${have[h]}" != "${want[w]}" ]; do
      h=$((h + 1))
    done
    if [ "$h" -ge ${#have[@]} ] || [ "${have[h]}" != "${want[w]}" ]; then return 1; fi
    any=0
    h=$((h + 1))
  done
  [ "$any" -eq 1 ] || [ "$h" -eq ${#have[@]} ]
}

# renewed EXPECTED ACTUAL: the actual lines, with `...` where it stood: a line after one is the next
# that begins with the same word.
renewed() {
  awk 'NR == FNR { have[++n] = $0; next }
       $0 == "..." { print; any = 1; next }
       any { split($0, w); for (h++; h <= n; h++) { split(have[h], v); if (v[1] == w[1]) break } print have[h]; any = 0; next }
       { print have[++h] }
       END { if (!any) while (h < n) print have[++h] }' "$2" "$1"
}

check() { # COMMAND: runs it and compares with `expected`; prints what the README says
  local code=0 expected=0
  case "$1" in
    scripts/build | 'export PATH='*)
      cat ../expected
      return
      ;;
  esac
  if [[ $1 =~ '# exit '([0-9]+)$ ]]; then expected=${BASH_REMATCH[1]}; fi
  bash -o pipefail -c "$1" >../actual 2>../errors || code=$?
  if [ "$code" -ne "$expected" ]; then
    echo "README: \`$1\` exits $code, not $expected:" >&2
    cat ../actual ../errors >&2
    exit 1
  fi
  if [ "$code" -ne 0 ]; then cat ../errors >>../actual; fi
  trim ../actual >../actual.trim
  if ! matches ../expected ../actual.trim; then
    if [ -z "$update" ]; then
      echo "README: \`$1\` prints something else:" >&2
      diff ../expected ../actual.trim >&2 || true
      exit 1
    fi
    echo "README: \`$1\`: renewed" >&2
    renewed ../expected ../actual.trim
  else
    cat ../expected
  fi
  checked=$((checked + 1))
}

# Runs the commands of the page on stdin; prints the page.
page() {
  local line command='' console='' blank
  checked=0
  while IFS= read -r line; do
    if [ -n "$console" ] && { [[ $line == '$ '* ]] || [ "$line" = '```' ]; }; then
      if [ -n "$command" ]; then
        trim ../raw >../expected
        blank=$(($(wc -l <../raw) - $(wc -l <../expected)))
        check "$command"
        for ((; blank > 0; blank--)); do echo; done
      fi
      command=${line#'$ '}
      : >../raw
      if [ "$line" = '```' ]; then console='' command=''; fi
      printf '%s\n' "$line"
    elif [ -n "$command" ]; then
      printf '%s\n' "$line" >>../raw
    else
      if [ "$line" = '```console' ]; then console=1; fi
      printf '%s\n' "$line"
    fi
  done
}

awk '$0 == "```stemma" { on = 1; next } /^```/ { on = 0 } on' "$readme" | cmp - "$root/protocols/first.stemma"
page <"$readme" >../page
if [ -n "$update" ]; then
  cat ../page >"$root/README.md"
else
  cmp ../page "$readme"
fi
echo "$checked commands of the README do what it says"
[ "$checked" -ge 10 ]
