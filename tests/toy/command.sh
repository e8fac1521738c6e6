#!/usr/bin/env bash
# command.sh: the whole command with a model that is not in the tree ($STEMMA). Its 40 tensors, its
# dotted names and its groups go through the language, training, holds, freezes and rates of their
# own, the store, replay and diff.
# shellcheck source=tests/cli/lib.sh
source "$(dirname "$0")/../cli/lib.sh"
cp "$protocols/../../toy/toy.stemma" .

# says WHAT PYTHON: the JSON document `out` is `d`.
says() { python3 -c "import json; d = json.load(open('out')); assert ($2)" || die "$1"; }

# refused TEXT CODE MESSAGE: what check says of the file with a line in place of the arm `free`.
refused() {
    sed "s/^    arm free .*/&\n    arm wrong { $1 }/" toy.stemma >wrong.stemma
    expect_exit 1 stemma check wrong.stemma
    expect_err "error[$2]: $3"
}

# ---- the language ----

expect_exit 0 stemma check toy.stemma
cp toy.stemma before.stemma
expect_exit 0 stemma fmt toy.stemma
cmp -s toy.stemma before.stemma || die "fmt: another layout"
refused 'freeze blocks.0.attn' E0302 'the model `toy` has no group `blocks.0.attn`'
expect_err 'help: there is a group with a similar name: `blocks.0.attn.w`'
expect_err 'its groups: attn, blocks.0, weights, biases, all; and each of its'
refused 'hold norm(blocks.0.mlp.b) = 1' E0302 '`blocks.0.mlp.b` holds nothing but biases'
refused 'hold share(attn, blocks.0) = (0.5, 0.5)' E0301 '`attn` and `blocks.0` have tensors in common'
refused 'hold norm(attn) = 1; freeze blocks.0' E0403 '`blocks.0` is held or frozen already'
refused 'set lr.blocks.9 = 1' E0201 'there is no setting `lr.blocks.9`'
refused 'set lr.blocks.0 = 1; set lr.attn = 1' E0202 '`lr.attn` is set twice'
refused 'set lr.blocks.0 = 1' E0305 'arm `wrong` cannot be trained: `lr.attn` and `lr.blocks.0` share'
refused 'set lr.W3 = 1' E0305 'arm `wrong` cannot be trained: the model has no group `W3`'
refused 'once blocks .0 *= 2' E0002 '`.0` is not a number'
# groups without a tensor in common stand together
sed 's/^    arm free .*/&\n    arm right { hold norm(attn) = 1; freeze blocks.0.mlp.w }/' toy.stemma >right.stemma
expect_exit 0 stemma check right.stemma

# ---- training, and what it left ----

run st toy.stemma --jobs 2
expect_executed 1380 'the first run'
run st toy.stemma
expect_executed 0 'a second run'
run again toy.stemma --jobs 1
for arm in free held parts rows still 'slow[g=attn]' 'kicked[g=blocks.0]' normed; do
    ids st "$arm#1" >one
    ids again "$arm#1" >two
    same_ids one two 9 "$arm of two stores"
    expect_exit 0 stemma replay "$arm#1" --store st --json
    says "replay of $arm" 'd["bit_exact"] and d["compared"] >= 13'
done
fsck_clean st

# ---- states, tensor by tensor ----

at() { stemma show "$1" --store st --id; }
expect_exit 0 stemma show "$(at still#2@stop)" --store st --json
says 'a stored state' 'len(d["tensors"]) == 125 and
  {"name": "adam.v.blocks.10.attn.w", "type": "f32", "shape": [2, 4, 4]} in d["tensors"]'

expect_exit 1 stemma diff still#2@start still#2@stop --store st --json
says 'freeze' '{t["tensor"] for t in d["tensors"] if t["differ"] == 0} == {"data.order", "seed"} |
  {k + t for k in ("param.", "adam.m.", "adam.v.")
         for t in ("blocks.0.attn.w", "blocks.0.mlp.w", "blocks.0.mlp.b", "head.b")}'

expect_exit 1 stemma diff 'kicked[g=blocks.0]#0@fork' 'kicked[g=blocks.0]#0@start' --store st --json
says 'an edit of a group' '{t["tensor"] for t in d["tensors"] if t["differ"]} ==
  {"param.blocks.0.attn.w", "param.blocks.0.mlp.w", "param.blocks.0.mlp.b"}'

# A rate of one tensor: after one update nothing else differs.
expect_exit 1 stemma diff 'free#0@21' 'slow[g=blocks.0.mlp.w]#0@21' --store st --json
says 'lr.GROUP' '{t["tensor"] for t in d["tensors"] if t["differ"]} == {"param.blocks.0.mlp.w"}'

metric() { stemma show "$1" --store st --json >out && python3 -c "
import json
print(json.load(open('out'))['measured']['metrics']['$2'])"; }
awk -v a="$(metric held#0@fork 'norm(attn)')" -v b="$(metric held#0@60 'norm(attn)')" \
    'BEGIN { exit !(a > 0 && (a - b) ^ 2 < 1e-12 * a * a) }' || die 'the held norm moved'
awk -v a="$(metric free#0@fork 'norm(attn)')" -v b="$(metric free#0@60 'norm(attn)')" \
    'BEGIN { exit !((a - b) ^ 2 > 1e-6 * a * a) }' || die 'the free norm did not move'

expect_exit 0 stemma explain blocks.0
expect_out 'blocks.0: a group of parameters, of toy'
