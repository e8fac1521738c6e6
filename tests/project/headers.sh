#!/usr/bin/env bash
# Every public header compiles alone, as strict C17, with each compiler that is here.
set -euo pipefail
cd "$(dirname "$0")/../.."

compiled=0
for compiler in gcc clang; do
  command -v "$compiler" >/dev/null || continue
  for header in include/stemma/*.h; do
    echo "#include \"stemma/${header##*/}\"" |
      "$compiler" -std=c17 -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only -x c - ||
      { echo "$compiler: $header does not compile alone"; exit 1; }
    compiled=$((compiled + 1))
  done
done
[ "$compiled" -gt 0 ] || { echo "no compiler found"; exit 1; }
echo "$compiled headers compiled"
