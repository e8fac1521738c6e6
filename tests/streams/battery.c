#include "battery.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

const struct battery_tensor battery_tensors[BATTERY_TENSORS] = {
    {"E", 0, P, EMBED},
    {"W1", 1, 2 * EMBED, HIDDEN},
    {"W2", 3, HIDDEN, P},
};

void battery_add(struct battery *b, double p, const char *format, ...)
{
    va_list args;
    assert(b->n < RESULTS_MAX);
    va_start(args, format);
    vsnprintf(b->result[b->n].name, RESULT_NAME, format, args);
    va_end(args);
    b->result[b->n++].p = p;
}

void battery_add_scores(struct battery *b, const struct stats_scores *s, const char *name)
{
    battery_add(b, stats_scores_mean(s), "%s, mean", name);
    battery_add(b, stats_scores_spread(s), "%s, spread", name);
}

void battery_add_even(struct battery *b, const unsigned long *count, size_t n, const char *name)
{
    double total = 0, x = 0;
    for (size_t i = 0; i < n; i++) total += (double)count[i];
    for (size_t i = 0; i < n; i++) {
        double d = (double)count[i] - total / (double)n;
        x += d * d / (total / (double)n);
    }
    battery_add(b, stats_chi2(x, (double)n - 1), "%s", name);
}
