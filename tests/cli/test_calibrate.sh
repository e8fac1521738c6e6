#!/usr/bin/env bash
# shellcheck source=tests/cli/lib.sh
# A calibrated number is an edge of the plan: what reads it runs after what it reads; equal prefixes
# are trained once; the plan's accounting is what was executed.
source "$(dirname "$0")/lib.sh"

expect_exit 0 stemma plan calibrate.stemma --store st --json
[ "$(grep -o '"known_after":\["control"\]' "$work/out" | wc -l)" = 4 ] || die "not 4 known after control"
expect_exit 0 stemma plan calibrate.stemma --store st
[ "$(grep -Ec '(baseline|up\[tau=1(\.[37])?\]) +\(known after control\)  stop at ' "$work/out")" = 4 ] ||
    die "the arms that read wc are not said to be known after control"
expect_out "control             3/3 waiting  stop at all grok"
run st calibrate.stemma
expect_out "wc  median(control.norm(weights) @ stop) = "
expect_out "recovery"
expect_out "holds          monotone(up.T, along = tau, down)"

expect_exit 0 stemma plan calibrate.stemma --store st
expect_out "to train 0 at most"
refuse_out "known after control"
number() { sed -n "s/^steps .*$1 \([0-9,]*\).*/\1/p" "$work/out" | tr -d ,; }
[ "$(number shared)" -gt 0 ] || die "nothing is shared"
[ $(($(number declared) - $(number shared))) = "$executed" ] || die "executed $executed, plan says otherwise"

# the number is one for all seeds, and the settings of the arms that read it carry it
wc=$(stemma show 'baseline#0' --store st --json | grep -o 'norm(weights)[^,}]*' | head -n 1)
[ -n "$wc" ] || die "no held norm in the settings"

# a bound that the control cannot meet: the arms that wait for it are named, exit 1
sed 's/step 60k/step 300/' calibrate.stemma >short.stemma
expect_exit 1 stemma run short.stemma --store st3
expect_out "not run: clamp/init/baseline, 3 of 3 seeds: wc: not evaluable"
expect_out "wc  median(control.norm(weights) @ stop): not evaluable: 0 of the 3 seeds"
expect_exit 0 stemma plan short.stemma --store st3
refuse_out "known after control" # nothing is left that would tell

# seed 0 alone has its own calibration and other keys; nothing of the others is harmed
run st calibrate.stemma --seeds 0
run st calibrate.stemma
expect_executed 0 "all seeds again"
