#!/usr/bin/env bash
# Replay, diff and origin: what they say and how they exit.
. "$(dirname "$0")/lib.sh"

run st tiny.stemma

expect_exit 0 stemma replay 'trunk/post/same#0' --verify --store st
expect_out 'trunk/post/same#0: bit-exact: 600 steps re-executed,'
expect_out '122 state ids and 343 metrics agreed, 4 stored states verified'
[ "$(wc -L <out)" -le 80 ] || die "wider than 80 columns"
expect_exit 0 stemma replay 'same#0@250' --store st
expect_out 'bit-exact: 250 steps re-executed,'
expect_out '52 state ids and '
expect_exit 0 stemma replay 'same#0' --from-anchor --store st
expect_out 'bit-exact: 500 steps re-executed'
expect_exit 0 stemma replay 'same#0' --verify --json --store st
expect_out '"bit_exact":true,"steps":600,"compared":122'

# Replay writes nothing.
before=$(find st -type f | sort | xargs cksum)
expect_exit 0 stemma replay 'raised#1' --verify --store st
[ "$before" = "$(find st -type f | sort | xargs cksum)" ] || die "replay wrote to the store"

# Every kernel set of the profile judges; another profile cannot.
sets=0
for set in avx512 avx2 c; do
    code=0
    STEMMA_KERNELS=$set stemma replay 'same#0' --verify --store st >out 2>err || code=$?
    [ "$code" != 2 ] || { grep -q 'this processor runs' err && continue; }
    [ "$code" = 0 ] || die "exit $code under kernel set $set: $(cat err)"
    sets=$((sets + 1))
done
[ "$sets" -gt 0 ] || die "no kernel set runs"
expect_exit 4 stemma replay 'same#0' --store st --profile openblas
expect_message 'cannot judge: recorded under profile portable/'
expect_exit 2 stemma replay 'same#0' --store st --profile native
expect_message 'there is no profile `native`; there is portable, openblas'

# The same within openblas: another core type is another profile.
run st2 tiny.stemma --seeds 0..0 --profile openblas
expect_exit 0 stemma replay 'same#0' --store st2 # under the profile it was recorded
other=$(other_core 1)
if [ -n "$other" ]; then
    expect_exit 4 env STEMMA_BLAS_CORE="$other" "$STEMMA" replay 'same#0' --store st2 \
        --profile openblas
    expect_message 'cannot judge: recorded under profile '
    expect_err " $other "
fi
expect_exit 3 env STEMMA_BLAS_CORE=Nonsense "$STEMMA" replay 'same#0' --store st2 --profile openblas
expect_message 'unknown BLAS core `Nonsense`'

expect_exit 0 stemma diff 'raised#0@fork' 'lowered#0@fork' --store st
expect_out "one state: $(stemma show 'free#0@start' --id --store st) (20 tensors)"
expect_exit 1 stemma diff 'raised#0@start' 'lowered#0@start' --store st
expect_exit 1 stemma diff 'same#0@501' 'lowered#0@501' --store st
expect_out 'two states'
expect_out 'tensor             elements differ   max abs   max ULP  rel norm  cosine'
grep -Eq '^param\.W1 +[0-9]+/256 +[0-9.e+-]+ +[0-9.e+]+ +[0-9.e+-]+ +-?[01]\.[0-9]{6}$' out ||
    die "no line with the difference of param.W1"
grep -Eq '^(seed|step|data\.order) +equal$' out || die "what is equal is not said to be"
[ "$(wc -L <out)" -le 80 ] || die "wider than 80 columns"
expect_exit 1 stemma diff 'same#0@501' 'lowered#0@501' --json --store st
expect_out '{"same":false,"a":"'
expect_out '{"tensor":"param.W1","elements":256,"differ":'

# By id, and a step that was not measured is restored and has the id of a run that measured it.
a=$(stemma show 'same#1@400' --id --store st)
expect_exit 1 stemma diff 'same#1@400' "$(stemma show 'same#1@fork' --id --store st)" --store st
expect_out "$a"
sed 's/^log every 20/log every 1/' tiny.stemma >fine.stemma
run fine fine.stemma --seeds 1
b=$(stemma show 'same#1@403' --id --store fine)
expect_exit 1 stemma diff 'same#1@403' 'same#1@404' --store st
expect_out "$b"
[ "$(stemma show 'same#1@400' --id --store fine)" = "$a" ] || die "the finer grid has other states"

expect_exit 0 stemma origin tiny.stemma --store st
for s in 0 1 2; do
    expect_out "  #$s    $(stemma show "raised#$s@fork" --id --store st)  4 of 4 arms"
done
[ "$(grep -Ec '^ +(free|same|raised|lowered) +from [0-9a-f]{12}, starts as [0-9a-f]{12}' out)" = 12 ] ||
    die "not 3 seeds x 4 arms"
[ "$(wc -L <out)" -le 80 ] || die "origin: wider than 80 columns"
expect_out 'one origin: every arm left the state of its fork'
expect_exit 0 stemma origin tiny.stemma --json --store st
[ "$(grep -o '"one":true' out | wc -l)" = 12 ] || die "not 12 in JSON"
