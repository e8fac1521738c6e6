/* The two hashes of a plan: XXH3-128 over a serialization in which names are replaced by where
 * things stand, so that renaming, comments and layout do not matter.
 *
 * Compute hash: seeds, the measuring grid, and for every arm that runs its settings,
 * interventions, requirements, forks and stops, with events, captures and calibrations written out
 * where they are used. Logs are not in it: they are views of a trajectory. Claim hash: contrasts,
 * estimates, fits, expectations, and the definitions they read. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "protocol/check.h"

struct hasher {
    struct ctx *c;
    struct stm_buf *b;
    const struct stm_plan *p;
    const int *order; /* node -> its place among the arms that run; -1: off */
    const int *fork_order;
};

static void h_int(struct hasher *h, long long x) { stm_buf_u64(h->b, (uint64_t)x); }
static void h_text(struct hasher *h, const char *s) { stm_buf_str(h->b, s ? s : ""); }

static void h_expr(struct hasher *h, const struct stm_expr *e);

static void h_capture(struct hasher *h, int i)
{
    const struct stm_capture *c = &h->p->captures[i];
    h_int(h, c->fork < 0 ? -1 : h->fork_order[c->fork]);
    h_int(h, c->node < 0 ? -1 : h->order[c->node]);
    h_expr(h, c->expr);
}

static void h_calibrate(struct hasher *h, int i)
{
    const struct stm_calibrate *c = &h->p->calibrates[i];
    h_int(h, h->fork_order[c->fork]);
    h_int(h, c->need);
    h_expr(h, c->expr);
}

static void h_family(struct hasher *h, int i)
{
    const struct stm_family *f = &h->p->families[i];
    h_int(h, f->n_nodes);
    for (unsigned j = 0; j < f->n_nodes; j++) h_int(h, h->order[f->nodes[j]]);
}

static void h_event(struct hasher *h, int i) { h_expr(h, h->p->events[i].expr); }
static void h_metric(struct hasher *h, int i) { h_expr(h, h->p->metrics[i].expr); }
static void h_let(struct hasher *h, int i) { h_expr(h, h->p->lets[i].expr); }

/* What a name stands for, written out. NULL: the name itself is the meaning. */
static void (*const referents[])(struct hasher *, int) = {
    [STM_R_LET] = h_let,         [STM_R_EVENT] = h_event,         [STM_R_METRIC] = h_metric,
    [STM_R_CAPTURE] = h_capture, [STM_R_CALIBRATE] = h_calibrate, [STM_R_FAMILY] = h_family,
    [STM_R_WORD] = NULL,
};

static void h_expr(struct hasher *h, const struct stm_expr *e)
{
    stm_buf_u8(h->b, (uint8_t)e->kind);
    stm_buf_u8(h->b, (uint8_t)e->ref);
    h_int(h, e->n);
    stm_buf_f64(h->b, e->num);
    if (referents[e->ref])
        referents[e->ref](h, e->index);
    else
        h_text(h, e->ref == STM_R_ENGINE && e->text ? e->text : e->name);
    for (unsigned i = 0; i + 1 < e->n && e->ops; i++) stm_buf_u8(h->b, (uint8_t)e->ops[i]);
    unsigned keys = e->kind == STM_X_INDEX ? e->n - 1 : e->n;
    for (unsigned i = 0; e->keys && i < keys; i++) h_text(h, e->keys[i]);
    for (unsigned i = 0; e->kids && i < e->n; i++)
        if (e->kids[i]) h_expr(h, e->kids[i]);
}

static void h_time(struct hasher *h, const struct stm_time *t)
{
    h_int(h, t ? (int)t->kind : -1);
    if (!t) return;
    h_int(h, t->event >= 0);
    if (t->event >= 0) h_event(h, t->event);
    h_int(h, t->value != NULL);
    if (t->value) h_expr(h, t->value);
}

static void h_action(struct hasher *h, const struct stm_action *a)
{
    h_int(h, a->verb);
    h_int(h, a->op);
    h_text(h, a->target);
    h_int(h, a->round_nearest);
    h_int(h, a->value != NULL);
    if (a->value) h_expr(h, a->value);
    h_time(h, a->from);
    h_time(h, a->until);
}

static void h_requires(struct hasher *h, const struct stm_require *r, unsigned n)
{
    h_int(h, n);
    for (unsigned i = 0; i < n; i++) {
        h_int(h, r[i].quantifier);
        h_expr(h, r[i].expr);
    }
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const struct stm_assign *const *)a)->key,
                  (*(const struct stm_assign *const *)b)->key);
}

/* Settings in the order of their names. Defaults are left out, so that a word that a later version
 * adds does not move the hash of a file that does not use it. */
static void h_base(struct hasher *h, const struct stm_node *n)
{
    const struct stm_assign **list = pr_alloc(h->c, n->n_base * sizeof *list);
    unsigned m = 0;
    for (unsigned i = 0; i < n->n_base; i++)
        if (!n->base[i].at_default) list[m++] = &n->base[i];
    if (m) qsort(list, m, sizeof *list, by_key);
    h_int(h, m);
    for (unsigned i = 0; i < m; i++) {
        h_text(h, list[i]->key);
        stm_buf_f64(h->b, list[i]->num);
        h_text(h, list[i]->sym);
    }
}

static void h_node(struct hasher *h, const struct stm_node *n)
{
    h_int(h, n->fork < 0 ? -1 : h->fork_order[n->fork]);
    h_base(h, n);
    h_int(h, n->n_actions);
    for (unsigned i = 0; i < n->n_actions; i++) h_action(h, &n->actions[i]);
    h_requires(h, n->requires, n->n_requires);
    h_int(h, n->stop ? n->stop->n : 0);
    for (unsigned i = 0; n->stop && i < n->stop->n; i++) h_time(h, &n->stop->alternatives[i]);
}

static void h_fork(struct hasher *h, const struct stm_fork *f)
{
    h_int(h, h->order[f->node]);
    h_time(h, &f->at);
    h_int(h, f->need);
    h_requires(h, f->requires, f->n_requires);
}

static void hex_of(const struct stm_buf *b, char out[33])
{
    static const char hex[] = "0123456789abcdef";
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(b->p, b->n));
    for (int i = 0; i < 16; i++) {
        out[2 * i] = hex[canonical.digest[i] >> 4];
        out[2 * i + 1] = hex[canonical.digest[i] & 15];
    }
    out[32] = 0;
}

static void compute_hash(struct ctx *c, struct hasher *h, struct stm_plan *p)
{
    h_text(h, "stemma compute 1");
    h_int(h, p->seed_lo);
    h_int(h, p->seed_hi);
    h_int(h, p->every);
    for (unsigned i = 0; i < p->n_nodes; i++)
        if (h->order[i] >= 0) h_node(h, &p->nodes[i]);
    for (unsigned i = 0; i < p->n_forks; i++)
        if (h->fork_order[i] >= 0) h_fork(h, &p->forks[i]);
    if (h->b->failed) pr_nomem(c);
    hex_of(h->b, p->compute_hash);
}

static void h_named(struct hasher *h, const struct stm_expr *e)
{
    stm_expr_print(e, h->b);
    stm_buf_u8(h->b, '\n');
}

static void h_claim(struct hasher *h, const struct stm_claim *c)
{
    stm_buf_printf(h->b, "%d %s ", (int)c->kind, c->name);
    if (c->a) h_named(h, c->a);
    if (c->b) h_named(h, c->b);
    stm_buf_u8(h->b, (uint8_t)(c->op ? c->op : ' '));
    h_named(h, c->expr);
    if (c->ci) h_named(h, c->ci);
    for (unsigned i = 0; i < c->n_over; i++) h_named(h, c->over[i]);
}

static void claim_hash(struct ctx *c, struct hasher *h, struct stm_plan *p)
{
    stm_buf_printf(h->b, "stemma claims 1\n");
    for (unsigned i = 0; i < p->n_events; i++)
        stm_buf_printf(h->b, "event %s = %s\n", p->events[i].name, p->events[i].text);
    for (unsigned i = 0; i < p->n_lets; i++) {
        stm_buf_printf(h->b, "let %s = ", p->lets[i].name);
        h_named(h, p->lets[i].expr);
    }
    for (unsigned i = 0; i < p->n_claims; i++) h_claim(h, &p->claims[i]);
    for (unsigned i = 0; i < p->n_expects; i++)
        stm_buf_printf(h->b, "expect %s\n", p->expects[i].text);
    if (h->b->failed) pr_nomem(c);
    hex_of(h->b, p->claim_hash);
}

void pr_hashes(struct ctx *c, struct stm_plan *p)
{
    int *order = pr_alloc(c, p->n_nodes * sizeof *order);
    int *fork_order = pr_alloc(c, p->n_forks * sizeof *fork_order);
    int n = 0;
    for (unsigned i = 0; i < p->n_nodes; i++) order[i] = p->nodes[i].off ? -1 : n++;
    n = 0;
    for (unsigned i = 0; i < p->n_forks; i++)
        fork_order[i] = p->nodes[p->forks[i].node].off ? -1 : n++;
    size_t mark = c->scratch.n;
    struct hasher h = {c, &c->scratch, p, order, fork_order};
    compute_hash(c, &h, p);
    stm_buf_clear(&c->scratch);
    claim_hash(c, &h, p);
    c->scratch.n = mark;
}
