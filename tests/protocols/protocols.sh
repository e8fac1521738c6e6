#!/bin/sh
# Every file under protocols/ with the engine's own words: it checks, and it is in the canonical
# layout. What has a run can be planned. Usage: protocols.sh STEMMA DIR
set -u
stemma=$1
dir=$2
store=$(mktemp -d) || exit 1
trap 'rm -rf "$store"' EXIT
failed=0 files=0
for f in $(find "$dir" -name '*.stemma' | sort); do
  files=$((files + 1))
  "$stemma" check "$f" || { echo "check: $f" >&2; failed=1; continue; }
  "$stemma" fmt --check "$f" || { echo "fmt --check: $f" >&2; failed=1; }
  grep -q '^run ' "$f" || continue
  "$stemma" plan "$f" --store "$store/s" >"$store/out" 2>&1 ||
    { echo "plan: $f" >&2; cat "$store/out" >&2; failed=1; }
done
echo "$files files"
[ "$files" -gt 0 ] && [ "$failed" -eq 0 ]
