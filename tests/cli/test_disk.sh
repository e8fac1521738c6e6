#!/usr/bin/env bash
# A full disk and a read-only one: one message, exit 3, and a sound store that goes on later.
. "$(dirname "$0")/lib.sh"

small_disk disk 160k
expect_exit 3 stemma run tiny.stemma --store disk/st
expect_message 'No space left on device'
expect_err 'help: free some space and give the same command again; nothing is lost'
fsck_clean disk/st
expect_exit 0 stemma status tiny.stemma --store disk/st
expect_no_process

# Again without space, then with: the same ids as on a disk that was never full.
expect_exit 3 stemma run tiny.stemma --store disk/st
fsck_clean disk/st
mount -o remount,size=32m disk
run disk/st tiny.stemma
[ "$executed" -gt 0 ] || die "nothing was left to do: the disk was not too small"
run st tiny.stemma
for arm in trunk free same raised lowered; do
    ids st "$arm#2" >st.ids
    ids disk/st "$arm#2" >disk.ids
    same_ids st.ids disk.ids "$(wc -l <st.ids)" "$arm"
done
fsck_clean disk/st

# Read-only: what is there is read; what would write is refused.
mount -o remount,ro disk
run disk/st tiny.stemma
expect_executed 0 "nothing to train on a read-only store"
expect_exit 0 stemma report tiny.stemma --store disk/st
expect_exit 0 stemma replay 'raised#0' --verify --store disk/st
expect_exit 3 stemma run tiny.stemma --store disk/st --seeds 0..3
expect_message 'Read-only file system'
expect_err 'help: make the store writable, or name another one with --store'
expect_exit 3 stemma run tiny.stemma --store disk/new
expect_message 'Read-only file system'
fsck_clean disk/st
expect_no_process
