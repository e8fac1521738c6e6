#!/usr/bin/env bash
# What does not decide the bits: workers, the seeds beside a seed, the log grid, the directory.
. "$(dirname "$0")/lib.sh"

# Every measured state of tiny.stemma for one seed.
ids_of_seed() {
    local arm
    for arm in trunk post/free post/same post/raised post/lowered; do
        ids "$1" "$arm#$2" | sed "s|^|$arm@|"
    done
}

run one tiny.stemma --jobs 1 --seeds 0..11
steps=$executed
run two tiny.stemma --jobs 2 --seeds 0..11
expect_executed "$steps" "two workers do the work of one"
run many tiny.stemma --jobs 8 --seeds 0..11
expect_executed "$steps" "eight workers do the work of one"
run alone tiny.stemma --jobs 1 --seeds 3

sed 's/^log every 20/log every 7/' tiny.stemma >seldom.stemma
cmp -s tiny.stemma seldom.stemma && die "the log grid was not changed"
mkdir -p deep/er
(cd deep/er && cp "$protocols"/*.stemma . && run ../elsewhere "$work/seldom.stemma" --seeds 3..4)

ids_of_seed one 3 >one.ids
[ "$(wc -l <one.ids)" -gt 300 ] || die "too few states to compare"
for store in two many alone deep/elsewhere; do
    ids_of_seed "$store" 3 >other.ids
    same_ids one.ids other.ids "$(wc -l <one.ids)" "$store"
done
for seed in 0 7 11; do
    ids_of_seed one "$seed" >one.ids
    ids_of_seed two "$seed" >two.ids
    ids_of_seed many "$seed" >many.ids
    cmp -s one.ids two.ids || die "seed $seed with one worker and with two"
    cmp -s one.ids many.ids || die "seed $seed with one worker and with eight"
done
for store in one two many alone deep/elsewhere; do fsck_clean "$store"; done
