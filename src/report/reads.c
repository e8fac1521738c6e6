/* Which arms an expression reads, and whether as many seeds came to their forks as those need. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "report/results.h"

struct reader {
    const struct rep_compute *c;
    bool *reads;
};

/* A claim that is read reads its own arms. */
static struct stm_cell note_claim(void *ctx, struct stm_ev *ev, int claim_index, const char *field)
{
    const struct reader *r = ctx;
    unsigned n = r->c->d->plan->n_nodes;
    (void)field;
    for (unsigned i = 0; r->c->work && i < n; i++)
        if (r->c->work[claim_index].reads[i]) r->reads[i] = true;
    return stm_cell_bad(ev, STM_CELL_UNKNOWN, "not asked for");
}

void rep_reads(struct rep_compute *c, const struct stm_expr *e, const struct stm_scope *scope,
               bool *reads)
{
    struct reader r = {c, reads};
    struct stm_ev ev;
    if (stm_ev_init(&ev, c->d, NULL)) {
        c->ev.nomem = true;
        return;
    }
    ev.hi = 0; /* of no seed: the arms are noted, no fact is asked for */
    ev.reads = reads;
    ev.claim = note_claim;
    ev.claim_ctx = &r;
    stm_ev_eval(&ev, e, scope);
    if (stm_ev_status(&ev, NULL)) c->ev.nomem = true;
    stm_ev_release(&ev);
}

static bool is_below(const struct stm_plan *p, int node, int fork)
{
    while (p->nodes[node].fork >= 0) {
        if (p->nodes[node].fork == fork) return true;
        node = p->forks[p->nodes[node].fork].node;
    }
    return false;
}

static bool reads_below(const struct stm_plan *p, const bool *reads, int fork)
{
    for (unsigned i = 0; i < p->n_nodes; i++)
        if (reads[i] && is_below(p, (int)i, fork)) return true;
    return false;
}

/* Seeds that forked, whatever the arms' own `require` then said of them. */
static unsigned came(const struct stm_data *d, const struct stm_fork *f)
{
    unsigned n = 0;
    double step;
    for (unsigned s = 0; s < d->n_seeds; s++) {
        bool there = false;
        for (unsigned i = 0; i < f->n_nodes; i++)
            there |= d->fork_step(d->ctx, f->nodes[i], s, &step);
        n += there;
    }
    return n;
}

static const char *fork_name(const struct stm_plan *p, const struct stm_fork *f)
{
    for (unsigned i = 0; i < p->n_forks; i++)
        if (&p->forks[i] != f && strcmp(p->forks[i].name, f->name) == 0) return f->path;
    return f->name;
}

bool rep_has_need(const struct stm_data *d, const bool *reads, char why[REP_WHY])
{
    const struct stm_plan *p = d->plan;
    for (unsigned i = 0; i < p->n_forks; i++) {
        const struct stm_fork *f = &p->forks[i];
        if (!f->need || !reads_below(p, reads, (int)i)) continue;
        unsigned n = came(d, f), need = f->need < 0 ? d->n_seeds : (unsigned)f->need;
        if (n >= need) continue;
        snprintf(why, REP_WHY, "%u of %u seeds came to the fork %s, %u %s needed", n, d->n_seeds,
                 fork_name(p, f), need, need == 1 ? "is" : "are");
        return false;
    }
    return true;
}

static bool any_need(const struct stm_plan *p)
{
    for (unsigned i = 0; i < p->n_forks; i++)
        if (p->forks[i].need) return true;
    return false;
}

bool rep_may_read(struct rep_compute *c, const struct stm_expr *e, const struct stm_scope *scope,
                  char why[REP_WHY])
{
    const struct stm_plan *p = c->d->plan;
    if (!any_need(p)) return true;
    bool *reads = stm_calloc(p->n_nodes + 1, sizeof *reads);
    if (!reads) c->ev.nomem = true;
    if (reads) rep_reads(c, e, scope, reads);
    bool may = reads && rep_has_need(c->d, reads, why);
    stm_free(reads);
    return may || c->ev.nomem;
}
