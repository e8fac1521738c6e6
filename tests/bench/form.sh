#!/usr/bin/env bash
# The lines that the benchmarks print have the columns of bench.h; their numbers are not looked at.
# usage: form.sh DIRECTORY_OF_THE_PROGRAMS
set -euo pipefail
programs=$1
columns=10

form() { # NAME: reads lines; at least one, and each of them has the form
    awk -F'\t' -v name="$1" -v columns=$columns '
        NF != columns || $4 !~ /^[0-9.e+-]+$/ || $5 == "" { print name ": " $0; bad = 1 }
        END { if (!NR) print name ": no line"; exit bad || !NR }'
}

code=0
lines=$("$programs/bench_step" --quick --filter "batch=256 p=59 f32" avx2) || code=$?
[ "$code" = 77 ] && exit 77
[ "$code" = 0 ]
form bench_step <<<"$lines"
"$programs/bench_store" --quick | form bench_store
"$programs/bench_run" 50 1 | form bench_run
"$programs/bench_many" --quick "$programs/../../src/cli/stemma" | form bench_many
