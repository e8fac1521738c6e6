#!/usr/bin/env bash
# What is in the store is not trained again; an arm that is added is trained alone.
. "$(dirname "$0")/lib.sh"

# The steps that a run executes are those that plan announces, unless events stop it earlier.
expect_exit 0 stemma plan tiny.stemma --store st
expect_out 'to train 6,300 at most'
expect_out '3/3 pending'
run st tiny.stemma
first=$executed
[ "$first" -le 6300 ] || die "executed $first steps, more than planned"
[ "$first" -ge 4800 ] || die "executed $first steps, fewer than three arms have"
expect_exit 0 stemma plan tiny.stemma --store st
expect_out 'to train 0 at most'

unchanged() {
    for arm in trunk free same raised lowered; do ids st "tiny:$arm#1"; done >now.ids
    [ -e before.ids ] || cp now.ids before.ids
    cmp -s before.ids now.ids || die "$1 changed ids"
}
unchanged "nothing"
packs() { find st -name '*.pack' | wc -l; }

run st tiny.stemma
expect_executed 0 "a second run"
count=$(packs)

# Changes that train nothing.
edit() { # edit WHAT SED-SCRIPT
    sed "$2" "$protocols/tiny.stemma" >tiny.stemma
    ! cmp -s tiny.stemma "$protocols/tiny.stemma" || die "$1: not edited"
}
edit "an expectation" 's/^expect value > 1/expect value > 1.01/'
run st tiny.stemma
expect_executed 0 "another expectation"
edit "a failing expectation" 's/^expect value > 1/expect value < 1/'
expect_exit 1 stemma run tiny.stemma --store st
expect_out 'executed 0 steps'
edit "a comment" 's/^# Four arms.*/# Another comment/'
run st tiny.stemma
expect_executed 0 "another comment"
edit "a table" 's/count(fitted), median(delay)/count(fitted)/'
run st tiny.stemma
expect_executed 0 "another table"
edit "a name" 's/delay/lag/g'
run st tiny.stemma
expect_executed 0 "another name of a let"
edit "a shorter stop" 's/bound = 600/bound = 400/'
run st tiny.stemma
expect_executed 0 "a shorter stop"
[ "$(stemma show 'tiny:same#1@stop' --id --store st)" = \
    "$(grep '^400 ' <(ids st 'tiny:same#1') | cut -d' ' -f2)" ] || die "the shorter stop is at 400"
run st "$protocols/tiny.stemma"
expect_executed 0 "the longer stop again"
unchanged "editing"
[ "$(packs)" -le $((count + 8)) ] || die "states were written: $count packs, now $(packs)"

# An arm more: that one alone, from the stored state.
edit "an arm" 's/^    arm lowered.*/&\n    arm between { hold norm(weights) = N0 * 1.1 }/'
expect_exit 0 stemma plan tiny.stemma --store st
expect_out 'to train 1,500 at most'
run st tiny.stemma
expect_executed 1500 "one arm more of 500 steps in 3 seeds"
unchanged "another arm"

# A longer stop goes on from where the arms ended; a seed more is that seed alone.
edit "a longer stop" 's/bound = 600/bound = 700/'
run st tiny.stemma
expect_executed 900 "100 steps more of three arms in 3 seeds"
run st "$protocols/tiny.stemma" --seeds 0..3
run alone "$protocols/tiny.stemma" --seeds 3
ids st 'tiny:lowered#3' >a.ids
ids alone 'tiny:lowered#3' >b.ids
cmp -s a.ids b.ids || die "seed 3 added later"

# The same arm under another name, in another file, is the same trajectory.
sed 's/arm raised/arm higher/; s/raised/higher/g' "$protocols/tiny.stemma" >renamed.stemma
run st renamed.stemma --seeds 0..3
expect_executed 0 "another name of an arm, in another file"
fsck_clean st
