#!/usr/bin/env bash
# Every design of the gallery, run to its end on a tiny network: each names its source in its first
# comment, no arm is cancelled, and every arm takes at least 10 steps. Usage: gallery.sh STEMMA DIR
set -u
stemma=$1
dir=$2
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0 files=0
# Forks are at step 50, or at 75 where every seed has memorized; the bound is at 400.
tiny=(-D p=7 -D embed=8 -D hidden=8 -D rate=1e-2 -D t0=50 -D bound=400 --seeds 0..2)
bad() {
  echo "$f: $1" >&2
  cat "$tmp/out" >&2
  failed=1
}
for f in "$dir"/*.stemma; do
  files=$((files + 1))
  : >"$tmp/out"
  sed -n 2,4p "$f" | grep -Eq '^# .*[12][0-9]{3}: ' || bad 'names no source'
  # 1: an expectation failed, as it may on a network that learns nothing
  "$stemma" run "$f" --store "$tmp/s" --jobs 1 "${tiny[@]}" >"$tmp/out" 2>&1
  [ $? -le 1 ] || { bad 'run'; continue; }
  # "trunk/post/kept#0: step 400", once or more for each replicate; of runs, only those of arms
  awk '/^[^ ]*#[0-9]+: .*step [0-9]+/ && !/^trunk#/ {
         a = $1; n = $0; sub(/.*step /, "", n); if (n + 0 > last[a]) last[a] = n + 0; seen[a] = 1 }
       END { for (a in seen) if (last[a] < 85) exit 1 }' "$tmp/out" || bad 'a short arm'
  "$stemma" tree "$f" --store "$tmp/s" "${tiny[@]}" >"$tmp/out" 2>&1 || bad 'tree'
  grep -q '3/3 done' "$tmp/out" || bad 'nothing was run'
  grep -E ' [0-9]/3 ' "$tmp/out" | grep -qv ' 3/3 done' && bad 'an arm that is not done'
done
echo "$files designs"
[ "$files" -ge 20 ] && [ "$failed" -eq 0 ]
