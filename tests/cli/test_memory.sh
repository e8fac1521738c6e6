#!/usr/bin/env bash
# A worker of the published experiment at p = 97 stays below 150 MB.
. "$(dirname "$0")/lib.sh"
if [ "${STEMMA_SANITIZED:-0}" = 1 ]; then
    echo "skipped: the sanitizer's own memory would be measured"
    exit 77
fi

cat >large.stemma <<'P'
lang 1
protocol "large"
# The network of the published experiments, for as many steps as it takes to hold everything.

import "common.stemma"

model mlp = embed_mlp(embed = 128, hidden = 256, act = gelu, init = normal_fan_in)
seeds 0..0

log every 5 steps { acc(train), acc(test), norm(weights), logit_scale, eff_lr(weights) }

run trunk = mlp on add with base {
  fork post at step 10 {
    capture N0 = norm(weights)
    stop at step 20

    arm held { hold norm(weights) = N0 }
  }
}
P
run st large.stemma -D p=97 --jobs 1
expect_executed 20 "a trunk of 10 steps and an arm of 10"
peak=$(sed -n 's/.*worker peak \([0-9]*\) MB.*/\1/p' out)
[ -n "$peak" ] || die "no peak is printed"
[ "$peak" -ge 5 ] || die "a worker with $peak MB has not been measured"
[ "$peak" -lt 150 ] || die "a worker took $peak MB"
echo "worker peak $peak MB"
fsck_clean st
