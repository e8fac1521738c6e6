#!/usr/bin/env bash
# One bit of a stored chunk is flipped: reading it names the object and exits 5, so does fsck.
. "$(dirname "$0")/lib.sh"

run st wide.stemma
expect_exit 0 stemma store ls --store st
cp out objects

# A chunk that fills more than half of its pack: the byte in the middle of the file is its payload.
id='' pack=''
while read -r id kind _ stored pack; do
    [ "$kind" = chunk ] || continue
    size=$(stat -c %s "st/packs/$pack")
    [ $((2 * stored)) -gt "$size" ] && break
    id=
done <objects
[ -n "$id" ] || die "no chunk fills half of a pack"

flip() { # flip FILE OFFSET
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf %03o $((byte ^ 4)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

cp -r st copy
flip "copy/packs/$pack" $((size / 2))
expect_exit 5 stemma store fsck --store copy
expect_out "$id"
expect_out 'copy: DAMAGED'
refuse_out 'sound'

# The state that holds the chunk: one of those in the store; reading the others is fine.
broken=0 fine=0
while read -r state kind _; do
    [ "$kind" = state ] || continue
    code=0
    stemma show "$state" --store copy >out 2>err || code=$?
    case $code in
    0) fine=$((fine + 1)) ;;
    5)
        broken=$((broken + 1))
        expect_message "$id"
        expect_err 'help: `stemma store fsck` lists all damage'
        ;;
    *) die "exit $code" ;;
    esac
done <objects
[ $broken -ge 1 ] || die "no state holds the damaged chunk"
[ $fine -ge 1 ] || die "no state is left"

# The undamaged store is as it was, and flipping the bit back makes the copy sound.
fsck_clean st
flip "copy/packs/$pack" $((size / 2))
fsck_clean copy
expect_exit 0 stemma replay 'held#0' --verify --store copy

# Every bit counts: random ones, all over the pack, are found.
seed=${STEMMA_SEED:-$(date +%s%N | tail -c 6)}
seed=$((10#$seed))
echo "STEMMA_SEED=$seed"
RANDOM=$seed
for _ in 1 2 3 4 5 6 7 8; do
    at=$(((RANDOM * 32768 + RANDOM) % size))
    flip "copy/packs/$pack" $at
    code=0
    stemma store fsck --store copy >out 2>err || code=$?
    [ $code = 5 ] || die "bit of byte $at of $size flipped: fsck exits $code"
    code=0
    stemma replay 'held#0' --verify --store copy >out 2>err || code=$?
    case $code in 0 | 5) ;; *) die "byte $at: replay exits $code" ;; esac
    flip "copy/packs/$pack" $at
done

# A pack cut short, and one that is gone.
truncate -s -10 "copy/packs/$pack"
expect_exit 5 stemma store fsck --store copy
rm "copy/packs/$pack"
expect_exit 5 stemma store fsck --store copy
expect_out 'copy: DAMAGED'
