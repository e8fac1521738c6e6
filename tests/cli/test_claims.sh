#!/bin/bash
# Claims on seeds that did not all come, on times that are known from below, and on fits.
. "$(dirname "$0")/lib.sh"

cat >need.stemma <<'END'
lang 1
task add = modular_add(p = 23, train = 0.6)
model mlp = embed_mlp(embed = 32, hidden = 64)
train base { optimizer = adamw(lr = 3e-3, decay = 1.0) }
seeds 0..3
every 25 steps { event grok = acc(test) >= 0.90 }
log every 100 steps { acc(test) }
run trunk = mlp on add with base {
  stop at step 4k
  fork post at step 100 {
    arm free {
      fork inner at each grok {
        need 3 seeds
        stop at + 500 steps
        arm w0 { set weight_decay = 0 }
        arm nul {}
      }
    }
  }
}
table u { rows = arms(inner); cols = [count(grok), median(acc(test) @ stop)] }
contrast c = w0 - nul on mean(acc(test) @ stop) ci bootstrap(seeds, n = 500)
estimate e = median(w0.acc(test) @ stop)
estimate t = median(free.acc(test) @ stop)
expect e > 0.5
END
run st need.stemma
expect_exit 0 stemma report need.stemma --store st --json
expect_out '"name":"c","text":"w0 - nul on mean(acc(test) @ stop)","isolates":"set weight_decay: 0  vs  1","value":null,"interval":null,"seeds":1,"why":"1 of 4 seeds came to the fork inner, 3 are needed"'
expect_out '"name":"e","text":"median(w0.acc(test) @ stop)","value":null,"interval":null,"seeds":1,"why":"1 of 4 seeds came to the fork inner, 3 are needed"'
expect_out '"outcome":"not evaluable","found":"1 of 4 seeds came to the fork inner, 3 are needed"'
expect_out '"cells":[{"value":null,"why":"1 of 4 seeds came to the fork inner, 3 are needed"},{"value":null'
sed 's/need 3 seeds/need 1 seeds/' need.stemma >one.stemma
expect_exit 0 stemma run one.stemma --store st
expect_out "median(w0.acc(test) @ stop) = 0.925  n = 1"
expect_out "median(free.acc(test) @ stop) = 0.729  n = 4"

cat >bound.stemma <<'END'
lang 1
task add = modular_add(p = 13, train = 0.6)
model mlp = embed_mlp(embed = 16, hidden = 32)
train base { optimizer = adamw(lr = 3e-3, decay = 0) }
seeds 0..5
every 10 steps { event memorized = acc(train) >= 0.99 }
run trunk = mlp on add with base {
  fork post at step 50 {
    stop at each memorized or step 140
    arm free {}
    arm stuck { set lr = 1e-6 }
    arm wide sweep w in [1, 2, 4] { set lr = 3e-3 * w }
  }
}
let T = memorized - fork
let M = median(T)
contrast r = stuck / free on median(T) ci bootstrap(seeds, n = 500)
fit law = ols(log(M), [log(mean(norm(weights) @ stop))]) over wide
estimate slope = law.slope ci bootstrap(seeds, n = 500)
estimate fixed = law.slope ci bootstrap(seeds, n = 500, hold_fixed = M)
estimate two = 2 * r ci bootstrap(seeds, n = 500)
expect r > 1000
expect r.lo > 1000
expect r.hi < 5
END
run st bound.stemma
expect_out "= > 1.500  [> 1.385, > 1.500]  n = 6"
expect_out "slope  law.slope = -8.586  [-10.893, -6.679]  n = 6"
expect_out "fixed  law.slope = -8.586  [-10.830, -6.679]  n = 6" # the norms are resampled
expect_out "2 * r = > 3.000  [> 2.769, > 3.000]  n = 6"
expect_out "expectations: 0 hold, 0 fail, 3 not evaluable"
expect_exit 0 stemma report bound.stemma --store st --json
expect_out '"greater_than":1.5,"interval":[{"greater_than":1.3846153846153846},{"greater_than":1.5}],"seeds":6'
