#!/usr/bin/env bash
# shellcheck source=tests/cli/lib.sh
# Expectations stored before there are data are told from those that came after.
source "$(dirname "$0")/lib.sh"

expect_exit 0 stemma register nested.stemma --store st
expect_out "registered 1 of 1 expectations"
run st nested.stemma --seeds 0..1
expect_out "registered before there were data"

awk '/^expect identical/ { print; print "expect every arm: count(grok) >= 0"; next } { print }' \
    nested.stemma >later.stemma
run st later.stemma --seeds 0..1
expect_out "registered before there were data"
expect_out "added after data"
expect_executed 0 "a new expectation"

expect_exit 1 stemma register later.stemma --store st
expect_message "there are data already"

# another definition behind the same words is another claim
sed 's/grok - fork/grok - fork + 1/' nested.stemma >other.stemma
run st other.stemma --seeds 0..1
refuse_out "registered before"
