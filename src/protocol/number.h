/* Numbers as the language writes them, in a file and behind -D: 12, 0.4, 1e-3, 60k, 1.5M, 60_000.
 */
#ifndef STEMMA_PROTOCOL_NUMBER_H
#define STEMMA_PROTOCOL_NUMBER_H

#include "protocol/ctx.h"

enum pr_number {
    PR_NUMBER,
    PR_NUMBER_MALFORMED,
    PR_NUMBER_POINT, /* .5 or 5. : no digit on one side of the point */
    PR_NUMBER_RANGE  /* too large, or too small to be anything but 0 */
};

/* Reads all of s[n], without a sign. A suffix shifts the exponent, so 1.001k is 1001. *out is set
 * for PR_NUMBER and PR_NUMBER_POINT. */
enum pr_number pr_number_read(struct ctx *c, const char *s, size_t n, double *out);
/* Whether x, made of numbers that are not 0, is one that can be told from 0 and infinity. */
bool pr_number_holds(double x);
/* With both sides of the point: "0.5" of ".5". */
const char *pr_number_completed(struct ctx *c, const char *s, size_t n);
/* "from 2.3e-308 to 1.7e308, or 0" */
#define PR_NUMBER_DOMAIN "0, or from 2.3e-308 to 1.7e308 in size"

#endif
