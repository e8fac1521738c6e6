#!/usr/bin/env bash
# shellcheck source=tests/cli/lib.sh
# What the engine would refuse in any run or arm is refused before a step is taken, with its place.
source "$(dirname "$0")/lib.sh"

cp "$protocols/refused.stemma" .
expect_exit 1 stemma check refused.stemma
places() { grep -A1 '^error\[E0305\]' err | sed -n 's/.*refused.stemma:\([0-9]*\):.*/\1/p' | tr '\n' ' '; }
[ "$(places)" = "16 17 18 19 20 21 24 " ] || die "refused in lines $(places)"
expect_err "error[E0403]" # of `stuck`: one error for a cause
expect_exit 1 stemma run refused.stemma --store st
[ ! -e st ] || die "a store was made"

# the rest of the file is fine, and the engine takes it
sed -i '/arm big/,/until step 150/d; /^    }$/d' refused.stemma
expect_exit 0 stemma check refused.stemma

sed 's/modular_add(p = p/modular_div(p = p/' refused.stemma >div.stemma
expect_exit 0 stemma check div.stemma
expect_exit 1 stemma check div.stemma -D p=12
expect_err "run \`trunk\` cannot be trained: modular_div needs a prime p; 12 is 2 * 6"
sed 's/modular_add(.*/sparse_parity(bits = 8, relevant = 9, samples = 200, train = 0.5)/' refused.stemma >parity.stemma
expect_exit 1 stemma check parity.stemma
expect_err "sparse_parity has 8 bits, not 9 that are relevant"
sed 's/train = 0.5/train = 0.001/' refused.stemma >none.stemma
expect_exit 1 stemma check none.stemma
expect_err "the training fraction leaves no training pair of 169"
