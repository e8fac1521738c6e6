#!/usr/bin/env bash
# shellcheck source=tests/cli/lib.sh
# Forks inside arms, forks at events, one-shot edits, windows, freezes, changes of precision and
# loss: every kind of arm is replayed bit for bit, the null arm equals what it left, and a metric
# that is sampled at a step on no grid is measured there.
source "$(dirname "$0")/lib.sh"

run st nested.stemma --jobs 2
expect_out "holds          identical(stay, hot)"
first=$executed
# step 333 is on no grid
grep -A22 'norm(weights) @ step 333' "$work/out" | grep -q '^  warm  *[0-9]*\.[0-9]' || die "no norm at step 333"

run st nested.stemma
expect_executed 0 "a second run"

for arm in warm hot stay cooler freed 'ablate[g=E,f=0.8]' 'ablate[g=W2,f=1.25]' kick late fr m st cl d64 l64 lrdrop; do
    expect_exit 0 stemma replay "$arm#1" --verify --store st
    expect_out "bit-exact"
done

expect_exit 0 stemma origin nested.stemma --store st
expect_out "one origin: every arm left the state of its fork"

# a window: `late` is free for 100 steps after the fork, then held
fork=$(stemma show 'late#0' --store st | sed -n 's/^fork .* at step \([0-9]*\),.*/\1/p')
norm() { stemma show "$1#0@$2" --store st | sed -n 's/^  norm(weights)  *//p'; }
[ "$(norm late $(((fork / 20 + 8) * 20)))" = "$(norm late $(((fork / 20 + 12) * 20)))" ] || die "late is not held"

# another order of workers, another store: the same states
run st2 nested.stemma --jobs 1
for arm in hot cooler d64 lrdrop; do
    ids st "$arm#2" >a
    ids st2 "$arm#2" >b
    cmp -s a b || die "$arm differs between stores"
    [ -s a ] || die "no ids"
done
[ "$executed" = "$first" ] || die "executed $executed steps with one worker, $first with two"
