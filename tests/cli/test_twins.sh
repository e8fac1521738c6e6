#!/usr/bin/env bash
# Two files of one base name in one store: neither hides the other in silence.
. "$(dirname "$0")/lib.sh"

mkdir one two
cp common.stemma one
sed 's/embed = 8/embed = 10/' common.stemma >two/common.stemma
sed 's/^protocol .*/protocol "the first"/' plain.stemma >one/exp.stemma
sed 's/^protocol .*/protocol "the second"/; s/step 600/step 300/' plain.stemma >two/exp.stemma
run st one/exp.stemma --seeds 0..0
! grep -q 'another protocol' err || die "the first one is warned of"
run st two/exp.stemma --seeds 0..0
expect_err 'the store holds another protocol of the name `exp`, "the first"'
expect_exit 0 stemma tree --store st
expect_out 'exp  the first'
expect_out 'exp  the second'

hash_of() { stemma plan "$1" --store st --seeds 0..0 | sed -n 's/^hashes  *compute \([0-9a-f]*\),.*/\1/p'; }
for address in 'trunk#0@300' 'exp:trunk#0@300'; do
    expect_exit 2 stemma show "$address" --id --store st
    expect_message "\`$address\` is ambiguous: it is in exp ("
    expect_err "($(hash_of one/exp.stemma), \"the first\")"
    expect_err "($(hash_of two/exp.stemma), \"the second\")"
    # What the help says does help.
    again=$(sed -n 's/^help: .* as in //p' err)
    expect_exit 0 stemma show "$again" --id --store st
done
expect_exit 0 stemma show "$(hash_of one/exp.stemma):trunk#0@300" --id --store st
first=$(cat out)
expect_exit 0 stemma show "$(hash_of two/exp.stemma):trunk#0@300" --id --store st
[ "$first" != "$(cat out)" ] || die "both hashes name one state"

# A file that is edited replaces itself: by its title, or by what it computes.
sed -i 's/step 600/step 450/' one/exp.stemma
run st one/exp.stemma --seeds 0..0
sed -i 's/the second/the last/' two/exp.stemma
run st two/exp.stemma --seeds 0..0
expect_executed 0 "a title is no step"
expect_exit 0 stemma tree --store st
[ "$(grep -c '^exp  ' out)" = 2 ] || die "an edited file is there twice"
[ "$(grep -c '^exp  the first' out)" = 1 ] || die "the edited first file is there twice"

# Without titles, by the task; then `exp` alone is what was edited.
for n in one two; do sed '/^protocol/d' "$n/exp.stemma" >"$n/bare.stemma"; done
sed -i 's/train = 0.50/train = 0.60/' two/common.stemma
run bare one/bare.stemma --seeds 0..0
sed -i 's/step 450/step 475/' one/bare.stemma
run bare one/bare.stemma --seeds 0..0
! grep -q 'another protocol' err || die "an edited file is taken for another"
expect_exit 0 stemma show 'bare:trunk#0@475' --id --store bare
run bare two/bare.stemma --seeds 0..0
expect_err 'another protocol of the name `bare`'

# Another -D is another run of one file.
run defined one/bare.stemma --seeds 0..0
run defined one/bare.stemma --seeds 0..0 -D p=7
run defined one/bare.stemma --seeds 0..0
! grep -q 'another protocol' err || die "a run with -D is taken for another file"
fsck_clean st
