/* Names that may have been meant by a name that is not there. */
#ifndef STEMMA_PROTOCOL_NEAR_H
#define STEMMA_PROTOCOL_NEAR_H

/* The candidate nearest to `name`, or NULL when none is near. */
struct near {
    const char *name, *best;
    unsigned distance; /* edits, two swapped letters being one */
};
void pr_near(struct near *n, const char *candidate);

#endif
