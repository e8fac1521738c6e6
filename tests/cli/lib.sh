# shellcheck shell=bash
# What the tests of the command share. Each test is a bash script that sources this file; the path
# of the binary comes in $STEMMA. A test works in a directory of its own, removed at the end.
set -euo pipefail
: "${STEMMA:?the path of the stemma binary}"

protocols=$(cd "$(dirname "${BASH_SOURCE[0]}")/protocols" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/stemma-cli-XXXXXX")
mounts=()
unset STEMMA_STORE STEMMA_BLAS_CORE STEMMA_KERNELS
export NO_COLOR=1

# Processes of this test: those of the binary that work in its directory.
binary=$(readlink -f "$STEMMA")
processes_of_test() {
    local dir pid
    for dir in /proc/[0-9]*; do
        pid=${dir#/proc/}
        [ "$(readlink "$dir/exe" 2>/dev/null)" = "$binary" ] || continue
        case $(readlink "$dir/cwd" 2>/dev/null) in "$work" | "$work"/*) echo "$pid" ;; esac
    done
    return 0
}

clean_up() {
    local status=$? m pid i
    trap - EXIT
    for pid in $(processes_of_test); do kill -9 "$pid" 2>/dev/null || true; done
    for ((i = 0; i < 100; i++)); do
        [ -z "$(processes_of_test)" ] && break
        sleep 0.1
    done
    for m in "${mounts[@]}"; do umount -l "$m" 2>/dev/null || true; done
    cd / && rm -rf "$work"
    exit "$status"
}
trap clean_up EXIT
cd "$work"
cp "$protocols"/*.stemma .

die() {
    echo "FAIL: $*" >&2
    [ -s "$work/out" ] && sed 's/^/  stdout: /' "$work/out" | tail -n 40 >&2
    [ -s "$work/err" ] && sed 's/^/  stderr: /' "$work/err" | tail -n 40 >&2
    exit 1
}

# expect_exit CODE command...: what it prints goes to $work/out and $work/err.
expect_exit() {
    local want=$1 got=0
    shift
    "$@" >"$work/out" 2>"$work/err" || got=$?
    [ "$got" = "$want" ] || die "exit $got, not $want: $*"
}

# Text that stdout, stderr must hold, must not hold; white space counts.
expect_out() { grep -qF -- "$1" "$work/out" || die "stdout lacks: $1"; }
expect_err() { grep -qF -- "$1" "$work/err" || die "stderr lacks: $1"; }
refuse_out() { ! grep -qF -- "$1" "$work/out" || die "stdout has: $1"; }

# One message, and nothing that looks like a crash: "stemma: ...", at most one "help: ..." line.
expect_message() {
    expect_err "$1"
    [ "$(grep -c '^stemma: ' "$work/err")" = 1 ] || die "not one message"
    [ "$(grep -c '^help: ' "$work/err" || true)" -le 1 ] || die "more than one help line"
    [ ! -s "$work/out" ] || die "a message, and something on stdout"
}

stemma() { "$STEMMA" "$@"; }

# run STORE FILE options...: exits 0; the steps that were executed go to $executed.
run() {
    local store=$1 file=$2
    shift 2
    expect_exit 0 stemma run "$file" --store "$store" "$@"
    executed=$(sed -n 's/^executed \([0-9,]*\) steps .*/\1/p' "$work/out" | tr -d ,)
    [ -n "$executed" ] || die "no closing line"
}

expect_executed() { [ "$executed" = "$1" ] || die "executed $executed steps, not $1: $2"; }

# ids STORE ADDRESS: "STEP STATE" of every measured step of one replicate.
ids() {
    stemma show "$2" --store "$1" --json >"$work/show.json" || die "show $2"
    sed -n 's/^{"step":\([0-9]*\),"state":"\([0-9a-f]*\)".*/\1 \2/p' "$work/show.json"
}

# same_ids FILE FILE N WHAT: both have at least N steps in common, with one id at each.
same_ids() {
    local common differ
    common=$(join <(sort "$1") <(sort "$2") | wc -l)
    differ=$(join <(sort "$1") <(sort "$2") | awk '$2 != $3' | wc -l)
    [ "$common" -ge "$3" ] || die "$4: $common steps in common, not $3"
    [ "$differ" = 0 ] || die "$4: $differ of $common ids differ"
}

fsck_clean() { expect_exit 0 stemma store fsck --store "$1"; }

# Waits until no process of this test is left; workers of a killed command save and leave.
expect_no_process() {
    local i
    for ((i = 0; i < 300; i++)); do
        [ -z "$(processes_of_test)" ] && return
        sleep 0.1
    done
    die "processes are left: $(processes_of_test | tr '\n' ' ')"
}

# small_disk DIR SIZE: mounts an empty file system, or ends the test as skipped.
small_disk() {
    mkdir -p "$1"
    if ! mount -t tmpfs -o "size=$2" tmpfs "$1" 2>"$work/err"; then
        if [ -z "${STEMMA_TEST_UNSHARED:-}" ] && unshare -rm true 2>/dev/null; then
            cd / && rm -rf "$work"
            STEMMA_TEST_UNSHARED=1 exec unshare -rm "$BASH" "$0"
        fi
        echo "skipped: no file system can be mounted here: $(cat "$work/err")"
        exit 77
    fi
    mounts+=("$1")
}

# other_core N: the N-th OpenBLAS core type that is not the one chosen here; nothing on processors
# for which the test knows none.
other_core() {
    local mine core n=0
    [ "$(uname -m)" = x86_64 ] || return 0
    mine=$(stemma plan "$protocols/tiny.stemma" --store "$work/none" --profile openblas |
        sed -n 's/^profile *//p')
    for core in Haswell Sandybridge Nehalem; do
        case " $mine " in *" $core "*) continue ;; esac
        n=$((n + 1))
        [ "$n" != "$1" ] || echo "$core"
    done
}
