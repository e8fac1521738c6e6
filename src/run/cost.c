/* What a run would cost at the most. */
#include "run/view.h"

/* Whether an earlier replicate of the plan has the same trajectory for the piece. */
static bool shared_before(const struct stm_view *v, int node, unsigned seed,
                          const struct stm_piece *p)
{
    for (int n = 0; n < node; n++) {
        const struct stm_replicate *r = stm_view_replicate(v, n, seed);
        for (unsigned i = 0; r->located && i < r->n_pieces; i++)
            if (p->start_known && r->pieces[i].start_known && stm_id_eq(&r->pieces[i].key, &p->key))
                return true;
    }
    return false;
}

/* The last step a replicate can have: its stop, else its bound, else its last fork at a number. */
static uint64_t horizon(const struct stm_view *v, const struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    if (r->pub.stop != STM_NEVER) return r->pub.stop;
    uint64_t end = 0;
    for (unsigned i = 0; node->fork < 0 && i < node->n_forks; i++) {
        const struct stm_fork *f = &v->plan->forks[node->forks[i]];
        double step;
        if ((f->at.kind == STM_T_STEP || f->at.kind == STM_T_PLUS) &&
            !stm_eval_seed(&v->data, f->at.value, r->node, r->seed, 0, &step, NULL) &&
            step > (double)end)
            end = (uint64_t)step;
        if (f->at.event >= 0) end = r->pub.bound;
    }
    if (node->fork < 0 && node->n_forks) return end;
    return r->pub.bound;
}

/* The bound of an arm whose fork is not there yet. */
static uint64_t future(const struct stm_view *v, const struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    uint64_t bound = STM_NEVER, from = 0;
    double x;
    if (node->fork >= 0 && v->plan->forks[node->fork].at.kind == STM_T_STEP &&
        !stm_eval_seed(&v->data, v->plan->forks[node->fork].at.value, r->node, r->seed, 0, &x,
                       NULL))
        from = (uint64_t)x;
    for (unsigned i = 0; node->stop && i < node->stop->n; i++) {
        const struct stm_time *t = &node->stop->alternatives[i];
        if (t->kind != STM_T_STEP && t->kind != STM_T_PLUS) continue;
        if (stm_eval_seed(&v->data, t->value, r->node, r->seed, 0, &x, NULL)) continue;
        uint64_t n = (uint64_t)x + (t->kind == STM_T_PLUS ? from : 0);
        if (n < bound) bound = n;
    }
    return bound == STM_NEVER || bound < from ? 0 : bound - from;
}

static void add(const struct stm_view *v, const struct stm_replicate *r, uint64_t anchor_every,
                struct stm_cost *c)
{
    enum stm_rep_status s = r->pub.status;
    if (s == STM_REP_OFF || s == STM_REP_CANCELLED || s == STM_REP_ABSENT) return;
    c->replicates++;
    if (s == STM_REP_WAITING) {
        uint64_t n = future(v, r);
        c->waiting++;
        c->declared += n;
        c->worst += n;
        c->states += n / anchor_every + 2;
        return;
    }
    uint64_t end = horizon(v, r), begin = r->pub.fork_step;
    if (end == STM_NEVER || end < begin) end = begin;
    c->declared += end - begin;
    c->done += s == STM_REP_DONE || s == STM_REP_DIVERGED;
    for (unsigned i = 0; i < r->n_pieces; i++) {
        const struct stm_piece *p = &r->pieces[i];
        uint64_t hi = p->cut < end ? p->cut : end, have = p->from;
        if (hi <= p->from) continue;
        if (p->trail && p->trail->exists) have = p->trail->last < hi ? p->trail->last : hi;
        bool shared = shared_before(v, r->node, r->seed, p);
        if (shared)
            c->shared += hi - p->from;
        else
            c->reused += have - p->from;
    }
    const struct stm_piece *last = &r->pieces[r->n_pieces - 1];
    uint64_t reach = r->pub.last < end ? r->pub.last : end;
    bool shared = shared_before(v, r->node, r->seed, last);
    uint64_t shared_to = last->cut < end ? last->cut : end;
    if (shared && shared_to > reach) reach = shared_to;
    c->worst += end - reach;
    c->states += (end - reach) / anchor_every + (end > reach ? 2 : 0);
}

void stm_view_cost(const struct stm_view *v, uint64_t anchor_every, struct stm_cost *out)
{
    *out = (struct stm_cost){0};
    for (unsigned n = 0; n < v->plan->n_nodes; n++)
        for (unsigned s = 0; s < v->n_seeds; s++)
            add(v, stm_view_replicate(v, (int)n, s), anchor_every, out);
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
