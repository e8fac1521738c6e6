#!/usr/bin/env bash
# Thirty SIGKILLs of random processes of a run, the command given again each time: the same states
# as without, a sound store, and no process left. Which process dies, and when, is drawn from a
# seed that is printed; the test holds for every seed.
. "$(dirname "$0")/lib.sh"

seed=${STEMMA_SEED:-$(date +%s%N | tail -c 6)}
seed=$((10#$seed))
echo "STEMMA_SEED=$seed"
RANDOM=$seed

# A run that ends too early to be killed thirty times is given a longer bound.
bound=1000
with_bound() { sed "s/^param bound = .*/param bound = $1/" "$protocols/tiny.stemma" >tiny.stemma; }

command=
start() {
    "$STEMMA" run tiny.stemma --store st --jobs 2 --anchors 50 >out 2>err &
    command=$!
}

# The command and its workers.
family() {
    local children=
    read -r children <"/proc/$command/task/$command/children" || true
    echo "$command $children"
}

# Whether a process runs: one that has ended and is not waited for yet is no victim.
runs() { grep -q '^State:[[:space:]]*[^ZX]' "/proc/$1/status" 2>/dev/null; }

kills=0 of_parent=0
with_bound $bound
start
while [ $kills -lt 30 ]; do
    sleep "0.0$((RANDOM % 90 + 10))"
    if ! runs "$command"; then
        wait "$command" || die "the run failed after $kills kills"
        bound=$((bound + 1000))
        with_bound $bound
        start
        continue
    fi
    read -ra pids <<<"$(family 2>/dev/null)"
    victim=${pids[$((RANDOM % ${#pids[@]}))]}
    runs "$victim" || continue
    kill -9 "$victim" 2>/dev/null || continue
    kills=$((kills + 1))
    if [ "$victim" = "$command" ]; then
        of_parent=$((of_parent + 1))
        wait "$command" 2>/dev/null || true
        start # at once: workers of the killed command may still be saving
    fi
done
wait "$command" || die "the last run failed"
echo "$kills kills, $of_parent of the command itself, bound $bound"

run st tiny.stemma --jobs 2
expect_executed 0 "after the last run"
expect_no_process
fsck_clean st
expect_out 'sound'

run whole tiny.stemma --jobs 2
for s in 0 1 2; do
    for arm in trunk free same raised lowered; do
        ids whole "$arm#$s" >whole.ids
        ids st "$arm#$s" >st.ids
        # A worker that saved on its way out has measured a step off the grid as well.
        same_ids whole.ids st.ids "$(wc -l <whole.ids)" "$arm#$s"
    done
done
