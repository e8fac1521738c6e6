#include "protocol/near.h"

#include <stdbool.h>
#include <string.h>

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

enum { NEAR_LEN = 64 };

/* Edits between two short names, two swapped letters being one; longer names are never similar. */
static unsigned distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    unsigned rows[3][NEAR_LEN + 1];
    if (na > NEAR_LEN || nb > NEAR_LEN) return NEAR_LEN;
    for (unsigned j = 0; j <= nb; j++) rows[0][j] = j;
    for (unsigned i = 1; i <= na; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i - 1) % 3], *higher = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= nb; j++) {
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && higher[j - 2] + 1 < row[j]) row[j] = higher[j - 2] + 1;
        }
    }
    return rows[na % 3][nb];
}

void pr_near(struct near *n, const char *candidate)
{
    size_t len = strlen(n->name);
    unsigned limit = len < 4 ? 1 : len < 7 ? 2 : 3;
    unsigned d = distance(n->name, candidate);
    if (d > limit || (n->best && d >= n->distance)) return;
    n->best = candidate;
    n->distance = d;
}
