/* The proof behind `contrast`: one origin, one difference. */
#include <string.h>

#include "protocol/check.h"

static int one_arm(struct check *k, const struct stm_expr *e)
{
    int node = -1;
    unsigned n = pr_instances(k, e, &node);
    if (n != 1) {
        struct stm_diag *d = pr_diag(k->c, "E0404", e->span,
                                     "`%s` names %u arms, and a contrast "
                                     "compares two",
                                     pr_expr_text(k->c, e), n);
        pr_help(k->c, d, "name one instance: `%s`", node >= 0 ? pr_instance_text(k, node) : "arm");
        return -1;
    }
    if (pr_node(k, node)->off) {
        struct stm_diag *d =
            pr_diag(k->c, "E0404", e->span, "`%s` is off and never runs", pr_node(k, node)->label);
        pr_note_at(k->c, d, pr_node(k, node)->span, "turned off here");
        return -1;
    }
    return node;
}

static const char *fork_name(struct check *k, int node)
{
    int fork = pr_node(k, node)->fork;
    return fork < 0 ? "no fork" : pr_fork(k, fork)->path;
}

static bool same_fork(struct check *k, const struct stm_claim *c, int a, int b)
{
    if (pr_node(k, a)->fork >= 0 && pr_node(k, a)->fork == pr_node(k, b)->fork) return true;
    struct stm_diag *d = pr_diag(k->c, "E0404", c->span, "`%s` and `%s` do not leave the same fork",
                                 pr_node(k, a)->label, pr_node(k, b)->label);
    pr_label(k->c, d, "a contrast compares arms with one origin");
    pr_note_at(k->c, d, pr_node(k, a)->span, "`%s` leaves %s", pr_node(k, a)->label,
               fork_name(k, a));
    pr_note_at(k->c, d, pr_node(k, b)->span, "`%s` leaves %s", pr_node(k, b)->label,
               fork_name(k, b));
    pr_help(k->c, d, "use `estimate` to compare arms of different origin");
    return false;
}

/* What `key` is in an arm that says nothing about it. */
static const char *silent(struct check *k, int node, const char *key)
{
    const char *now = NULL;
    if (strncmp(key, "set ", 4) == 0) now = pr_default_value(k, node, key + 4);
    return now ? now : "none";
}

static void difference(struct check *k, struct vec *out, const char *key, const char *a,
                       const char *b)
{
    if (strcmp(a, b) == 0) return;
    *(const char **)pr_push(k->c, out, sizeof a) = pr_printf(k->c, "%s: %s  vs  %s", key, a, b);
}

/* Both lists are sorted by key. */
static void differences(struct check *k, int a, int b, struct vec *out)
{
    struct vec va = {0}, vb = {0};
    pr_effects(k, a, &va);
    pr_effects(k, b, &vb);
    const struct effect *ea = va.p, *eb = vb.p;
    unsigned i = 0, j = 0;
    while (i < va.n || j < vb.n) {
        int order = i == va.n ? 1 : j == vb.n ? -1 : strcmp(ea[i].key, eb[j].key);
        if (order < 0) {
            difference(k, out, ea[i].key, ea[i].value, silent(k, b, ea[i].key));
            i++;
        } else if (order > 0) {
            difference(k, out, eb[j].key, silent(k, a, eb[j].key), eb[j].value);
            j++;
        } else {
            difference(k, out, ea[i].key, ea[i].value, eb[j].value);
            i++, j++;
        }
    }
}

static void warn_horizons(struct check *k, const struct stm_claim *c, int a, int b)
{
    struct stm_buf *s = &k->c->scratch;
    size_t mark = s->n;
    pr_put_stop(k, s, pr_node(k, a)->stop);
    const char *sa = pr_scratch_take(k->c, mark);
    pr_put_stop(k, s, pr_node(k, b)->stop);
    const char *sb = pr_scratch_take(k->c, mark);
    if (strcmp(sa, sb) == 0) return;
    struct stm_diag *d = pr_diag(k->c, "W0001", c->span, "`%s` and `%s` do not stop alike",
                                 pr_node(k, a)->label, pr_node(k, b)->label);
    pr_note(k->c, d, "stop at %s  vs  %s", sa, sb);
}

void pr_check_contrast(struct check *k, const struct stm_claim *c, const char **isolates)
{
    int a = one_arm(k, c->a), b = a < 0 ? -1 : one_arm(k, c->b);
    if (a < 0 || b < 0 || !same_fork(k, c, a, b)) return;
    if (pr_broken(k, a) || pr_broken(k, b)) return;
    struct vec diffs = {0};
    differences(k, a, b, &diffs);
    const char *const *lines = diffs.p;
    if (diffs.n == 1) {
        *isolates = lines[0];
        warn_horizons(k, c, a, b);
        return;
    }
    struct stm_diag *d = pr_diag(k->c, "E0406", c->span, "`%s` and `%s` differ in %u interventions",
                                 pr_node(k, a)->label, pr_node(k, b)->label, diffs.n);
    pr_label(k->c, d, "a contrast must isolate one");
    for (unsigned i = 0; i < diffs.n; i++) pr_note(k->c, d, "%s", lines[i]);
    pr_help(k->c, d,
            diffs.n ? "use `estimate` if you do not claim a single cause"
                    : "these arms are the same: nothing is isolated");
}
