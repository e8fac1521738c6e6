#!/usr/bin/env bash
# shellcheck source=tests/cli/lib.sh
# `stemma explain` knows every word that its lists name, in lines of up to 80 columns.
source "$(dirname "$0")/lib.sh"

for kind in tasks models optimizers losses settings metrics quantities functions verbs statements; do
    expect_exit 0 stemma explain "$kind"
    # norm(GROUP), share(GROUP, GROUP, ...) -> norm, share; lr.GROUP is lr of a group
    words=$(sed 's/^[a-z]*: //; s/([^()]*\(([^()]*)\)*[^()]*)//g; s/\.GROUP//g; s/,/ /g' out)
    [ "$(wc -w <<<"$words")" -ge 2 ] || die "$kind: a list of nothing"
    for word in $words; do
        expect_exit 0 stemma explain "$word"
        grep -q "^${word}[:(]" out || die "$kind: $word is not explained"
        [ "$(wc -L <out)" -le 80 ] || die "$word: a line is too wide"
    done
done
for word in modular_div p bias on gelu clip lr.E weights E0305 step exit profile fork task loss; do
    expect_exit 0 stemma explain "$word"
    [ "$(wc -L <out)" -le 80 ] || die "$word: a line is too wide"
done
expect_exit 0 stemma explain modular_div
expect_out 'a / b mod p, p prime'
expect_out 'a whole number from 2 to 1024'
expect_exit 2 stemma explain xyzzy
expect_err 'nothing is known about `xyzzy`'
[ "$(wc -L <err)" -le 80 ] || die "the list of codes is too wide"
