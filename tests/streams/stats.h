/* Tail probabilities for the batteries. Two-sided ones count what is too good as well as what is
 * too bad. */
#ifndef STEMMA_TESTS_STREAMS_STATS_H
#define STEMMA_TESTS_STREAMS_STATS_H

#include <stddef.h>

double stats_normal_cdf(double x);
/* Chance of a standard normal number at least as far from 0 as z. */
double stats_normal(double z);
/* Chance of a chi-square number above x: the upper tail of the gamma function. */
double stats_chi2_above(double x, double df);
double stats_chi2(double x, double df); /* two-sided */
/* Chance of `count` events or more where `mean` are expected. */
double stats_poisson_above(unsigned long count, double mean);
/* Kolmogorov-Smirnov and Anderson-Darling of n numbers, ascending, against the uniform law. */
double stats_ks(const double *u, size_t n);
double stats_ad(const double *u, size_t n);
void stats_sort(double *x, size_t n);

/* Scores with mean 0 and variance 1 that are uncorrelated if nothing is wrong. */
struct stats_scores {
    double sum, squares;
    size_t n;
};
void stats_score(struct stats_scores *s, double z);
double stats_scores_mean(const struct stats_scores *s);   /* do they lie to one side */
double stats_scores_spread(const struct stats_scores *s); /* are they too far or too near */

#endif
