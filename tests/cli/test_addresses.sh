#!/usr/bin/env bash
# Addresses over several protocols and profiles in one store; show, its ids and its JSON.
. "$(dirname "$0")/lib.sh"

run st tiny.stemma --seeds 0..1
run st plain.stemma --seeds 0..1

# What is left out is found where it is unambiguous, and named where it is not.
id=$(stemma show 'tiny:trunk/post/raised#1@105' --id --store st)
[ "$(stemma show 'raised#1@105' --id --store st)" = "$id" ] || die "the short address"
[ "$(stemma show 'post/raised#1@fitted' --id --store st)" = "$id" ] || die "the event"
[ "$(stemma show 'raised#1@stop' --id --store st)" = "$id" ] || die "the stop"
[ "$(stemma show "$id" --id --store st)" = "$id" ] || die "the id itself"
[ "$(stemma show "${id:0:12}" --id --store st)" = "$id" ] || die "the prefix of the id"
[ "$(stemma show 'raised#1@fork' --id --store st)" = \
    "$(stemma show 'free#1@start' --id --store st)" ] || die "fork and null start"
[ "$(stemma show 'raised#1@fork' --id --store st)" != \
    "$(stemma show 'raised#1@start' --id --store st)" ] || die "the start is after the edits"
expect_exit 2 stemma show 'trunk#0@50' --store st
expect_message '`trunk#0@50` is ambiguous: it is in '
[ "$(stemma show 'plain:trunk#0@50' --id --store st)" = \
    "$(stemma show 'tiny:trunk#0@50' --id --store st)" ] || die "one trunk in both protocols"

# The message is that of the protocol that has the arm.
expect_exit 2 stemma show 'raised#9' --store st
expect_message 'seed 9 is not among 0..1'
expect_exit 2 stemma show 'raised#1@grok' --store st
expect_message '`@grok` is not a step: write a number, fork, start, stop or an event'
expect_exit 2 stemma show 'raised#1@107' --store st
expect_message '`raised#1@107` is no measured step of this store'
expect_err 'measured steps are multiples of 5'
expect_exit 2 stemma show 'free#1@fitted' --store st
expect_message '`fitted` has not come in `trunk/post/free#1`'
expect_exit 2 stemma show 'nosuch' --store st
expect_message 'no arm or run `nosuch`'
expect_exit 2 stemma show 'other:trunk' --store st
expect_message 'no protocol in the store is named by `other:trunk`'
expect_exit 2 stemma show 'deadbeefdeadbeef' --store st
expect_message 'no object deadbeefdeadbeef in store st'
expect_exit 2 stemma diff raised same --store st
expect_message '`raised` names no single state'
expect_exit 2 stemma replay raised --store st
expect_message '`raised` names every seed'
expect_err "add one of them: 'raised#0'"
expect_exit 2 stemma diff 'raised#0@2000' 'free#0@fork' --store st
expect_message '`trunk/post/raised#0` has run to step 105, not to 2000'

# One document with everything.
expect_exit 0 stemma show 'raised#1' --json --store st
for text in '"path":"trunk/post/raised","seed":1,"status":"done"' '"fork":{"path":"trunk/post","step":100' \
    '"last":105,"stop":105' '"fitted":105' '"captures":{"N0":' '"task.p":"11"' \
    '"actions":["hold norm(weights) = ' '"stored":true,"metrics":{"acc(train)":' '"param.W1":"'; do
    expect_out "$text"
done
[ "$(grep -c '^{"step":' out)" = 2 ] || die "two measured steps"
expect_exit 0 stemma show raised --json --store st
[ "$(grep -o '"path":"trunk/post/raised"' out | wc -l)" = 2 ] || die "a document with both seeds"
expect_exit 0 stemma show 'raised#1@105' --json --store st
expect_out "{\"path\":\"trunk/post/raised\",\"seed\":1,\"measured\":{\"step\":105,\"state\":\"$id\""

# Under a second profile the same address means the states of the profile in force.
run st tiny.stemma --seeds 0..1 --profile openblas
[ "$(stemma show 'raised#1@105' --id --store st)" = "$id" ] || die "the default profile"
expect_exit 0 stemma replay 'raised#1' --verify --store st --profile openblas
expect_exit 0 stemma replay 'raised#1' --verify --store st
other=$(other_core 1)
[ -n "$other" ] || exit 0
expect_exit 2 env STEMMA_BLAS_CORE="$other" "$STEMMA" show 'raised#1@105' --store st \
    --profile openblas
expect_message 'was recorded under several profiles, none of them this machine'
