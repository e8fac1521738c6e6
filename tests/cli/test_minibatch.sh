#!/usr/bin/env bash
# Minibatches: replay from any anchor is bit-exact; arms that differ in `stream.batch` alone see the
# same data up to the fork and other data after it.
. "$(dirname "$0")/lib.sh"

big=(-D p=31) # 480 training pairs: a batch of 256 fills more than one tile
run st minibatch.stemma "${big[@]}" --anchors 40
sed '/^  fork/,/^  }/d; /^contrast/d; /^expect/d' minibatch.stemma >plain.stemma
run plain plain.stemma "${big[@]}"

expect_exit 0 stemma origin minibatch.stemma --store st "${big[@]}"
expect_out 'one origin: every arm left the state of its fork'
for seed in 0 1 2; do
    expect_out "  #$seed    $(stemma show "trunk#$seed@100" --id --store plain)  4 of 4 arms"
    [ "$(stemma show "other#$seed@start" --id --store st)" = \
        "$(stemma show "stayed#$seed@start" --id --store st)" ] || die "seed $seed: two starts"

    # With the parent's stream an arm is the trunk that was never forked, in a store of its own.
    ids plain "trunk#$seed" >plain.ids
    for arm in trunk null stayed; do
        ids st "$arm#$seed" >"$arm.ids"
        same_ids "$arm.ids" plain.ids 21 "$arm, seed $seed"
    done

    # With another stream it never has a state of the parent, or of the third stream, again.
    ids st "other#$seed" >other.ids
    ids st "third#$seed" >third.ids
    for arm in plain third; do
        join <(sort other.ids) <(sort "$arm.ids") | awk '$1 > 100' >both
        [ "$(wc -l <both)" = 40 ] || die "not 40 measured steps in common after the fork"
        awk '$2 == $3 { exit 1 }' both || die "seed $seed: one state after the fork as in $arm"
    done
done

# From the seed, and from the anchor before any step, on the grid and off it.
for arm in trunk null other third; do
    expect_exit 0 stemma replay "$arm#1" --verify --store st
    expect_out 'bit-exact: '
done
before=0
for step in 3 39 40 41 100 101 140 150 199 200 203 277 300; do
    at=other
    [ "$step" -gt 100 ] || at=trunk
    expect_exit 0 stemma replay "$at#2@$step" --store st
    expect_out "bit-exact: $step steps re-executed"
    expect_exit 0 stemma replay "$at#2@$step" --from-anchor --store st
    steps=$(sed -n 's/.*bit-exact: \([0-9]*\) steps .*/\1/p' out)
    [ "$steps" -lt 100 ] || die "step $step: $steps steps, none of them from an anchor"
    before=$((before + step - steps))
done
[ "$before" -gt 1000 ] || die "hardly a step was left out: no anchors"
