/* What a run would cost at the most. */
#include "run/resolve.h"

/* The last step a replicate can have: its end, else its stop at the latest; a run that has forks
 * goes to the last of them, or to its stop when one may not be reached. */
static uint64_t horizon(const struct stm_view *v, const struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    if (stm_range_known(r->end) || !stm_ends_at_forks(node)) return r->end.hi;
    uint64_t end = r->pub.fork_step;
    for (unsigned i = 0; i < node->n_forks; i++) {
        struct stm_range t = v->forks[(size_t)node->forks[i] * v->n_seeds + r->seed].time;
        uint64_t to = t.hi < r->rule.hi ? t.hi : r->rule.hi;
        if (to > end) end = to;
    }
    return end;
}

/* The bound of an arm whose fork is not there yet. */
static uint64_t future(const struct stm_view *v, const struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    uint64_t bound = STM_NEVER, from = 0;
    double x;
    if (node->fork >= 0 && v->plan->forks[node->fork].at.kind == STM_T_STEP &&
        !stm_eval_seed(&v->data, v->plan->forks[node->fork].at.value, r->node, r->seed, STM_NOWHERE,
                       &x, NULL))
        from = (uint64_t)x;
    for (unsigned i = 0; node->stop && i < node->stop->n; i++) {
        const struct stm_time *t = &node->stop->alternatives[i];
        if (t->kind != STM_T_STEP && t->kind != STM_T_PLUS) continue;
        if (stm_eval_seed(&v->data, t->value, r->node, r->seed, STM_NOWHERE, &x, NULL)) continue;
        uint64_t n = (uint64_t)x + (t->kind == STM_T_PLUS ? from : 0);
        if (n < bound) bound = n;
    }
    return bound == STM_NEVER || bound < from ? 0 : bound - from;
}

/* How far earlier replicates of the plan take the trajectory of a piece for certain; p->from when
 * none does. Where one of the two may leave it, at an event, what comes later counts for each. */
static uint64_t shared_to(const struct stm_view *v, int node, unsigned seed,
                          const struct stm_piece *p)
{
    uint64_t to = p->from;
    for (int n = 0; n < node && p->start_known; n++) {
        const struct stm_replicate *r = stm_view_replicate(v, n, seed);
        for (unsigned i = 0; r->located && i < r->n_pieces; i++) {
            const struct stm_piece *q = &r->pieces[i];
            if (!q->start_known || !stm_id_eq(&q->key, &p->key)) continue;
            uint64_t end = horizon(v, r), last = q->cut.lo < end ? q->cut.lo : end;
            if (last != STM_NEVER && last > to) to = last;
        }
    }
    return p->cut.lo < to ? p->cut.lo : to;
}

static void add_piece(const struct stm_view *v, const struct stm_replicate *r,
                      const struct stm_piece *p, uint64_t end, struct stm_cost *c)
{
    uint64_t hi = p->cut.hi < end ? p->cut.hi : end, have = p->from;
    if (hi <= p->from) return;
    uint64_t shared = shared_to(v, r->node, r->seed, p);
    if (shared > hi) shared = hi;
    have = stm_piece_last(p);
    if (have > hi) have = hi;
    if (have < shared) have = shared;
    c->shared += shared - p->from;
    c->reused += have - shared;
    c->worst += hi - have;
}

/* Whether the other seeds have a say in where a replicate stops or forks: then it may have gone
 * further, and comes back to that step once more. */
static bool waits_for_others(const struct stm_view *v, const struct stm_node *node)
{
    bool waits = false;
    for (unsigned i = 0; node->stop && i < node->stop->n; i++) {
        enum stm_time_kind k = node->stop->alternatives[i].kind;
        waits = waits || k == STM_T_ALL || k == STM_T_ANY;
    }
    for (unsigned i = 0; i < node->n_forks; i++) {
        enum stm_time_kind k = v->plan->forks[node->forks[i]].at.kind;
        waits = waits || k == STM_T_ALL || k == STM_T_ANY;
    }
    return waits;
}

/* An event that the parent's history leaves open is looked for in the whole of the arm, too. */
static uint64_t open_events(const struct stm_view *v, const struct stm_replicate *r)
{
    bool open = false;
    for (unsigned e = 0; e < v->plan->n_events; e++)
        open = open || (!stm_range_known(r->event[e]) && r->event[e].lo <= r->pub.fork_step);
    uint64_t last = r->pub.last < r->end.hi ? r->pub.last : r->end.hi;
    return open && v->plan->nodes[r->node].fork >= 0 && r->located ? last - r->pub.fork_step : 0;
}

/* A gap reaches into the pieces after the one that its task is for. */
static uint64_t later_gaps(const struct stm_replicate *r)
{
    uint64_t n = 0;
    for (unsigned i = 1; r->gap != STM_NEVER && i < r->n_pieces; i++)
        if (r->gap <= r->pieces[i - 1].cut.lo)
            n += stm_piece_last(&r->pieces[i]) - r->pieces[i].from;
    return n;
}

static void add(const struct stm_view *v, const struct stm_replicate *r, uint64_t anchor_every,
                struct stm_cost *c)
{
    enum stm_rep_status s = r->pub.status;
    if (s == STM_REP_OFF || s == STM_REP_CANCELLED || s == STM_REP_ABSENT) return;
    uint64_t worst = c->worst, length;
    c->replicates++;
    if (s == STM_REP_WAITING) {
        length = future(v, r);
        c->waiting++;
        c->worst += length;
    } else {
        uint64_t end = horizon(v, r), begin = r->pub.fork_step;
        if (end == STM_NEVER || end < begin) end = begin;
        length = end - begin;
        c->done += s == STM_REP_DONE || s == STM_REP_DIVERGED;
        for (unsigned i = 0; i < r->n_pieces; i++) add_piece(v, r, &r->pieces[i], end, c);
        uint64_t known = r->pieces[r->n_pieces - 1].cut.hi; /* beyond: pieces not made yet */
        if (end > known) c->worst += end - known;
    }
    c->declared += length;
    c->again += r->again + later_gaps(r) + open_events(v, r);
    c->again += stm_cost_of_reading(v, r, length < anchor_every ? length : anchor_every);
    if (c->worst > worst) c->states += (c->worst - worst) / anchor_every + 2;
    if (!r->settled && waits_for_others(v, &v->plan->nodes[r->node])) c->again += length;
}

void stm_view_cost(const struct stm_view *v, uint64_t anchor_every, struct stm_cost *out)
{
    *out = (struct stm_cost){0};
    for (unsigned n = 0; n < v->plan->n_nodes; n++)
        for (unsigned s = 0; s < v->n_seeds; s++)
            add(v, stm_view_replicate(v, (int)n, s), anchor_every, out);
    out->worst += out->again;
    struct stm_settings *settings = NULL;
    struct stm_trainer *t = NULL;
    struct stm_state state;
    const struct stm_replicate *r = v->plan->n_nodes ? stm_view_replicate(v, 0, 0) : NULL;
    if (r && r->located && !stm_settings_parse(&settings, r->pieces[0].settings, NULL) &&
        !stm_trainer_new(&t, settings, NULL)) {
        stm_trainer_init(t, 0);
        stm_trainer_view(t, &state);
        for (size_t i = 0; i < state.n; i++) out->bytes += state.t[i].bytes;
    }
    stm_trainer_free(t);
    stm_settings_free(settings);
}
