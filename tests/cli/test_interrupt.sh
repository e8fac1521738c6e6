#!/usr/bin/env bash
# Ctrl-C: every worker saves its state, exit 130, and the same command goes on from there.
. "$(dirname "$0")/lib.sh"

with_bound() { sed "s/^param bound = .*/param bound = $1/" "$protocols/tiny.stemma" >tiny.stemma; }
progress() { stemma status tiny.stemma --store st --seeds 0..1 2>/dev/null || true; }

interrupt() { # interrupt SIGNAL: a run without end is stopped once an arm is on its way
    with_bound 100M
    setsid "$STEMMA" run tiny.stemma --store st --jobs 2 --anchors 100 --seeds 0..1 >out 2>err &
    local command=$! i code=0
    for ((i = 0; i < 1200; i++)); do
        [ -n "$(cat "/proc/$command/task/$command/children" 2>/dev/null)" ] &&
            progress | grep -q ' partial  *step' && break
        sleep 0.05
    done
    [ -n "$(processes_of_test)" ] || die "the processes of a run are not seen"
    kill "-$1" -- "-$command"
    wait $command || code=$?
    [ $code = 130 ] || die "exit $code after $1, not 130"
    expect_message 'interrupted; everything so far is saved'
    expect_err 'help: this goes on from here: stemma run tiny.stemma --store st --jobs 2 --anchors 100'
    expect_no_process
    fsck_clean st
}

interrupt INT
interrupt TERM

# The states that were reached stay; what is left is trained to the ids of a run in one go.
last=$(progress | sed -n 's/.* partial  *step \([0-9,]*\).*/\1/p' | tr -d , | sort -n | tail -1)
[ -n "$last" ] || die "nothing is on its way"
with_bound $((last + 500))
run whole tiny.stemma --jobs 2 --seeds 0..1
all=$executed
run st tiny.stemma --jobs 2 --seeds 0..1
[ "$executed" -gt 0 ] || die "nothing was left to do"
[ "$executed" -lt "$all" ] || die "the second run executed $executed steps, from scratch $all"
for s in 0 1; do
    for arm in free same raised lowered; do
        ids whole "$arm#$s" >whole.ids
        ids st "$arm#$s" >st.ids
        same_ids whole.ids st.ids "$(wc -l <whole.ids)" "$arm#$s"
    done
done
fsck_clean st
