#!/usr/bin/env bash
# Files as they come: links, modes, pipes, `-`, a full disk; and advice that does not go in circles.
. "$(dirname "$0")/lib.sh"

# fmt rewrites what a link leads to, whole, with its mode.
printf 'lang   1\nparam p  =  3\n' >untidy
printf 'lang 1\nparam p = 3\n' >tidy
cp untidy real.stemma && chmod 640 real.stemma && ln -s real.stemma link.stemma
expect_exit 0 stemma fmt link.stemma
expect_out 'link.stemma: rewritten'
[ -L link.stemma ] || die "the link is no link any more"
cmp -s real.stemma tidy || die "the file behind the link is as it was"
[ "$(stat -c %a real.stemma)" = 640 ] || die "mode $(stat -c %a real.stemma), not 640"
expect_exit 0 stemma fmt real.stemma
refuse_out rewritten
cp untidy ro.stemma && chmod 444 ro.stemma
expect_exit 3 stemma fmt ro.stemma
expect_message 'cannot write ro.stemma: the file is read-only'
cmp -s ro.stemma untidy || die "a read-only file was rewritten"
cp untidy one.stemma && ln one.stemma two.stemma
expect_exit 2 stemma fmt one.stemma
expect_message 'it has 2 names (hard links)'
cmp -s one.stemma two.stemma || die "two names of one file were separated"
ln -s nowhere dangling.stemma
expect_exit 2 stemma fmt dangling.stemma
expect_message 'cannot open dangling.stemma: No such file or directory'
[ ! -e nowhere ] || die "fmt made a file"
[ -z "$(find . -name '.stemma-fmt*')" ] || die "a temporary file is left"

# Pipes are read to their end; `-` is standard input, and its protocol is named `stdin`.
stemma_of() { expect_exit "$1" stemma "${@:2}"; }
stemma_of 0 check /dev/stdin < <(cat tiny.stemma)
stemma_of 0 check <(cat tiny.stemma)
expect_out 'fd'
mkfifo pipe
cat tiny.stemma >pipe &
stemma_of 0 check pipe
expect_out 'pipe: no errors'
stemma_of 0 check - <tiny.stemma
expect_out 'stdin: no errors'
stemma_of 1 check - < <(sed 's|lowered / same|lowered / sme|' tiny.stemma)
expect_err '--> stdin:28:28'
{ cat tiny.stemma && head -c 100000 /dev/zero | tr '\0' '#'; } >long.stemma # more than a pipe holds
stemma_of 0 check - < <(cat long.stemma)
stemma_of 0 fmt - < <(cat untidy)
cmp -s out tidy || die "fmt - prints another layout"
stemma_of 1 fmt --check - <untidy
expect_out 'stdin: would change'
mkfifo untidy.pipe
cat untidy >untidy.pipe &
stemma_of 2 fmt untidy.pipe
expect_message 'cannot write untidy.pipe: it is no regular file'
[ -p untidy.pipe ] || die "the pipe is gone"
stemma_of 0 run - --store st <plain.stemma
stemma_of 0 plan - --store st <plain.stemma
expect_out ' done'
stemma_of 0 show 'stdin:trunk#0@600' --id --store st
stemma_of 0 report - --store st <plain.stemma
stemma_of 3 check - <&-
expect_message 'cannot read standard input: Bad file descriptor'
stemma_of 2 check - <.
expect_message 'cannot read standard input: it is a directory'

# A store that cannot be made: what is in the way, and no advice to give the same command again.
expect_exit 2 stemma run plain.stemma --store not/yet/there
expect_message 'cannot make directory not/yet/there: No such file or directory'
expect_err 'help: the directory above it is not there: mkdir -p not/yet'
mkdir -p not/yet
expect_exit 0 stemma run plain.stemma --store not/yet/there/
ln -s nowhere dangling
echo text >afile
for command in 'run plain.stemma' 'tree' 'report plain.stemma' 'store fsck'; do
    # shellcheck disable=SC2086 # words of a command
    expect_exit 2 stemma $command --store dangling
    expect_message 'dangling is a symbolic link to nowhere'
    # shellcheck disable=SC2086
    expect_exit 2 stemma $command --store afile
    expect_message 'afile is a file, not a directory'
    ! grep -q 'stemma run' err || die "$command: advice that goes in a circle"
done
[ "$(cat afile)" = text ] || die "a file was written to"
expect_exit 2 stemma run missing.stemma
expect_err "help: a relative path starts at the current directory, $PWD"
expect_exit 2 stemma plan protocols/rescaling.stemma
! grep -q 'help:.*rescaling' err || die "the advice names the file that is missing"
if [ "$(id -u)" != 0 ]; then
    cp tiny.stemma secret.stemma && chmod 0 secret.stemma
    expect_exit 3 stemma check secret.stemma
    expect_message 'cannot open secret.stemma: Permission denied'
    expect_err 'help: this user may not read it'
fi

# A full device is an error for every command that prints.
if [ -c /dev/full ]; then
    for command in 'check plain.stemma' 'fmt --check untidy' '--help' 'help run' 'explain exit' \
        'explain E0406' '--version' 'plan plain.stemma' 'store ls --store not/yet/there'; do
        code=0
        # shellcheck disable=SC2086 # words of a command
        stemma $command >/dev/full 2>err || code=$?
        [ $code = 3 ] || die "$command: a full device is exit $code"
        [ "$(grep -c 'writing the result: No space left on device' err)" = 1 ] || die "$command: no message"
    done
fi

# Last, as it may end the test as skipped: fmt on a full disk says nothing that is not so.
small_disk disk 4k
cp untidy disk/a.stemma
head -c 4096 /dev/zero >disk/filler 2>/dev/null || true
expect_exit 3 stemma fmt disk/a.stemma
expect_message 'cannot write disk/a.stemma: No space left on device'
cmp -s disk/a.stemma untidy || die "the file is not as it was"
[ -z "$(find disk -name '.stemma-fmt*')" ] || die "a temporary file is left"
