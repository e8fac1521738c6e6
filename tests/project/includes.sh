#!/usr/bin/env bash
# includes.sh [ROOT]: a file includes the private headers of its own room and of base, and the public
# headers of the rooms that its room stands on (CONTRIBUTING.md); nothing else of ours.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

# room: the rooms whose public headers it may see, beside base's and its own
rooms='base
store
state store
engine state store
protocol
run protocol engine state store
report run protocol engine state store
cli report run protocol engine state store'

# The evaluator of expressions has no public header yet.
exception='src/report/results.h run/eval.h'

# The room that a public header belongs to; vocab.h is where the engine and the language meet.
owner() {
  case "$1" in
    err | buf | vocab) echo base ;;
    *) echo "$1" ;;
  esac
}

bad=0
complain() { # FILE INCLUDE ROOM
  echo "$1 includes $2, which the room $3 may not see"
  bad=1
}

look() { # ROOM SEEN FILE...
  local room=$1 seen=$2 file header head
  shift 2
  while IFS=: read -r file header; do
    head=${header%%/*}
    if [ "$head" = stemma ]; then
      head=$(owner "$(basename "$header" .h)")
      [[ " base $room $seen " == *" $head "* ]] || complain "$file" "$header" "$room"
    elif [ "$head" != base ] && [ "$head" != "$room" ] && [ "$file $header" != "$exception" ]; then
      complain "$file" "$header" "$room"
    fi
  done < <(grep -HoE '^ *# *include "[^"]+"' "$@" | sed -E 's/: *# *include "/:/; s/"$//')
}

while read -r room seen; do
  mapfile -t files < <(find "src/$room" -name '*.[ch]' | sort)
  [ ${#files[@]} -gt 0 ] || { echo "no room src/$room" && bad=1; }
  look "$room" "$seen" "${files[@]}"
  if [ -f "include/stemma/$room.h" ]; then look "$room" "$seen" "include/stemma/$room.h"; fi
done <<<"$rooms"

for dir in src/*/; do
  grep -qE "^$(basename "$dir")( |$)" <<<"$rooms" || { echo "$dir is a room that includes.sh does not know" && bad=1; }
done
exit "$bad"
