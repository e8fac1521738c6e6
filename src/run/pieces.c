/* What a replicate is made of: where it begins, and its stretches of constant settings. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"
#include "base/mem.h"
#include "run/view.h"

enum { PIECES_MAX = 64 };

struct stm_replicate *stm_view_replicate(const struct stm_view *v, int node, unsigned seed)
{
    return &v->reps[(size_t)node * v->n_seeds + seed];
}

const struct stm_piece *stm_view_piece(const struct stm_view *v, int node, unsigned seed,
                                       uint64_t step, int *owner)
{
    for (;;) {
        const struct stm_replicate *r = stm_view_replicate(v, node, seed);
        if (!r->located) return NULL;
        const struct stm_node *n = &v->plan->nodes[node];
        if (n->fork < 0 || step > r->pub.fork_step) {
            if (owner) *owner = node;
            for (unsigned i = 0; i < r->n_pieces; i++)
                if (step <= r->pieces[i].cut) return &r->pieces[i];
            return NULL;
        }
        node = v->plan->forks[n->fork].node;
    }
}

static int lineage_of(const struct stm_view *v, int node, unsigned seed, struct stm_lineage *l,
                      struct stm_err *err)
{
    int chain[32];
    unsigned n = 0;
    for (int at = node; at >= 0 && n < 32; n++) {
        chain[n] = at;
        int fork = v->plan->nodes[at].fork;
        at = fork < 0 ? -1 : v->plan->forks[fork].node;
    }
    if (chain[n - 1] != v->plan->nodes[node].run)
        return stm_fail(err, STM_E_INVALID, "arm `%s` is nested too deeply",
                        v->plan->nodes[node].path);
    l->n = n;
    for (unsigned i = 0; i < n; i++) {
        l->nodes[i] = chain[n - 1 - i];
        l->fork_steps[i] = stm_view_replicate(v, l->nodes[i], seed)->pub.fork_step;
    }
    return 0;
}

/* Forgets what was resolved; the texts belong to the view's arena until it is freed, so they are
 * kept by the settings cache of the pieces and released here. */
static void drop_pieces(struct stm_replicate *r)
{
    for (unsigned i = 0; i < r->n_pieces; i++) {
        stm_free(r->pieces[i].settings);
        stm_free(r->pieces[i].edits);
    }
    stm_free(r->pieces);
    r->pieces = NULL;
    r->n_pieces = 0;
}

static int piece_settings(const struct stm_timeline *t, struct stm_piece *p, struct stm_err *err)
{
    struct stm_settings *s = NULL;
    int rc = stm_timeline_settings(t, p->from, &s, err);
    if (rc) return rc;
    const char *text = stm_settings_text(s);
    p->settings = text ? stm_strdup(text) : NULL;
    stm_settings_free(s);
    return p->settings ? 0 : stm_fail(err, STM_E_NOMEM, "resolving an arm: out of memory");
}

/* The first state: a seed's, the fork's own, or an edited one. */
static int first_start(struct stm_view *v, const struct stm_timeline *t, struct stm_replicate *r,
                       struct stm_piece *p, struct stm_err *err)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    struct stm_buf edits = {0};
    int rc = stm_timeline_edits(t, &edits, err);
    if (!rc) p->edits = stm_strdup(stm_buf_text(&edits));
    stm_buf_release(&edits);
    if (rc) return rc;
    if (!p->edits) return stm_fail(err, STM_E_NOMEM, "resolving an arm: out of memory");
    p->origin = (struct stm_origin){.fresh = node->fork < 0,
                                    .seed = (uint64_t)v->seeds[r->seed],
                                    .step = p->from,
                                    .edits = p->edits,
                                    .settings = p->settings,
                                    .profile = v->profile};
    if (node->fork >= 0) {
        p->origin.seed = 0;
        p->origin.parent = v->forks[(size_t)node->fork * v->n_seeds + r->seed].pub.state;
    }
    p->derived = node->fork < 0 || *p->edits;
    if (!p->derived) {
        p->start = p->origin.parent;
        p->start_known = true;
        return 0;
    }
    rc = stm_origin_load(&p->origin, v->store, &p->start, err);
    p->start_known = p->start.alg != 0;
    return rc;
}

static int make_pieces(struct stm_view *v, const struct stm_timeline *t, struct stm_replicate *r,
                       struct stm_err *err)
{
    r->pieces = stm_calloc(PIECES_MAX, sizeof *r->pieces);
    if (!r->pieces) return stm_fail(err, STM_E_NOMEM, "resolving an arm: out of memory");
    uint64_t from = r->pub.fork_step;
    struct stm_id start = {0};
    for (;;) {
        struct stm_piece *p = &r->pieces[r->n_pieces++];
        p->from = from;
        p->cut = stm_timeline_cut(t, from);
        int rc = piece_settings(t, p, err);
        if (!rc && r->n_pieces == 1) rc = first_start(v, t, r, p, err);
        if (rc) return rc;
        if (r->n_pieces > 1) {
            p->start = start;
            p->start_known = true;
        }
        if (!p->start_known) return 0;
        p->key = stm_trail_key(&p->start, p->settings, v->profile);
        p->trail = stm_view_trail(v, &p->key, err);
        if (!p->trail) return err ? err->code : STM_E_IO;
        const struct stm_trail_entry *e =
            p->cut == STM_NEVER ? NULL : stm_trail_at(p->trail, p->cut);
        if (!e || !e->stored) return 0;
        if (r->n_pieces == PIECES_MAX)
            return stm_fail(err, STM_E_INVALID, "arm `%s` has more than %d windows",
                            v->plan->nodes[r->node].path, PIECES_MAX);
        from = p->cut;
        start = e->state;
    }
}

int stm_view_locate(struct stm_view *v, struct stm_replicate *r, struct stm_err *err)
{
    struct stm_lineage l;
    struct stm_timeline t;
    struct stm_err local = {0};
    drop_pieces(r);
    r->located = true;
    int rc = lineage_of(v, r->node, r->seed, &l, err);
    if (!rc) rc = stm_timeline_make(&t, &v->data, &l, r->seed, &local);
    if (!rc) {
        rc = make_pieces(v, &t, r, &local);
        stm_timeline_release(&t);
    }
    if (rc) {
        drop_pieces(r);
        r->located = false;
    }
    if (rc == STM_E_NOTFOUND) { /* a number that is known only after another arm has run */
        snprintf(r->why, sizeof r->why, "%.*s", (int)sizeof r->why - 1, local.msg);
        return 0;
    }
    if (rc && err) *err = local.code ? local : *err;
    return rc;
}
