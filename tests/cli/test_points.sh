#!/usr/bin/env bash
# Tasks of points: learned, replayed, and refused where the model takes pairs or the numbers do not
# go together.
. "$(dirname "$0")/lib.sh"

run st points.stemma
expect_out 'expectations: 2 hold, 0 fail'
for arm in null tilted; do
    expect_exit 0 stemma replay "$arm#1" --verify --store st
    expect_out 'bit-exact: '
done
run again points.stemma --jobs 1
for seed in 0 1 2; do
    ids st "tilted#$seed" >st.ids
    ids again "tilted#$seed" >again.ids
    same_ids st.ids again.ids 3 "another store, seed $seed"
done

sed 's/= mlp(.*)/= embed_mlp(embed = 8, hidden = 16)/' points.stemma >pairs.stemma
expect_exit 1 stemma check pairs.stemma
expect_err 'error[E0301]: the model `embed_mlp` does not take the points of `sparse_parity`'
expect_err '= help: models that do: `mlp`'
[ "$(grep -c '^error' err)" = 1 ] || die "not one error"
expect_exit 1 stemma run points.stemma -D relevant=9 --store unborn
expect_err 'sparse_parity has 8 bits, not 9 that are relevant'
