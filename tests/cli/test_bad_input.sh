#!/usr/bin/env bash
# Wrong input: one clear message, the right exit code, nothing harmed.
. "$(dirname "$0")/lib.sh"

# refused CODE NAME SED-SCRIPT TEXT...: an edited tiny.stemma is refused by check with that code.
refused() {
    local code=$1 name=$2 script=$3 text
    shift 3
    sed "$script" tiny.stemma >"$name.stemma"
    ! cmp -s tiny.stemma "$name.stemma" || die "$name: not edited"
    expect_exit 1 stemma check "$name.stemma"
    expect_err "error[$code]: "
    [ "$(grep -c '^error' err)" = 1 ] || die "$name: not one error"
    for text in "$@"; do expect_err "$text"; done
    [ "$(wc -L <err)" -le 110 ] || die "$name: a line is too wide"
    expect_exit 1 stemma run "$name.stemma" --store unborn
    [ ! -e unborn ] || die "$name: a refused file made a store"
    expect_exit 1 stemma check --json "$name.stemma"
    expect_out "\"code\":\"$code\""
}

refused E0201 unknown-arm 's|= lowered / same|= lowered / sme|' \
    '--> unknown-arm.stemma:28:28' 'similar name: `same`' '^^^'
refused E0102 missing-brace '/^table arms/,$ s/^}//' '--> missing-brace.stemma:33:12' 'opened here'
refused E0101 no-brace 's/^run trunk = .*{$/run trunk = net on add with base/' \
    '--> no-brace.stemma:13:33' 'expected `{`, found the end of the line'
refused E0101 no-brace-arm 's/arm same    {/arm same/' 'expected `{`, found `hold`'
refused E0104 empty '1,$d' '--> empty.stemma' 'the file has no statement' 'begin the file with'
refused E0302 similar 's/norm(weights) = N0 }/norm(wieghts) = N0 }/' 'similar name: `weights`'
refused E0302 bias-hold 's/hold norm(weights) = N0 }/hold norm(biases) = N0 }/' 'bias'
refused E0401 no-quantifier 's/fork post at step 100/fork post at learned/' \
    '`each learned`' '`all learned`'
refused E0405 unbounded 's/ or step bound//' 'arm' 'stop'

expect_exit 0 stemma check tiny.stemma plain.stemma wide.stemma
expect_out 'tiny.stemma: no errors'
expect_exit 1 stemma check tiny.stemma unknown-arm.stemma
expect_out 'tiny.stemma: no errors'

# The command line.
expect_exit 2 stemma
expect_err 'usage: stemma COMMAND'
expect_exit 0 stemma --help
expect_out 'usage: stemma COMMAND'
for command in check fmt plan run tree status show replay diff origin register report explain store; do
    expect_exit 0 stemma "$command" --help
    ! grep -qE '.{81}' "$work/out" || die "$command --help: more than 80 columns"
done
expect_exit 0 stemma run --help
expect_out '--seeds LO..HI'
expect_exit 2 stemma trian tiny.stemma
expect_message 'no command `trian`'
expect_exit 2 stemma run
expect_message 'run takes FILE, here are 0 arguments'
expect_exit 2 stemma run tiny.stemma plain.stemma
expect_message 'here are 2 arguments'
expect_exit 2 stemma diff 'raised#0@fork'
expect_message 'diff takes ADDR ADDR, here is 1 argument'
expect_exit 2 stemma run common.stemma --store unborn
expect_message 'common.stemma has no run, only definitions'
expect_exit 2 stemma run tiny.stemma --nope
expect_message 'unknown option: `--nope`'
expect_exit 2 stemma run tiny.stemma --store
expect_message 'this option needs a value: `--store`'
expect_exit 2 stemma run tiny.stemma --jobs 0
expect_message '--jobs is no number: `0`'
expect_exit 2 stemma run tiny.stemma --jobs 2x
expect_message '--jobs is no number: `2x`'
expect_exit 2 stemma run tiny.stemma --seeds 3..1
expect_message '--seeds is no range: `3..1`'
expect_exit 2 stemma run tiny.stemma --seeds 0..
expect_message '--seeds is no range: `0..`'
expect_exit 2 stemma run tiny.stemma -D rho
expect_message '-D is no assignment: `rho`'
expect_exit 1 stemma run tiny.stemma -D roh=1.2 --store unborn
expect_err '`-D roh=1.2`: there is no param `roh`'
expect_err '--> tiny.stemma'
! grep -q 'lang 1' err || die "a place in the file for a word of the command line"
expect_exit 2 stemma run missing.stemma
expect_message 'cannot open missing.stemma: No such file or directory'
expect_exit 2 stemma run .
expect_message 'cannot read .: it is a directory'
expect_exit 2 stemma store compact --store st
expect_message 'no store command `compact`'
expect_exit 2 stemma explain E9999
expect_message 'nothing is known about `E9999`'
[ ! -e unborn ] || die "a refused command made a store"
[ ! -e checkpoints ] || die "a refused command made a store"

# Stores: none, empty, foreign, of a newer format.
for command in 'tree' 'show raised#0' 'replay raised#0' 'diff a#0@1 b#0@1' 'store fsck' \
    'report tiny.stemma' 'origin tiny.stemma'; do
    # shellcheck disable=SC2086 # words of a command
    expect_exit 2 stemma $command --store none
    expect_message 'no store at none'
done
mkdir foreign && echo letter >foreign/letter
expect_exit 2 stemma run tiny.stemma --store foreign
expect_message 'foreign is not a stemma store: it holds other files'
[ "$(ls -A foreign)" = letter ] || die "a foreign directory was written to"
expect_exit 2 stemma store fsck --store foreign
expect_message 'foreign is not a stemma store'

run st tiny.stemma
expect_exit 2 stemma replay 'raised#0@700' --store st
expect_message 'there is no such step'
expect_err 'help: its last one is '
expect_exit 2 stemma show tiny.stemma --store st
expect_err 'help: an arm is asked for here: `stemma tree FILE` lists them'
expect_exit 1 stemma origin minibatch.stemma -D p=31 --store st
expect_out 'no arm has left its fork yet'
refuse_out 'one origin'
expect_exit 0 stemma origin plain.stemma --store st
expect_out 'there is no fork in this protocol'
cp -r st later
format=$(cat later/format)
echo "${format/version 1/version 97}" >later/format
[ "$(cat later/format)" != "$format" ] || die "the format has another first version"
for command in 'run tiny.stemma' 'tree' 'store fsck' 'show raised#0'; do
    # shellcheck disable=SC2086 # words of a command
    expect_exit 2 stemma $command --store later
    expect_message 'newer'
    expect_err '97'
done
printf '%s\n' "$format" >later/format
fsck_clean later
run later tiny.stemma
expect_executed 0 "after the format was mended"
fsck_clean st

# The nearest checkpoints/ upwards, $STEMMA_STORE and --store, in this order of weight.
mkdir -p project/sub && cd project
cp ../*.stemma .
expect_exit 0 stemma run plain.stemma
[ -d checkpoints/packs ] || die "the default store is ./checkpoints"
cd sub
expect_exit 0 stemma show 'trunk#0@600' --id
expect_exit 2 env STEMMA_STORE=nowhere "$STEMMA" show 'trunk#0@600' --id
expect_message 'no store at nowhere'
expect_exit 0 env STEMMA_STORE=nowhere "$STEMMA" show 'trunk#0@600' --id --store ../checkpoints
[ ! -e checkpoints ] || die "a second store"

# A full device for what is printed is an error; a reader that has seen enough is none to speak of.
if [ -c /dev/full ]; then
    code=0
    stemma tree --store ../checkpoints >/dev/full 2>"$work/err" || code=$?
    [ $code = 3 ] || die "a full device: exit $code"
    grep -q 'writing the result: No space left on device' "$work/err" || die "no message"
fi
