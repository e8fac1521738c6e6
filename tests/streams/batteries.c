/* The batteries on the engine's streams, and on the planted faults that they have to find.
 *
 * usage: streams_batteries [FIRST SEEDS]    prints every probability of the engine's streams
 *        streams_batteries --faults         which battery finds which fault
 *
 * Exit 1 if a probability is below LOW, or if a fault is not found by the result that must see it.
 * The seeds are fixed, so that it is the same every time.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "battery.h"

enum { FIRST = 0, SEEDS = 24, FAULT_SEEDS = 12 };
static const double LOW = 1e-3 / RESULTS_MAX; /* one in a thousand for all of them (Bonferroni) */

static const struct {
    const char *names; /* how its results begin */
    void (*run)(struct battery *b);
} batteries[] = {
    {"words: ", battery_words},          {"normals: ", battery_normals}, {"order: ", battery_order},
    {"init and split: ", battery_joint}, {"batch: ", battery_batch},
};
enum { BATTERIES = sizeof batteries / sizeof *batteries };

static bool begins(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

static bool engine(uint64_t first, uint64_t seeds)
{
    static struct battery b;
    static double p[RESULTS_MAX];
    size_t low = 0;
    b = (struct battery){.source = &source_engine, .first = first, .seeds = seeds};
    for (int i = 0; i < BATTERIES; i++) batteries[i].run(&b);
    for (size_t i = 0; i < b.n; i++) {
        p[i] = b.result[i].p;
        printf("%-56s %.4g%s\n", b.result[i].name, p[i], p[i] < LOW ? "  LOW" : "");
        low += p[i] < LOW;
    }
    stats_sort(p, b.n);
    printf("seeds %llu to %llu: %zu probabilities, the lowest %.4g; below %.2g: %zu\n",
           (unsigned long long)first, (unsigned long long)(first + seeds - 1), b.n, p[0], LOW, low);
    return low == 0;
}

/* Runs the battery that must see the fault. */
static bool found(const struct source *fault)
{
    static struct battery b;
    size_t low = 0, by = 0;
    b = (struct battery){.source = fault, .first = FIRST, .seeds = FAULT_SEEDS};
    for (int i = 0; i < BATTERIES; i++)
        if (begins(fault->found_by, batteries[i].names)) batteries[i].run(&b);
    for (size_t i = 0; i < b.n; i++) {
        if (b.result[i].p >= LOW) continue;
        low++;
        by += begins(b.result[i].name, fault->found_by);
    }
    printf("%-32s %s by `%s`; low: %zu of %zu\n", fault->name, by ? "found" : "NOT FOUND",
           fault->found_by, low, b.n);
    return by > 0;
}

int main(int argc, char **argv)
{
    bool good = true;
    if (argc == 2 && !strcmp(argv[1], "--faults")) {
        for (size_t i = 0; i < source_n_faults; i++) good &= found(&source_faults[i]);
    } else if (argc == 1 || argc == 3) {
        good = argc == 1 ? engine(FIRST, SEEDS)
                         : engine(strtoull(argv[1], NULL, 10), strtoull(argv[2], NULL, 10));
    } else {
        fputs("usage: streams_batteries [FIRST SEEDS] | --faults\n", stderr);
        return 2;
    }
    return good ? 0 : 1;
}
