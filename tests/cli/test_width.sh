#!/usr/bin/env bash
# What is printed keeps to the terminal's width, and to 80 columns where there is none; the live
# display neither wraps nor scrolls.
. "$(dirname "$0")/lib.sh"
export LC_ALL=C.UTF-8

# wide FILE N: lines of more than N columns.
wide() { sed 's/\x1b\[[0-9;]*[A-Za-z]//g; s/\r$//' "$1" | grep -E ".{$(($2 + 1))}" || true; }
narrow() { # N WHAT FILE
    [ -z "$(wide "$3" "$1")" ] || die "$2: wider than $1 columns: $(wide "$3" "$1" | head -n 3)"
}

# Without a terminal.
for command in check fmt plan run tree status show replay diff origin register report explain store; do
    expect_exit 0 stemma help "$command"
    cp out helped
    narrow 80 "help $command" helped
    expect_exit 0 stemma "$command" --help
    cmp -s out helped || die "help $command is not $command --help"
done
expect_exit 2 stemma help trian
expect_message 'no command `trian`'
expect_exit 0 stemma help
narrow 80 help out
for code in step exit profile $(stemma explain none 2>&1 | grep -o '[EW]0[0-9]*'); do
    expect_exit 0 stemma explain "$code"
    narrow 80 "explain $code" out
done
expect_exit 2 stemma explain none
narrow 80 'explain none' err

run st longname.stemma --seeds 0..0
for command in plan tree status; do
    expect_exit 0 stemma "$command" longname.stemma --store st
    narrow 80 "$command" out
    # The joined words are those of a terminal that is wide enough.
    tr -d ' \n│' <out >words
    script -qec "stty cols 400; '$STEMMA' $command longname.stemma --store st" /dev/null >wide.out </dev/null
    tr -d ' \r\n│' <wide.out | cmp -s - words || die "$command: wrapping changed the text"
    script -qec "stty cols 50; '$STEMMA' $command longname.stemma --store st" /dev/null >thin.out </dev/null
    narrow 60 "$command at 50 columns" thin.out # a single word may be wider
done

# Siblings are drawn as siblings: two forks of one trunk, the second one last.
expect_exit 0 stemma plan longname.stemma --store st
grep -q '^├─ after_memorization_of_everything @ ' out || die "the first of two forks is drawn as the last"
grep -q '^└─ later @ ' out || die "the second of two forks"
grep -q '^│  └─ held_at_fork_norm ' out || die "no line from the first fork to the second"

# The live display: no line reaches the last column, no frame is higher than the screen, and the
# arms can be told apart.
live() { # COLUMNS ROWS
    rm -rf live
    script -qec "stty cols $1 rows $2; '$STEMMA' run longname.stemma --store live --seeds 0..0 --jobs 1 >results" \
        /dev/null >screen </dev/null
    grep -q $'\033\\[[0-9]*A' screen || die "$1 columns: nothing was drawn twice"
    narrow $(($1 - 1)) "the display at $1 columns" screen
    local most
    most=$(grep -o $'\033\\[[0-9]*A' screen | tr -dc '0-9\n' | sort -n | tail -n 1)
    [ "$most" -lt "$2" ] || die "a frame of $most lines on a screen of $2"
}
for columns in 40 60 80 140; do
    live $columns 24
    sed -n 's/\r$//; s/\x1b\[[0-9;]*[A-Za-z]//g; s/ \[[#.]*\] .*//p' screen | sort -u >arms
    [ "$(wc -l <arms)" = 9 ] || die "$columns columns: $(wc -l <arms) names for 9 arms"
    grep -q 'g=W2' arms || die "$columns columns: the tail of a path is not shown"
done
live 60 6
