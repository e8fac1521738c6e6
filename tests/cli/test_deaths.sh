#!/usr/bin/env bash
# Workers that die again and again: they store earlier, so that what can be done is done; an arm on
# which nothing helps is given up with one message, and the others go on.
. "$(dirname "$0")/lib.sh"

limited() { # limited OPTION VALUE command...: under a limit of ulimit
    (ulimit "$1" "$2" && shift 2 && exec "$@")
}

# ---- killed long before an anchor: a worker gets one second of processor time, an arm needs more.

cat >long.stemma <<'P'
lang 1
protocol "long"
import "common.stemma"
param bound = 600
model mlp = embed_mlp(embed = 64, hidden = 256)
task add59 = modular_add(p = 59, train = 0.6)
seeds 0..0
log every 10 steps { acc(train), norm(weights) }
run trunk = mlp on add59 with base {
  fork post at step 20 {
    stop at step bound
    arm free {}
    arm mul { once weights *= 0.9 }
  }
}
P

deaths() { # deaths LIMIT SIGNAL: a limit of processor time that ends in this signal
    local bound=600 note="die again and again (the last one of $2"
    for (( ; ; bound *= 2)); do
        rm -rf st
        expect_exit 0 limited "$1" 1 "$STEMMA" run long.stemma --store st --jobs 2 \
            --anchors 1000000 -D bound=$bound
        grep -qF "$note" err && break
        [ $bound -lt 100000 ] || die "no worker died of $2"
    done
    [ "$(grep -cF "note: workers of trunk/post/free#0 $note" err)" -le 1 ] || die "told twice"
    [ "$(grep -cF 'note: ' err)" -le 3 ] || die "more than a note an arm"
    expect_err 'states are stored more often'
    ! grep -q '^stemma: ' err || die "an error"
    # The states are those of a run that nothing disturbed; not many more are stored.
    run whole long.stemma -D bound=$bound
    for arm in free mul; do
        ids whole "$arm#0" >whole.ids
        ids st "$arm#0" >st.ids
        same_ids whole.ids st.ids "$(wc -l <whole.ids)" "$arm"
        [ "$(wc -l <st.ids)" -le $(($(wc -l <whole.ids) + 5)) ] || die "$arm: measured off the grid"
    done
    run st long.stemma -D bound=$bound
    expect_executed 0 "after the run whose workers died"
    fsck_clean st
    rm -rf st whole
}

deaths -t SIGKILL # the hard limit
deaths -St SIGXCPU

# ---- nothing helps: no worker of the large network lives until the end of a step.

if [ "${STEMMA_SANITIZED:-0}" = 1 ]; then
    echo "the rest is skipped: the sanitizer's own memory would count"
    exit 0
fi

given_up() { # given_up CAUSE: what a run that gave up the large network leaves
    [ "$(grep -c '^stemma: ' err)" = 1 ] || die "not one message"
    [ "$(grep -c '^help: ' err)" = 1 ] || die "not one help"
    expect_err 'stemma: gave up big#0 at step '
    expect_err ': 5 workers in a row died with nothing new in the store, the last one of '
    expect_err "$1"
    expect_out 'executed '
    expect_no_process
    fsck_clean st
    expect_exit 0 stemma status unequal.stemma --store st
    [ "$(grep -c ' done ' out)" -ge 3 ] || die "the other arms are not done"
    run st unequal.stemma # without what killed them
    [ "$executed" -gt 0 ] || die "big was not given up"
    [ "$executed" -le 10 ] || die "$executed steps: the other arms were not done"
    expect_exit 0 stemma replay 'mul#0' --store st
    rm -rf st
}

expect_exit 3 limited -v 50000 "$STEMMA" run unequal.stemma --store st --jobs 1
given_up 'the last one of want of memory: likely the memory was not enough (it had '

# Signals from outside, to whatever of the command's children is large: as a memory killer does it.
strike() { # strike SIGNAL JOBS
    local command pid code=0 children size
    "$STEMMA" run unequal.stemma --store st --jobs "$2" >out 2>err &
    command=$!
    while kill -0 $command 2>/dev/null; do
        children=
        read -r children <"/proc/$command/task/$command/children" 2>/dev/null || true
        for pid in $children; do
            size=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$pid/status" 2>/dev/null) ||
                true
            [ "${size:-0}" -lt 30000 ] || kill "-$1" "$pid" 2>/dev/null || true
        done
    done
    wait $command || code=$?
    [ $code = 3 ] || die "exit $code after $1, not 3"
}

strike KILL 1
given_up 'of SIGKILL: likely the memory was not enough (it had '
strike KILL 2
given_up 'of SIGKILL: likely the memory was not enough (it had '
strike SEGV 2
given_up 'of SIGSEGV: likely a fault of stemma or of the machine'
